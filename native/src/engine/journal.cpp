#include "pitwire/engine/journal.hpp"

#include <algorithm>

namespace pitwire {
namespace {

std::string payload_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string payload_text(const Record& record) {
  return payload_text(record.fixed) + payload_text(record.tail);
}

std::size_t first_difference(std::string_view a, std::string_view b) {
  const auto [at, _] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<std::size_t>(at - a.begin());
}

/// Compares without building anything: this runs once an output.
bool same_payload(std::span<const std::byte> logged, const Record& record) {
  if (logged.size() != record.fixed.size() + record.tail.size()) return false;
  return std::ranges::equal(logged.first(record.fixed.size()), record.fixed) &&
         std::ranges::equal(logged.subspan(record.fixed.size()), record.tail);
}

}  // namespace

Sequence LiveJournal::input(Nanos ts_core, const Record& record) {
  return log_.append(record.type, FrameClass::INPUT, ts_core, record.origin, record.source,
                     record.fixed, record.tail);
}

Sequence LiveJournal::output(Nanos ts_core, const Record& record) {
  return log_.append(record.type, FrameClass::OUTPUT, ts_core, record.origin, record.source,
                     record.fixed, record.tail);
}

void LiveJournal::observe(Nanos ts_core, const Record& record) {
  log_.append(record.type, FrameClass::OBSERVATION, ts_core, record.origin, record.source,
              record.fixed, record.tail);
}

std::optional<rec::Kill> LiveJournal::kill_here(bool pending, Nanos ts_core) {
  if (!pending) return std::nullopt;
  const rec::Kill record = kill_source_ ? kill_source_() : rec::Kill{kNoId, 1};
  input(ts_core, {rec::Kill::kType, Origin::OPERATOR, 0, record_bytes(record), {}});
  return record;
}

std::optional<rec::Kill> ReplayJournal::kill_here(bool, Nanos) {
  if (divergence_) return std::nullopt;
  const Frame* next = peek();
  const rec::Kill* kill = next == nullptr ? nullptr : next->as<rec::Kill>();
  if (kill == nullptr) return std::nullopt;
  const rec::Kill record = *kill;
  take();
  return record;
}

const Frame* ReplayJournal::peek() {
  while (!peeked_) {
    const auto frame = log_.next();
    if (!frame) return nullptr;
    if (stop_after_ != 0 && frame->header->sequence > stop_after_) return nullptr;
    const auto frame_class = frame->header->frame_class;
    if (frame_class == FrameClass::INPUT || frame_class == FrameClass::OUTPUT) peeked_ = frame;
  }
  return &*peeked_;
}

void ReplayJournal::take() noexcept {
  last_sequence_ = peeked_->header->sequence;
  peeked_.reset();
}

void ReplayJournal::look_at(const Frame& frame) const {
  if (look_before_ != 0 && frame.sequence() == look_before_) look_(frame);
}

std::optional<Frame> ReplayJournal::next_input() {
  if (divergence_) return std::nullopt;
  const Frame* next = peek();
  if (next == nullptr) return std::nullopt;
  if (next->header->frame_class != FrameClass::INPUT) {
    diverge(next, next->header->ts_core, nullptr,
            "the log has an output that the replay did not make");
    return std::nullopt;
  }
  const Frame frame = *next;
  take();
  return frame;
}

std::optional<Frame> ReplayJournal::next_fact(Sequence last) {
  const Frame* next = peek();
  if (next == nullptr || next->sequence() > last) return std::nullopt;
  const Frame frame = *next;
  look_at(frame);
  take();
  return frame;
}

Sequence ReplayJournal::output(Nanos ts_core, const Record& record) {
  if (divergence_) return last_sequence_;
  const Frame* logged = peek();
  if (logged == nullptr) {
    diverge(nullptr, ts_core, &record, "the replay made an output behind the end of the log");
    return last_sequence_;
  }
  look_at(*logged);
  const FrameHeader& header = *logged->header;
  if (header.frame_class != FrameClass::OUTPUT) {
    diverge(logged, ts_core, &record, "the replay made an output where the log has the next input");
  } else if (header.type != record.type) {
    diverge(logged, ts_core, &record, "another kind of output");
  } else if (header.source != record.source || header.ts_core != ts_core) {
    diverge(logged, ts_core, &record, "another source or time in the frame's header");
  } else if (!same_payload(logged->payload, record)) {
    diverge(logged, ts_core, &record, "another content");
  } else {
    ++outputs_compared_;
    take();
  }
  return last_sequence_;
}

void ReplayJournal::diverge(const Frame* expected, Nanos ts_core, const Record* found,
                            std::string reason) {
  Divergence d;
  d.ts_core = ts_core;
  d.reason = std::move(reason);
  d.sequence = expected != nullptr ? expected->header->sequence : last_sequence_;
  if (expected != nullptr) {
    d.expected_type = expected->header->type;
    d.expected_payload = payload_text(expected->payload);
  }
  if (found != nullptr) {
    d.found_type = found->type;
    d.found_payload = payload_text(*found);
  }
  d.offset = first_difference(d.expected_payload, d.found_payload);
  divergence_ = std::move(d);
}

}  // namespace pitwire
