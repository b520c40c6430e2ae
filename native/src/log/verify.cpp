#include "pitwire/log/verify.hpp"

#include "pitwire/log/chain.hpp"
#include "pitwire/log/marks.hpp"
#include "pitwire/log/scan.hpp"

namespace pitwire {
namespace {

class Verification {
 public:
  explicit Verification(const std::filesystem::path& folder)
      : folder_(folder), live_(WriterLock::held(folder)), indices_(segment_indices(folder)) {
    if (indices_.empty()) throw LogError({folder.string(), 0, "no event log here"});
  }

  VerifyReport run(const std::function<void(std::uint64_t)>& progress) {
    std::uint64_t done = 0;
    for (std::size_t i = 0; i < indices_.size(); ++i) {
      last_ = i + 1 == indices_.size();
      segment(indices_[i]);
      done += file_ ? file_->size() : 0;
      if (progress) progress(done);
    }
    durable_mark();
    return std::move(report_);
  }

 private:
  void segment(std::uint64_t index);
  bool header();
  void previous_hash();
  void frames();
  void frame(const Frame& frame);
  void ended(FrameState state, const std::string& reason);
  void durable_mark();
  void fault(std::uint64_t offset, std::string reason) {
    report_.faults.push_back({file_->path().string(), offset, std::move(reason)});
  }

  std::filesystem::path folder_;
  bool live_;
  std::vector<std::uint64_t> indices_;
  VerifyReport report_;
  std::unique_ptr<SegmentFile> file_;
  std::uint64_t offset_ = 0;
  bool last_ = false;
  bool ended_ = true;
  std::optional<std::uint64_t> expected_index_;
  std::optional<Hash> previous_;
  std::optional<Uuid> uuid_;
  Nanos ts_core_ = 0;
};

void Verification::segment(std::uint64_t index) {
  file_ = SegmentFile::open(folder_, index);
  if (!header()) {
    previous_.reset();
    return;
  }
  ++report_.segments;
  previous_hash();
  frames();
  const bool finished = ended_ || (last_ && !live_ && file_->size() == trimmed_bytes(offset_));
  if (auto wrong = verify_chain(folder_, *file_, offset_, finished)) {
    report_.faults.push_back(*wrong);
  }
  previous_.reset();
  if (ended_ && !last_) previous_ = segment_hash(file_->data(), offset_);
  report_.hashed_blocks += offset_ / kChainBlockBytes;
}

bool Verification::header() {
  std::string reason;
  const auto state = file_->header_state(reason);
  if (state == HeaderState::VACANT && last_ && file_->written_end(0) == 0)
    return false;  // prepared
  if (state == HeaderState::VACANT) reason = "segment without a header";
  if (state != HeaderState::VALID) {
    fault(0, reason);
    return false;
  }
  if (expected_index_ && *expected_index_ != file_->index()) {
    fault(0, "segment " + std::to_string(*expected_index_) + " is missing before this one");
    previous_.reset();
  } else if (!ended_) {
    fault(0, "the segment before this one has no END frame");
  }
  if (uuid_ && *uuid_ != file_->header().log_uuid) fault(0, "segment of another log");
  uuid_ = file_->header().log_uuid;
  expected_index_ = file_->index() + 1;
  return true;
}

void Verification::previous_hash() {
  const auto found = file_->previous_hash();
  if (const auto reason = damaged_previous_hash(found, file_->index())) {
    return fault(kPreviousHashOffset, *reason);
  }
  if (found.state == 0) {
    // Not known yet is right only while the segment before is being finished, or after a crash.
    if (file_->index() > 0 && !last_)
      fault(kPreviousHashOffset, "previous segment's hash is missing");
  } else if (previous_ && found.sha256 != *previous_) {
    fault(kPreviousHashOffset, "previous segment's hash does not agree with that segment");
  }
}

void Verification::frames() {
  if (report_.first_sequence == 0) report_.first_sequence = file_->header().first_sequence;
  if (file_->header().first_sequence <= report_.last_sequence) {
    fault(0, "first sequence not above the segment's before");
  }
  report_.last_sequence = std::max(report_.last_sequence, file_->header().first_sequence - 1);
  offset_ = kSegmentHeaderBytes;
  ended_ = false;
  std::string reason;
  for (;;) {
    const auto state =
        examine(file_->data(), file_->size(), offset_, report_.last_sequence, &reason);
    if (state != FrameState::VALID) return ended(state, reason);
    const auto found = frame_at(file_->data() + offset_);
    frame(found);
    offset_ += found.header->length;
    if (const auto* end = found.as<rec::SegmentEnd>()) {
      ended_ = true;
      expected_index_ = end->next_segment;
      if (file_->written_end(offset_) > offset_) fault(offset_, "bytes behind the END frame");
      return;
    }
  }
}

void Verification::frame(const Frame& frame) {
  if (frame.sequence() != report_.last_sequence + 1) {
    const bool start = frame.type() == RecordType::EPOCH || frame.type() == RecordType::ABANDONED;
    if (start) ++report_.epoch_gaps;
    if (!start) {
      fault(offset_, "sequences " + std::to_string(report_.last_sequence + 1) + " to " +
                         std::to_string(frame.sequence() - 1) + " are missing");
    }
  }
  if (frame.ts_core() < ts_core_) {
    fault(offset_,
          "ts_core " + std::to_string(frame.ts_core()) + " after " + std::to_string(ts_core_));
  }
  if (const auto why = unsupported(*frame.header)) fault(offset_, *why);
  ts_core_ = std::max(ts_core_, frame.ts_core());
  report_.last_sequence = frame.sequence();
  report_.bytes += frame.header->length;
  ++report_.frames;
}

void Verification::ended(FrameState state, const std::string& reason) {
  if (state != FrameState::VACANT) return fault(offset_, reason);
  if (!live_ && file_->written_end(offset_) > offset_) fault(offset_, "frame was not committed");
}

void Verification::durable_mark() {
  const auto marks = Marks::open(folder_);
  if (!marks || !uuid_ || marks->page().log_uuid != *uuid_ || live_) return;
  if (marks->durable() > report_.last_sequence) {
    report_.faults.push_back({(folder_ / segment_name(indices_.back())).string(), offset_,
                              "log ends at sequence " + std::to_string(report_.last_sequence) +
                                  ", but " + std::to_string(marks->durable()) +
                                  " had been made durable"});
  }
}

}  // namespace

VerifyReport verify_log(const std::filesystem::path& folder,
                        const std::function<void(std::uint64_t)>& progress) {
  return Verification(folder).run(progress);
}

}  // namespace pitwire
