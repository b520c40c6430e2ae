// Seeded random numbers that are the same on every machine: integers only, no libm.
#pragma once

#include <cstdint>

namespace pitwire {

/// 128 bits for the product in Random::below; a GCC and Clang extension of every 64-bit target.
__extension__ typedef unsigned __int128 RandomWide;

/// xoshiro256** 1.0 by Blackman and Vigna (public domain), seeded through splitmix64. Not for
/// secrets.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept {
    for (auto& word : state_) word = splitmix(seed);
  }

  std::uint64_t next() noexcept {
    const auto result = rotate(state_[1] * 5, 7) * 9;
    const auto shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  /// Uniform in [0, bound); bound > 0. Biased by less than bound / 2^64.
  std::int64_t below(std::int64_t bound) noexcept {
    const auto wide = static_cast<RandomWide>(next()) *
                      static_cast<RandomWide>(static_cast<std::uint64_t>(bound));
    return static_cast<std::int64_t>(wide >> 64);
  }
  /// Uniform in [low, high].
  std::int64_t between(std::int64_t low, std::int64_t high) noexcept {
    return low + below(high - low + 1);
  }
  /// True `parts` times in a million.
  bool happens(std::int64_t parts_per_million) noexcept {
    return parts_per_million > 0 && below(1'000'000) < parts_per_million;
  }
  /// Uniform in [0, 1), 53 bits.
  double unit() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  /// Near enough to a standard normal for a price path: twelve uniforms (Irwin-Hall), in [-6, 6].
  double normal() noexcept {
    double sum = -6.0;
    for (int i = 0; i < 12; ++i) sum += unit();
    return sum;
  }
  /// How many fair coins come up heads before the first tail, at most 63.
  std::int64_t geometric() noexcept { return __builtin_ctzll(next() | (std::uint64_t{1} << 63)); }

 private:
  static std::uint64_t rotate(std::uint64_t value, int bits) noexcept {
    return (value << bits) | (value >> (64 - bits));
  }
  static std::uint64_t splitmix(std::uint64_t& seed) noexcept {
    seed += 0x9E3779B97F4A7C15ULL;
    auto mixed = seed;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ULL;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBULL;
    return mixed ^ (mixed >> 31);
  }

  std::uint64_t state_[4]{};
};

}  // namespace pitwire
