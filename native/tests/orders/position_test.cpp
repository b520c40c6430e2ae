// Money: average cost, exact sums, fees, inverse contracts, marks.
#include <gtest/gtest.h>

#include "builders.hpp"

namespace pitwire::testing {
namespace {

struct Trader {
  Desk desk;
  ClOrdId next = 1;
  rec::Fill trade(Side side, std::int64_t qty, std::int64_t px, InstrumentId instrument = kStock,
                  std::int64_t fee = kInt64Min, bool aggressor = false) {
    const auto id = next++;
    desk.orders.apply(submitted(id, side, qty, px, instrument));
    auto record = fill(id, qty, px, side);
    record.fee = fee;
    record.flags = aggressor ? 8 : 0;
    const auto transition = desk.orders.apply(record);
    return desk.positions.book(*transition.order, transition.bookings[0]);
  }
  PositionMoney money(InstrumentId instrument = kStock) {
    return desk.positions.money(desk.positions.of(kAlpha, instrument), instrument);
  }
};

TEST(Position, RealisedIsByAverageCostInTheMoneyUnit) {
  Trader trader;
  trader.trade(Side::BUY, 10, 10'000);
  trader.trade(Side::BUY, 10, 10'100);
  const auto record = trader.trade(Side::SELL, 5, 10'200);
  // 5 × (102.00 − 100.50) = 7.50 USD; the money unit is 1e-4 USD.
  EXPECT_EQ(record.realised_pnl, 75'000);
  EXPECT_EQ(record.position, 15);
  EXPECT_DOUBLE_EQ(trader.desk.positions.avg_px(trader.desk.positions.of(kAlpha, kStock), kStock),
                   10'050.0);
}

TEST(Position, AFillThroughZeroClosesAtCostAndOpensAtItsOwnPrice) {
  Trader trader;
  trader.trade(Side::BUY, 10, 10'000);
  EXPECT_EQ(trader.trade(Side::SELL, 15, 10'100).realised_pnl, 100'000);
  trader.desk.positions.mark(kStock, 10'050);
  EXPECT_EQ(trader.money().unrealised, 25'000);
  EXPECT_EQ(trader.trade(Side::BUY, 5, 10'000).realised_pnl, 150'000);
  EXPECT_EQ(trader.money().unrealised, 0);
}

TEST(Position, AFlatPositionHasRealisedExactlyItsCashFlows) {
  Trader trader;
  trader.trade(Side::BUY, 3, 10'001);
  trader.trade(Side::BUY, 4, 10'002);
  for (const auto px : {10'003, 9'999, 10'007, 10'000, 10'011, 10'002, 9'998}) {
    trader.trade(Side::SELL, 1, px);
  }
  const auto bought = 3 * 10'001 + 4 * 10'002;
  const auto sold = 10'003 + 9'999 + 10'007 + 10'000 + 10'011 + 10'002 + 9'998;
  EXPECT_EQ(trader.money().realised, (sold - bought) * 100);
  EXPECT_TRUE(trader.desk.positions.of(kAlpha, kStock).position.open_cost == 0);
}

TEST(Position, AnInverseContractEarnsInItsBaseCurrency) {
  Trader trader;
  // 10 contracts of 100 USD, bought at 50,000.0 and sold at 51,000.0.
  trader.trade(Side::BUY, 10, 500'000, kInverse);
  const auto record = trader.trade(Side::SELL, 10, 510'000, kInverse);
  // 1000 × (1/50000 − 1/51000) = 0.000392156862… BTC
  EXPECT_EQ(record.realised_pnl, 39'216);
  trader.trade(Side::SELL, 10, 500'000, kInverse);
  trader.desk.positions.mark(kInverse, 490'000);
  // 1000 × (1/49000 − 1/50000) = 0.000408163265… BTC
  EXPECT_EQ(trader.money(kInverse).unrealised, 40'816);
}

TEST(Position, TheVenuesFeeCountsAndElseTheInstrumentsRule) {
  Trader trader;
  EXPECT_EQ(trader.trade(Side::BUY, 10, 10'000, kStock, 123).fee, 123);
  InstrumentRegistry registry;
  auto instrument = stock(0);
  instrument.fee = {FeeBasis::NOTIONAL_RATE, Rounding::HALF_UP, -1'000, 50'000};  // 1e-8
  registry.add(instrument);
  instrument = stock(1, "LOTS");
  instrument.fee = {FeeBasis::PER_LOT, Rounding::HALF_UP, 5, 30};
  registry.add(instrument);
  PositionBook positions(registry, 16, 16);
  Order order;
  order.side = Side::BUY;
  // 1,000.00 USD at 5 bp is 0.50 USD; the maker's rebate of 0.1 bp is 0.01 USD.
  EXPECT_EQ(positions.book(order, {0, true, false, 10'000, 10, 0, {}}).fee, 5'000);
  EXPECT_EQ(positions.book(order, {0, false, false, 10'000, 10, 0, {}}).fee, -100);
  EXPECT_EQ(positions.book(order, {1, true, false, 10'000, -10, 0, {}}).fee, -5'000);
  order.instrument = InstrumentId{1};
  EXPECT_EQ(positions.book(order, {0, true, false, 10'000, 10, 0, {}}).fee, 300);
}

TEST(Position, TotalsAreInTheRiskCurrency) {
  Trader trader;
  trader.trade(Side::BUY, 10, 10'000, kStock, 0);
  trader.desk.positions.mark(kStock, 9'900);
  EXPECT_EQ(trader.desk.positions.firm_totals().pnl, -10 * kRiskMoneyPerUnit);
  EXPECT_EQ(trader.desk.positions.firm_totals().gross_notional, 1'000 * kRiskMoneyPerUnit);
  trader.desk.positions.begin_day();
  EXPECT_EQ(trader.desk.positions.firm_totals().day_loss(), 0);
  trader.trade(Side::BUY, 10, 500'000, kInverse, 0);
  // 1,000 USD are 0.02 BTC, at 50,000 a BTC again 1,000.
  EXPECT_EQ(trader.desk.positions.totals(kAlpha).gross_notional, 2'000 * kRiskMoneyPerUnit);
}

TEST(Position, AnOverflowSticksAndIsSaid) {
  Trader trader;
  trader.trade(Side::BUY, kInt64Max, 10'000);
  EXPECT_TRUE(trader.desk.positions.overflowed());
}

TEST(Position, AnAdoptedPositionIsEnteredAtItsPrice) {
  Trader trader;
  trader.desk.positions.adopt(kAlpha, kStock, -5, 10'000);
  trader.desk.positions.mark(kStock, 9'900);
  EXPECT_EQ(trader.money().unrealised, 50'000);
}

TEST(Position, AnAdoptionThatLeavesTheRangeIsAnOverflowAndChangesNothing) {
  Desk desk;
  desk.positions.adopt(kAlpha, kStock, -50, 1'000);
  desk.positions.adopt(kAlpha, kStock, kInt64Max - 20, 1'000);
  EXPECT_TRUE(desk.positions.overflowed());
  EXPECT_EQ(desk.positions.of(kAlpha, kStock).position.net_qty, -50);
}

TEST(Exact, RoundingRulesAreWhatTheirNamesSay) {
  const auto quotient = [](Int128 n, Int128 d, Rounding rule) {
    return static_cast<std::int64_t>(divide(n, d, rule));
  };
  EXPECT_EQ(quotient(5, 2, Rounding::HALF_EVEN), 2);
  EXPECT_EQ(quotient(7, 2, Rounding::HALF_EVEN), 4);
  EXPECT_EQ(quotient(-5, 2, Rounding::HALF_EVEN), -2);
  EXPECT_EQ(quotient(5, 2, Rounding::HALF_UP), 3);
  EXPECT_EQ(quotient(-5, 2, Rounding::HALF_UP), -3);
  EXPECT_EQ(quotient(-5, 3, Rounding::TOWARDS_ZERO), -1);
  EXPECT_EQ(quotient(4, 3, Rounding::AWAY_FROM_ZERO), 2);
  EXPECT_EQ(quotient(-4, 3, Rounding::AWAY_FROM_ZERO), -2);
  EXPECT_EQ(static_cast<std::int64_t>(share_of(-7, 1, 2)), -4);
}

TEST(Registry, RefusesWhatIsWrongAndSaysWhatAndWhy) {
  const auto message = [](auto&& change) {
    InstrumentRegistry registry;
    auto instrument = stock(0);
    change(instrument);
    try {
      registry.add(instrument);
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(message([](auto&) {}), "");
  EXPECT_NE(message([](auto& i) { i.lot = 0; }).find("ACME: lot:"), std::string::npos);
  EXPECT_NE(message([](auto& i) { i.money_exponent = 1; }).find("money_exponent"),
            std::string::npos);
  EXPECT_NE(message([](auto& i) { i.id = InstrumentId{3}; }).find("id: expected 0"),
            std::string::npos);
  EXPECT_NE(message([](auto& i) { i.multiplier = {0, 0}; }).find("multiplier"), std::string::npos);
  EXPECT_THROW(TickTable({{0, 1}, {0, 2}}), std::invalid_argument);
}

TEST(TickTable, EachBandHoldsFromItsFirstPrice) {
  const TickTable ticks({{0, 1}, {10'000, 5}, {50'000, 10}});
  EXPECT_EQ(ticks.step_at(9'999), 1);
  EXPECT_EQ(ticks.step_at(10'000), 5);
  EXPECT_EQ(ticks.step_at(50'001), 10);
  EXPECT_EQ(ticks.step_at(-1), 1);
  EXPECT_FALSE(ticks.allows(10'001));
}

TEST(PositionBook, APositionIsValuedAtTheMarkThatWasThereBefore) {
  Desk desk;
  desk.positions.mark(kStock, 900);
  desk.working(1, Side::BUY, 10, 1'000);
  desk.take(fill(1, 10, 1'000));
  EXPECT_EQ(desk.positions.firm_totals().day_loss(), 10 * 100 * 10'000);  // 10 lots, 100 cents down
  std::vector<std::byte> saved;
  Desk marked, restored;
  marked.positions.mark(kStock, 900);
  marked.positions.save(saved);
  ASSERT_TRUE(restored.positions.restore(saved));
  EXPECT_EQ(restored.positions.mark_px(kStock), 900);
}

}  // namespace
}  // namespace pitwire::testing
