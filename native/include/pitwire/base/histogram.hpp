// Latencies as counts on a log-linear scale: three significant digits over eleven decades.
//
// Layout. Values 0 to 2047 have a cell each; above, every power of two is cut into 1,024 equal
// cells, so a cell is never wider than 0.1 % of its value. Up to 2^37 ns (137 s) that is 28,672
// cells of 8 bytes; larger values are counted in the last cell and as `saturated`. record() is a
// count of leading zeros, a shift and an increment, about 2 ns; percentiles walk the cells.
//
// The cells may lie in the object or in shared memory (SharedCounters). One writer; the cells are
// written by relaxed atomic stores, so any reader may look at any time: it sees each cell whole,
// and the total a few counts off while the writer runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "pitwire/base/types.hpp"

namespace pitwire {

class Histogram {
 public:
  static constexpr unsigned kSubBits = 10;
  static constexpr unsigned kValueBits = 37;
  static constexpr std::int64_t kValueMax = (std::int64_t{1} << kValueBits) - 1;
  static constexpr std::size_t kCells = (kValueBits - kSubBits + 1) << kSubBits;
  /// Words before the cells: count, sum, minimum, maximum, saturated.
  static constexpr std::size_t kHeaderWords = 8;
  static constexpr std::size_t kWords = kHeaderWords + kCells;

  /// Its own cells.
  Histogram();
  /// Over `kWords` zeroed words that outlive it.
  explicit Histogram(std::span<std::uint64_t> words);
  Histogram(const Histogram& other);
  Histogram& operator=(const Histogram& other);
  Histogram(Histogram&&) noexcept = default;
  Histogram& operator=(Histogram&&) noexcept = default;
  ~Histogram() = default;

  /// Negative values count as 0. Writer only.
  void record(std::int64_t value_ns, std::uint64_t count = 1) noexcept;
  void merge(const Histogram& other) noexcept;
  void clear() noexcept;

  [[nodiscard]] std::uint64_t count() const noexcept;
  [[nodiscard]] std::uint64_t sum() const noexcept;
  [[nodiscard]] std::int64_t min() const noexcept;
  [[nodiscard]] std::int64_t max() const noexcept;
  [[nodiscard]] std::uint64_t saturated() const noexcept;
  [[nodiscard]] double mean() const noexcept;
  /// Smallest value that at least `percent` of the values do not exceed, to within its cell (at
  /// most 0.1 % high); 0 when empty.
  [[nodiscard]] std::int64_t percentile(double percent) const noexcept;

  /// Sparse: version, header words, then (cell, count) pairs, all little-endian u64.
  [[nodiscard]] std::vector<std::byte> serialise() const;
  /// Throws std::invalid_argument with the reason when the bytes are not of serialise().
  [[nodiscard]] static Histogram deserialise(std::span<const std::byte> bytes);

  [[nodiscard]] static std::size_t cell_of(std::int64_t value_ns) noexcept;
  [[nodiscard]] static std::int64_t cell_highest(std::size_t cell) noexcept;

 private:
  std::vector<std::uint64_t> own_;
  std::uint64_t* words_;
};

}  // namespace pitwire
