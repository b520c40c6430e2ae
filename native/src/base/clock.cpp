#include "pitwire/base/clock.hpp"

#include <cpuid.h>
#include <time.h>
#include <x86intrin.h>

#include <algorithm>
#include <cmath>

namespace pitwire {
namespace {

constexpr Nanos kCalibration = 10 * kMillisecond;
constexpr Nanos kHorizon = kSecond;  // a difference is closed over this, where 500 ppm allow

Nanos read_clock(clockid_t id) noexcept {
  timespec at{};
  ::clock_gettime(id, &at);
  return static_cast<Nanos>(at.tv_sec) * kSecond + at.tv_nsec;
}

}  // namespace

Nanos host_now() noexcept { return read_clock(CLOCK_REALTIME); }

bool tsc_is_invariant() noexcept {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & (1U << 8)) != 0;
}

SlewedLine::SlewedLine(std::uint64_t counter, Nanos at, double hz) noexcept
    : anchor_counter_(counter),
      anchor_(at),
      hz_(hz),
      ns_per_count_(static_cast<double>(kSecond) / hz) {}

Nanos SlewedLine::at(std::uint64_t counter) const noexcept {
  const auto counts = static_cast<std::int64_t>(counter - anchor_counter_);
  return anchor_ + static_cast<Nanos>(static_cast<double>(counts) * ns_per_count_);
}

Nanos SlewedLine::turn_towards(std::uint64_t counter, Nanos host, Nanos horizon) noexcept {
  const Nanos ours = at(counter);
  const Nanos behind = host - ours;
  const double wanted_ppm = static_cast<double>(behind) / static_cast<double>(horizon) * 1e6;
  const double ppm =
      std::clamp(wanted_ppm, -static_cast<double>(kSlewPpmMax), static_cast<double>(kSlewPpmMax));
  anchor_ = ours;
  anchor_counter_ = counter;
  ns_per_count_ = static_cast<double>(kSecond) / hz_ * (1.0 + ppm * 1e-6);
  return behind;
}

std::uint64_t TscClock::counter() const noexcept {
  if (source_ == Source::TSC) return __rdtsc();
  return given() ? 0 : static_cast<std::uint64_t>(read_clock(CLOCK_MONOTONIC));
}

/// Counter and clocks as of one moment: the tightest of a few readings, so that an interruption
/// between them does not count.
TscClock::Pair TscClock::read_together() const noexcept {
  Pair best{};
  std::uint64_t tightest = ~std::uint64_t{0};
  for (int i = 0; i < 8; ++i) {
    const std::uint64_t before = counter();
    const Nanos host = read_clock(CLOCK_REALTIME);
    const Nanos steady = read_clock(CLOCK_MONOTONIC);
    const std::uint64_t after = counter();
    if (after - before >= tightest) continue;
    tightest = after - before;
    best = {before + tightest / 2, host, steady};
  }
  return best;
}

TscClock::TscClock(Nanos floor, Source source)
    : source_(source != Source::AUTO ? source
              : tsc_is_invariant()   ? Source::TSC
                                     : Source::MONOTONIC),
      start_(given() ? Pair{} : read_together()),
      newest_(start_),
      hz_(given() ? 0.0 : static_cast<double>(kSecond)),
      line_(start_.counter, start_.host, static_cast<double>(kSecond)),
      last_(floor) {
  if (!uses_tsc()) return;
  Pair end = start_;
  while (end.steady - start_.steady < kCalibration) end = read_together();
  hz_ = static_cast<double>(end.counter - start_.counter) * static_cast<double>(kSecond) /
        static_cast<double>(end.steady - start_.steady);
  line_ = SlewedLine(end.counter, end.host, hz_);
  newest_ = end;
}

Nanos TscClock::now() noexcept {
  last_ = std::max(last_, line_.at(counter()));
  return last_;
}

Nanos TscClock::adjust() noexcept {
  if (given()) return 0;
  const Pair pair = read_together();
  const Nanos lived = pair.steady - start_.steady;
  // The rate is of the steady clock: a step of the host's time must not pass for a fast counter.
  if (uses_tsc() && lived > kCalibration) {
    hz_ = static_cast<double>(pair.counter - start_.counter) * static_cast<double>(kSecond) /
          static_cast<double>(lived);
    line_.set_hz(hz_);
  }
  newest_ = pair;
  return line_.turn_towards(pair.counter, pair.host, kHorizon);
}

Nanos TscClock::of_host(Nanos host) const noexcept {
  if (given()) return last_;  // no host's clock has to do with it
  const Nanos passed = host - newest_.host;
  const double slewed = static_cast<double>(passed) * (line_.pace() - 1.0);
  return line_.at(newest_.counter) + passed + static_cast<Nanos>(slewed);
}

void TscClock::set_floor(Nanos floor) noexcept { last_ = std::max(last_, floor); }

std::uint64_t TscClock::hz() const noexcept {
  return static_cast<std::uint64_t>(std::llround(hz_));
}

}  // namespace pitwire
