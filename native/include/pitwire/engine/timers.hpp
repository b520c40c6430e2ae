// Timers that fire by the log's time: a deadline has passed when a record's ts_core says so.
// Fires are ordered by (deadline, id), so that two runs of the same log agree.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "pitwire/base/types.hpp"
#include "pitwire/market/bytes.hpp"

namespace pitwire {

using TimerId = std::uint64_t;

/// One timer that fired.
struct TimerFire {
  TimerId id{};
  StrategyId strategy{};
  Nanos deadline{};
};

/// An ordered set of deadlines: arm, cancel and pop are O(log n) and meant for tens of timers a
/// strategy, not for one an order.
class TimerQueue {
 public:
  /// Arm (or re-arm) `id`; with `period_ns` > 0 it fires again every period, skipping the ones
  /// that were missed in a silence: a timer never fires twice for one record.
  void arm(TimerId id, StrategyId strategy, Nanos deadline, Nanos period_ns) {
    cancel(id);
    timers_[id] = Timer{strategy, deadline, period_ns};
    deadlines_.emplace(deadline, id);
  }

  void cancel(TimerId id) {
    const auto found = timers_.find(id);
    if (found == timers_.end()) return;
    deadlines_.erase({found->second.deadline, id});
    timers_.erase(found);
  }

  [[nodiscard]] bool armed(TimerId id) const { return timers_.contains(id); }

  [[nodiscard]] Nanos next_deadline() const noexcept {
    return deadlines_.empty() ? std::numeric_limits<Nanos>::max() : deadlines_.begin()->first;
  }

  /// Calls `fire(TimerFire)` for every timer due at `now`, in order.
  template <class Fire>
  void advance(Nanos now, Fire&& fire) {
    while (next_deadline() <= now) {
      const auto [deadline, id] = *deadlines_.begin();
      const Timer timer = timers_.at(id);
      cancel(id);
      if (timer.period_ns > 0) {
        const Nanos missed = (now - deadline) / timer.period_ns;
        arm(id, timer.strategy, deadline + (missed + 1) * timer.period_ns, timer.period_ns);
      }
      fire(TimerFire{id, timer.strategy, deadline});
    }
  }

  /// Forget every timer of a strategy that stopped.
  void cancel_all(StrategyId strategy) {
    for (auto it = timers_.begin(); it != timers_.end();) {
      const auto [id, timer] = *it++;
      if (timer.strategy == strategy) cancel(id);
    }
  }

  /// Calls `visit(id, strategy, deadline, period_ns)` for every armed timer, by id.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const auto& [id, timer] : timers_)
      visit(id, timer.strategy, timer.deadline, timer.period_ns);
  }

  void save(ByteWriter& out) const {
    out.put(static_cast<std::uint64_t>(timers_.size()));
    for_each([&](TimerId id, StrategyId strategy, Nanos deadline, Nanos period_ns) {
      out.put(id);
      out.put(strategy);
      out.put(deadline);
      out.put(period_ns);
    });
  }
  [[nodiscard]] bool restore(ByteReader& in) {
    timers_.clear();
    deadlines_.clear();
    for (auto left = in.get<std::uint64_t>(); left > 0 && in.ok(); --left) {
      const auto id = in.get<TimerId>();
      const auto strategy = in.get<StrategyId>();
      const auto deadline = in.get<Nanos>();
      arm(id, strategy, deadline, in.get<Nanos>());
    }
    return in.ok();
  }

 private:
  struct Timer {
    StrategyId strategy{};
    Nanos deadline{};
    Nanos period_ns{};
  };
  std::map<TimerId, Timer> timers_;
  std::set<std::pair<Nanos, TimerId>> deadlines_;
};

}  // namespace pitwire
