// CRC-32C (Castagnoli, RFC 3720 appendix B.4), by the SSE4.2 instruction.
//
// The instruction takes 8 bytes with a latency of 3 cycles and a throughput of 1, so a single
// chain leaves two thirds of it idle. Short buffers (frames of the log are around 100 bytes) are
// one chain: successive frames overlap by themselves, since no frame's sum waits for another's.
// Buffers from 768 bytes up are cut in three parts whose sums are computed side by side and joined
// by a table that appends zero bytes to a sum. Worst case: 767 bytes, one chain of 96 steps.
#pragma once

#include <nmmintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace pitwire {

namespace detail {
inline constexpr std::size_t kCrcInterleavedMin = 768;
[[nodiscard]] std::uint32_t crc32c_interleaved(std::uint32_t state, const std::byte* from,
                                               std::size_t size) noexcept;

/// One chain; `state` is the inverted sum so far.
[[nodiscard]] inline std::uint32_t crc32c_chain(std::uint32_t state, const std::byte* from,
                                                std::size_t size) noexcept {
  std::uint64_t wide = state;
  for (; size >= 8; size -= 8, from += 8) {
    std::uint64_t word;
    std::memcpy(&word, from, 8);
    wide = _mm_crc32_u64(wide, word);
  }
  auto narrow = static_cast<std::uint32_t>(wide);
  for (; size > 0; --size, ++from) narrow = _mm_crc32_u8(narrow, static_cast<std::uint8_t>(*from));
  return narrow;
}
}  // namespace detail

/// The sum of `size` bytes, continuing `crc` (0 to begin), so that
/// crc32c(crc32c(0, a), b) is the sum of a followed by b.
[[nodiscard]] inline std::uint32_t crc32c(std::uint32_t crc, const void* bytes,
                                          std::size_t size) noexcept {
  const auto* from = static_cast<const std::byte*>(bytes);
  return size < detail::kCrcInterleavedMin ? ~detail::crc32c_chain(~crc, from, size)
                                           : ~detail::crc32c_interleaved(~crc, from, size);
}

}  // namespace pitwire
