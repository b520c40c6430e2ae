// Random order lives against an obvious reference: every reservation recounted from a list of
// orders, every position from a list of trades. Run one seed again:
//   PITWIRE_SEED=N pitwire_orders_tests --gtest_filter='RandomLives.*'
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "../rounds.hpp"
#include "builders.hpp"

namespace pitwire::testing {
namespace {

constexpr std::uint32_t kEvents = 100'000;
constexpr std::uint32_t kStrategies = 3;
constexpr std::size_t kAliveMax = 400;

/// The venue's truth about an order, in the simplest words.
struct RefOrder {
  Side side{};
  std::uint32_t strategy = 0, instrument = 0;
  std::int64_t qty = 0, price = 0, cum = 0;
  bool alive = true;
  bool acknowledged = false;
  ClOrdId pending_replace = 0, pending_cancel = 0;
  std::int64_t pending_qty = 0, pending_price = 0;
  std::vector<rec::Execution> trades;

  [[nodiscard]] std::int64_t worst() const {
    const auto leaves = std::max<std::int64_t>(0, qty - cum);
    return pending_replace == 0 ? leaves : std::max(leaves, pending_qty - cum);
  }
};

struct RefTrade {
  std::uint32_t strategy, instrument;
  std::int64_t signed_qty, px;
};

class Lives {
 public:
  explicit Lives(std::uint64_t seed) : random_(seed) {}

  void step() {
    const auto kind = roll(100);
    if ((kind < 30 && alive_.size() < kAliveMax) || alive_.empty()) return submit();
    const auto id = alive_[static_cast<std::size_t>(roll(static_cast<int>(alive_.size())))];
    auto& order = orders_[id];
    happen(kind, id, order);
    // Nothing is left of it: it is over, unless its fate was unknown and this was no report.
    const auto state = desk_->orders.find(id)->state;
    if (order.alive && order.worst() == 0 && state != OrderState::UNKNOWN) over(id, order);
  }

  void happen(int kind, ClOrdId id, RefOrder& order) {
    if (kind < 45) return acknowledge(id, order);
    if (kind < 65) return trade(id, order);
    if (kind < 75) return cancel_it(id, order);
    if (kind < 85) return replace_it(id, order);
    if (kind < 88) return bust(id, order);
    if (kind < 90) return duplicate(order);
    if (kind < 91) return lose_connection();
    end(id, order);
  }

  /// Everything recounted.
  void compare() const {
    for (std::uint32_t s = 0; s < kStrategies; ++s) {
      for (std::uint32_t i = 0; i < 2; ++i) compare_pair(s, i);
    }
    std::uint32_t alive = 0;
    for (const auto& [id, order] : orders_) alive += order.alive ? 1u : 0u;
    ASSERT_EQ(desk_->orders.working(), alive);
    ASSERT_EQ(desk_->positions.firm_totals().working_orders, alive);
    compare_best();
  }

  /// Continues on a desk restored from the saved bytes of this one.
  void move_to_restored() {
    auto fresh = std::make_unique<Desk>(4'096, kEvents);
    std::vector<std::byte> orders, positions;
    desk_->orders.save(orders);
    desk_->positions.save(positions);
    ASSERT_TRUE(fresh->positions.restore(positions));
    ASSERT_TRUE(fresh->orders.restore(orders));
    std::vector<std::byte> again;
    fresh->orders.save(again);
    ASSERT_EQ(orders, again);
    again.clear();
    fresh->positions.save(again);
    ASSERT_EQ(positions, again);
    desk_ = std::move(fresh);
  }

  [[nodiscard]] std::vector<std::byte> state() const {
    std::vector<std::byte> bytes;
    desk_->orders.save(bytes);
    desk_->positions.save(bytes);
    return bytes;
  }

 private:
  int roll(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }

  rec::Execution word(ClOrdId id, const RefOrder& order, ExecType type, OrdStatus status) {
    auto record = report(id, type, status, order.side);
    put_text(record.exec_id, std::to_string(++exec_ids_));
    record.cum_qty = order.cum;
    return record;
  }

  void submit() {
    const auto id = ++ids_;
    RefOrder order;
    order.side = roll(2) == 0 ? Side::BUY : Side::SELL;
    order.strategy = static_cast<std::uint32_t>(roll(kStrategies));
    order.instrument = static_cast<std::uint32_t>(roll(2));
    order.qty = 1 + roll(50);
    order.price = 10'000 + roll(200);
    auto record = submitted(id, order.side, order.qty, order.price, InstrumentId{order.instrument});
    record.strategy = order.strategy;
    ASSERT_NE(desk_->orders.apply(record).order, nullptr);
    orders_[id] = order;
    alive_.push_back(id);
  }

  void acknowledge(ClOrdId id, RefOrder& order) {
    order.acknowledged = true;
    desk_->take(word(id, order, ExecType::NEW, OrdStatus::NEW));
  }

  void trade(ClOrdId id, RefOrder& order) {
    const auto leaves = order.qty - order.cum;
    if (leaves <= 0) return;
    const auto qty = 1 + roll(static_cast<int>(leaves));
    const auto px = order.price + roll(11) - 5;
    order.cum += qty;
    order.acknowledged = true;
    auto record = word(id, order, ExecType::TRADE, OrdStatus::PARTIALLY_FILLED);
    record.last_qty = qty;
    record.last_px = px;
    order.trades.push_back(record);
    book(order, qty, px);
    desk_->take(record);
  }

  void cancel_it(ClOrdId id, RefOrder& order) {
    if (order.pending_cancel == 0) {
      order.pending_cancel = ++ids_;
      desk_->orders.apply(cancel(id, order.pending_cancel));
    } else if (roll(3) == 0) {
      desk_->orders.apply(cancel_rejected(std::exchange(order.pending_cancel, 0), 1));
    } else {
      desk_->take(word(order.pending_cancel, order, ExecType::CANCELED, OrdStatus::CANCELED));
      over(id, order);
    }
  }

  void replace_it(ClOrdId id, RefOrder& order) {
    const auto state = desk_->orders.find(id)->state;
    if (order.pending_replace == 0) {
      if (!cell(state, OrderEvent::REPLACE_REQUEST).legal()) return;
      order.pending_replace = ++ids_;
      order.pending_qty = order.cum + 1 + roll(60);
      order.pending_price = 10'000 + roll(200);
      desk_->orders.apply(
          replace(id, order.pending_replace, order.pending_qty, order.pending_price));
    } else if (roll(3) == 0) {
      desk_->orders.apply(cancel_rejected(std::exchange(order.pending_replace, 0), 2));
    } else {
      order.qty = order.pending_qty;
      order.price = order.pending_price;
      const auto request = std::exchange(order.pending_replace, 0);
      desk_->take(word(request, order, ExecType::REPLACED, OrdStatus::NEW));
    }
  }

  void bust(ClOrdId id, RefOrder& order) {
    if (order.trades.empty()) return;
    const auto old = order.trades.back();
    order.trades.pop_back();
    order.cum -= old.last_qty;
    auto record = word(id, order, ExecType::TRADE_CANCEL, OrdStatus::NEW);
    record.exec_ref_id = old.exec_id;
    book(order, -old.last_qty, old.last_px);
    // An UNKNOWN order books a bust without leaving its state.
    desk_->take(record);
  }

  void duplicate(const RefOrder& order) {
    if (order.trades.empty()) return;
    ASSERT_TRUE(desk_->take(order.trades.back()).duplicate);
  }

  void lose_connection() {
    desk_->orders.connection_lost(kRoute, [](const Transition&) {});
  }

  void end(ClOrdId id, RefOrder& order) {
    desk_->take(word(id, order, ExecType::EXPIRED, OrdStatus::EXPIRED));
    over(id, order);
  }

  void over(ClOrdId id, RefOrder& order) {
    order.alive = false;
    order.pending_cancel = order.pending_replace = 0;
    std::erase(alive_, id);
  }

  void book(const RefOrder& order, std::int64_t qty, std::int64_t px) {
    trades_.push_back({order.strategy, order.instrument, order.side == Side::BUY ? qty : -qty, px});
  }

  void compare_pair(std::uint32_t s, std::uint32_t i) const {
    Working wanted;
    for (const auto& [id, order] : orders_) {
      if (!order.alive || order.strategy != s || order.instrument != i) continue;
      (order.side == Side::BUY ? wanted.buy_qty : wanted.sell_qty) += order.worst();
      ++(order.side == Side::BUY ? wanted.buy_orders : wanted.sell_orders);
    }
    const auto& holding = desk_->positions.of(StrategyId{s}, InstrumentId{i});
    ASSERT_EQ(holding.working.buy_qty, wanted.buy_qty);
    ASSERT_EQ(holding.working.sell_qty, wanted.sell_qty);
    ASSERT_EQ(holding.working.orders(), wanted.orders());
    std::int64_t net = 0;
    long double cash = 0;  // settlement minor units received
    for (const auto& t : trades_) {
      if (t.strategy != s || t.instrument != i) continue;
      net += t.signed_qty;
      // LINEAR: 0.01 USD a lot in 1e-4. INVERSE: 100 USD / (0.1 USD) in 1e-8.
      const auto size = static_cast<long double>(t.signed_qty);
      const auto px = static_cast<long double>(t.px);
      cash += i == 0 ? -size * px * 100 : size * 1e11L / px;
    }
    ASSERT_EQ(holding.position.net_qty, net);
    // Realised and open together are the cash flows: the open cost is what is not yet realised.
    const long double per_unit = i == 0 ? 1e-6L * 100 : 1e-6L;
    const auto realised = static_cast<long double>(holding.position.realised) * per_unit;
    const auto open = static_cast<long double>(holding.position.open_cost) * per_unit;
    const auto kept = i == 0 ? realised - open : realised + open;
    ASSERT_NEAR(static_cast<double>(kept), static_cast<double>(cash),
                i == 0 ? 1e-3 : 1e-6 * static_cast<double>(trades_.size()) + 0.01);
    if (net == 0) {
      ASSERT_TRUE(holding.position.open_cost == 0);
    }
  }

  void compare_best() const {
    for (std::uint32_t i = 0; i < 2; ++i) {
      auto buy = kNoPx;
      for (const auto& [id, order] : orders_) {
        if (!order.alive || order.side != Side::BUY || order.instrument != i) continue;
        buy = std::max({buy, order.price, order.pending_replace ? order.pending_price : kNoPx});
      }
      ASSERT_EQ(desk_->orders.best_own_buy(InstrumentId{i}), buy);
    }
  }

  std::mt19937_64 random_;
  std::unique_ptr<Desk> desk_ = std::make_unique<Desk>(4'096, kEvents);
  std::map<ClOrdId, RefOrder> orders_;
  std::vector<ClOrdId> alive_;
  std::vector<RefTrade> trades_;
  ClOrdId ids_ = 0;
  std::uint64_t exec_ids_ = 0;
};

TEST(RandomLives, ReservationsPositionsAndMoneyAreTheReferences) {
  in_rounds(kEvents, kEvents, [](std::uint64_t seed, std::uint64_t events) {
    Lives lives(seed);
    for (std::uint64_t i = 0; i < events && !::testing::Test::HasFatalFailure(); ++i) {
      lives.step();
      if (i % 2'000 == 0) lives.compare();
    }
    lives.compare();
  });
}

TEST(RandomLives, ARestoredDeskGoesOnAsIfNothingHadHappened) {
  const auto seed = seed_of_run();
  Lives straight(seed), restored(seed);
  for (int i = 0; i < 10'000 && !::testing::Test::HasFatalFailure(); ++i) {
    straight.step();
    restored.step();
    if (i % 1'000 == 500) restored.move_to_restored();
  }
  EXPECT_EQ(straight.state(), restored.state());
}

}  // namespace
}  // namespace pitwire::testing
