// The marks file: how far the log is committed and durable, for readers in other processes.
//
// One page, mapped by writer and readers. The kernel writes it out when it likes, so on disk it is
// never ahead of the truth: after a crash of the host, `durable` is a lower bound. It is what
// tells a torn tail from damage: what stood below it had been synced.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "pitwire/log/segment.hpp"

namespace pitwire {

struct MarksPage {
  std::array<char, 8> magic;
  std::uint64_t format_version;
  Uuid log_uuid;
  std::uint64_t clean_close;  ///< 1 after close(), 0 while a writer has it open
  std::uint64_t writer_pid;
  std::uint64_t reserved[2];
  std::uint64_t committed;  ///< sequence; as the durability thread last saw it
  std::uint64_t durable;    ///< sequence
};
static_assert(sizeof(MarksPage) == 80);

class Marks {
 public:
  /// Null where the file is absent or is not of this log.
  [[nodiscard]] static std::unique_ptr<Marks> open(const std::filesystem::path& folder);
  /// Creates or takes over the file for writing. Throws LogError.
  [[nodiscard]] static std::unique_ptr<Marks> create(const std::filesystem::path& folder,
                                                     const Uuid& uuid, Sequence sequence);
  Marks(const Marks&) = delete;
  Marks& operator=(const Marks&) = delete;
  ~Marks();

  [[nodiscard]] Sequence durable() const noexcept {
    return __atomic_load_n(&page_->durable, __ATOMIC_ACQUIRE);
  }
  [[nodiscard]] Sequence committed() const noexcept {
    return __atomic_load_n(&page_->committed, __ATOMIC_ACQUIRE);
  }
  void publish(Sequence committed, Sequence durable) noexcept {
    __atomic_store_n(&page_->committed, committed, __ATOMIC_RELEASE);
    __atomic_store_n(&page_->durable, durable, __ATOMIC_RELEASE);
  }
  [[nodiscard]] const MarksPage& page() const noexcept { return *page_; }
  /// Says that the log was closed, and makes it durable. False on error.
  [[nodiscard]] bool close_clean() noexcept;

 private:
  explicit Marks(MarksPage* page) noexcept : page_(page) {}
  MarksPage* page_;
};

/// The lock that makes a writer the only one. Held until destroyed, or the process ends.
class WriterLock {
 public:
  /// Throws LogError where another writer, in this process or another, holds it.
  explicit WriterLock(const std::filesystem::path& folder);
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;
  ~WriterLock();
  /// Whether somebody holds the folder's lock; looks without taking it.
  [[nodiscard]] static bool held(const std::filesystem::path& folder) noexcept;

 private:
  int fd_ = -1;
};

}  // namespace pitwire
