#include "pitwire/base/crc32c.hpp"

#include <array>

namespace pitwire::detail {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78U;  // Castagnoli, bits reversed

/// What one linear step does to each single bit of a sum.
using Matrix = std::array<std::uint32_t, 32>;

constexpr std::uint32_t times(const Matrix& matrix, std::uint32_t sum) {
  std::uint32_t out = 0;
  for (std::size_t bit = 0; sum != 0; sum >>= 1, ++bit) {
    if ((sum & 1U) != 0) out ^= matrix[bit];
  }
  return out;
}

constexpr Matrix squared(const Matrix& matrix) {
  Matrix out{};
  for (std::size_t bit = 0; bit < 32; ++bit) out[bit] = times(matrix, matrix[bit]);
  return out;
}

/// The step "append `size` zero bytes"; size is a power of two.
constexpr Matrix zeros(std::size_t size) {
  Matrix step{};  // one zero bit: shift, and reduce by the polynomial where a bit falls out
  step[0] = kPolynomial;
  for (std::size_t bit = 1; bit < 32; ++bit) step[bit] = 1U << (bit - 1);
  for (std::size_t bits = 1; bits < size * 8; bits *= 2) step = squared(step);
  return step;
}

/// The same step as four table look-ups.
struct Shift {
  std::array<std::array<std::uint32_t, 256>, 4> table{};
  explicit constexpr Shift(std::size_t size) {
    const Matrix step = zeros(size);
    for (std::uint32_t value = 0; value < 256; ++value) {
      for (std::size_t part = 0; part < 4; ++part) {
        table[part][value] = times(step, value << (8 * part));
      }
    }
  }
  [[nodiscard]] std::uint32_t operator()(std::uint32_t sum) const noexcept {
    return table[0][sum & 255U] ^ table[1][sum >> 8 & 255U] ^ table[2][sum >> 16 & 255U] ^
           table[3][sum >> 24];
  }
};

constexpr std::size_t kShort = 256;
constexpr std::size_t kLong = 4096;
constexpr Shift kShiftShort(kShort);
constexpr Shift kShiftLong(kLong);
static_assert(kCrcInterleavedMin == 3 * kShort);

std::uint64_t word_at(const std::byte* from) noexcept {
  std::uint64_t word;
  std::memcpy(&word, from, 8);
  return word;
}

/// Three chains over three neighbouring parts of `part` bytes, joined.
std::uint32_t three(std::uint32_t state, const std::byte* from, std::size_t part,
                    const Shift& shift) noexcept {
  std::uint64_t a = state, b = 0, c = 0;
  for (std::size_t at = 0; at < part; at += 8) {
    a = _mm_crc32_u64(a, word_at(from + at));
    b = _mm_crc32_u64(b, word_at(from + part + at));
    c = _mm_crc32_u64(c, word_at(from + 2 * part + at));
  }
  const auto ab = shift(static_cast<std::uint32_t>(a)) ^ static_cast<std::uint32_t>(b);
  return shift(ab) ^ static_cast<std::uint32_t>(c);
}

}  // namespace

std::uint32_t crc32c_interleaved(std::uint32_t state, const std::byte* from,
                                 std::size_t size) noexcept {
  for (; size >= 3 * kLong; size -= 3 * kLong, from += 3 * kLong) {
    state = three(state, from, kLong, kShiftLong);
  }
  for (; size >= 3 * kShort; size -= 3 * kShort, from += 3 * kShort) {
    state = three(state, from, kShort, kShiftShort);
  }
  return crc32c_chain(state, from, size);
}

}  // namespace pitwire::detail
