// The gate decides as its table says, whatever is asked: its quick yes is a yes of the table.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

#include "../rounds.hpp"
#include "builders.hpp"
#include "pitwire/orders/risk_gate.hpp"

namespace pitwire::testing {
namespace {

using Random = std::mt19937_64;

std::int64_t pick(Random& random, std::initializer_list<std::int64_t> values) {
  return values.begin()[random() % values.size()];
}
bool one_in(Random& random, unsigned n) { return random() % n == 0; }

/// A desk with random limits, states, positions and working orders, mostly able to trade.
struct World {
  Desk desk;
  RiskGate gate{desk.registry, desk.orders, desk.positions};
  Nanos now = 1'000 * kSecond;
  ClOrdId next = 1;

  explicit World(Random& random) {
    set_states(random);
    set_limits(random);
    for (auto n = random() % 12; n > 0; --n) submit(request(random));
    for (auto n = random() % 3; n > 0; --n) {
      desk.positions.adopt(StrategyId{static_cast<std::uint32_t>(random() % 2)},
                           InstrumentId{static_cast<std::uint32_t>(random() % 2)},
                           pick(random, {-50, -1, 1, 50, kInt64Max - 20}), 1'000);
    }
    gate.set_disk_low(one_in(random, 50));
  }

  void set_states(Random& random) {
    for (const auto strategy : {kNoId, 0u, 1u}) {
      rec::RiskState record;
      record.strategy = strategy;
      record.state = static_cast<std::uint8_t>(one_in(random, 20) ? random() % 3 : 0);
      record.armed = one_in(random, 30) ? 0 : 1;
      gate.apply(record);
    }
  }
  void set_limits(Random& random) {
    for (const auto& spec : limit_specs()) {
      for (const auto strategy : {kNoId, 0u}) {
        for (const auto instrument : {kNoId, 0u}) {
          if (one_in(random, 8)) {
            gate.limits().set(spec.name, strategy, instrument,
                              pick(random, {0, 1, 2, 9, 10, 11, 50, 1'000, 1'000'000'000}));
          }
        }
      }
    }
  }
  OrderRequest request(Random& random) const {
    OrderRequest request;
    request.instrument =
        InstrumentId{one_in(random, 40) ? 9u : static_cast<std::uint32_t>(random() % 2)};
    request.strategy =
        StrategyId{one_in(random, 40) ? 5'000u : static_cast<std::uint32_t>(random() % 2)};
    request.side = static_cast<Side>(one_in(random, 40) ? 0 : 1 + random() % 2);
    request.ord_type = one_in(random, 10) ? static_cast<OrdType>(random() % 6) : OrdType::LIMIT;
    request.time_in_force =
        one_in(random, 10) ? static_cast<TimeInForce>(random() % 7) : TimeInForce::DAY;
    request.flags = static_cast<std::uint8_t>(one_in(random, 10) ? random() % 4 : 0);
    request.price = one_in(random, 20) ? pick(random, {kInt64Min + 1, -5, 0, kInt64Max})
                                       : 990 + static_cast<std::int64_t>(random() % 20);
    request.stop_px = 1'000;
    request.order_qty = one_in(random, 20) ? pick(random, {-1, 0, kInt64Max})
                                           : 1 + static_cast<std::int64_t>(random() % 12);
    return request;
  }
  MarketView market(Random& random) const {
    MarketView view{BookState::LIVE, TradingState::TRADING, 999, 1'001, 1'000, now};
    if (one_in(random, 15)) view.book = static_cast<BookState>(random() % 6);
    if (one_in(random, 15)) view.trading = static_cast<TradingState>(random() % 6);
    if (one_in(random, 15)) view.bid_px = pick(random, {kNoPx, -1'000, kInt64Max});
    if (one_in(random, 15)) view.ask_px = pick(random, {kNoPx, -900, kInt64Max});
    if (one_in(random, 15)) view.updated_ts = now - pick(random, {1, 2, 9, 60'000}) * kMillisecond;
    return view;
  }
  SessionView session(Random& random) const {
    return {!one_in(random, 30), one_in(random, 30), one_in(random, 30) ? 10 : 100, 10, {}};
  }
  /// As the log would say it, whatever the gate would have said.
  void submit(const OrderRequest& request) {
    if (!desk.registry.known(request.instrument) || index(request.strategy) > 1) return;
    auto record =
        submitted(next++, request.side, std::clamp<std::int64_t>(request.order_qty, 1, 99),
                  std::clamp<std::int64_t>(request.price, 1, 9'999));
    record.instrument = index(request.instrument);
    record.strategy = index(request.strategy);
    desk.orders.apply(record);
    gate.apply(record, now);
    now += static_cast<Nanos>(request.order_qty & 7) * kMillisecond;
  }
};

/// The first check that failed in words, NONE where all passed.
DenyReason by_table(const std::vector<CheckResult>& checks) {
  const auto failed = std::find_if(checks.begin(), checks.end(), [](const CheckResult& check) {
    return check.applies && !check.passed;
  });
  return failed == checks.end() ? DenyReason::NONE : failed->reason;
}

/// Requests that passed, of `count` put to a world of their own.
std::uint64_t passed_of(Random& random, std::uint64_t count) {
  World world(random);
  std::uint64_t passed = 0;
  for (std::uint64_t r = 0; r < count; ++r) {
    const auto request = world.request(random);
    const auto market = world.market(random);
    const auto session = world.session(random);
    const auto verdict = world.gate.check(request, market, session, world.now);
    const auto table = by_table(world.gate.explain(request, market, session, world.now));
    EXPECT_EQ(verdict.reason, table) << "request " << r;
    passed += verdict.passed() ? 1u : 0u;
    if (verdict.passed()) world.submit(request);
  }
  return passed;
}

TEST(RiskGateRandom, TheQuickYesIsTheTablesYes) {
  std::uint64_t passed = 0, asked = 0;
  in_rounds(20'000, 20, [&](std::uint64_t seed, std::uint64_t events) {
    Random random(seed);
    passed += passed_of(random, events);
    asked += events;
  });
  EXPECT_GT(passed, asked / 20) << "the test denies too much to say anything";
}

}  // namespace
}  // namespace pitwire::testing
