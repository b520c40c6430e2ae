// One page in the runtime directory that says whether the daemon lives and whether it may send.
//
// Layout. A header (magic, version), then groups on cache lines of their own by who writes them:
// the heartbeat and positions by the core's thread, the kill word by anyone, the fence by whoever
// takes over. The watchdog and metrics processes map the same file.
//
// The kill word and the fence outlive the process: a restart opens the page that is there, so that
// a killed daemon comes back killed, and only clear_kill(), an operator's act, ends it.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string>

#include "pitwire/base/shared_memory.hpp"
#include "pitwire/base/types.hpp"

namespace pitwire {

/// As mapped. Every word is a lock-free atomic; readers may look at any time.
struct StatusPage {
  static constexpr std::uint64_t kMagic = 0x5441545357544950;  // "PITWSTAT", little-endian
  static constexpr std::uint32_t kVersion = 1;

  std::uint64_t magic;
  std::uint32_t version;
  std::atomic<std::uint32_t> pid;
  std::atomic<std::uint32_t> phase;  // daemon's own numbering: starting, ready, stopping, ...
  std::atomic<std::uint32_t> epoch;
  std::atomic<std::int64_t> started_ts;

  alignas(64) std::atomic<std::uint64_t> turn;  // counts turns; the watchdog looks for a change
  std::atomic<std::int64_t> turn_ts;            // ts_core of that turn
  std::atomic<std::uint64_t> committed_sequence;
  std::atomic<std::uint64_t> durable_sequence;

  alignas(64) std::atomic<std::uint32_t> kill_word;  // 0: not killed
  std::atomic<std::uint32_t> kill_uid;               // who, kNoId when set by no peer
  std::atomic<std::int64_t> kill_ts;                 // host clock when the word was set

  alignas(64) std::atomic<std::uint64_t> fence;  // the token of whoever may send
};
static_assert(sizeof(StatusPage) == 256 && std::atomic<std::uint64_t>::is_always_lock_free);

class SharedStatus {
 public:
  /// Opens the page at `path`, or makes it (mode as given) when there is none. Throws
  /// std::invalid_argument with path and reason, also when the file is something else.
  explicit SharedStatus(const std::string& path, mode_t mode = 0640);
  /// Opens a page that exists; read-only for those who only look.
  [[nodiscard]] static SharedStatus open(const std::string& path, bool writable);

  [[nodiscard]] StatusPage& page() noexcept { return *page_; }
  [[nodiscard]] const StatusPage& page() const noexcept { return *page_; }

  /// Core's thread, once a turn.
  void heartbeat(std::uint64_t turn, Nanos ts_core) noexcept;
  void set_positions(Sequence committed, Sequence durable) noexcept;
  void set_phase(std::uint32_t phase) noexcept;

  /// What the gate and egress read before each order: one relaxed load.
  [[nodiscard]] bool killed() const noexcept {
    return page_->kill_word.load(std::memory_order_relaxed) != 0;
  }
  /// Word that the gate may be given to look at by itself.
  [[nodiscard]] const std::atomic<std::uint32_t>& kill_word() const noexcept {
    return page_->kill_word;
  }
  /// Any thread or process. Sets the word (never 0) and returns its new value, which rises by one
  /// with each kill; who and when are those of the first since the last clear.
  std::uint32_t kill(std::uint32_t uid) noexcept;
  /// An operator's explicit act.
  void clear_kill() noexcept;

  /// Takes the right to send from whoever had it; returns the token that holds() knows.
  [[nodiscard]] std::uint64_t acquire_fence() noexcept;
  /// True while nobody else has taken the fence. What egress reads before each write.
  [[nodiscard]] bool holds(std::uint64_t token) const noexcept {
    return page_->fence.load(std::memory_order_acquire) == token;
  }

 private:
  explicit SharedStatus(SharedMemory memory, const std::string& path);

  SharedMemory memory_;
  StatusPage* page_;
};

/// The fence as egress holds it: a token and the page.
class Fence {
 public:
  explicit Fence(SharedStatus& status) noexcept
      : status_(&status), token_(status.acquire_fence()) {}
  [[nodiscard]] bool ours() const noexcept { return status_->holds(token_); }
  [[nodiscard]] std::uint64_t token() const noexcept { return token_; }

 private:
  const SharedStatus* status_;
  std::uint64_t token_;
};

}  // namespace pitwire
