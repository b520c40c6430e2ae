// The life of an order through the table: what arrives late, twice, out of order or not at all.
#include "pitwire/orders/order_table.hpp"

#include <gtest/gtest.h>

#include "builders.hpp"

namespace pitwire::testing {
namespace {

using S = OrderState;

TEST(OrderTable, AFillBeforeTheAcknowledgementIsBookedAndTheLateAcknowledgementChangesNothing) {
  Desk desk;
  desk.orders.apply(submitted(1, Side::BUY, 10, 1'000));
  EXPECT_EQ(desk.take(fill(1, 4, 999)).to, S::PARTIALLY_FILLED);
  EXPECT_EQ(desk.take(report(1, ExecType::NEW, OrdStatus::NEW)).to, S::PARTIALLY_FILLED);
  EXPECT_EQ(desk.orders.find(1)->leaves_qty, 6);
  EXPECT_EQ(desk.positions.of(kAlpha, kStock).position.net_qty, 4);
}

TEST(OrderTable, AFillAfterTheCancelIsBookedAndReportedLate) {
  Desk desk;
  desk.working(1);
  desk.orders.apply(cancel(1, 2));
  EXPECT_EQ(desk.take(report(2, ExecType::CANCELED, OrdStatus::CANCELED)).to, S::CANCELED);
  const auto late = desk.take(fill(1, 3, 1'000));
  EXPECT_TRUE(late.late);
  EXPECT_FALSE(late.illegal);
  EXPECT_EQ(late.to, S::CANCELED);
  EXPECT_EQ(desk.positions.of(kAlpha, kStock).position.net_qty, 3);
  EXPECT_EQ(desk.positions.of(kAlpha, kStock).working, Working{});
}

TEST(OrderTable, ADuplicateExecIdChangesNothing) {
  Desk desk;
  desk.working(1);
  const auto once = fill(1, 4, 1'000);
  EXPECT_FALSE(desk.orders.is_duplicate(once));
  desk.take(once);
  EXPECT_TRUE(desk.orders.is_duplicate(once));
  const auto twice = desk.take(once);
  EXPECT_TRUE(twice.duplicate);
  EXPECT_EQ(twice.bookings_size, 0);
  EXPECT_EQ(desk.orders.find(1)->cum_qty, 4);
}

TEST(OrderTable, ExecIdsAreKnownUpToTheBoundAndForgottenBeyondIt) {
  Desk desk(64, 3);
  desk.working(1, Side::BUY, 100);
  std::vector<rec::Execution> fills;
  for (int i = 0; i < 4; ++i) desk.take(fills.emplace_back(fill(1, 1, 1'000)));
  EXPECT_FALSE(desk.orders.is_duplicate(fills[0]));
  EXPECT_TRUE(desk.orders.is_duplicate(fills[1]));
  EXPECT_TRUE(desk.orders.is_duplicate(fills[3]));
}

TEST(OrderTable, AnOverfillIsBookedAndTheOrderUnknownUntilAnOperatorClosesIt) {
  Desk desk;
  desk.working(1);
  const auto over = desk.take(fill(1, 12, 1'000));
  EXPECT_TRUE(over.overfill && over.illegal);
  EXPECT_EQ(over.to, S::UNKNOWN);
  EXPECT_EQ(desk.positions.of(kAlpha, kStock).position.net_qty, 12);
  EXPECT_EQ(desk.orders.unknown(), 1u);
  EXPECT_EQ(desk.orders.operator_closed(1).to, S::CANCELED);
  EXPECT_EQ(desk.orders.unknown(), 0u);
}

TEST(OrderTable, AFillExactlyOfTheQuantityIsNoOverfill) {
  Desk desk;
  desk.working(1);
  EXPECT_EQ(desk.take(fill(1, 10, 1'000)).to, S::FILLED);
}

TEST(OrderTable, ABustTakesTheTradeBackAtItsOwnPriceAndReopensWhereTheVenueSaysSo) {
  Desk desk;
  desk.working(1);
  const auto trade = fill(1, 10, 1'000);
  EXPECT_EQ(desk.take(trade).to, S::FILLED);
  auto bust = report(1, ExecType::TRADE_CANCEL, OrdStatus::NEW);
  bust.exec_ref_id = trade.exec_id;
  const auto undone = desk.take(bust);
  EXPECT_EQ(undone.to, S::WORKING);
  ASSERT_EQ(undone.bookings_size, 1);
  EXPECT_EQ(undone.bookings[0].last_qty, -10);
  EXPECT_EQ(desk.positions.of(kAlpha, kStock).position.net_qty, 0);
  EXPECT_EQ(desk.positions.of(kAlpha, kStock).working.buy_qty, 10);
  auto again = report(1, ExecType::TRADE_CANCEL, OrdStatus::NEW);
  again.exec_ref_id = trade.exec_id;
  EXPECT_TRUE(desk.take(again).illegal) << "a trade can be busted once";
}

TEST(OrderTable, ACorrectionIsBookedAsItsDifference) {
  Desk desk;
  desk.working(1);
  const auto trade = fill(1, 4, 1'000);
  desk.take(trade);
  auto correction = report(1, ExecType::TRADE_CORRECT, OrdStatus::PARTIALLY_FILLED);
  correction.exec_ref_id = trade.exec_id;
  correction.last_qty = 3;
  correction.last_px = 990;
  const auto booked = desk.take(correction);
  EXPECT_EQ(booked.bookings_size, 2);
  EXPECT_EQ(desk.orders.find(1)->cum_qty, 3);
  EXPECT_TRUE(desk.orders.find(1)->px_qty_sum == Int128{3 * 990});
  EXPECT_EQ(desk.positions.of(kAlpha, kStock).position.net_qty, 3);
}

TEST(OrderTable, ACorrectionOfATradeThatIsNotKnownMakesTheOrderUnknown) {
  Desk desk;
  desk.working(1);
  auto correction = report(1, ExecType::TRADE_CORRECT, OrdStatus::PARTIALLY_FILLED);
  put_text(correction.exec_ref_id, "never seen");
  correction.last_qty = 3;
  EXPECT_EQ(desk.take(correction).to, S::UNKNOWN);
}

TEST(OrderTable, AnUnsolicitedCancelEndsAWorkingOrder) {
  Desk desk;
  desk.working(1);
  EXPECT_EQ(desk.take(report(1, ExecType::CANCELED, OrdStatus::CANCELED)).to, S::CANCELED);
  EXPECT_EQ(desk.orders.working(), 0u);
}

TEST(OrderTable, ARestatementChangesTheQuantityAndWhatIsReserved) {
  Desk desk;
  desk.working(1);
  auto restated = report(1, ExecType::RESTATED, OrdStatus::NEW);
  restated.order_qty = 6;
  EXPECT_EQ(desk.take(restated).to, S::WORKING);
  EXPECT_EQ(desk.positions.of(kAlpha, kStock).working.buy_qty, 6);
}

TEST(OrderTable, APendingReplaceReservesTheLargerOfBoth) {
  Desk desk;
  desk.working(1);
  desk.orders.apply(replace(1, 2, 15, 1'010));
  EXPECT_EQ(desk.positions.firm(kStock).working.buy_qty, 15);
  EXPECT_EQ(desk.orders.best_own_buy(kStock), 1'010);
  desk.orders.apply(cancel_rejected(2, 2));
  EXPECT_EQ(desk.positions.firm(kStock).working.buy_qty, 10);
  EXPECT_EQ(desk.orders.best_own_buy(kStock), 1'000);
  desk.orders.apply(replace(1, 3, 5, 1'000));
  EXPECT_EQ(desk.positions.firm(kStock).working.buy_qty, 10) << "the smaller is not yet true";
  auto done = report(3, ExecType::REPLACED, OrdStatus::NEW);
  EXPECT_EQ(desk.take(done).to, S::WORKING);
  EXPECT_EQ(desk.positions.firm(kStock).working.buy_qty, 5);
  EXPECT_EQ(desk.orders.find(3)->order, 1u) << "every ClOrdID of the chain finds the order";
  EXPECT_EQ(desk.orders.find(1)->cl_ord_id, 3u);
}

TEST(OrderTable, AnOrderFilledWhileItsReplaceIsOutStaysPendingUntilThatIsAnswered) {
  Desk desk;
  desk.working(1);
  desk.orders.apply(replace(1, 2, 15, 1'000));
  EXPECT_EQ(desk.take(fill(1, 10, 1'000)).to, S::PENDING_REPLACE);
  EXPECT_EQ(desk.positions.firm(kStock).working.buy_qty, 5);
  EXPECT_EQ(desk.orders.apply(cancel_rejected(2, 2, OrdStatus::FILLED)).to, S::FILLED);
}

TEST(OrderTable, AReplaceToThePriceZeroIsAtZero) {
  Desk desk;
  const auto& order = desk.working(1, Side::SELL, 10, 5);
  desk.orders.apply(replace(1, 2, 10, 0));
  desk.take(report(2, ExecType::REPLACED, OrdStatus::NEW, Side::SELL));
  EXPECT_EQ(order.price, 0);
  EXPECT_EQ(desk.orders.best_own_sell(kStock), 0);
}

TEST(OrderTable, ACancelMayFollowAReplaceThatIsStillOut) {
  Desk desk;
  desk.working(1);
  desk.orders.apply(replace(1, 2, 15, 1'000));
  EXPECT_EQ(desk.orders.apply(cancel(1, 3)).to, S::PENDING_CANCEL);
  EXPECT_EQ(desk.take(report(2, ExecType::REPLACED, OrdStatus::NEW)).to, S::PENDING_CANCEL);
  EXPECT_EQ(desk.orders.find(1)->order_qty, 15);
  EXPECT_EQ(desk.take(report(3, ExecType::CANCELED, OrdStatus::CANCELED)).to, S::CANCELED);
}

TEST(OrderTable, ALostConnectionMakesWhatIsInFlightUnknownAndKeepsItReserved) {
  Desk desk;
  desk.working(1);
  desk.orders.apply(submitted(2, Side::SELL, 7, 1'100));
  std::vector<ClOrdId> lost;
  desk.orders.connection_lost(kRoute, [&](const Transition& t) { lost.push_back(t.order->order); });
  EXPECT_EQ(lost, std::vector<ClOrdId>{2});
  EXPECT_EQ(desk.orders.find(1)->state, S::WORKING);
  EXPECT_EQ(desk.orders.find(2)->state, S::UNKNOWN);
  EXPECT_EQ(desk.positions.of(kAlpha, kStock).interval(), (Interval{-7, 10}));
  EXPECT_EQ(desk.take(report(2, ExecType::NEW, OrdStatus::NEW, Side::SELL)).to, S::WORKING);
}

TEST(OrderTable, AnOrderThatNeverLeftIsNotSentAndOthersOfTheSessionAreUnknown) {
  Desk desk;
  desk.orders.apply(submitted(1, Side::BUY, 5, 1'000));
  EXPECT_EQ(desk.orders.not_sent(1).to, S::NOT_SENT);
  EXPECT_EQ(desk.positions.firm(kStock).working, Working{});
  EXPECT_EQ(desk.take(fill(1, 1, 1'000)).to, S::UNKNOWN) << "the venue contradicts us";
}

TEST(OrderTable, ACancelOfAnOrderThatWasWithheldIsRejectedAndTheOrderStaysNotSent) {
  Desk desk;
  desk.orders.apply(submitted(1, Side::BUY, 5, 1'000));
  desk.orders.apply(cancel(1, 2));
  EXPECT_EQ(desk.orders.not_sent(1).to, S::NOT_SENT);
  const auto answered = desk.orders.apply(cancel_rejected(2, 1, OrdStatus::REJECTED));
  EXPECT_EQ(answered.to, S::NOT_SENT);
  EXPECT_FALSE(answered.illegal);
  EXPECT_EQ(desk.orders.unknown(), 0U);
}

rec::Execution unknown_order(ClOrdId id) {
  auto status = report(id, ExecType::ORDER_STATUS, OrdStatus::REJECTED);
  status.reject_reason = 5;
  return status;
}

TEST(OrderTable, AStatusAnswerOfUnknownOrderEndsOnlyWhatTheVenueNeverMentioned) {
  Desk desk;
  const auto answered = [&](ClOrdId id) {
    return desk.orders.apply(unknown_order(id), UnknownOrder::NEVER_ARRIVED).to;
  };
  desk.orders.apply(submitted(1, Side::BUY, 5, 1'000));
  desk.working(2);
  desk.orders.apply(cancel(2, 3));
  desk.orders.connection_lost(kRoute, [](const Transition&) {});
  EXPECT_EQ(answered(1), S::REJECTED);
  EXPECT_EQ(answered(2), S::UNKNOWN);
  EXPECT_EQ(desk.orders.operator_closed(2).to, S::CANCELED);
}

TEST(OrderTable, ASideThatAVenueInventsForAnOrderItDoesNotKnowSaysNothing) {
  Desk desk;
  desk.orders.apply(submitted(1, Side::SELL, 5, 1'000));
  desk.orders.connection_lost(kRoute, [](const Transition&) {});
  auto answer = unknown_order(1);
  answer.side = static_cast<std::uint8_t>(Side::BUY);
  EXPECT_EQ(desk.orders.apply(answer, UnknownOrder::NEVER_ARRIVED).to, S::REJECTED);
}

TEST(OrderTable, AnOrderIsFoundByTheNameOfAReplaceThatOurLogLost) {
  Desk desk;
  desk.working(1);
  auto replaced = report(7, ExecType::REPLACED, OrdStatus::NEW);
  replaced.orig_cl_ord_id = 1;
  EXPECT_EQ(desk.take(replaced).order->cl_ord_id, 7U);
  EXPECT_EQ(desk.take(report(7, ExecType::CANCELED, OrdStatus::CANCELED)).to, S::CANCELED);
  ASSERT_NE(desk.orders.find(7), nullptr) << "its status may be answered when it is over";
  EXPECT_EQ(desk.orders.find(7)->order, 1U);
}

TEST(OrderTable, WhereUnknownOrderMeansNothingCertainTheOrderStaysReservedUntilAnOperatorEndsIt) {
  Desk desk;
  desk.orders.apply(submitted(1, Side::BUY, 5, 1'000));
  desk.orders.connection_lost(kRoute, [](const Transition&) {});
  const auto answered = desk.orders.apply(unknown_order(1), UnknownOrder::STAYS_UNKNOWN);
  EXPECT_EQ(answered.event, OrderEvent::UNKNOWN_AT_VENUE);
  EXPECT_EQ(answered.to, S::UNKNOWN);
  EXPECT_EQ(desk.positions.of(kAlpha, kStock).interval(), (Interval{0, 5}));
  EXPECT_EQ(desk.orders.operator_closed(1).to, S::CANCELED);
  EXPECT_EQ(desk.positions.of(kAlpha, kStock).interval(), (Interval{0, 0}));
}

TEST(OrderTable, RecoveryTakesWhatTheAnswerMeantThenAndNotWhatItWouldMeanNow) {
  Desk desk;
  for (const ClOrdId id : {1U, 2U}) desk.orders.apply(submitted(id, Side::BUY, 5, 1'000));
  desk.orders.connection_lost(kRoute, [](const Transition&) {});
  for (const ClOrdId id : {1U, 2U}) {
    EXPECT_EQ(desk.orders.apply(unknown_order(id)).to, S::UNKNOWN);
  }
  rec::OrderState state;
  state.order = 1;
  state.from_state = static_cast<std::uint8_t>(S::UNKNOWN);
  state.to_state = static_cast<std::uint8_t>(S::REJECTED);
  state.event = static_cast<std::uint8_t>(OrderEvent::UNKNOWN_AT_VENUE);
  EXPECT_EQ(desk.orders.apply(state).to, S::REJECTED) << "the log says that it ended";
  state.order = 2;
  state.to_state = state.from_state;
  EXPECT_EQ(desk.orders.apply(state).order, nullptr);
  EXPECT_EQ(desk.orders.find(2)->state, S::UNKNOWN);
}

TEST(OrderTable, AVenueThatFilledMoreThanItReportedLeavesTheOrderUnknownUntilTheReportComes) {
  Desk desk;
  desk.working(1);
  auto over = report(1, ExecType::CANCELED, OrdStatus::CANCELED);
  over.cum_qty = 4;
  const auto closed = desk.take(over);
  EXPECT_TRUE(closed.cum_mismatch);
  EXPECT_EQ(closed.to, S::UNKNOWN);
  EXPECT_EQ(desk.positions.firm(kStock).working.buy_qty, 4);
  EXPECT_EQ(desk.take(fill(1, 3, 1'000)).to, S::UNKNOWN);
  EXPECT_EQ(desk.take(fill(1, 1, 1'000)).to, S::CANCELED);
  EXPECT_EQ(desk.positions.firm(kStock).working.buy_qty, 0);
}

TEST(OrderTable, ACancelRejectThatSaysTheOrderIsOverMakesItUnknown) {
  Desk desk;
  desk.working(1);
  desk.orders.apply(cancel(1, 2));
  EXPECT_EQ(desk.orders.apply(cancel_rejected(2, 1, OrdStatus::FILLED)).to, S::UNKNOWN);
}

TEST(OrderTable, RequestsThatTheTableRefusesChangeNothing) {
  Desk desk;
  desk.working(1);
  desk.take(fill(1, 10, 1'000));
  EXPECT_TRUE(desk.orders.apply(cancel(1, 2)).illegal);
  EXPECT_EQ(desk.orders.find(1)->state, S::FILLED);
  EXPECT_EQ(desk.orders.find(2), nullptr);
  EXPECT_TRUE(desk.orders.apply(submitted(1, Side::BUY, 1, 1)).illegal) << "the id is taken";
}

TEST(OrderTable, AReportForAnOrderThatIsNotOursNamesNone) {
  Desk desk;
  EXPECT_EQ(desk.take(fill(77, 1, 1'000)).order, nullptr);
}

TEST(OrderTable, TheTableIsFullAtItsCapacityAndTerminalOrdersMakeRoomOldestFirst) {
  Desk desk(3);
  for (ClOrdId id = 1; id <= 2; ++id) desk.working(id);
  EXPECT_TRUE(desk.orders.can_submit());
  desk.working(3);
  EXPECT_FALSE(desk.orders.can_submit());
  EXPECT_EQ(desk.orders.apply(submitted(4, Side::BUY, 1, 1)).order, nullptr);
  desk.take(report(2, ExecType::CANCELED, OrdStatus::CANCELED));
  EXPECT_TRUE(desk.orders.can_submit());
  EXPECT_NE(desk.orders.find(2), nullptr) << "kept for late reports";
  desk.working(4);
  EXPECT_EQ(desk.orders.find(2), nullptr) << "recycled";
}

TEST(OrderTable, ACancelFindsAnIdHoweverManyReplacesThereWere) {
  Desk desk(2);
  desk.working(1);
  ClOrdId id = 10;
  auto previous = ClOrdId{1};
  for (int i = 0; i < 500; ++i, ++id) {
    ASSERT_TRUE(desk.orders.can_replace(*desk.orders.find(previous)));
    desk.orders.apply(replace(1, id, 10, 1'000 + i));
    desk.take(report(id, ExecType::REPLACED, OrdStatus::NEW));
    previous = id;
  }
  EXPECT_FALSE(desk.orders.apply(cancel(1, id)).illegal);
  EXPECT_EQ(desk.orders.find(id)->order, 1u);
}

TEST(OrderTable, OrdersComeInTheOrderOfTheirSubmission) {
  Desk desk;
  for (const ClOrdId id : {5u, 3u, 9u}) desk.working(id);
  std::vector<ClOrdId> seen;
  desk.orders.for_each_working({}, [&](const Order& order) { seen.push_back(order.order); });
  EXPECT_EQ(seen, (std::vector<ClOrdId>{5, 3, 9}));
  OrderFilter sells;
  sells.side = Side::SELL;
  EXPECT_EQ(desk.orders.working(sells), 0u);
}

TEST(OrderTable, GarbageIsNoSavedTable) {
  Desk desk;
  desk.working(1);
  std::vector<std::byte> saved;
  desk.orders.save(saved);
  for (std::size_t size = 0; size < saved.size(); size += 7) {
    Desk other;
    EXPECT_FALSE(other.orders.restore(std::span(saved).first(size)));
    EXPECT_EQ(other.orders.working(), 0u);
  }
}

}  // namespace
}  // namespace pitwire::testing
