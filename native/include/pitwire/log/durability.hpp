// The durability thread: everything about a log that costs system calls.
//
// It syncs what the writer committed (one ranged sync a round, for all frames since the last),
// publishes the durable mark, extends the hash chain, prepares the next segment, faults pages in
// ahead of the writer, finishes left segments, applies retention and looks at the disk's space.
// The writer tells it where it stands by two relaxed-cost stores (`committed`); the thread looks
// every sync_interval, less often when idle, at once when somebody waits. It syncs when a frame
// asked for it (SyncPolicy) or somebody waits; frames that ask for nothing go along, or are synced
// sync_interval_lazy after the last sync, so that readers, who stop at the durable mark, come on.
//
// The first error of any of it is final: `failed` is set, nothing is synced or retried any more
// (after a failed sync the kernel may have dropped the dirty pages, so that a second, successful
// one would prove nothing), waiters get false.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "pitwire/base/doorbell.hpp"
#include "pitwire/log/chain.hpp"
#include "pitwire/log/log_writer.hpp"
#include "pitwire/log/marks.hpp"
#include "pitwire/log/segment.hpp"

namespace pitwire {

/// What recovery, or creation, leaves behind for the writer to go on from.
struct RecoveredTail {
  std::unique_ptr<WriterLock> lock;
  Uuid log_uuid{};
  std::unique_ptr<SegmentFile> segment;
  std::uint64_t offset = 0;  ///< of the next frame; everything before is durable
  Sequence last_sequence = 0;
  Nanos last_ts_core = 0;
  std::optional<Hash> previous_hash;  ///< to be written into `segment`, where it is not yet
};

class Durability {
 public:
  /// Takes the tail's segment, lock and marks over and starts the thread. Throws LogError.
  Durability(const LogOptions& options, RecoveredTail& tail);
  Durability(const Durability&) = delete;
  Durability& operator=(const Durability&) = delete;
  ~Durability();

  // -- the writer's side
  /// The frame `sequence` ends at `offset` of segment `index`; whether it asks for a sync.
  void committed(std::uint64_t index, std::uint64_t offset, Sequence sequence, bool asks) noexcept {
    // Relaxed: the release below carries it to whoever sees the sequence.
    if (asks) asked_.store(sequence, std::memory_order_relaxed);
    // Position first: whoever sees the sequence (acquire, in `look`) finds its bytes below it.
    position_.store(index << kOffsetBits | offset, std::memory_order_release);
    sequence_.store(sequence, std::memory_order_release);
  }
  [[nodiscard]] SegmentFile* first_segment() noexcept { return current_.get(); }
  /// The next segment, if it is prepared.
  [[nodiscard]] SegmentFile* try_next() noexcept {
    return next_.exchange(nullptr, std::memory_order_acq_rel);
  }
  /// Sleeps until it is; null where it never will be.
  [[nodiscard]] SegmentFile* wait_next() noexcept;
  [[nodiscard]] bool wait_durable(Sequence sequence) noexcept;
  void want_durable(Sequence sequence) noexcept;
  void add_bell(Doorbell& bell);
  void remove_bell(Doorbell& bell);
  /// Ends the thread after a last sync; trims and closes the log. False where it failed.
  bool close() noexcept;

  // -- any thread
  [[nodiscard]] Sequence durable() const noexcept {
    return durable_.load(std::memory_order_acquire);
  }
  [[nodiscard]] bool failed() const noexcept { return failed_.load(std::memory_order_acquire); }
  [[nodiscard]] const std::atomic<Sequence>& durable_word() const noexcept { return durable_; }
  [[nodiscard]] const std::atomic<bool>& failed_word() const noexcept { return failed_; }
  [[nodiscard]] bool disk_low() const noexcept { return disk_low_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::string failure() const;
  [[nodiscard]] const LogOptions& options() const noexcept { return options_; }
  [[nodiscard]] const Uuid& log_uuid() const noexcept { return log_uuid_; }

 private:
  static constexpr unsigned kOffsetBits = 32;
  struct Seen {
    Sequence sequence;
    std::uint64_t index;
    std::uint64_t offset;
  };

  void run() noexcept;
  bool round(Sequence wanted);  ///< true where there was something to do
  [[nodiscard]] bool due(const Seen& seen, Sequence wanted) const noexcept;
  void tell_waiters() noexcept;
  [[nodiscard]] Seen look() const noexcept;
  void sync_to(const Seen& seen);
  void finish_current();
  void prepare_next();
  void populate_ahead();
  bool sync_steps(std::uint64_t to);
  bool hash_steps();
  void look_at_disk();
  void fail(const std::string& what) noexcept;
  void fail_errno(const std::string& what) noexcept;
  void close_files();

  LogOptions options_;
  Uuid log_uuid_;
  std::unique_ptr<WriterLock> lock_;
  std::unique_ptr<Marks> marks_;

  // Written by the writer on every append, read by the thread every round.
  alignas(64) std::atomic<std::uint64_t> position_{0};
  std::atomic<Sequence> sequence_{0};
  std::atomic<Sequence> asked_{0};
  alignas(64) std::atomic<Sequence> durable_{0};
  std::atomic<bool> failed_{false};
  std::atomic<bool> disk_low_{false};
  std::atomic<SegmentFile*> next_{nullptr};

  // The thread's own.
  std::unique_ptr<SegmentFile> current_;   ///< the segment being synced
  std::unique_ptr<SegmentFile> prepared_;  ///< its successor, whether the writer took it or not
  std::unique_ptr<ChainWriter> chain_;
  std::uint64_t synced_ = 0;  ///< offset in current_
  Nanos synced_at_ = 0;       ///< monotonic
  Nanos disk_looked_at_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  Sequence wanted_ = 0;
  std::vector<Doorbell*> bells_;
  bool next_wanted_ = false;
  bool stop_ = false;
  std::string failure_;
  std::thread thread_;
};

}  // namespace pitwire
