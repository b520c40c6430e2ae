#include "pitwire/base/histogram.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>

namespace pitwire {
namespace {

enum Word : std::size_t { COUNT = 0, SUM = 1, MIN = 2, MAX = 3, SATURATED = 4 };
constexpr std::uint64_t kVersion = 1;

std::uint64_t load(const std::uint64_t& word) noexcept {
  // atomic_ref of a const object comes with C++26; the cast adds no write.
  return std::atomic_ref(const_cast<std::uint64_t&>(word)).load(std::memory_order_relaxed);
}
void store(std::uint64_t& word, std::uint64_t value) noexcept {
  std::atomic_ref(word).store(value, std::memory_order_relaxed);
}
void add(std::uint64_t& word, std::uint64_t n) noexcept { store(word, load(word) + n); }

}  // namespace

Histogram::Histogram() : own_(kWords), words_(own_.data()) {}

Histogram::Histogram(std::span<std::uint64_t> words) : words_(words.data()) {
  if (words.size() < kWords) {
    throw std::invalid_argument("histogram: " + std::to_string(words.size()) + " words, expected " +
                                std::to_string(kWords));
  }
}

Histogram::Histogram(const Histogram& other) : Histogram() { *this = other; }

Histogram& Histogram::operator=(const Histogram& other) {
  if (this == &other) return *this;
  for (std::size_t i = 0; i < kWords; ++i) store(words_[i], load(other.words_[i]));
  return *this;
}

std::size_t Histogram::cell_of(std::int64_t value_ns) noexcept {
  const auto value = static_cast<std::uint64_t>(std::clamp<std::int64_t>(value_ns, 0, kValueMax));
  const auto width = static_cast<unsigned>(std::bit_width(value));
  if (width <= kSubBits + 1) return value;
  const unsigned shift = width - kSubBits - 1;
  return (static_cast<std::size_t>(shift) << kSubBits) + (value >> shift);
}

std::int64_t Histogram::cell_highest(std::size_t cell) noexcept {
  constexpr std::size_t linear = std::size_t{2} << kSubBits;
  if (cell < linear) return static_cast<std::int64_t>(cell);
  const std::size_t shift = (cell >> kSubBits) - 1;
  const std::uint64_t top = cell - (shift << kSubBits);
  return static_cast<std::int64_t>(((top + 1) << shift) - 1);
}

void Histogram::record(std::int64_t value_ns, std::uint64_t count) noexcept {
  if (count == 0) return;
  const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(value_ns, 0));
  add(words_[kHeaderWords + cell_of(value_ns)], count);
  if (load(words_[COUNT]) == 0 || value < load(words_[MIN])) store(words_[MIN], value);
  if (value > load(words_[MAX])) store(words_[MAX], value);
  if (value_ns > kValueMax) add(words_[SATURATED], count);
  add(words_[SUM], value * count);
  add(words_[COUNT], count);
}

void Histogram::merge(const Histogram& other) noexcept {
  if (other.count() == 0) return;
  for (std::size_t i = kHeaderWords; i < kWords; ++i) {
    if (const auto n = load(other.words_[i]); n != 0) add(words_[i], n);
  }
  const auto lowest = load(other.words_[MIN]);
  if (count() == 0 || lowest < load(words_[MIN])) store(words_[MIN], lowest);
  store(words_[MAX], std::max(load(words_[MAX]), load(other.words_[MAX])));
  add(words_[SATURATED], other.saturated());
  add(words_[SUM], other.sum());
  add(words_[COUNT], other.count());
}

void Histogram::clear() noexcept {
  for (std::size_t i = 0; i < kWords; ++i) store(words_[i], 0);
}

std::uint64_t Histogram::count() const noexcept { return load(words_[COUNT]); }
std::uint64_t Histogram::sum() const noexcept { return load(words_[SUM]); }
std::int64_t Histogram::min() const noexcept {
  return static_cast<std::int64_t>(load(words_[MIN]));
}
std::int64_t Histogram::max() const noexcept {
  return static_cast<std::int64_t>(load(words_[MAX]));
}
std::uint64_t Histogram::saturated() const noexcept { return load(words_[SATURATED]); }

double Histogram::mean() const noexcept {
  const auto n = count();
  return n == 0 ? 0.0 : static_cast<double>(sum()) / static_cast<double>(n);
}

std::int64_t Histogram::percentile(double percent) const noexcept {
  const auto total = count();
  if (total == 0) return 0;
  const double share = std::clamp(percent, 0.0, 100.0) / 100.0;
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(total)));
  const std::uint64_t rank = std::clamp<std::uint64_t>(wanted, 1, total);
  std::uint64_t seen = 0;
  for (std::size_t cell = 0; cell < kCells; ++cell) {
    seen += load(words_[kHeaderWords + cell]);
    if (seen >= rank) return std::clamp(cell_highest(cell), min(), max());
  }
  return max();
}

std::vector<std::byte> Histogram::serialise() const {
  std::vector<std::uint64_t> words{kVersion};
  for (std::size_t i = 0; i < kHeaderWords; ++i) words.push_back(load(words_[i]));
  for (std::size_t cell = 0; cell < kCells; ++cell) {
    if (const auto n = load(words_[kHeaderWords + cell]); n != 0) {
      words.push_back(cell);
      words.push_back(n);
    }
  }
  std::vector<std::byte> bytes(words.size() * sizeof(std::uint64_t));
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

Histogram Histogram::deserialise(std::span<const std::byte> bytes) {
  constexpr std::size_t fixed = 1 + kHeaderWords;
  const std::size_t size = bytes.size() / sizeof(std::uint64_t);
  if (bytes.size() % sizeof(std::uint64_t) != 0 || size < fixed || (size - fixed) % 2 != 0) {
    throw std::invalid_argument("histogram: " + std::to_string(bytes.size()) +
                                " bytes are not whole");
  }
  std::vector<std::uint64_t> words(size);
  std::memcpy(words.data(), bytes.data(), bytes.size());
  if (words[0] != kVersion) {
    throw std::invalid_argument("histogram: version " + std::to_string(words[0]) + ", expected 1");
  }
  Histogram histogram;
  std::copy_n(words.begin() + 1, kHeaderWords, histogram.words_);
  std::uint64_t total = 0;
  for (std::size_t i = fixed; i < size; i += 2) {
    if (words[i] >= kCells) {
      throw std::invalid_argument("histogram: cell " + std::to_string(words[i]) + " of " +
                                  std::to_string(kCells));
    }
    add(histogram.words_[kHeaderWords + words[i]], words[i + 1]);
    total += words[i + 1];
  }
  if (total != histogram.count()) {
    throw std::invalid_argument("histogram: cells hold " + std::to_string(total) + ", count says " +
                                std::to_string(histogram.count()));
  }
  return histogram;
}

}  // namespace pitwire
