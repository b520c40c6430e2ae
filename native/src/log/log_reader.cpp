#include "pitwire/log/log_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <limits>

#include "pitwire/log/marks.hpp"
#include "pitwire/log/scan.hpp"
#include "pitwire/log/segment.hpp"

namespace pitwire {

LogReader::LogReader(std::filesystem::path folder, Upto upto)
    : folder_(std::move(folder)), upto_(upto), marks_(Marks::open(folder_)) {
  const auto indices = segment_indices(folder_);
  if (indices.empty()) throw LogError({folder_.string(), 0, "no event log here"});
  next_segment_ = indices.front();
}

LogReader::LogReader(LogReader&&) noexcept = default;
LogReader::~LogReader() = default;

Sequence LogReader::durable_sequence() const noexcept { return marks_ ? marks_->durable() : 0; }

std::optional<Frame> LogReader::next() {
  if (status_ == Status::FRAME && next_in_segment()) return frame_;
  if (status_ == Status::TORN || status_ == Status::CORRUPT) return std::nullopt;
  const auto found = step();
  if (found == Step::FAULT) return std::nullopt;
  if (found == Step::END || !allowed(frame_.sequence())) {
    status_ = Status::END;
    writer_gone_ = false;
    return std::nullopt;
  }
  take();
  status_ = Status::FRAME;
  return frame_;
}

/// The common case, a few ns: one more whole frame in the same segment, below the limit.
/// Everything else, and everything doubtful, is left to `step`.
bool LogReader::next_in_segment() {
  if (at_segment_end_) return false;
  if (offset_ >= faulted_in_) fault_in();
  const auto room = segment_->size() - offset_;
  if (room < kFrameHeaderBytes) return false;
  const auto* at = segment_->data() + offset_;
  const auto length = committed_length(at);
  if (!plausible_length(length, room)) return false;
  const auto frame = frame_at(at);
  const auto sequence = frame.sequence();
  const bool free = upto_ == Upto::COMMITTED || sequence <= limit_ || writer_gone_;
  if (!free || sequence <= last_sequence_ || frame.header->crc != frame_crc(at, length))
    return false;
  frame_ = frame;
  take();
  return true;
}

/// Pages in a stretch before it is walked: one system call instead of a fault every 64 KiB.
void LogReader::fault_in() {
  constexpr std::uint64_t kStretch = 4ULL << 20;
  segment_->populate_for_reading(offset_, kStretch);
  faulted_in_ = (offset_ / kPageBytes + 1) * kPageBytes + kStretch - kPageBytes;
}

void LogReader::take() {
  offset_ += frame_.header->length;
  last_sequence_ = frame_.sequence();
  if (const auto* end = frame_.as<rec::SegmentEnd>()) {
    at_segment_end_ = true;
    next_segment_ = end->next_segment;
  }
}

LogReader::Step LogReader::step() {
  if (at_segment_end_ && !open_segment(next_segment_)) {
    return status_ == Status::CORRUPT ? Step::FAULT : Step::END;
  }
  std::string reason;
  switch (examine(segment_->data(), segment_->size(), offset_, last_sequence_, &reason)) {
    case FrameState::VALID:
      frame_ = frame_at(segment_->data() + offset_);
      return Step::FRAME;
    case FrameState::VACANT:
      return vacant();
    case FrameState::DAMAGED:
      return damaged(std::move(reason));
    case FrameState::FALLING:
      break;
  }
  return fault(offset_, std::move(reason), Status::CORRUPT);
}

/// Nothing committed here: the writer has not come so far, or the log ends, well or badly.
LogReader::Step LogReader::vacant() {
  if (grown()) return step();
  if (WriterLock::held(folder_)) return Step::END;
  if (segment_->written_end(offset_) > offset_) return damaged("frame was not committed");
  if (!successor_begun()) return Step::END;
  return fault(offset_, "segment ends without an END frame", Status::CORRUPT);
}

/// Whether there is a later segment that is more than prepared.
bool LogReader::successor_begun() const {
  const auto indices = segment_indices(folder_);
  const auto later = std::upper_bound(indices.begin(), indices.end(), segment_index_);
  if (later == indices.end()) return false;
  const auto file = SegmentFile::find(folder_, *later);
  std::string reason;
  return file != nullptr && file->header_state(reason) != HeaderState::VACANT;
}

LogReader::Step LogReader::damaged(std::string reason) {
  const auto end = segment_->written_end(offset_);
  const bool more =
      frames_behind(*segment_, offset_ + 8, end, last_sequence_, 1) > 0 || successor_begun();
  return fault(offset_, std::move(reason), more ? Status::CORRUPT : Status::TORN);
}

LogReader::Step LogReader::fault(std::uint64_t offset, std::string reason, Status status) {
  error_ = {(folder_ / segment_name(segment_index_)).string(), offset, std::move(reason)};
  status_ = status;
  return Step::FAULT;
}

/// Whether a writer went on with a segment that was trimmed when this reader mapped it.
bool LogReader::grown() {
  if (offset_ + 8 <= segment_->size()) return false;
  auto again = SegmentFile::open(folder_, segment_index_);
  if (again->size() <= segment_->size()) return false;
  segment_ = std::move(again);
  return true;
}

bool LogReader::allowed(Sequence sequence) {
  if (upto_ == Upto::COMMITTED || sequence <= limit_ || writer_gone_) return true;
  if (!marks_) marks_ = Marks::open(folder_);
  // Marks of another log (files were copied together by hand) say nothing of this one.
  if (!marks_ || marks_->page().log_uuid != segment_->header().log_uuid) return true;
  limit_ = marks_->durable();
  if (sequence <= limit_) return true;
  writer_gone_ = !WriterLock::held(folder_);
  return writer_gone_;
}

/// False where the segment is not there or not begun yet, and where it is damaged (CORRUPT).
bool LogReader::open_segment(std::uint64_t index) {
  segment_index_ = index;
  offset_ = kSegmentHeaderBytes;
  auto file = SegmentFile::find(folder_, index);
  if (file == nullptr) {
    const auto indices = segment_indices(folder_);
    if (indices.empty() || indices.back() < index) return false;
    fault(0, "segment is missing, the log goes on with " + segment_name(indices.back()),
          Status::CORRUPT);
    return false;
  }
  // Partner: SegmentFile::begin stores the magic last, with release.
  const auto* magic = reinterpret_cast<const std::uint64_t*>(file->data());
  const bool begun = file->size() >= 8 && __atomic_load_n(magic, __ATOMIC_ACQUIRE) != 0;
  if (!begun && WriterLock::held(folder_)) return false;
  std::string reason;
  switch (file->header_state(reason)) {
    case HeaderState::VACANT:
      return false;
    case HeaderState::BAD:
      fault(0, std::move(reason), Status::CORRUPT);
      return false;
    case HeaderState::VALID:
      break;
  }
  last_sequence_ = std::max(last_sequence_, file->header().first_sequence - 1);
  segment_ = std::move(file);
  faulted_in_ = 0;
  at_segment_end_ = false;
  return true;
}

bool LogReader::seek(Sequence sequence) {
  const auto indices = segment_indices(folder_);
  const auto begins_above = [&](Sequence wanted, std::uint64_t index) {
    const auto file = SegmentFile::open(folder_, index);
    std::string reason;
    return file->header_state(reason) != HeaderState::VALID ||
           file->header().first_sequence > wanted;
  };
  auto found = std::upper_bound(indices.begin(), indices.end(), sequence, begins_above);
  if (found != indices.begin()) --found;
  status_ = Status::END;
  last_sequence_ = 0;
  if (!open_segment(*found)) {
    at_segment_end_ = true;
    next_segment_ = *found;
    return false;
  }
  while (skip_to(sequence)) {
    if (!open_segment(next_segment_)) return false;
  }
  return status_ == Status::FRAME;
}

/// Follows lengths, without sums, to the first frame not below `sequence`: status FRAME. True
/// where the segment ended before.
bool LogReader::skip_to(Sequence sequence) {
  for (;;) {
    const auto* at = segment_->data() + offset_;
    const auto length = offset_ + 8 > segment_->size() ? 0 : committed_length(at);
    if (!plausible_length(length, segment_->size() - offset_)) {
      status_ = Status::END;  // whatever it is, next() finds and names it
      return false;
    }
    frame_ = frame_at(at);
    if (frame_.sequence() >= sequence) {
      status_ = allowed(frame_.sequence()) ? Status::FRAME : Status::END;
      return false;
    }
    take();
    if (at_segment_end_) return true;
  }
}

// ---------------------------------------------------------------- registration

ReaderRegistration::ReaderRegistration(const std::filesystem::path& log_folder,
                                       const std::string& name)
    : path_(log_folder / "readers" / name) {
  if (name.empty() || name.find('/') != std::string::npos || name.front() == '.') {
    throw std::invalid_argument("reader name '" + name + "': expected a plain file name");
  }
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (fd_ < 0) throw_errno(path_, "open");
  struct stat status{};
  if (::fstat(fd_, &status) == 0 && status.st_size == 0) update(0);
}

ReaderRegistration::~ReaderRegistration() { ::close(fd_); }

Sequence ReaderRegistration::position() const {
  char text[24] = {};
  if (::pread(fd_, text, sizeof text - 1, 0) <= 0) return 0;
  return std::strtoull(text, nullptr, 10);
}

bool ReaderRegistration::update(Sequence done) noexcept {
  char text[24];
  // Always as long as the longest, so that one write replaces the last one whole.
  const int size =
      std::snprintf(text, sizeof text, "%020llu\n", static_cast<unsigned long long>(done));
  return ::pwrite(fd_, text, static_cast<std::size_t>(size), 0) == size;
}

void ReaderRegistration::forget() noexcept { ::unlink(path_.c_str()); }

}  // namespace pitwire
