// Icebergs that the daemon shows in slices: one order of ours, several of the venue's. Run one seed
// again: PITWIRE_SEED=N pitwire_orders_tests --gtest_filter='Slices.*'
#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "../rounds.hpp"
#include "builders.hpp"

namespace pitwire::testing {
namespace {

rec::OrderInstructions slice_of(ClOrdId order, ClOrdId id, std::int64_t total,
                                std::int64_t display) {
  rec::OrderInstructions record;
  record.order = order;
  record.cl_ord_id = id;
  record.total_qty = total;
  record.display_qty = display;
  record.stop_px = kInt64Min;
  return record;
}

/// An order of 10 at 1,000 that shows 4, its first slice acknowledged.
struct Iceberg : Desk {
  Iceberg() { next(1, 4); }
  Transition next(ClOrdId id, std::int64_t qty, std::int64_t total = 10) {
    orders.apply(slice_of(1, id, total, 4));
    const auto transition = orders.apply(submitted(id, Side::BUY, qty, 1'000));
    take(report(id, ExecType::NEW, OrdStatus::NEW));
    return transition;
  }
  const Order& order() { return *orders.find(1); }
};

TEST(Slices, AFilledSliceLeavesTheOrderHeldAndTheNextIsTheSameOrder) {
  Iceberg desk;
  EXPECT_EQ(desk.order().reserved_qty, 10);
  const auto filled = desk.take(fill(1, 4, 1'000));
  EXPECT_EQ(filled.to, OrderState::HELD);
  EXPECT_EQ(desk.order().held, HeldStatus::SLICE);
  EXPECT_EQ(desk.order().reserved_qty, 6);
  EXPECT_EQ(desk.next(2, 4).to, OrderState::PENDING_NEW);
  EXPECT_EQ(desk.orders.find(2), &desk.order());
  EXPECT_EQ(desk.order().state, OrderState::PARTIALLY_FILLED);
  EXPECT_EQ(desk.order().cum_there(), 0);
  desk.take(fill(2, 4, 1'000));
  desk.next(3, 2);
  EXPECT_EQ(desk.take(fill(3, 2, 1'000)).to, OrderState::FILLED);
  EXPECT_EQ(desk.positions.firm(kStock).position.net_qty, 10);
}

TEST(Slices, WhatTheVenueSaysOfASliceThatIsOverChangesNoState) {
  for (const auto type : {ExecType::NEW, ExecType::CANCELED, ExecType::REPLACED, ExecType::REJECTED,
                          ExecType::EXPIRED, ExecType::DONE_FOR_DAY, ExecType::SUSPENDED,
                          ExecType::RESTATED, ExecType::ORDER_STATUS}) {
    for (const bool between : {false, true}) {
      Iceberg desk;
      desk.take(fill(1, 4, 1'000));
      if (!between) desk.next(2, 4);
      const auto before = desk.order().state;
      auto late = report(1, type, OrdStatus::CANCELED);
      late.reject_reason = 5;
      EXPECT_FALSE(desk.take(late).illegal);
      EXPECT_EQ(desk.order().state, before) << static_cast<int>(type);
    }
  }
}

TEST(Slices, AnOverfillOfAnEarlierSliceIsBookedAndTold) {
  Iceberg desk;
  desk.take(fill(1, 4, 1'000));
  desk.next(2, 4);
  const auto late = desk.take(fill(1, 1, 1'000));
  EXPECT_TRUE(late.overfill && late.late);
  EXPECT_EQ(desk.order().cum_qty, 5);
  EXPECT_EQ(desk.order().leaves_there(), 4) << "the slice at the venue is whole";
  EXPECT_EQ(desk.positions.firm(kStock).position.net_qty, 5);
}

TEST(Slices, AConnectionLostWithASliceOutIsSettledByItsStatus) {
  Iceberg desk;
  desk.take(fill(1, 4, 1'000));
  desk.orders.apply(slice_of(1, 2, 10, 4));
  desk.orders.apply(submitted(2, Side::BUY, 4, 1'000));
  desk.orders.connection_lost(kRoute, [](const Transition&) {});
  EXPECT_EQ(desk.order().state, OrderState::UNKNOWN);
  auto status = report(2, ExecType::ORDER_STATUS, OrdStatus::PARTIALLY_FILLED);
  status.order_qty = status.leaves_qty = 4;
  desk.take(status);
  EXPECT_EQ(desk.order().state, OrderState::PARTIALLY_FILLED);
  status.ord_status = static_cast<std::uint8_t>(OrdStatus::FILLED);
  status.cum_qty = 4;
  desk.take(status);
  EXPECT_EQ(desk.order().state, OrderState::UNKNOWN) << "a report is missing";
  desk.take(fill(2, 4, 1'000));
  EXPECT_EQ(desk.order().state, OrderState::HELD);
}

TEST(Slices, OneThatNeverLeftEndsTheOrder) {
  Iceberg desk;
  desk.take(fill(1, 4, 1'000));
  desk.orders.apply(slice_of(1, 2, 10, 4));
  desk.orders.apply(submitted(2, Side::BUY, 4, 1'000));
  EXPECT_EQ(desk.orders.not_sent(2).to, OrderState::NOT_SENT);
  EXPECT_EQ(desk.order().cum_qty, 4);
}

/// A venue that has one slice at a time, whose messages and ours are on their way for a while.
class Life {
 public:
  explicit Life(std::uint64_t seed) : random_(seed) { slice(); }
  void step() {
    const auto& order = this->order();
    if (order.state == OrderState::HELD && roll(2) == 0) return slice();
    switch (roll(8)) {
      case 0:
        if (OrderTable::can_cancel(order) && order.pending_cancel == 0) return cancel_it();
        break;
      case 1:
        if (cell(order.state, OrderEvent::REPLACE_REQUEST).legal()) return replace_it();
        break;
      case 2:
        return bust();
      case 3:
        return restored();
      case 4:
        return trade();
      case 5:
        return answer();
      default:
        return hear();
    }
  }
  void compare() {
    const auto& order = this->order();
    std::int64_t net = 0;
    for (const auto& trade : heard_trades_) net += trade.last_qty;
    ASSERT_EQ(order.cum_qty, net);
    ASSERT_EQ(desk_.positions.firm(kStock).position.net_qty, net);
    // What the venue may still trade of it, whatever we have heard.
    std::int64_t open = alive_ ? qty_ - cum_ : 0;
    for (const auto& report : to_us_) open += report.last_qty > 0 ? report.last_qty : 0;
    ASSERT_GE(order.reserved_qty, is_terminal(order.state) ? 0 : open);
    ASSERT_FALSE(is_terminal(order.state) && alive_ && to_us_.empty() && to_venue_.empty());
    if (!to_us_.empty() || !to_venue_.empty() || is_terminal(order.state)) return;
    ASSERT_EQ(order.leaves_there(), alive_ ? qty_ - cum_ : 0);
    ASSERT_EQ(order.pending_cancel + order.pending_replace, 0U);
    ASSERT_NE(order.state, OrderState::UNKNOWN);
  }
  [[nodiscard]] bool over() {
    return is_terminal(order().state) && to_us_.empty() && to_venue_.empty();
  }
  [[nodiscard]] OrderState state() { return order().state; }

 private:
  struct Request {
    ClOrdId id;
    ClOrdId about;     ///< the slice
    std::int64_t qty;  ///< 0: a cancel
    std::int64_t px;
    bool is_new;
  };
  const Order& order() { return *desk_.orders.find(1); }
  std::int64_t roll(std::int64_t n) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(n));
  }
  void slice() {
    const auto id = ++ids_;
    const auto* found = desk_.orders.find(1);
    const auto total = found == nullptr ? 20 : found->order_qty;
    const auto qty = std::min<std::int64_t>(4, total - (found == nullptr ? 0 : found->cum_qty));
    desk_.orders.apply(slice_of(1, id, total, 4));
    ASSERT_FALSE(desk_.orders.apply(submitted(id, Side::BUY, qty, 1'000)).illegal);
    to_venue_.push_back({id, id, qty, 1'000, true});
  }
  void cancel_it() {
    const auto id = ++ids_;
    to_venue_.push_back({id, order().slice, 0, 0, false});
    ASSERT_FALSE(desk_.orders.apply(cancel(1, id)).illegal);
  }
  void replace_it() {
    const auto& order = this->order();
    const auto total = order.cum_qty + 1 + roll(12);
    const auto id = ++ids_;
    const auto qty = std::min(order.slice_qty, total - order.slice_base);
    to_venue_.push_back({id, order.slice, qty, 990 + roll(20), false});
    desk_.orders.apply(slice_of(1, id, total, 4));
    ASSERT_FALSE(desk_.orders.apply(replace(1, id, qty, to_venue_.back().px)).illegal);
  }
  void say(rec::Execution report) {
    report.cum_qty = cum_;
    report.order_qty = qty_;
    report.leaves_qty = alive_ ? qty_ - cum_ : 0;
    to_us_.push_back(report);
  }
  /// The venue trades.
  void trade() {
    if (!alive_) return;
    const auto qty = 1 + roll(qty_ - cum_);
    cum_ += qty;
    alive_ = cum_ < qty_;
    auto made = fill(id_, qty, 1'000);
    if (!alive_) made.ord_status = static_cast<std::uint8_t>(OrdStatus::FILLED);
    say(made);
  }
  /// The venue takes the next of our messages.
  void answer() {
    if (to_venue_.empty()) return;
    const auto request = to_venue_.front();
    to_venue_.pop_front();
    if (request.is_new) {
      slice_ = id_ = request.id;
      qty_ = request.qty;
      cum_ = 0;
      alive_ = true;
      return say(report(id_, ExecType::NEW, OrdStatus::NEW));
    }
    const bool late =
        !alive_ || request.about != slice_ || (request.qty != 0 && request.qty <= cum_);
    if (late) {
      auto no = cancel_rejected(request.id, request.qty == 0 ? 1 : 2,
                                alive_ ? OrdStatus::PARTIALLY_FILLED : OrdStatus::FILLED);
      auto marker = report(request.id, ExecType::NEW, OrdStatus::NEW);
      marker.exec_type = 0xff;  // in the same queue, so that messages stay in order
      rejects_.push_back(no);
      to_us_.push_back(marker);
      return;
    }
    if (request.qty == 0) {
      alive_ = false;
      return say(report(request.id, ExecType::CANCELED, OrdStatus::CANCELED));
    }
    qty_ = request.qty;
    id_ = request.id;
    auto done = report(request.id, ExecType::REPLACED, OrdStatus::NEW);
    done.price = request.px;
    say(done);
  }
  /// We hear the next of the venue's.
  void hear() {
    if (to_us_.empty()) return;
    const auto report = to_us_.front();
    to_us_.pop_front();
    if (report.exec_type == 0xff) {
      desk_.orders.apply(rejects_.front());
      rejects_.pop_front();
      return;
    }
    ASSERT_FALSE(desk_.take(report).illegal) << static_cast<int>(report.exec_type);
    if (report.last_qty > 0) heard_trades_.push_back(report);
  }
  /// A trade that we heard of, of a slice that is over.
  void bust() {
    if (heard_trades_.empty() || roll(4) != 0) return;
    const auto at = static_cast<std::size_t>(roll(static_cast<std::int64_t>(heard_trades_.size())));
    auto undone = heard_trades_[at];
    const auto& order = this->order();
    const bool earlier = undone.cl_ord_id < order.slice_or_end();
    if (!earlier || is_terminal(order.state)) return;
    auto made = report(undone.cl_ord_id, ExecType::TRADE_CANCEL, OrdStatus::FILLED);
    made.exec_ref_id = undone.exec_id;
    made.last_qty = undone.last_qty;
    made.last_px = undone.last_px;
    const auto wanted = order.order_qty - order.cum_qty;
    desk_.take(made);
    heard_trades_.erase(heard_trades_.begin() + static_cast<std::ptrdiff_t>(at));
    ASSERT_LE(this->order().order_qty - this->order().cum_qty, wanted) << "not worked again";
  }
  void restored() {
    std::vector<std::byte> bytes;
    desk_.orders.save(bytes);
    ASSERT_TRUE(desk_.orders.restore(bytes));
    std::vector<std::byte> again;
    desk_.orders.save(again);
    ASSERT_EQ(bytes, again);
  }

  std::mt19937_64 random_;
  Desk desk_{64, 1'024};
  ClOrdId ids_ = 0;
  std::deque<Request> to_venue_;
  std::deque<rec::Execution> to_us_;
  std::deque<rec::CancelRejected> rejects_;
  std::vector<rec::Execution> heard_trades_;
  // The venue's slice.
  ClOrdId slice_ = 0, id_ = 0;
  std::int64_t qty_ = 0, cum_ = 0;
  bool alive_ = false;
};

TEST(Slices, WhateverCrossesTradesAreCountedAndTheWorstIsReserved) {
  std::uint64_t filled = 0, canceled = 0;
  in_rounds(400'000, 200, [&](std::uint64_t seed, std::uint64_t events) {
    Life life(seed);
    for (std::uint64_t i = 0; i < events && !life.over(); ++i) {
      life.step();
      life.compare();
      if (::testing::Test::HasFatalFailure()) return;
    }
    filled += life.state() == OrderState::FILLED ? 1U : 0U;
    canceled += life.state() == OrderState::CANCELED ? 1U : 0U;
  });
  EXPECT_GT(filled, 5U);
  EXPECT_GT(canceled, 5U);
}

}  // namespace
}  // namespace pitwire::testing
