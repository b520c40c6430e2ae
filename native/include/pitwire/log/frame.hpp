// A frame of the event log: 32 bytes of header and a payload, in one piece of memory.
//
// Layout (little endian), docs/log-format.md has the whole story:
//   0 u32 length     header + payload + padding to a multiple of 8; 0 while not committed
//   4 u32 crc        CRC-32C over the length word, then bytes 8..length
//   8 u64 sequence  16 i64 ts_core  24 u16 type  26 u8 class  27 u8 version
//  28 u8 origin     29 u8 flags     30 u16 source
// The length is the commit: the writer stores it last with release, a reader loads it first with
// acquire (`committed_length`); every other byte of the frame is plain memory between the two.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "pitwire/base/crc32c.hpp"
#include "pitwire/base/types.hpp"

namespace pitwire {

struct FrameHeader {
  std::uint32_t length;
  std::uint32_t crc;
  Sequence sequence;
  Nanos ts_core;
  RecordType type;
  FrameClass frame_class;
  std::uint8_t version;  ///< of the record type; 1 for every type so far
  Origin origin;
  std::uint8_t flags;  ///< bit 0 reserved: encrypted; bits 1-3: padding bytes behind the payload
  std::uint16_t source;
};
static_assert(sizeof(FrameHeader) == 32 && alignof(FrameHeader) == 8);
static_assert(std::is_trivially_copyable_v<FrameHeader>);

/// No log comes this far; what says more is not one, and numbers behind it never come round to 0.
inline constexpr Sequence kSequenceMax = Sequence{1} << 62;
inline constexpr std::size_t kFrameHeaderBytes = sizeof(FrameHeader);
inline constexpr std::uint8_t kRecordVersion = 1;
inline constexpr std::uint8_t kFrameEncrypted = 1;
inline constexpr unsigned kFramePaddingShift = 1;
inline constexpr std::uint8_t kFramePaddingMask = 7U << kFramePaddingShift;

/// Bytes that a record's struct takes in a frame: none where it has no fields.
template <class R>
inline constexpr std::size_t kRecordBytes = std::is_empty_v<R> ? 0 : sizeof(R);

/// The bytes of a record's struct as they stand in a frame.
template <class R>
[[nodiscard]] std::span<const std::byte> record_bytes(const R& record) noexcept {
  static_assert(std::is_trivially_copyable_v<R>);
  return {reinterpret_cast<const std::byte*>(&record), kRecordBytes<R>};
}

/// A committed frame where it lies in a mapping; valid as long as its reader stays on the segment.
struct Frame {
  const FrameHeader* header{};
  std::span<const std::byte> payload;  ///< struct and tail, without the padding

  [[nodiscard]] Sequence sequence() const noexcept { return header->sequence; }
  [[nodiscard]] Nanos ts_core() const noexcept { return header->ts_core; }
  [[nodiscard]] RecordType type() const noexcept { return header->type; }

  /// The record, or null where the frame is of another type or shorter than this build's struct.
  template <class R>
  [[nodiscard]] const R* as() const noexcept {
    if (header->type != R::kType || payload.size() < kRecordBytes<R>) return nullptr;
    return reinterpret_cast<const R*>(payload.data());
  }
  /// The bytes behind the struct R; empty where there are none.
  template <class R>
  [[nodiscard]] std::span<const std::byte> tail() const noexcept {
    return payload.size() <= kRecordBytes<R> ? std::span<const std::byte>{}
                                             : payload.subspan(kRecordBytes<R>);
  }
};

/// The frame's length if it is committed, else 0. Partner: `commit_length`.
[[nodiscard]] inline std::uint32_t committed_length(const std::byte* at) noexcept {
  return __atomic_load_n(reinterpret_cast<const std::uint32_t*>(at), __ATOMIC_ACQUIRE);
}

/// Commits the frame whose other bytes were written before. Partner: `committed_length`.
inline void commit_length(std::byte* at, std::uint32_t length) noexcept {
  __atomic_store_n(reinterpret_cast<std::uint32_t*>(at), length, __ATOMIC_RELEASE);
}

/// The sum a frame of this length must carry.
[[nodiscard]] inline std::uint32_t frame_crc(const std::byte* at, std::uint32_t length) noexcept {
  const std::uint32_t begin = _mm_crc32_u32(0xffffffffU, length);
  return crc32c(~begin, at + 8, length - 8);
}

/// Whether a length can be a frame's within `room` bytes.
[[nodiscard]] constexpr bool plausible_length(std::uint32_t length, std::size_t room) noexcept {
  return length >= kFrameHeaderBytes && length % 8 == 0 && length <= room;
}

/// The frame of a length that was found plausible and whose sum was found right.
[[nodiscard]] inline Frame frame_at(const std::byte* at) noexcept {
  const auto* header = reinterpret_cast<const FrameHeader*>(at);
  const auto padding = std::size_t{header->flags} >> kFramePaddingShift & 7U;
  const auto size = header->length - kFrameHeaderBytes;
  return {header, {at + kFrameHeaderBytes, size < padding ? 0 : size - padding}};
}

}  // namespace pitwire
