#include "pitwire/base/clock.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace pitwire {
namespace {

constexpr double kGigahertz = 1e9;

TEST(SlewedLine, follows_the_counter_at_its_rate) {
  const SlewedLine line(1000, 50, 2 * kGigahertz);
  EXPECT_EQ(line.at(1000), 50);
  EXPECT_EQ(line.at(1000 + 2'000'000'000), 50 + kSecond);
}

TEST(SlewedLine, reaches_a_host_that_is_a_little_ahead_within_the_horizon) {
  SlewedLine line(0, 0, kGigahertz);
  EXPECT_EQ(line.turn_towards(0, 100'000, kSecond), 100'000);
  EXPECT_EQ(line.at(0), 0);
  EXPECT_NEAR(static_cast<double>(line.at(kSecond)), kSecond + 100'000, 2);
}

TEST(SlewedLine, never_gains_or_loses_more_than_500_ppm) {
  for (const Nanos offset : {10 * kSecond, -10 * kSecond}) {
    SlewedLine line(0, 0, kGigahertz);
    EXPECT_EQ(line.turn_towards(0, offset, kSecond), offset);
    const Nanos gained = line.at(kSecond) - kSecond;
    EXPECT_NEAR(static_cast<double>(std::abs(gained)), 500'000, 2);
    EXPECT_EQ(gained > 0, offset > 0);
  }
}

TEST(SlewedLine, converges_on_a_host_that_stepped_and_does_not_swing) {
  SlewedLine line(0, 0, kGigahertz);
  const Nanos step = 2'250'000;  // 4.5 s at 500 ppm
  for (std::uint64_t second = 0; second < 6; ++second) {
    const auto counter = second * kSecond;
    line.turn_towards(counter, static_cast<Nanos>(counter) + step, kSecond);
  }
  EXPECT_NEAR(static_cast<double>(line.at(6 * kSecond) - 6 * kSecond), step, 5);
}

TEST(GivenClock, stands_still_but_for_what_it_is_given) {
  TscClock clock(100, TscClock::Source::GIVEN);
  EXPECT_TRUE(clock.given());
  EXPECT_EQ(clock.now(), 100);
  clock.set_floor(250);
  clock.set_floor(200);
  EXPECT_EQ(clock.now(), 250);
  EXPECT_EQ(clock.adjust(), 0);
  EXPECT_EQ(clock.now(), 250);
  EXPECT_EQ(clock.hz(), 0U);
}

class Clocks : public testing::TestWithParam<TscClock::Source> {};

TEST_P(Clocks, are_monotonic_and_keep_to_the_host_clock) {
  TscClock clock(0, GetParam());
  Nanos last = 0;
  for (int i = 0; i < 200'000; ++i) {
    const Nanos now = clock.now();
    ASSERT_GE(now, last);
    last = now;
    if (i % 20'000 == 0) clock.adjust();
  }
  // The host may preempt us between the two readings; the tightest of a few counts.
  Nanos nearest = kSecond;
  for (int i = 0; i < 50; ++i) nearest = std::min(nearest, std::abs(host_now() - clock.now()));
  EXPECT_LT(nearest, 50'000);
}

TEST_P(Clocks, put_a_stamp_of_the_host_where_they_would_have_taken_it) {
  TscClock clock(0, GetParam());
  clock.adjust();
  // The tightest of a few readings: the host may preempt us between them.
  Nanos tightest = kSecond;
  Nanos off = kSecond;
  for (int i = 0; i < 50; ++i) {
    const Nanos before = clock.now();
    const Nanos put = clock.of_host(host_now());
    const Nanos after = clock.now();
    if (after - before >= tightest) continue;
    tightest = after - before;
    off = std::max({before - put, put - after, Nanos{0}});
  }
  EXPECT_LT(off, 20'000);
}

TEST_P(Clocks, put_an_earlier_stamp_as_much_earlier) {
  TscClock clock(0, GetParam());
  const Nanos host = host_now();
  EXPECT_NEAR(static_cast<double>(clock.of_host(host) - clock.of_host(host - kMillisecond)),
              static_cast<double>(kMillisecond), 600);  // 500 ppm, and rounding
}

TEST_P(Clocks, never_answer_before_the_floor) {
  const Nanos floor = host_now() + 3600 * kSecond;
  TscClock clock(floor, GetParam());
  EXPECT_EQ(clock.now(), floor);
  clock.set_floor(floor + 5);
  EXPECT_EQ(clock.now(), floor + 5);
  clock.set_floor(floor);
  EXPECT_EQ(clock.now(), floor + 5);
}

INSTANTIATE_TEST_SUITE_P(Sources, Clocks,
                         testing::Values(TscClock::Source::AUTO, TscClock::Source::MONOTONIC));

TEST(TscClock, says_its_source_and_rate) {
  TscClock fallback(0, TscClock::Source::MONOTONIC);
  EXPECT_FALSE(fallback.uses_tsc());
  EXPECT_EQ(fallback.hz(), 1'000'000'000U);
  TscClock clock;
  EXPECT_EQ(clock.uses_tsc(), tsc_is_invariant());
  EXPECT_GE(clock.hz(), 500'000'000U);
}

}  // namespace
}  // namespace pitwire
