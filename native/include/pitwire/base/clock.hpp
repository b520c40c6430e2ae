// The host's time without a system call: the time stamp counter, anchored and slewed.
#pragma once

#include <cstdint>

#include "pitwire/base/types.hpp"

namespace pitwire {

/// Nanoseconds since 1970 UTC by the host clock (CLOCK_REALTIME), which may step.
[[nodiscard]] Nanos host_now() noexcept;
/// True where the time stamp counter runs at one rate through sleep and frequency changes.
[[nodiscard]] bool tsc_is_invariant() noexcept;

/// A line from counter to nanoseconds whose slope is bent, never broken: the arithmetic of
/// TscClock, without a counter or a clock of its own.
class SlewedLine {
 public:
  /// A duration this clock never gains or loses more than, in parts per million of time passed.
  static constexpr std::int64_t kSlewPpmMax = 500;

  SlewedLine(std::uint64_t counter, Nanos at, double hz) noexcept;
  [[nodiscard]] Nanos at(std::uint64_t counter) const noexcept;
  /// Re-anchors at what the line says now and turns it towards `host`: to arrive within `horizon`
  /// or as fast as 500 ppm allows. No jump. Returns host minus line, ns.
  Nanos turn_towards(std::uint64_t counter, Nanos host, Nanos horizon) noexcept;
  /// Its ns to a true one: 1, or as much beside it as it is slewed.
  [[nodiscard]] double pace() const noexcept {
    return ns_per_count_ * hz_ / static_cast<double>(kSecond);
  }
  /// A better estimate of the counter's rate; takes effect at the next turn_towards().
  void set_hz(double hz) noexcept { hz_ = hz; }

 private:
  std::uint64_t anchor_counter_;
  Nanos anchor_;
  double hz_;
  double ns_per_count_;
};

/// Monotonic ns since 1970 UTC from the time stamp counter; falls back to CLOCK_MONOTONIC as the
/// counter where the TSC is not invariant. Owned by one thread: now() remembers the last answer.
/// Where recorded time is run through again, the clock is given (Source::GIVEN).
class TscClock {
 public:
  /// GIVEN: no counter and no host; the clock stands still, and only set_floor() moves it.
  enum class Source : std::uint8_t { AUTO, TSC, MONOTONIC, GIVEN };

  /// Calibrates for about 10 ms. Never answers before `floor` (a log's last ts_core).
  explicit TscClock(Nanos floor = 0, Source source = Source::AUTO);

  /// Not before any earlier answer; equal ones may repeat. About 10 ns.
  [[nodiscard]] Nanos now() noexcept;
  /// To be called about once a second: turns the clock towards the host's, at most 500 ppm, never
  /// a step. Returns host minus ours before the turn, ns.
  Nanos adjust() noexcept;
  /// A stamp of the host's clock (CLOCK_REALTIME), of this moment or a little ago, as this clock
  /// would have put it; off by what the host's clock was stepped since the last adjust().
  [[nodiscard]] Nanos of_host(Nanos host) const noexcept;
  /// now() is never below this from here on.
  void set_floor(Nanos floor) noexcept;
  /// Counts per second, as measured over the whole life of the clock; 0 of one that is given.
  [[nodiscard]] std::uint64_t hz() const noexcept;
  [[nodiscard]] bool uses_tsc() const noexcept { return source_ == Source::TSC; }
  [[nodiscard]] bool given() const noexcept { return source_ == Source::GIVEN; }

 private:
  struct Pair {
    std::uint64_t counter;
    Nanos host;
    Nanos steady;
  };
  [[nodiscard]] std::uint64_t counter() const noexcept;
  [[nodiscard]] Pair read_together() const noexcept;

  Source source_;  ///< never AUTO
  Pair start_;
  Pair newest_;  ///< counter and clocks at the last adjust()
  double hz_;
  SlewedLine line_;
  Nanos last_;
};

}  // namespace pitwire
