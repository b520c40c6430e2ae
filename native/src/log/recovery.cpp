// What a log found at start is worth.
//
// The crux is telling a tail that was being written when the process or the host died from damage
// to something that had been whole. Three facts decide: where it stands, whether whole frames
// follow it, and whether the marks file says that something at or behind it had been made durable.
// A killed process leaves at most one unfinished frame, at the very end. A host that lost power
// leaves pages written in any order, so holes with whole frames behind them, but never below the
// durable mark, of which the marks file on disk is a lower bound.
//
// The table below is the recovery; `decide` is its only reader.
#include "pitwire/log/recovery.hpp"

#include <algorithm>
#include <limits>

#include "pitwire/log/chain.hpp"
#include "pitwire/log/open.hpp"
#include "pitwire/log/scan.hpp"

namespace pitwire {
namespace {

namespace fs = std::filesystem;

/// What is wrong, at the first place where something is.
enum class Damage : std::uint8_t {
  NONE,         ///< zeros behind the last frame
  UNFINISHED,   ///< no length, but something was written
  BAD_FRAME,    ///< length or sum cannot be
  BAD_HEADER,   ///< of a segment
  ENDS_EARLY,   ///< a segment without END, but with a successor
  FALLING,      ///< sequence not above the one before
  UNSUPPORTED,  ///< type, version or encryption this build cannot apply
  MISSING,      ///< a segment that others name
  WRONG_HASH,   ///< the previous segment's hash does not agree
};
enum class Is : std::uint8_t { NO, YES, ANY };
enum class Durable : std::uint8_t { NO, YES, UNKNOWN };  // UNKNOWN: there are no marks
enum class Action : std::uint8_t { GO_ON, CUT, CUT_AND_WARN, REFUSE };

struct Rule {
  Damage damage;
  Is frames_follow;  ///< whole frames behind it, in this segment or a later one
  Is durable;        ///< something at or behind it had been made durable
  Is no_marks;       ///< whether it was is unknown
  Action action;
};

// First match counts.            follow     durable    no marks
constexpr Rule kTable[] = {
    {Damage::NONE, Is::ANY, Is::YES, Is::NO, Action::CUT_AND_WARN},  // synced, and gone
    {Damage::NONE, Is::ANY, Is::ANY, Is::ANY, Action::GO_ON},
    {Damage::UNFINISHED, Is::NO, Is::YES, Is::NO, Action::CUT_AND_WARN},
    {Damage::UNFINISHED, Is::NO, Is::ANY, Is::ANY, Action::CUT},  // killed in append
    {Damage::UNFINISHED, Is::YES, Is::NO, Is::NO, Action::CUT},   // host: lost page
    {Damage::BAD_FRAME, Is::NO, Is::YES, Is::NO, Action::CUT_AND_WARN},
    {Damage::BAD_FRAME, Is::NO, Is::ANY, Is::ANY, Action::CUT},
    {Damage::BAD_FRAME, Is::YES, Is::NO, Is::NO, Action::CUT},   // host: lost page
    {Damage::BAD_HEADER, Is::NO, Is::NO, Is::ANY, Action::CUT},  // begun, no more
    {Damage::BAD_HEADER, Is::YES, Is::NO, Is::NO, Action::CUT},
    {Damage::ENDS_EARLY, Is::YES, Is::NO, Is::NO, Action::CUT},  // host: lost END
    {Damage::ENDS_EARLY, Is::NO, Is::NO, Is::ANY, Action::CUT},
    // Everything else, and whatever the table does not name: FALLING, UNSUPPORTED, MISSING,
    // WRONG_HASH, and damage with whole frames behind it where nothing proves it was a tail.
};

bool fits(Is rule, bool fact) { return rule == Is::ANY || (rule == Is::YES) == fact; }

Action decide(Damage damage, bool frames_follow, Durable durable) {
  for (const auto& rule : kTable) {
    if (rule.damage == damage && fits(rule.frames_follow, frames_follow) &&
        fits(rule.durable, durable == Durable::YES) &&
        fits(rule.no_marks, durable == Durable::UNKNOWN)) {
      return rule.action;
    }
  }
  return Action::REFUSE;
}

/// One recovery: opens segments in order until the log ends or something is wrong.
class Recovery {
 public:
  Recovery(const LogOptions& options, RecoveryReport& report)
      : options_(options), report_(report), indices_(segment_indices(options.folder)) {}

  /// False where there is no segment that was begun.
  bool find() {
    drop_prepared();
    if (indices_.empty()) return false;
    read_marks();
    const auto first_scanned = scan_from();
    for (at_ = 0; at_ < indices_.size(); ++at_) {
      if (!take_segment(at_ >= first_scanned)) break;
    }
    return true;
  }

  RecoveredTail finish(std::unique_ptr<WriterLock> lock);

 private:
  void drop_prepared();
  void read_marks();
  [[nodiscard]] std::size_t scan_from() const;
  bool take_segment(bool scan);
  bool check_header();
  void check_previous_hash();
  void finish_segment();
  bool walk();
  bool walk_ended(const SegmentScan& scan);
  /// True where recovery goes on with the next segment; false where the log ends here.
  bool wrong(Damage damage, std::uint64_t offset, const std::string& reason);
  [[nodiscard]] std::uint64_t frames_after(std::uint64_t offset) const;
  [[nodiscard]] Durable durable_beyond(Sequence sequence) const;
  void cut(std::uint64_t offset);

  const LogOptions& options_;
  RecoveryReport& report_;
  std::vector<std::uint64_t> indices_;
  std::unique_ptr<Marks> marks_;
  std::size_t at_ = 0;
  std::unique_ptr<SegmentFile> segment_;  ///< the newest one whose header is valid
  std::unique_ptr<SegmentFile> opened_;   ///< the one being looked at
  std::uint64_t end_ = kSegmentHeaderBytes;
  Sequence last_sequence_ = 0;
  Nanos last_ts_core_ = 0;
  std::optional<std::uint64_t> named_next_;
  std::optional<Hash> previous_hash_;
  bool previous_scanned_ = false;
};

/// The newest file may be one that was prepared and never begun: it holds nothing.
void Recovery::drop_prepared() {
  while (!indices_.empty()) {
    const auto file = SegmentFile::open(options_.folder, indices_.back());
    std::string reason;
    if (file->header_state(reason) != HeaderState::VACANT) return;
    if (file->size() > 0 && file->written_end(0) > 0) return;  // frames without a header
    fs::remove(file->path());
    indices_.pop_back();
  }
}

void Recovery::read_marks() {
  marks_ = Marks::open(options_.folder);
  if (!marks_) return;
  report_.durable_sequence = marks_->durable();
  report_.clean_close = marks_->page().clean_close == 1;
}

/// The first of the newest segments that together have recover_scan_bytes; always the last two.
std::size_t Recovery::scan_from() const {
  const auto count = indices_.size();
  std::uint64_t bytes = 0;
  for (auto i = count; i-- > 0;) {
    std::error_code none;
    bytes += fs::file_size(options_.folder / segment_name(indices_[i]), none);
    if (bytes > options_.recover_scan_bytes) return std::min(i, count < 2 ? 0 : count - 2);
  }
  return 0;
}

bool Recovery::take_segment(bool scan) {
  opened_ = SegmentFile::open(options_.folder, indices_[at_], true);
  if (!check_header()) return false;
  if (named_next_ && *named_next_ != opened_->index()) {
    return wrong(Damage::MISSING, 0, "segment " + std::to_string(*named_next_) + " is missing");
  }
  if (opened_->header().first_sequence <= last_sequence_ && at_ > 0) {
    return wrong(Damage::FALLING, 0, "first sequence not above the segment's before");
  }
  if (scan) check_previous_hash();
  if (at_ == 0) report_.first_sequence = opened_->header().first_sequence;
  last_sequence_ = opened_->header().first_sequence - 1;
  previous_scanned_ = scan;
  segment_ = std::move(opened_);
  end_ = kSegmentHeaderBytes;
  ++report_.segments;
  if (scan) return walk();
  named_next_ = segment_->index() + 1;
  return true;
}

bool Recovery::check_header() {
  std::string reason;
  const auto state = opened_->header_state(reason);
  if (state == HeaderState::VALID &&
      (!segment_ || segment_->header().log_uuid == opened_->header().log_uuid)) {
    if (!segment_ && marks_ && marks_->page().log_uuid != opened_->header().log_uuid) {
      marks_.reset();  // another log's: they say nothing of this one
      report_.durable_sequence = 0;
      report_.clean_close = false;
    }
    return true;
  }
  if (state == HeaderState::VACANT) reason = "segment without a header";
  if (state == HeaderState::VALID) reason = "segment of another log";
  return wrong(state == HeaderState::VALID ? Damage::MISSING : Damage::BAD_HEADER, 0, reason);
}

void Recovery::check_previous_hash() {
  const auto found = opened_->previous_hash();
  const auto refuse = [this](const std::string& why) {
    throw LogError({opened_->path().string(), kPreviousHashOffset, why});
  };
  if (const auto reason = damaged_previous_hash(found, opened_->index())) refuse(*reason);
  previous_hash_.reset();
  if (!previous_scanned_) return;
  const auto stored = stored_segment_hash(options_.folder, *segment_, end_);
  if (stored && found.state == kPreviousHashKnown && *stored == found.sha256) return;
  const auto hash = segment_hash(segment_->data(), end_);
  if (found.state == kPreviousHashKnown && found.sha256 != hash) {
    refuse("previous segment's hash does not agree with " + segment_->path().string());
  }
  if (found.state == 0) previous_hash_ = hash;  // the writer died before it was known
  // Then its sidecar may not have been synced either, and be what an earlier writer left.
  if (!stored || found.state == 0) finish_segment();
}

/// What the durability thread had not come to: everything synced, the chain complete, trimmed.
void Recovery::finish_segment() {
  if (!segment_->sync(0, segment_->size())) throw_errno(segment_->path(), "msync");
  if (!ChainWriter(options_.folder, *segment_, end_).finish(end_)) {
    throw_errno(segment_->path(), "chain");
  }
  const auto size = std::min(trimmed_bytes(end_), segment_->size());
  if (!segment_->resize(size)) throw_errno(segment_->path(), "trim");
}

bool Recovery::walk() {
  std::optional<std::string> unsupported_reason;
  const auto scan = scan_segment(*segment_, {last_sequence_, true}, unsupported_reason);
  end_ = scan.end;
  last_sequence_ = scan.last_sequence;
  if (scan.frames > 0) last_ts_core_ = scan.last_ts_core;
  report_.frames += scan.frames;
  if (unsupported_reason) return wrong(Damage::UNSUPPORTED, end_, *unsupported_reason);
  named_next_ = scan.next_segment;
  return walk_ended(scan);
}

bool Recovery::walk_ended(const SegmentScan& scan) {
  const bool last = at_ + 1 == indices_.size();
  const bool more = segment_->written_end(end_) > end_;
  switch (scan.stopped_by) {
    case FrameState::VALID:
      if (*scan.next_segment != segment_->index() + 1) {
        return wrong(Damage::MISSING, end_,
                     "END names segment " + std::to_string(*scan.next_segment) +
                         " as the next one, expected " + std::to_string(segment_->index() + 1));
      }
      if (more) return wrong(Damage::BAD_FRAME, end_, "bytes behind the END frame");
      if (last) return wrong(Damage::NONE, end_, "the segment's successor is missing");
      return true;
    case FrameState::FALLING:
      return wrong(Damage::FALLING, end_, scan.reason);
    case FrameState::DAMAGED:
      return wrong(Damage::BAD_FRAME, end_, scan.reason);
    case FrameState::VACANT:
      break;
  }
  if (more) return wrong(Damage::UNFINISHED, end_, "frame was not committed");
  if (!last) return wrong(Damage::ENDS_EARLY, end_, "segment ends without an END frame");
  return wrong(Damage::NONE, end_, "frames that had been made durable are gone");
}

Durable Recovery::durable_beyond(Sequence sequence) const {
  if (!marks_) return Durable::UNKNOWN;
  return marks_->durable() > sequence ? Durable::YES : Durable::NO;
}

/// Whole frames behind an offset of the newest segment, and segments behind that.
std::uint64_t Recovery::frames_after(std::uint64_t offset) const {
  const auto& file = opened_ ? *opened_ : *segment_;
  const auto from = opened_ ? kSegmentHeaderBytes : offset + 8;
  const auto end = file.written_end(0);
  return frames_behind(file, from, end, last_sequence_, std::numeric_limits<std::uint64_t>::max()) +
         (indices_.size() - at_ - 1);
}

bool Recovery::wrong(Damage damage, std::uint64_t offset, const std::string& reason) {
  const auto& file = opened_ ? *opened_ : *segment_;
  const LogFault fault{file.path().string(), offset, reason};
  const auto follow = damage == Damage::NONE ? 0 : frames_after(offset);
  switch (decide(damage, follow > 0, durable_beyond(last_sequence_))) {
    case Action::REFUSE:
      throw LogError(fault);
    case Action::GO_ON:
      report_.verdict = RecoveryVerdict::CLEAN;
      return false;
    case Action::CUT:
      report_.verdict = RecoveryVerdict::TORN_CUT;
      break;
    case Action::CUT_AND_WARN:
      report_.verdict = RecoveryVerdict::TORN_BELOW_DURABLE;
      break;
  }
  if (!segment_) throw LogError(fault);  // not even the first header: there is nothing to keep
  report_.cut = fault;
  report_.cut_frames = follow;
  cut(offset);
  return false;
}

/// Zeroes what stands behind the last good frame; segments behind it are set aside.
void Recovery::cut(std::uint64_t offset) {
  const auto keep_opened = opened_ == nullptr;
  for (auto i = at_ + (keep_opened ? 1 : 0); i < indices_.size(); ++i) {
    const auto path = options_.folder / segment_name(indices_[i]);
    report_.cut_bytes += fs::file_size(path);
    fs::rename(path, fs::path(path).replace_extension(".cut"));
  }
  opened_.reset();
  if (!keep_opened) return;
  report_.cut_bytes += segment_->written_end(offset) - offset;
  if (!segment_->resize(offset)) throw_errno(segment_->path(), "truncate");
}

RecoveredTail Recovery::finish(std::unique_ptr<WriterLock> lock) {
  RecoveredTail tail;
  tail.lock = std::move(lock);
  tail.log_uuid = segment_->header().log_uuid;
  tail.last_sequence = report_.last_sequence = last_sequence_;
  tail.last_ts_core = report_.last_ts_core = last_ts_core_;
  const auto index = segment_->index();
  if (named_next_) {  // it is finished: a crash came between its END and its successor
    tail.previous_hash = segment_hash(segment_->data(), end_);
    finish_segment();
    tail.segment = SegmentFile::prepare(options_.folder, index + 1, options_.segment_size_bytes);
    tail.segment->begin(tail.log_uuid, last_sequence_ + 1);
    tail.offset = kSegmentHeaderBytes;
    return tail;
  }
  const auto size = segment_->header().segment_size_bytes;
  segment_.reset();
  tail.segment = SegmentFile::prepare(options_.folder, index, size);
  tail.offset = end_;
  tail.previous_hash = previous_hash_;
  return tail;
}

}  // namespace

std::string LogFault::text() const {
  return file + ", offset " + std::to_string(offset) + ": " + reason;
}

std::string RecoveryReport::text() const {
  constexpr const char* kVerdicts[] = {"new log", "clean", "torn tail cut",
                                       "torn tail cut below the durable mark"};
  std::string out = kVerdicts[static_cast<std::size_t>(verdict)];
  out += ", " + std::to_string(segments) + " segments, last sequence " +
         std::to_string(last_sequence) + ", " + std::to_string(frames) + " frames checked";
  if (cut.file.empty()) return out;
  return out + ", cut " + std::to_string(cut_bytes) + " bytes (" + std::to_string(cut_frames) +
         " whole frames) at " + cut.text();
}

RecoveredTail recover_log(const LogOptions& options, RecoveryReport& report) {
  auto lock = lock_folder(options);
  report = {};
  Recovery recovery(options, report);
  if (recovery.find()) return recovery.finish(std::move(lock));
  // Marks that remember frames, and no segment: the log was lost, not absent.
  const auto marks = Marks::open(options.folder);
  if (marks && marks->durable() > 0) {
    throw LogError({(options.folder / segment_name(0)).string(), 0,
                    "no segment is left, but sequence " + std::to_string(marks->durable()) +
                        " had been made durable"});
  }
  return begin_log(options, std::move(lock));
}

}  // namespace pitwire
