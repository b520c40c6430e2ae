// The one writer of an event log.
//
// Threading: one thread calls everything here except `failed`, `failure`, `disk_low`,
// `durable_sequence` and the two words, which any thread may read. A thread of the log's own
// (durability.hpp) makes what was appended durable, prepares the next segment, and keeps chain,
// marks and retention.
//
// `append` copies the record into a mapped, pre-faulted segment, sums it (CRC-32C, 11 steps for a
// 64-byte payload) and commits it by a release-store of the length: no system call, no lock, no
// allocation. Cost: native/bench/log. Slow: the append that finds its segment full (once per
// segment_size_bytes): it writes the END frame, takes the prepared successor and runs the roll
// hook; should no successor be ready, because the disk is slower than the log, it waits for one
// and `roll_waits` counts it.
// Not handled here: two writers in one folder (refused by a lock), frames above frame_bytes_max.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "pitwire/base/doorbell.hpp"
#include "pitwire/log/frame.hpp"
#include "pitwire/log/recovery.hpp"
#include "pitwire/log/sync_policy.hpp"

namespace pitwire {

class Durability;
class SegmentFile;
struct RecoveredTail;

struct LogOptions {
  std::filesystem::path folder;
  std::uint64_t segment_size_bytes = 256ULL << 20;  ///< multiple of 4096, 16 KiB to 2 GiB
  bool prefault = true;                             ///< fault pages in ahead of the writer
  std::uint64_t retain_bytes = 0;                   ///< of finished segments; 0 keeps all
  std::uint64_t retain_days = 0;                    ///< 0 keeps all
  std::uint64_t low_disk_bytes = 1ULL << 30;        ///< free space below which disk_low()
  Nanos sync_interval_ns = kMillisecond;            ///< between group syncs while there is work
  Nanos sync_interval_idle_ns = 4 * kMillisecond;   ///< how late idle thread sees the first frame
  SyncPolicy sync = {};                             ///< which frames ask for a sync
  Nanos sync_interval_lazy_ns = kSecond;            ///< those that do not are synced after this
  std::function<void()> before_sync = {};           ///< on the log's thread; a test holds it there
  std::array<std::byte, 16> log_uuid{};             ///< of a new log; zeros: drawn at random
  std::uint64_t recover_scan_bytes = 2ULL << 30;  ///< newest bytes whose every sum recovery checks
};

class LogWriter {
 public:
  /// A new log in a folder without one (made if need be).
  /// Throws std::invalid_argument for an option out of bounds, LogError where there is a log
  /// already, another writer holds it, or the folder cannot be written.
  [[nodiscard]] static LogWriter create(const LogOptions& options);
  /// Continues the log in the folder, or begins one; see the table in recovery.cpp. Cuts a torn
  /// tail and reports it; throws LogError with file and offset where anything else is wrong.
  /// Everything that is kept is durable when this returns.
  [[nodiscard]] static LogWriter recover(const LogOptions& options, RecoveryReport& report);

  LogWriter(LogWriter&&) noexcept;
  LogWriter& operator=(LogWriter&&) = delete;
  ~LogWriter();  ///< as close()

  /// Appends one frame and commits it; returns its sequence. 0: it is not in the log (above
  /// frame_bytes_max, closed, or no space after a failure; failed() is then true). After a failed
  /// sync frames still go to the page cache while the current segment has room.
  Sequence append(RecordType type, FrameClass frame_class, Nanos ts_core, Origin origin,
                  std::uint16_t source, std::span<const std::byte> fixed,
                  std::span<const std::byte> tail = {}) noexcept;
  template <class R>
  Sequence append(const R& record, Nanos ts_core, Origin origin = Origin::NONE,
                  std::uint16_t source = 0, std::span<const std::byte> tail = {}) noexcept {
    return append(R::kType, R::kClass, ts_core, origin, source, record_bytes(record), tail);
  }

  [[nodiscard]] Sequence last_sequence() const noexcept { return sequence_; }
  [[nodiscard]] Nanos last_ts_core() const noexcept { return ts_core_; }
  /// Leaves out the next `count` numbers: an epoch's start, so that none is used twice.
  void skip_sequences(std::uint64_t count) noexcept { sequence_ += count; }

  [[nodiscard]] Sequence durable_sequence() const noexcept;
  /// Sleeps until the frame is durable; false where it never will be. Wakes the log's thread.
  bool wait_durable(Sequence sequence) noexcept;
  /// Asks for the frame to be synced now, and does not wait: bells given to ring_when_durable ring.
  void want_durable(Sequence sequence) noexcept;
  /// The bell rings after each sync while somebody wanted one, and when the log fails. Whoever
  /// sleeps on it looks at durable_word() and failed_word() before. It must be taken back before it
  /// is destroyed.
  void ring_when_durable(Doorbell& bell);
  void forget_bell(Doorbell& bell);
  [[nodiscard]] const std::atomic<Sequence>& durable_word() const noexcept;
  [[nodiscard]] const std::atomic<bool>& failed_word() const noexcept;
  /// True for good after the first error of a write, a sync or the preparation of a segment.
  [[nodiscard]] bool failed() const noexcept;
  [[nodiscard]] std::string failure() const;
  /// Free space on the log's disk is below low_disk_bytes; looked at once a second.
  [[nodiscard]] bool disk_low() const noexcept;
  /// Called after a new segment was begun and before the frame that made it necessary. It may
  /// append (definitions, again). They can stand between any two frames, so append them with
  /// FrameClass::STRUCTURE, which replay passes over.
  void on_roll(std::function<void()> hook) { on_roll_ = std::move(hook); }

  [[nodiscard]] std::uint64_t bytes_appended() const noexcept { return bytes_appended_; }
  [[nodiscard]] std::uint64_t frames_appended() const noexcept { return frames_appended_; }
  [[nodiscard]] std::uint64_t roll_waits() const noexcept { return roll_waits_; }
  [[nodiscard]] std::uint64_t segment_index() const noexcept;
  [[nodiscard]] std::uint32_t frame_bytes_max() const noexcept { return frame_bytes_max_; }
  [[nodiscard]] const std::filesystem::path& folder() const noexcept;

  /// Syncs everything, trims the segment, ends the thread, releases the folder. False where it
  /// failed. Further appends return 0.
  bool close() noexcept;

 private:
  LogWriter(std::unique_ptr<Durability> durability, const RecoveredTail& tail);
  /// Begins the next segment, runs the hook, sees to it that the frame fits behind that.
  bool make_room(std::uint32_t length) noexcept;
  /// Puts END and takes the next segment. False where there is none.
  bool roll() noexcept;
  void put(std::byte* at, std::uint32_t length, const FrameHeader& header,
           std::span<const std::byte> fixed, std::span<const std::byte> tail) noexcept;

  std::unique_ptr<Durability> durability_;
  SyncPolicy sync_;
  std::byte* base_ = nullptr;  ///< of the current segment's mapping; null when closed
  std::uint64_t cursor_ = 0;   ///< offset of the next frame
  std::uint64_t limit_ = 0;    ///< frames end here; behind it there is room for END
  Sequence sequence_ = 0;
  Nanos ts_core_ = 0;
  std::uint64_t bytes_appended_ = 0;
  std::uint64_t frames_appended_ = 0;
  std::uint64_t roll_waits_ = 0;
  std::uint32_t frame_bytes_max_ = 0;
  SegmentFile* segment_ = nullptr;
  std::function<void()> on_roll_;
  bool in_hook_ = false;
};

}  // namespace pitwire
