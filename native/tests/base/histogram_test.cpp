#include "pitwire/base/histogram.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <random>

#include "pitwire/base/shared_counters.hpp"

namespace pitwire {
namespace {

TEST(Histogram, every_value_lies_in_a_cell_no_wider_than_a_thousandth) {
  std::int64_t below = -1;
  for (std::size_t cell = 0; cell < Histogram::kCells; ++cell) {
    const std::int64_t highest = Histogram::cell_highest(cell);
    ASSERT_EQ(Histogram::cell_of(below + 1), cell);
    ASSERT_EQ(Histogram::cell_of(highest), cell);
    ASSERT_LE(static_cast<double>(highest - below - 1), static_cast<double>(below + 1) / 1000.0);
    below = highest;
  }
  EXPECT_EQ(below, Histogram::kValueMax);
}

TEST(Histogram, percentiles_are_the_exact_ones_to_three_digits) {
  const unsigned seed = std::random_device{}();
  RecordProperty("seed", static_cast<int>(seed));
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> latency(8.0, 2.0);
  Histogram histogram;
  std::vector<std::int64_t> values;
  for (int i = 0; i < 50'000; ++i) {
    const auto value = std::min(static_cast<std::int64_t>(latency(random)), Histogram::kValueMax);
    values.push_back(value);
    histogram.record(value);
  }
  std::sort(values.begin(), values.end());
  for (const double percent : {0.0, 1.0, 25.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
    const auto rank = static_cast<std::size_t>(
        std::max(1.0, std::ceil(percent / 100.0 * static_cast<double>(values.size()))));
    const std::int64_t exact = values[rank - 1];
    EXPECT_GE(histogram.percentile(percent), exact) << percent;
    EXPECT_LE(static_cast<double>(histogram.percentile(percent) - exact),
              static_cast<double>(exact) / 1000.0)
        << percent;
  }
  EXPECT_EQ(histogram.min(), values.front());
  EXPECT_EQ(histogram.max(), values.back());
}

TEST(Histogram, empty_negative_and_too_large_values_are_defined) {
  Histogram histogram;
  EXPECT_EQ(histogram.percentile(50), 0);
  EXPECT_EQ(histogram.mean(), 0.0);
  histogram.record(-5);
  EXPECT_EQ(histogram.max(), 0);
  histogram.record(Histogram::kValueMax + 1);
  EXPECT_EQ(histogram.saturated(), 1U);
  EXPECT_EQ(histogram.max(), Histogram::kValueMax + 1);
  EXPECT_EQ(histogram.count(), 2U);
}

TEST(Histogram, merging_two_is_recording_into_one) {
  Histogram one, other, both;
  for (std::int64_t i = 1; i < 5000; ++i) {
    (i % 3 == 0 ? one : other).record(i * i);
    both.record(i * i);
  }
  one.merge(other);
  EXPECT_EQ(one.serialise(), both.serialise());
  one.merge(Histogram());
  EXPECT_EQ(one.serialise(), both.serialise());
}

TEST(Histogram, bytes_bring_it_back_and_damaged_bytes_are_refused) {
  Histogram histogram;
  for (std::int64_t i = 0; i < 1000; ++i) histogram.record(i * 977);
  const auto bytes = histogram.serialise();
  EXPECT_EQ(Histogram::deserialise(bytes).serialise(), bytes);
  for (std::size_t cut = 0; cut < 120; ++cut) {
    const auto shorter = std::span(bytes).first(bytes.size() - 1 - cut);
    EXPECT_THROW((void)Histogram::deserialise(shorter), std::invalid_argument) << cut;
  }
  auto other_version = bytes;
  other_version[0] = std::byte{9};
  EXPECT_THROW((void)Histogram::deserialise(other_version), std::invalid_argument);
}

struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "pitwire-XXXXXX";
    path = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

TEST(SharedCounters, another_process_reads_what_this_one_counts) {
  Folder folder;
  const std::string path = folder.path / "counters";
  SharedCounters counters(path, 8, 2);
  auto orders = counters.counter("orders");
  orders.add(41);
  orders.add();
  counters.counter("gauge").set(7);
  counters.histogram("turn_ns").record(1000, 3);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const SharedCountersReader reader(path);
    const auto values = reader.counters();
    const auto histograms = reader.histograms();
    const bool right = values.size() == 2 && values[0].first == "orders" &&
                       values[0].second == 42 && values[1].second == 7 && histograms.size() == 1 &&
                       histograms[0].first == "turn_ns" && histograms[0].second.count() == 3 &&
                       histograms[0].second.percentile(50) == 1000;
    ::_exit(right ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(SharedCounters, a_name_gives_the_same_counter_and_limits_are_refused_by_name) {
  Folder folder;
  const std::string path = folder.path / "counters";
  SharedCounters counters(path, 2, 1);
  counters.counter("one").add(5);
  EXPECT_EQ(counters.counter("one").value(), 5U);
  EXPECT_EQ(&counters.histogram("h"), &counters.histogram("h"));
  EXPECT_NO_THROW((void)counters.counter("two"));
  EXPECT_THROW((void)counters.counter("three"), std::invalid_argument);
  EXPECT_THROW((void)counters.histogram("i"), std::invalid_argument);
  EXPECT_THROW((void)counters.histogram("one"), std::invalid_argument);
  EXPECT_THROW((void)counters.counter(""), std::invalid_argument);
  EXPECT_THROW((void)counters.counter(std::string(48, 'x')), std::invalid_argument);
  EXPECT_NO_THROW((void)SharedCountersReader(path));
  EXPECT_THROW(SharedCountersReader(folder.path / "none"), std::invalid_argument);
}

}  // namespace
}  // namespace pitwire
