#include "pitwire/base/crc32c.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <random>
#include <vector>

namespace pitwire {
namespace {

std::uint32_t bitwise(const std::vector<std::uint8_t>& bytes) {
  std::uint32_t sum = 0xffffffffU;
  for (const auto byte : bytes) {
    sum ^= byte;
    for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ ((sum & 1U) != 0 ? 0x82f63b78U : 0U);
  }
  return ~sum;
}

// RFC 3720, appendix B.4.
TEST(Crc32c, GivesTheSumsOfTheStandard) {
  std::vector<std::uint8_t> bytes(32, 0);
  EXPECT_EQ(crc32c(0, bytes.data(), 32), 0x8a9136aaU);
  bytes.assign(32, 0xff);
  EXPECT_EQ(crc32c(0, bytes.data(), 32), 0x62a8ab43U);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  EXPECT_EQ(crc32c(0, bytes.data(), 32), 0x46dd794eU);
  EXPECT_EQ(crc32c(0, "123456789", 9), 0xe3069283U);
}

TEST(Crc32c, InterleavedAndContinuedSumsEqualTheDefinition) {
  const unsigned seed = 7;
  std::mt19937 random(seed);
  for (const std::size_t size : {0U, 1U, 7U, 8U, 767U, 768U, 769U, 2303U, 12287U, 12288U, 40001U}) {
    std::vector<std::uint8_t> bytes(size);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    const auto expected = bitwise(bytes);
    EXPECT_EQ(crc32c(0, bytes.data(), size), expected) << "size " << size << " seed " << seed;
    const auto half = size / 3;
    const auto first = crc32c(0, bytes.data(), half);
    EXPECT_EQ(crc32c(first, bytes.data() + half, size - half), expected) << "size " << size;
  }
}

}  // namespace
}  // namespace pitwire
