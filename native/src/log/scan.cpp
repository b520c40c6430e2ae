#include "pitwire/log/scan.hpp"

#include <algorithm>
#include <array>

#include "pitwire/reflection.hpp"

namespace pitwire {
namespace {

/// No log has this many frames: a larger step in sequence is no frame of it.
constexpr Sequence kSequenceStepMax = 1ULL << 40;

constexpr auto kKnownTypes = [] {
  std::array<bool, 1 << 16> known{};
  for (const auto& record : reflection::kRecords) {
    known[static_cast<std::size_t>(record.type)] = true;
  }
  return known;
}();

Sequence sequence_at(const std::byte* at) {
  Sequence out;
  std::memcpy(&out, at + 8, sizeof out);
  return out;
}

std::string hex(std::uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "%08x", value);
  return text;
}

}  // namespace

FrameState examine(const std::byte* data, std::uint64_t size, std::uint64_t offset,
                   Sequence last_sequence, std::string* reason) {
  if (offset + 8 > size) return FrameState::VACANT;
  const auto* at = data + offset;
  const auto length = committed_length(at);
  if (length == 0) return FrameState::VACANT;
  if (!plausible_length(length, size - offset)) {
    if (reason) {
      *reason = "frame length " + std::to_string(length) +
                ", expected a multiple of 8 from 32 to " + std::to_string(size - offset);
    }
    return FrameState::DAMAGED;
  }
  std::uint32_t stored;
  std::memcpy(&stored, at + 4, sizeof stored);
  const auto found = frame_crc(at, length);
  if (stored != found) [[unlikely]] {
    if (reason) *reason = "checksum " + hex(found) + ", frame says " + hex(stored);
    return FrameState::DAMAGED;
  }
  if (sequence_at(at) <= last_sequence) [[unlikely]] {
    if (reason) {
      *reason =
          "sequence " + std::to_string(sequence_at(at)) + " after " + std::to_string(last_sequence);
    }
    return FrameState::FALLING;
  }
  return FrameState::VALID;
}

std::optional<std::string> unsupported(const FrameHeader& header) {
  const auto type = static_cast<std::uint16_t>(header.type);
  if (!kKnownTypes[type]) return "record type " + std::to_string(type) + " unknown to this build";
  if (header.version > kRecordVersion) {
    return "record type " + std::to_string(type) + " in version " + std::to_string(header.version) +
           ", this build knows " + std::to_string(kRecordVersion);
  }
  if (header.sequence > kSequenceMax) {
    return "sequence " + std::to_string(header.sequence) + " is beyond what a log can have";
  }
  if ((header.flags & kFrameEncrypted) != 0) return "frame is encrypted";
  return std::nullopt;
}

std::uint64_t frames_behind(const SegmentFile& segment, std::uint64_t from, std::uint64_t end,
                            Sequence last_sequence, std::uint64_t count_max) {
  std::uint64_t count = 0;
  const auto size = segment.size();
  end = std::min(end, size - std::min(size, kFrameHeaderBytes - 1));
  for (auto at = (from + 7) / 8 * 8; at < end && count < count_max;) {
    const auto* frame = segment.data() + at;
    const auto length = committed_length(frame);
    const bool candidate = plausible_length(length, size - at) &&
                           sequence_at(frame) > last_sequence &&
                           sequence_at(frame) - last_sequence < kSequenceStepMax;
    if (candidate &&
        examine(segment.data(), size, at, last_sequence, nullptr) == FrameState::VALID) {
      ++count;
      last_sequence = sequence_at(frame);
      at += length;
    } else {
      at += 8;
    }
  }
  return count;
}

SegmentScan scan_segment(const SegmentFile& segment, const ScanLimits& limits,
                         std::optional<std::string>& unsupported_reason) {
  SegmentScan scan;
  scan.last_sequence = limits.last_sequence;
  for (;;) {
    scan.stopped_by =
        examine(segment.data(), segment.size(), scan.end, scan.last_sequence, &scan.reason);
    if (scan.stopped_by != FrameState::VALID) return scan;
    const auto frame = frame_at(segment.data() + scan.end);
    if (limits.refuse_unsupported && (unsupported_reason = unsupported(*frame.header))) return scan;
    scan.last_sequence = frame.header->sequence;
    scan.last_ts_core = frame.header->ts_core;
    scan.end += frame.header->length;
    ++scan.frames;
    if (const auto* end = frame.as<rec::SegmentEnd>()) {
      scan.next_segment = end->next_segment;
      return scan;
    }
  }
}

}  // namespace pitwire
