// Reads an event log, in this process or another, live or finished.
//
// A reader maps one segment at a time and walks from frame to frame, checking every sum. It never
// writes and never holds the writer up. While a writer lives it stops at the durable mark (or,
// with Upto::COMMITTED, at the last committed frame); where none does, at the log's end.
// One thread a reader. A frame's memory is valid until the reader leaves its segment: until the
// next call of next() or seek().
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "pitwire/log/frame.hpp"
#include "pitwire/log/recovery.hpp"

namespace pitwire {

class Marks;
class SegmentFile;

/// How far a reader goes while the log is being written.
enum class Upto : std::uint8_t { DURABLE, COMMITTED };

class LogReader {
 public:
  enum class Status : std::uint8_t {
    FRAME,    ///< the last next() gave a frame
    END,      ///< nothing more yet; call next() again later
    TORN,     ///< an unfinished tail; recovery would cut it. error() says where. Final.
    CORRUPT,  ///< damage; error() says where. Final.
  };

  /// Positioned before the first frame held. Throws LogError where the folder holds no log.
  explicit LogReader(std::filesystem::path folder, Upto upto = Upto::DURABLE);
  LogReader(LogReader&&) noexcept;
  ~LogReader();

  /// The next frame; nothing at END, TORN or CORRUPT. SEGMENT_END frames are given too.
  [[nodiscard]] std::optional<Frame> next();
  /// Stands before the first frame whose sequence is at least this; false where there is none
  /// (yet): it then stands at the end.
  bool seek(Sequence sequence);

  [[nodiscard]] Status status() const noexcept { return status_; }
  [[nodiscard]] const LogFault& error() const noexcept { return error_; }
  [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_; }
  /// Of the last frame given; 0 before.
  [[nodiscard]] Sequence last_sequence() const noexcept { return last_sequence_; }
  /// Where the next frame is to stand.
  [[nodiscard]] std::uint64_t segment_index() const noexcept { return segment_index_; }
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
  /// As the writer last published it; 0 where the log has no marks.
  [[nodiscard]] Sequence durable_sequence() const noexcept;

 private:
  enum class Step : std::uint8_t { FRAME, END, FAULT };
  bool next_in_segment();
  void fault_in();
  Step step();
  Step vacant();
  Step damaged(std::string reason);
  Step fault(std::uint64_t offset, std::string reason, Status status);
  void take();
  bool allowed(Sequence sequence);
  bool open_segment(std::uint64_t index);
  bool grown();
  [[nodiscard]] bool successor_begun() const;
  bool skip_to(Sequence sequence);

  std::filesystem::path folder_;
  Upto upto_;
  std::unique_ptr<Marks> marks_;
  std::unique_ptr<SegmentFile> segment_;
  std::uint64_t segment_index_ = 0;
  std::uint64_t offset_ = 0;
  std::uint64_t faulted_in_ = 0;  ///< pages below this offset were asked for
  Sequence last_sequence_ = 0;
  Sequence limit_ = 0;        ///< newest durable mark seen
  bool writer_gone_ = false;  ///< found at the durable mark: the rest may be read
  bool at_segment_end_ = true;
  std::uint64_t next_segment_ = 0;
  Status status_ = Status::END;
  LogFault error_;
  Frame frame_;
};

/// Holds back retention: segments with frames behind the named reader's position are kept, also
/// across restarts of the reader, until `forget`.
class ReaderRegistration {
 public:
  /// Throws LogError where the file cannot be written.
  ReaderRegistration(const std::filesystem::path& log_folder, const std::string& name);
  ReaderRegistration(const ReaderRegistration&) = delete;
  ReaderRegistration& operator=(const ReaderRegistration&) = delete;
  ~ReaderRegistration();
  [[nodiscard]] Sequence position() const;  ///< as stored: where to go on after a restart
  bool update(Sequence done) noexcept;      ///< everything up to this is no longer needed
  void forget() noexcept;

 private:
  std::filesystem::path path_;
  int fd_ = -1;
};

}  // namespace pitwire
