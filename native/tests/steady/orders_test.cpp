// Orders: the gate with everything that a life of an order changes, and the venue's matching.
#include "../orders/builders.hpp"
#include "hook.hpp"
#include "pitwire/matching/matching_engine.hpp"
#include "pitwire/orders/risk_gate.hpp"

namespace pitwire::testing {
namespace {

/// A desk with every limit set, wide enough that nothing is denied.
struct Trading {
  Desk desk{256, 1 << 16};
  RiskGate gate{desk.registry, desk.orders, desk.positions};
  Nanos now = 1'000 * kSecond;
  ClOrdId next = 1;
  std::uint64_t passed = 0;

  Trading() {
    rec::RiskState armed;
    armed.strategy = kNoId;
    armed.armed = 1;
    gate.apply(armed);
    for (const auto& limit : limit_specs()) {
      if (limit.name == "duplicate_window_ms") continue;  // the same order again is this test
      gate.limits().set(limit.name, kNoId, kNoId, 1'000'000'000);
    }
  }

  /// Submitted, acknowledged, filled in part, replaced, cancelled.
  void life() {
    now += kMillisecond;
    OrderRequest request;
    request.instrument = kStock;
    request.strategy = kAlpha;
    request.side = next % 2 == 0 ? Side::BUY : Side::SELL;
    request.price = 1'000;
    request.order_qty = 10;
    const MarketView market{BookState::LIVE, TradingState::TRADING, 999, 1'001, 1'000, now};
    const SessionView session{true, false, 1'000, 10, {}};
    passed += gate.check(request, market, session, now).passed() ? 1U : 0U;
    const auto id = next++;
    const auto order = submitted(id, request.side, 10, 1'000);
    desk.orders.apply(order);
    gate.apply(order, now);
    tell(id, ExecType::NEW, OrdStatus::NEW, request.side, 0);
    tell(id, ExecType::TRADE, OrdStatus::PARTIALLY_FILLED, request.side, 4);
    ReplaceRequest change;
    change.order = id;
    change.price = 1'000;
    change.order_qty = 8;
    passed += gate.check(change, market, session, now).passed() ? 1U : 0U;
    const auto replacing = replace(id, next++, 8, 1'000);
    desk.orders.apply(replacing);
    gate.apply(replacing, now);
    tell(next - 1, ExecType::REPLACED, OrdStatus::PARTIALLY_FILLED, request.side, 0);
    const auto cancelling = cancel(id, next++);
    desk.orders.apply(cancelling);
    gate.apply(cancelling, now);
    tell(next - 1, ExecType::CANCELED, OrdStatus::CANCELED, request.side, 0);
  }

 private:
  void tell(ClOrdId id, ExecType type, OrdStatus status, Side side, std::int64_t qty) {
    rec::Execution record;
    record.cl_ord_id = id;
    record.exec_type = static_cast<std::uint8_t>(type);
    record.ord_status = static_cast<std::uint8_t>(status);
    record.side = static_cast<std::uint8_t>(side);
    record.last_qty = qty;
    record.last_px = 1'000;
    record.fee = kInt64Min;
    std::snprintf(record.exec_id.data(), record.exec_id.size(), "%llu",
                  static_cast<unsigned long long>(++executions_));
    desk.take(record);
  }
  std::uint64_t executions_ = 0;
};

TEST(Steady, TheGateTheOrderTableAndPositions) {
  Trading trading;
  const auto some = [&] {
    for (int i = 0; i < 5'000; ++i) trading.life();
  };
  some();
  EXPECT_TRUE(is_steady(some));
  EXPECT_EQ(trading.passed, 20'000U);
  EXPECT_EQ(trading.desk.orders.working(), 0U);
}

struct Silent final : VenueSink {
  void accepted(Nanos, const VenueOrder&) override {}
  void rejected(Nanos, const VenueOrder&, VenueReject) override {}
  void rested(Nanos, const VenueOrder&) override {}
  void traded(const VenueTrade&) override { ++trades; }
  void reduced(Nanos, const VenueOrder&, std::int64_t) override {}
  void replaced(Nanos, const VenueOrder&, OrderRef) override {}
  void canceled(Nanos, const VenueOrder&, CancelCause, bool) override {}
  void triggered(Nanos, const VenueOrder&) override {}
  void trading(Nanos, InstrumentId, TradingState) override {}
  std::uint64_t trades = 0;
};

VenueOrder order(Side side, std::int64_t price, std::int64_t qty) {
  VenueOrder made;
  made.side = side;
  made.price = price;
  made.order_qty = qty;
  return made;
}

TEST(Steady, TheMatchingEngine) {
  Silent sink;
  MatchingEngine engine({VenueInstrument{}}, 4'096);
  const auto some = [&] {
    for (std::int64_t i = 0; i < 20'000; ++i) {
      const auto ref = engine.submit(i, order(Side::BUY, 1'000 - i % 50, 10), sink);
      engine.submit(i, order(Side::SELL, 1'001 + i % 50, 10), sink);
      engine.submit(i, order(Side::BUY, 1'060, 10), sink);
      if (ref) engine.cancel(i, ref, sink);
    }
  };
  some();
  EXPECT_TRUE(is_steady(some));
  EXPECT_EQ(sink.trades, 40'000U);
}

}  // namespace
}  // namespace pitwire::testing
