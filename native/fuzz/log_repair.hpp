// A segment's bytes as a fuzzer has them, made worth reading: sums put right, so that what stands
// behind them is looked at too.
#pragma once

#include <cstring>
#include <vector>

#include "pitwire/base/crc32c.hpp"
#include "pitwire/log/frame.hpp"
#include "pitwire/log/segment.hpp"
#include "target.hpp"

namespace pitwire::fuzz {

/// The sum of every frame whose length could be one; stops at the first that cannot.
inline void repair_frames(std::span<std::byte> bytes, std::size_t from) {
  for (auto at = from; at + kFrameHeaderBytes <= bytes.size();) {
    auto* frame = bytes.data() + at;
    std::uint32_t length = 0;
    std::memcpy(&length, frame, sizeof length);
    if (!plausible_length(length, bytes.size() - at)) return;
    const auto sum = frame_crc(frame, length);
    std::memcpy(frame + 4, &sum, sizeof sum);
    at += length;
  }
}

/// The sum of the segment's header; and a size that does not have the disk filled, though it could
/// be one.
inline void repair_header(std::span<std::byte> bytes) {
  if (bytes.size() < sizeof(SegmentHeader)) return;
  constexpr auto kSize = offsetof(SegmentHeader, segment_size_bytes);
  std::uint64_t size = 0;
  std::memcpy(&size, bytes.data() + kSize, sizeof size);
  if (size <= kSegmentBytesMax) size %= 1U << 20;
  std::memcpy(bytes.data() + kSize, &size, sizeof size);
  constexpr auto kSummed = offsetof(SegmentHeader, crc);
  const auto sum = crc32c(0, bytes.data(), kSummed);
  std::memcpy(bytes.data() + kSummed, &sum, sizeof sum);
}

}  // namespace pitwire::fuzz
