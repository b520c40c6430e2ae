// The gate against a plain model of the same rules (plain_gate.hpp): lives of orders with every
// kind of limit set, lifted and lowered on the way, and each request put to both.
//   PITWIRE_SEED=N PITWIRE_RANDOM_EVENTS=N pitwire_orders_tests --gtest_filter='RiskGateModel.*'
#include <array>

#include "../rounds.hpp"
#include "builders.hpp"
#include "plain_gate.hpp"

namespace pitwire::testing {
namespace {

constexpr std::size_t kAliveMax = 24;

Instrument coarse_stock() {
  auto instrument = stock(1, "COARSE");
  instrument.lot = 5;
  instrument.ticks = TickTable({{kInt64Min, 1}, {1'000, 5}});
  instrument.allows_nonpositive_price = true;
  instrument.has_trading_state = true;
  return instrument;
}

/// What the gate measured for the check that the model would have denied by.
std::string explained(const std::vector<CheckResult>& checks, DenyReason reason) {
  std::string out;
  for (const auto& check : checks) {
    if (check.reason != reason) continue;
    out += std::string(check.name) + ": " + check.text + (check.applies ? "" : " (does not apply)");
    for (const auto& [name, value] : check.inputs) {
      out += ", " + std::string(name) + " " + std::to_string(value);
    }
  }
  return out;
}

class Both {
 public:
  explicit Both(std::uint64_t seed) : random_(seed) {
    registry_.add(stock(0));
    registry_.add(coarse_stock());
    plain_.instruments = {{}, {5, 1'000, 5, true, true}};
    set_state(kNoId, RiskState::ACTIVE, true);
  }

  void step() {
    now_ += below(40) * kMillisecond;
    const auto draw = below(100);
    if (draw < 2) return set_limit();
    if (draw < 4) return set_anything();
    if (draw < 5) return mark();
    if (draw < 65) return submit();
    if (alive_.empty()) return;
    const auto id = alive_[static_cast<std::size_t>(below(std::ssize(alive_)))];
    if (draw < 80) return change(id);
    advance(id);
  }
  [[nodiscard]] const std::map<DenyReason, std::uint64_t>& answers() const { return answers_; }

 private:
  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(n));
  }
  bool one_in(std::int64_t n) { return below(n) == 0; }
  std::int64_t pick(std::initializer_list<std::int64_t> values) {
    return values.begin()[below(std::ssize(values))];
  }
  std::uint32_t strategy() { return static_cast<std::uint32_t>(below(2)); }
  std::uint32_t instrument() { return static_cast<std::uint32_t>(below(2)); }

  // ---------------------------------------------------------------- what changes without orders

  void set_limit() {
    const auto& spec = limit_specs()[static_cast<std::size_t>(below(std::ssize(limit_specs())))];
    const auto s = one_in(2) ? kNoId : strategy();
    const auto i = one_in(2) || !spec.by_instrument ? kNoId : instrument();
    // Lifted more often than set, and rarely tight, or everything would be denied in the end.
    const auto tight = one_in(4) ? pick({0, 1, 3, 8, 20}) : pick({60, 200, 1'000, 100'000});
    const auto value = one_in(3) ? tight : std::int64_t{-1};
    if (gate_.limits().set(spec.name, s, i, value) != LimitStatus::OK) return;
    plain_.limits[{std::string(spec.name), s, i}] = value;
  }
  void set_state(std::uint32_t strategy, RiskState state, bool armed) {
    rec::RiskState record;
    record.strategy = strategy;
    record.state = static_cast<std::uint8_t>(state);
    record.armed = armed ? 1 : 0;
    gate_.apply(record);
    auto& plain = strategy == kNoId ? plain_.firm : plain_.strategies[strategy];
    plain.state = state;
    plain.armed = armed;
  }
  void set_anything() {
    const auto s = one_in(2) ? kNoId : strategy();
    const auto state = one_in(8) ? static_cast<RiskState>(below(3)) : RiskState::ACTIVE;
    set_state(s, state, !one_in(16));
    if (s != kNoId) {
      rec::StrategyState record;
      record.strategy = s;
      const auto running = !one_in(16);
      record.status =
          static_cast<std::uint8_t>(running ? StrategyStatus::RUNNING : StrategyStatus::STOPPED);
      gate_.apply(record);
      plain_.strategies[s].running = running;
    }
    plain_.disk_low = one_in(16);
    gate_.set_disk_low(plain_.disk_low);
    plain_.killed = one_in(16);
    gate_.clear_kill();
    if (plain_.killed) {
      rec::Kill kill;
      kill.word = 1;
      gate_.apply(kill);
    }
  }
  void mark() {
    const auto i = instrument();
    const auto px = 950 + below(100);
    positions_.mark(InstrumentId{i}, px);
    plain_.marks[i] = px;
  }

  // ---------------------------------------------------------------- requests

  OrderRequest request() {
    OrderRequest out;
    out.instrument = InstrumentId{one_in(100) ? 7U : instrument()};
    out.strategy = StrategyId{strategy()};
    out.session = SessionId{one_in(5) ? 1U : 0U};
    out.side = one_in(100) ? Side::NONE : one_in(2) ? Side::BUY : Side::SELL;
    out.ord_type = one_in(6) ? static_cast<OrdType>(below(6)) : OrdType::LIMIT;
    out.time_in_force = one_in(10) ? static_cast<TimeInForce>(below(7)) : TimeInForce::DAY;
    out.flags = static_cast<std::uint8_t>(one_in(10) ? below(4) : 0);
    out.price = one_in(30) ? pick({-5, 0, 3, 40'000}) : 980 + below(40);
    out.stop_px = one_in(30) ? pick({-5, 0, 40'000}) : 980 + below(40);
    out.order_qty = one_in(30) ? pick({-1, 0, 5'000}) : 5 * (1 + below(4));
    if (one_in(3)) out.order_qty = 1 + below(9);
    out.expire_ts = now_ + pick({-1, 0, 1});
    return out;
  }
  MarketView market() {
    MarketView view{BookState::LIVE, TradingState::TRADING, 999, 1'001, 1'000, now_};
    if (one_in(20)) view.book = static_cast<BookState>(below(6));
    if (one_in(20)) view.trading = static_cast<TradingState>(below(6));
    if (one_in(10)) view.bid_px = pick({kNoPx, -1'000, 998, -7});
    if (one_in(10)) view.ask_px = pick({kNoPx, -900, 1'040, 0});
    if (one_in(10)) view.last_px = pick({kNoPx, 900});
    if (one_in(5)) view.updated_ts = now_ - pick({1, 3, 9, 250}) * kMillisecond;
    return view;
  }
  SessionView session() {
    SessionView view{!one_in(40), one_in(40) ? pick({9, 10, 11}) : 100, 10, {}};
    view.types.post_only = !one_in(4);
    return view;
  }

  template <class Request>
  bool both_pass(const Request& request) {
    const auto seen = market();
    const auto line = session();
    const auto verdict = gate_.check(request, seen, line, now_);
    const auto expected = plain_.check(request, seen, line, now_);
    EXPECT_EQ(verdict.reason, expected)
        << "value " << verdict.value << " limit " << verdict.limit << "\n"
        << explained(gate_.explain(request, seen, line, now_), expected);
    ++answers_[expected];
    return verdict.passed() && expected == DenyReason::NONE;
  }

  void submit() {
    const auto asked = request();
    if (!both_pass(asked) || asked.ord_type == OrdType::MARKET) return;
    if (alive_.size() >= kAliveMax) return;
    const auto id = next_++;
    auto record = submitted(id, asked.side, asked.order_qty, asked.price, asked.instrument);
    record.strategy = index(asked.strategy);
    record.session = index(asked.session);
    record.ord_type = static_cast<std::uint8_t>(asked.ord_type);
    record.stop_px = asked.stop_px;
    orders_.apply(record);
    gate_.apply(record, now_);
    plain_.submitted(id, asked, now_);
    alive_.push_back(id);
  }
  void change(ClOrdId id) {
    ReplaceRequest change;
    change.order = one_in(50) ? next_ + 1'000 : id;
    change.price = one_in(30) ? pick({-5, 0, 40'000}) : 980 + below(40);
    change.order_qty = one_in(30) ? 0 : 5 * (1 + below(5));
    if (!both_pass(change)) return;
    auto record = replace(id, next_++, change.order_qty, change.price);
    auto& order = plain_.alive.at(id);
    record.strategy = order.strategy;
    record.session = order.session;
    orders_.apply(record);
    gate_.apply(record, now_);
    plain_.sent(order, now_);
    order.replacing = true;
    order.new_qty = change.order_qty;
    order.new_price = change.price;
    requests_[id] = record.cl_ord_id;
  }

  // ---------------------------------------------------------------- what the venue says

  void tell(ClOrdId id, ExecType type, OrdStatus status, std::int64_t qty = 0,
            std::int64_t px = 0) {
    auto record = report(id, type, status, Side::NONE);
    put_text(record.exec_id, std::to_string(++executions_));
    record.last_qty = qty;
    record.last_px = px;
    const auto transition = orders_.apply(record);
    for (std::size_t i = 0; i < transition.bookings_size; ++i) {
      positions_.book(*transition.order, transition.bookings[i]);
    }
  }
  void over(ClOrdId id) {
    plain_.alive.erase(id);
    std::erase(alive_, id);
  }
  void advance(ClOrdId id) {
    auto& order = plain_.alive.at(id);
    const auto draw = below(10);
    if (!order.acknowledged) {
      order.acknowledged = true;
      tell(id, ExecType::NEW, OrdStatus::NEW);
    } else if (order.replacing && draw < 6) {
      end_replace(id, order, draw < 4);
    } else if (draw < 8) {
      fill(id, order);
    } else {
      cancel_it(id, order);
    }
  }
  void end_replace(ClOrdId id, PlainOrder& order, bool accepted) {
    order.replacing = false;
    if (accepted && order.new_qty > order.cum) {
      order.qty = order.new_qty;
      order.price = order.new_price;
      tell(requests_[id], ExecType::REPLACED, OrdStatus::NEW);
    } else {
      orders_.apply(cancel_rejected(requests_[id], 2));
    }
    if (order.qty == order.cum) over(id);
  }
  void fill(ClOrdId id, PlainOrder& order) {
    const auto leaves = order.qty - order.cum;
    if (leaves == 0) return;
    const auto qty = 1 + below(leaves);
    const auto px = order.price + below(11) - 5;
    order.cum += qty;
    plain_.traded(order, qty, px);
    tell(id, ExecType::TRADE, OrdStatus::PARTIALLY_FILLED, qty, px);
    if (order.qty == order.cum && (!order.replacing || order.new_qty <= order.cum)) over(id);
  }
  void cancel_it(ClOrdId id, PlainOrder& order) {
    if (order.cancelling) {
      tell(requests_[id], ExecType::CANCELED, OrdStatus::CANCELED);
      return over(id);
    }
    if (order.replacing) return;
    auto record = cancel(id, next_++);
    record.strategy = order.strategy;
    record.session = order.session;
    orders_.apply(record);
    gate_.apply(record, now_);
    plain_.sent(order, now_);
    order.cancelling = true;
    requests_[id] = record.cl_ord_id;
  }

  std::mt19937_64 random_;
  InstrumentRegistry registry_;
  PositionBook positions_{registry_, 64, 16};
  OrderTable orders_{{256, 1 << 16}, positions_};
  RiskGate gate_{registry_, orders_, positions_};
  PlainGate plain_;
  Nanos now_ = 1'000 * kSecond;
  ClOrdId next_ = 1;
  std::uint64_t executions_ = 0;
  std::vector<ClOrdId> alive_;
  std::map<ClOrdId, ClOrdId> requests_;  ///< the newest of each order
  std::map<DenyReason, std::uint64_t> answers_;
};

TEST(RiskGateModel, SaysWhatThePlainModelSays) {
  std::map<DenyReason, std::uint64_t> answers;
  in_rounds(60'000, 4'000, [&](std::uint64_t seed, std::uint64_t events) {
    Both both(seed);
    for (std::uint64_t i = 0; i < events && !::testing::Test::HasFailure(); ++i) {
      SCOPED_TRACE(i);
      both.step();
    }
    for (const auto& [reason, count] : both.answers()) answers[reason] += count;
  });
  // Everything but what the model leaves out (overflow, full tables) was decisive now and then.
  EXPECT_GE(answers.size(), 28U);
  EXPECT_GT(answers[DenyReason::NONE], 1'000U);
}

}  // namespace
}  // namespace pitwire::testing
