// Every check of the gate: one below its limit, at it, one above; and what no limit may stop.
#include "pitwire/orders/risk_gate.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "builders.hpp"

namespace pitwire::testing {
namespace {

constexpr Nanos kNow = 1'000 * kSecond;

struct Gated {
  Desk desk;
  RiskGate gate{desk.registry, desk.orders, desk.positions};
  MarketView market{BookState::LIVE, TradingState::TRADING, 999, 1'001, 1'000, kNow};
  SessionView session{true, false, 100, 10, {}};
  OrderRequest request;
  Nanos now = kNow;
  ClOrdId next = 100;

  Gated() {
    arm(RiskState::ACTIVE, true);
    request.side = Side::BUY;
    request.price = 1'000;
    request.order_qty = 10;
  }
  void arm(RiskState state, bool armed, std::uint32_t strategy = kNoId) {
    rec::RiskState record;
    record.strategy = strategy;
    record.state = static_cast<std::uint8_t>(state);
    record.armed = armed ? 1 : 0;
    gate.apply(record);
  }
  void limit(std::string_view name, std::int64_t value, std::uint32_t strategy = kNoId,
             std::uint32_t instrument = kNoId) {
    rec::LimitChanged record;
    record.strategy = strategy;
    record.instrument = instrument;
    record.value = value;
    ASSERT_EQ(gate.apply(record, name), LimitStatus::OK) << name;
  }
  DenyReason reason() { return gate.check(request, market, session, now).reason; }
  /// Sends what was asked for, past the gate's answer.
  ClOrdId send() {
    auto record = submitted(next, request.side, request.order_qty, request.price);
    record.ord_type = static_cast<std::uint8_t>(request.ord_type);
    desk.orders.apply(record);
    gate.apply(record, now);
    return next++;
  }
  void position(std::int64_t net) { desk.positions.adopt(kAlpha, kStock, net, 1'000); }
};

using D = DenyReason;

TEST(RiskGate, PassesWhatIsRight) { EXPECT_EQ(Gated().reason(), D::NONE); }

TEST(RiskGate, IsNotArmedUntilItIsTold) {
  Desk desk;
  const RiskGate gate(desk.registry, desk.orders, desk.positions);
  EXPECT_FALSE(gate.armed());
}

/// Each failing circumstance alone gives its own reason.
TEST(RiskGate, EveryReasonHasItsCircumstance) {
  struct Case {
    D reason;
    std::function<void(Gated&)> arrange;
  };
  const std::vector<Case> cases{
      {D::KILLED, [](Gated& g) { g.gate.apply(rec::Kill{1, 1}); }},
      {D::HALTED, [](Gated& g) { g.arm(RiskState::HALTED, true); }},
      {D::HALTED, [](Gated& g) { g.arm(RiskState::HALTED, true, 0); }},
      {D::NOT_ARMED, [](Gated& g) { g.arm(RiskState::ACTIVE, false); }},
      {D::NOT_ARMED, [](Gated& g) { g.arm(RiskState::ACTIVE, false, 0); }},
      {D::REDUCING, [](Gated& g) { g.arm(RiskState::REDUCING, true); }},
      {D::UNKNOWN_INSTRUMENT, [](Gated& g) { g.request.instrument = InstrumentId{2}; }},
      {D::INSTRUMENT_NOT_TRADABLE, [](Gated& g) { g.market.trading = TradingState::HALTED; }},
      {D::SESSION_DOWN, [](Gated& g) { g.session.logged_on = false; }},
      {D::SESSION_DOWN, [](Gated& g) { g.request.session = SessionId{RiskGate::kSessionsMax}; }},
      {D::SESSION_BACKPRESSURE, [](Gated& g) { g.session.credits = 10; }},
      {D::BOOK_STALE, [](Gated& g) { g.market.book = BookState::RECOVERING; }},
      {D::BOOK_GAPPED, [](Gated& g) { g.market.book = BookState::GAPPED; }},
      {D::BOOK_CROSSED, [](Gated& g) { g.market.book = BookState::CROSSED; }},
      {D::PRICE_NOT_ALLOWED, [](Gated& g) { g.request.price = 0; }},
      {D::LOT_SIZE, [](Gated& g) { g.request.order_qty = 0; }},
      {D::LOT_SIZE, [](Gated& g) { g.request.order_qty = -1; }},
      {D::SELF_TRADE, [](Gated& g) { g.desk.working(1, Side::SELL, 5, 1'000); }},
      {D::REDUCE_ONLY, [](Gated& g) { g.request.flags = 2; }},
      {D::OVERFLOW, [](Gated& g) { g.request.order_qty = kInt64Max / 2; }},
      {D::STRATEGY_STOPPED, [](Gated& g) { g.gate.apply(rec::StrategyState{}); }},
      {D::DISK_LOW, [](Gated& g) { g.gate.set_disk_low(true); }},
      {D::UNSUPPORTED,
       [](Gated& g) {
         g.request.flags = 1;
         g.request.time_in_force = TimeInForce::IOC;
       }},
      {D::UNSUPPORTED, [](Gated& g) { g.request.side = Side::NONE; }},
      {D::UNSUPPORTED, [](Gated& g) { g.session.types.time_in_force = 16; }},  // FOK alone
      {D::UNSUPPORTED, [](Gated& g) { g.request.ord_type = OrdType::TRAILING_STOP; }},
      {D::POST_ONLY,
       [](Gated& g) {
         g.request.flags = 1;
         g.request.price = g.market.ask_px;
         g.session.types.post_only = false;
       }},
      {D::UNSUPPORTED, [](Gated& g) { g.request.time_in_force = TimeInForce::GTD; }},
      {D::UNSUPPORTED,
       [](Gated& g) {
         g.request.time_in_force = TimeInForce::FOK;
         g.session.types.time_in_force = 1;
       }},
      {D::UNSUPPORTED,
       [](Gated& g) {
         g.request.display_qty = 1;
         g.request.time_in_force = TimeInForce::IOC;
       }},
      {D::SESSION_HELD, [](Gated& g) { g.session.held = true; }},
      {D::PRICE_COLLAR,
       [](Gated& g) {
         g.request.ord_type = OrdType::MARKET;
         g.market.ask_px = g.market.bid_px = g.market.last_px = kNoPx;
       }},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    Gated gated;
    cases[i].arrange(gated);
    EXPECT_EQ(gated.reason(), cases[i].reason) << "case " << i;
  }
}

TEST(RiskGate, WhatStandsForATimeInForceThatTheVenueLacks) {
  Gated gated;
  gated.session.types.time_in_force = bit_of(TimeInForce::GTC);
  for (const auto time : {TimeInForce::DAY, TimeInForce::GTC, TimeInForce::IOC}) {
    gated.request.time_in_force = time;
    EXPECT_EQ(gated.reason(), D::NONE);
    EXPECT_EQ(gated.session.types.sent(time), TimeInForce::GTC);
  }
  gated.session.types.time_in_force = bit_of(TimeInForce::DAY);
  EXPECT_EQ(gated.session.types.sent(TimeInForce::IOC), TimeInForce::DAY);
  gated.request.time_in_force = TimeInForce::GTC;
  EXPECT_EQ(gated.reason(), D::UNSUPPORTED);
}

TEST(RiskGate, OfSeveralFailuresTheFirstInTheTableIsTheReason) {
  Gated gated;
  gated.request.order_qty = -1;
  gated.session.logged_on = false;
  EXPECT_EQ(gated.reason(), D::SESSION_DOWN);
}

/// A limit at `value` passes what is at it and denies one more.
TEST(RiskGate, LimitsHoldOneBelowAtAndOneAbove) {
  struct Case {
    std::string_view name;
    std::int64_t value;
    D reason;
    std::function<void(Gated&, std::int64_t)> measure;  ///< makes the measure value + delta
  };
  const auto quantity = [](Gated& g, std::int64_t delta) { g.request.order_qty = 10 + delta; };
  const std::vector<Case> cases{
      {"quantity_max", 10, D::QUANTITY_MAX, quantity},
      {"notional_max", 100, D::NOTIONAL_MAX, quantity},  // 10 lots at 10.00
      {"position_max", 10, D::POSITION_MAX, quantity},
      {"gross_notional_max", 100, D::GROSS_NOTIONAL_MAX, quantity},
      {"collar_ticks", 20, D::PRICE_COLLAR,
       [](Gated& g, std::int64_t delta) { g.request.price = 1'020 + delta; }},
      {"collar_bps", 200, D::PRICE_COLLAR,
       [](Gated& g, std::int64_t delta) { g.request.price = 1'020 + delta; }},
      {"collar_ticks", 20, D::PRICE_COLLAR,
       [](Gated& g, std::int64_t delta) { g.request.price = 980 - delta; }},
      {"working_orders_max", 3, D::WORKING_ORDERS_MAX,
       [](Gated& g, std::int64_t delta) {
         for (std::int64_t i = 0; i < 2 + delta; ++i) g.send();
       }},
      {"message_rate_max", 5, D::MESSAGE_RATE,  // four of five are for orders
       [](Gated& g, std::int64_t delta) {
         for (std::int64_t i = 0; i < 3 + delta; ++i) g.send();
       }},
      {"session_message_rate_max", 5, D::MESSAGE_RATE,
       [](Gated& g, std::int64_t delta) {
         for (std::int64_t i = 0; i < 3 + delta; ++i) g.send();
       }},
      {"book_age_max_ms", 50, D::BOOK_STALE,
       [](Gated& g, std::int64_t delta) { g.now = kNow + 50 * kMillisecond + delta; }},
      {"daily_loss_max", 100, D::DAILY_LOSS,
       [](Gated& g, std::int64_t delta) {
         g.desk.positions.adopt(StrategyId{0}, kStock, 10 + delta, 2'000);
         g.desk.positions.mark(kStock, 1'000);  // 10.00 USD a lot
       }},
  };
  for (const auto& [name, value, reason, measure] : cases) {
    for (const std::int64_t delta : {-1, 0, 1}) {
      Gated gated;
      gated.limit(name, value);
      measure(gated, delta);
      EXPECT_EQ(gated.reason(), delta > 0 ? reason : D::NONE) << name << " at " << delta;
    }
  }
}

TEST(RiskGate, EachScopeOfALimitHoldsAndTheStrictestDecides) {
  for (const auto& [strategy, instrument] :
       {std::pair{kNoId, 0u}, std::pair{0u, kNoId}, std::pair{0u, 0u}}) {
    for (const auto name : {"quantity_max", "position_max", "gross_notional_max"}) {
      Gated gated;
      gated.limit(name, 1'000'000);
      gated.limit(name, 9, strategy, instrument);
      EXPECT_NE(gated.reason(), D::NONE) << name;
      gated.limit(name, -1, strategy, instrument);
      EXPECT_EQ(gated.reason(), D::NONE) << name;
    }
  }
  Gated other;
  other.limit("quantity_max", 9, 1, 0);
  EXPECT_EQ(other.reason(), D::NONE) << "another strategy's limit";
}

TEST(RiskGate, ALimitThatDoesNotExistOrHasNoSuchScopeIsRefused) {
  LimitTree tree;
  EXPECT_EQ(tree.set("bypass", kNoId, kNoId, 1), LimitStatus::UNKNOWN_NAME);
  EXPECT_EQ(tree.set("daily_loss_max", kNoId, 0, 1), LimitStatus::WRONG_SCOPE);
  EXPECT_EQ(tree.set("notional_max", kNoId, kNoId, kInt64Max), LimitStatus::OUT_OF_RANGE);
  EXPECT_EQ(tree.set("notional_max", kNoId, kNoId, 5), LimitStatus::OK);
  EXPECT_EQ(tree.get("notional_max", kNoId, kNoId), 5);
  EXPECT_EQ(tree.get("quantity_max", kNoId, kNoId), -1);
}

TEST(RiskGate, PositionCountsWhatIsInFlightAndUnknown) {
  Gated gated;
  gated.limit("position_max", 25);
  gated.send();
  gated.desk.orders.connection_lost(kRoute, [](const Transition&) {});
  gated.request.order_qty = 15;
  EXPECT_EQ(gated.reason(), D::NONE);
  gated.request.order_qty = 16;
  EXPECT_EQ(gated.reason(), D::POSITION_MAX);
}

TEST(RiskGate, ReducingPassesOnlyWhatReducesAtBothEnds) {
  Gated gated;
  gated.arm(RiskState::REDUCING, true);
  gated.position(-10);
  EXPECT_EQ(gated.reason(), D::NONE);
  gated.request.order_qty = 11;
  EXPECT_EQ(gated.reason(), D::REDUCING) << "through zero";
  gated.request.order_qty = 6;
  gated.send();
  EXPECT_EQ(gated.reason(), D::REDUCING) << "two of six may both be filled";
  gated.request.order_qty = 4;
  EXPECT_EQ(gated.reason(), D::NONE);
}

TEST(RiskGate, AtItsLossOrGrossLimitWhatReducesStillPasses) {
  Gated gated;
  gated.position(-10);
  gated.desk.positions.mark(kStock, 2'000);
  gated.limit("daily_loss_max", 1);
  gated.limit("gross_notional_max", 1);
  EXPECT_EQ(gated.reason(), D::NONE);
  gated.request.side = Side::SELL;
  EXPECT_EQ(gated.reason(), D::GROSS_NOTIONAL_MAX);
}

TEST(RiskGate, TickAndLotAreTheInstruments) {
  Gated gated;
  gated.desk.registry.set_ticks(kStock, TickTable({{0, 5}}));
  EXPECT_EQ(gated.reason(), D::NONE);
  gated.request.price = 1'001;
  const auto verdict = gated.gate.check(gated.request, gated.market, gated.session, gated.now);
  EXPECT_EQ(verdict.reason, D::TICK_SIZE);
  EXPECT_EQ(verdict.value, 1);
}

TEST(RiskGate, ADuplicateIsDeniedWithinItsWindowAndNotAtItsEnd) {
  Gated gated;
  gated.limit("duplicate_window_ms", 100);
  gated.send();
  gated.now = kNow + 100 * kMillisecond - 1;
  EXPECT_EQ(gated.reason(), D::DUPLICATE);
  gated.request.order_qty = 9;
  EXPECT_EQ(gated.reason(), D::NONE);
  gated.request.order_qty = 10;
  gated.now = kNow + 100 * kMillisecond;
  EXPECT_EQ(gated.reason(), D::NONE);
}

TEST(RiskGate, SelfTradeIsAtTheCrossingPriceAndNotOneTickAway) {
  Gated gated;
  gated.desk.working(1, Side::SELL, 5, 1'001);
  EXPECT_EQ(gated.reason(), D::NONE);
  gated.request.price = 1'001;
  EXPECT_EQ(gated.reason(), D::SELF_TRADE);
  gated.request.ord_type = OrdType::MARKET;
  EXPECT_EQ(gated.reason(), D::SELF_TRADE);
  gated.desk.take(report(1, ExecType::CANCELED, OrdStatus::CANCELED, Side::SELL));
  EXPECT_EQ(gated.reason(), D::NONE);
}

TEST(RiskGate, TheRateHoldsInEverySecondAndRecovers) {
  Gated gated;
  gated.limit("message_rate_max", 100);
  for (int i = 0; i < 80; ++i) {
    gated.now += 10 * kMillisecond;
    gated.market.updated_ts = gated.now;
    ASSERT_EQ(gated.reason(), D::NONE) << i;
    gated.request.price = 1'000 - i % 7;
    rec::OrderSubmitted record;
    gated.gate.apply(record, gated.now);
  }
  EXPECT_EQ(gated.reason(), D::MESSAGE_RATE);
  EXPECT_EQ(gated.gate.firm_rate(gated.now + kSecond + RateWindow::kBucket), 0u);
}

TEST(RiskGate, AKillWordDeniesAtOnceAndIsLoggedOnce) {
  Gated gated;
  std::atomic<std::uint32_t> word{0};
  gated.gate.set_kill_word(&word);
  EXPECT_EQ(gated.reason(), D::NONE);
  word = 1;
  EXPECT_EQ(gated.reason(), D::KILLED);
  EXPECT_TRUE(gated.gate.kill_pending());
  gated.gate.apply(rec::Kill{0, 1});
  EXPECT_FALSE(gated.gate.kill_pending());
  word = 0;
  EXPECT_EQ(gated.reason(), D::KILLED) << "the log's kill stands until an operator ends it";
}

TEST(RiskGate, AReplaceIsCheckedForWhatItAdds) {
  Gated gated;
  gated.limit("position_max", 20);
  gated.request.order_qty = 10;
  const auto id = gated.send();
  const auto ask = [&](std::int64_t qty, std::int64_t px = 1'000) {
    return gated.gate.check(ReplaceRequest{id, px, qty}, gated.market, gated.session, gated.now)
        .reason;
  };
  EXPECT_EQ(ask(12), D::ORDER_NOT_WORKING) << "not acknowledged";
  gated.desk.take(report(id, ExecType::NEW, OrdStatus::NEW));
  EXPECT_EQ(ask(20), D::NONE);
  EXPECT_EQ(ask(21), D::POSITION_MAX);
  gated.desk.take(fill(id, 4, 1'000));
  EXPECT_EQ(ask(4), D::LOT_SIZE) << "no more than is filled";
  EXPECT_EQ(ask(5), D::NONE);
  EXPECT_EQ(
      gated.gate.check(ReplaceRequest{77, 1, 1}, gated.market, gated.session, gated.now).reason,
      D::UNKNOWN_ORDER);
}

TEST(RiskGate, TheTableFullIsItsOwnReason) {
  Gated gated;
  for (int i = 0; i < 64; ++i) gated.send();
  EXPECT_EQ(gated.reason(), D::TABLE_FULL);
}

TEST(RiskGate, ExplainAgreesWithCheckAndSaysTheNumbers) {
  Gated gated;
  gated.limit("collar_ticks", 20);
  gated.request.price = 1'030;
  const auto results = gated.gate.explain(gated.request, gated.market, gated.session, gated.now);
  ASSERT_EQ(results.size(), 34u);
  for (const auto& result : results) {
    EXPECT_EQ(result.passed, result.reason != D::PRICE_COLLAR) << result.text;
  }
  const auto& collar = results[static_cast<std::size_t>(D::PRICE_COLLAR) - 1];
  EXPECT_EQ(collar.margin(), -10);
  EXPECT_EQ(collar.text, "price collar: price 1030 outside [980, 1020] price increments (firm)");
  EXPECT_EQ(gated.reason(), D::PRICE_COLLAR);
}

TEST(RiskGate, SavedAndRestoredItAnswersTheSame) {
  Gated gated;
  gated.limit("message_rate_max", 5);
  gated.limit("duplicate_window_ms", 100);
  gated.limit("quantity_max", 50, 0, 0);
  for (int i = 0; i < 3; ++i) gated.send();
  std::vector<std::byte> saved;
  gated.gate.save(saved);
  RiskGate other(gated.desk.registry, gated.desk.orders, gated.desk.positions);
  ASSERT_TRUE(other.restore(saved));
  std::vector<std::byte> again;
  other.save(again);
  EXPECT_EQ(saved, again);
  EXPECT_EQ(other.check(gated.request, gated.market, gated.session, gated.now).reason,
            D::DUPLICATE);
  EXPECT_EQ(other.limits().get("quantity_max", 0, 0), 50);
  EXPECT_FALSE(other.restore(std::span(saved).first(saved.size() / 2)));
}

}  // namespace
}  // namespace pitwire::testing
