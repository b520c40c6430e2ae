// The gate: every order and every replace passes it, and there is no way around it.
//
// The checks are one table (`checks()`), in the order of DenyReason. A check measures a value and
// compares it with a limit: it passes where value <= limit, or, where less is worse (`at_least`),
// where value >= limit. `check` decides by that table and `explain` shows it, so both always agree.
//
// Before the table there is a quick yes (gate_quick.hpp): nearly every order is an ordinary one
// that passes everything, and to know that takes a tenth of the instructions of measuring what
// each check would say. It answers yes only where the table would, and nothing else; everything
// that it is not sure of goes to the table. A random test holds the two against each other.
//
// Reads, per check of an order: flags and firm row; one row each of the instrument (definition,
// money scale, limits, firm holding, own best prices), of the strategy and of the pair; two rate
// windows. No allocation, no lock, no system call, one relaxed atomic load (the kill word). Cost
// is measured by `native/bench/orders` over 8,000 instruments. Slow inputs: an instrument with
// several tick bands (binary search), prices and quantities whose product leaves 64 bits (128-bit
// division), the first check after an idle period (rate buckets expire).
//
// The gate's own state (risk states, limits, rates, recent orders) is a function of records, as
// the order table's is: `apply`. `check` changes nothing.
//
// Cancels are not checked: they always pass. Their share of the message rate is reserved: orders
// and replaces may use kOrderSharePercent of it.
//
// What it does not do: stops that are not yet triggered, and what the daemon holds, take no part in
// self-trade prevention;
// gross notional values positions at cost, not at the mark.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "pitwire/base/types.hpp"
#include "pitwire/orders/instrument.hpp"
#include "pitwire/orders/limits.hpp"
#include "pitwire/orders/order.hpp"
#include "pitwire/orders/order_table.hpp"
#include "pitwire/orders/position_book.hpp"
#include "pitwire/orders/rate_window.hpp"
#include "pitwire/orders/recent_orders.hpp"

namespace pitwire {

struct GateInput;
class QuickYes;

/// What the gate sees of the market. Prices in price increments, kNoPx where there is none.
struct MarketView {
  BookState book = BookState::EMPTY;
  TradingState trading = TradingState::UNKNOWN;
  std::int64_t bid_px = kNoPx;
  std::int64_t ask_px = kNoPx;
  std::int64_t last_px = kNoPx;
  Nanos updated_ts = 0;  ///< ts_core of the last book update
};

template <class Enum>
[[nodiscard]] constexpr std::uint32_t bit_of(Enum value) noexcept {
  return std::uint32_t{1} << static_cast<std::uint32_t>(value);
}

/// What a venue takes by itself; what it does not, the daemon does where it can.
struct VenueTypes {
  std::uint32_t order_types = bit_of(OrdType::MARKET) | bit_of(OrdType::LIMIT) |
                              bit_of(OrdType::STOP) | bit_of(OrdType::STOP_LIMIT);
  std::uint32_t time_in_force = bit_of(TimeInForce::DAY) | bit_of(TimeInForce::GTC) |
                                bit_of(TimeInForce::IOC) | bit_of(TimeInForce::FOK) |
                                bit_of(TimeInForce::GTD);
  bool post_only = true;
  bool iceberg = false;  ///< MaxFloor

  [[nodiscard]] constexpr bool takes(OrdType type) const noexcept {
    return (order_types & bit_of(type)) != 0;
  }
  [[nodiscard]] constexpr bool takes(TimeInForce value) const noexcept {
    return (time_in_force & bit_of(value)) != 0;
  }
  /// What the order is sent with: what the venue lacks as something longer that it has, and the
  /// daemon ends it. Nothing stands for FOK, nor for GTC.
  [[nodiscard]] constexpr TimeInForce sent(TimeInForce value) const noexcept {
    const bool ended_here =
        value == TimeInForce::DAY || value == TimeInForce::IOC || value == TimeInForce::GTD;
    if (takes(value) || !ended_here) return value;
    const bool for_now = value == TimeInForce::IOC && takes(TimeInForce::DAY);
    return for_now ? TimeInForce::DAY : TimeInForce::GTC;
  }
};

/// What the gate sees of the session (the route).
struct SessionView {
  bool logged_on = false;
  bool held = false;                ///< an operator keeps orders from going
  std::int64_t credits = 0;         ///< messages that egress will still take
  std::int64_t cancel_reserve = 0;  ///< of these, kept for cancels
  VenueTypes types;
};

/// The gate's answer. `value` and `limit` are the failed check's, in its unit.
struct Verdict {
  DenyReason reason = DenyReason::NONE;
  std::int64_t value = 0;
  std::int64_t limit = 0;
  /// For a market order: the price at which it was valued. Put it into ORDER_SUBMITTED's `price`,
  /// so that its notional is reserved; it is never sent.
  std::int64_t reference_px = 0;

  [[nodiscard]] bool passed() const noexcept { return reason == DenyReason::NONE; }
};

/// One check as `explain` shows it.
struct CheckResult {
  DenyReason reason = DenyReason::NONE;
  std::string_view name;
  std::string_view unit;
  bool applies = true;  ///< false: not reached by this kind of request, or no limit set
  bool passed = true;
  std::int64_t value = 0;
  std::int64_t limit = 0;
  bool at_least = false;  ///< the limit is the least, not the most, that the value may be
  LimitScope scope = LimitScope::FIRM;
  std::vector<std::pair<std::string_view, std::int64_t>> inputs;  ///< what it was measured from
  std::string text;  ///< value, limit and unit in words

  /// How much further the value may move before the check fails; negative where it failed.
  [[nodiscard]] std::int64_t margin() const noexcept {
    return saturate(at_least ? Int128{value} - limit : Int128{limit} - value);
  }
};

inline constexpr std::int64_t kOrderSharePercent = 80;

class RiskGate {
 public:
  static constexpr std::uint32_t kStrategiesMax = 1'024;
  static constexpr std::uint32_t kSessionsMax = 256;

  /// All three must outlive the gate. The firm starts ACTIVE and not armed; strategies ACTIVE,
  /// armed and running.
  RiskGate(const InstrumentRegistry& registry, const OrderTable& orders,
           const PositionBook& positions);

  /// The word of the kill path; null in replay, where logged KILL inputs say the same.
  void set_kill_word(const std::atomic<std::uint32_t>* word) noexcept { kill_word_ = word; }
  /// The word is set and no KILL was applied yet: append one at exactly this position, apply it.
  [[nodiscard]] bool kill_pending() const noexcept { return !killed_ && kill_word() != 0; }
  [[nodiscard]] std::uint32_t kill_word() const noexcept {
    // Relaxed: the word says only that it is set; the log orders it (kill path's store).
    return kill_word_ == nullptr ? 0 : kill_word_->load(std::memory_order_relaxed);
  }

  /// A new order. Unknown ids of instrument, strategy or session are denied, never undefined.
  [[nodiscard]] Verdict check(const OrderRequest& request, const MarketView& market,
                              const SessionView& session, Nanos now) const noexcept;
  /// A replace of one of our orders (any of its ClOrdIDs).
  [[nodiscard]] Verdict check(const ReplaceRequest& request, const MarketView& market,
                              const SessionView& session, Nanos now) const noexcept;

  /// A held order that is to go out as `request`: what it reserves already is its own.
  [[nodiscard]] Verdict check_release(const Order& held, const OrderRequest& request,
                                      const MarketView& market, const SessionView& session,
                                      Nanos now) const noexcept;

  /// Every check of the request, passed or not, in the order of the table.
  [[nodiscard]] std::vector<CheckResult> explain(const OrderRequest& request,
                                                 const MarketView& market,
                                                 const SessionView& session, Nanos now) const;
  [[nodiscard]] std::vector<CheckResult> explain(const ReplaceRequest& request,
                                                 const MarketView& market,
                                                 const SessionView& session, Nanos now) const;

  // What was logged, at the time of its frame.
  /// Asks the cache for what `apply` of such an order will write.
  void prefetch_sent(const OrderRequest& request) const noexcept;
  /// Holds for the request of the same ClOrdID, which is the next.
  void apply(const rec::OrderInstructions& record) noexcept { instructions_ = record; }
  void apply(const rec::OrderSubmitted& record, Nanos now) noexcept;
  void apply(const rec::OrderHeld& record, Nanos now) noexcept;
  void apply(const rec::ReplaceRequested& record, Nanos now) noexcept;
  void apply(const rec::CancelRequested& record, Nanos now) noexcept;
  void apply(const rec::MassCancelRequested& record, Nanos now) noexcept;
  void apply(const rec::RiskState& record) noexcept;
  void apply(const rec::StrategyState& record) noexcept;
  void apply(const rec::Kill& record) noexcept;
  LimitStatus apply(const rec::LimitChanged& record, std::string_view name);
  /// The name of the limit that holds a session: 1 keeps orders from going, 0 lets them go again.
  [[nodiscard]] static std::string hold_name(SessionId session);
  [[nodiscard]] bool held(SessionId session) const noexcept {
    return index(session) < held_.size() && held_[index(session)];
  }
  /// The low-disk rule halts new orders.
  void set_disk_low(bool low) noexcept { disk_low_ = low; }
  /// An operator, in the log, ends the kill (the word must be cleared first).
  void clear_kill() noexcept { killed_ = false; }

  [[nodiscard]] bool killed() const noexcept { return killed_ || kill_word() != 0; }
  [[nodiscard]] bool armed(std::uint32_t strategy = kNoId) const noexcept;
  [[nodiscard]] pitwire::RiskState state(std::uint32_t strategy = kNoId) const noexcept;
  [[nodiscard]] const LimitTree& limits() const noexcept { return limits_; }
  /// Configuration before the log runs; afterwards limits change by LIMIT_CHANGED alone.
  [[nodiscard]] LimitTree& limits() noexcept { return limits_; }
  /// Messages counted in the last second: the firm's, a strategy's, a session's.
  [[nodiscard]] std::uint32_t firm_rate(Nanos now) const noexcept { return firm_rate_.sent(now); }
  [[nodiscard]] std::uint32_t strategy_rate(StrategyId strategy, Nanos now) const noexcept;
  [[nodiscard]] std::uint32_t session_rate(SessionId session, Nanos now) const noexcept;

  void save(std::vector<std::byte>& out) const;
  [[nodiscard]] bool restore(std::span<const std::byte> in);
  /// Of the same bytes what was logged and is no configuration: the kill, risk states, rates, and
  /// the limits that LIMIT_CHANGED records set, on top of those that are configured now.
  [[nodiscard]] bool restore_facts(std::span<const std::byte> in);

  /// A strategy as the gate keeps it.
  struct StrategyRow {
    pitwire::RiskState state = pitwire::RiskState::ACTIVE;
    bool armed = true;
    bool running = true;
    RateWindow rate;
  };

 private:
  friend struct GateInput;
  friend class QuickYes;
  [[nodiscard]] static std::vector<CheckResult> explain(const GateInput& in);
  [[nodiscard]] static std::vector<CheckResult> explain_unknown_order();
  static constexpr std::string_view kHold = "session_hold.";  ///< and the session's id
  void prefetch(InstrumentId instrument) const noexcept;
  LimitStatus set(std::string_view name, std::uint32_t strategy, std::uint32_t instrument,
                  std::int64_t value);
  void count(StrategyId strategy, SessionId session, Nanos now) noexcept;

  const InstrumentRegistry* registry_;
  const OrderTable* orders_;
  const PositionBook* positions_;
  const std::atomic<std::uint32_t>* kill_word_ = nullptr;
  bool killed_ = false;
  bool disk_low_ = false;
  bool armed_ = false;
  pitwire::RiskState state_ = pitwire::RiskState::ACTIVE;
  LimitTree limits_;
  /// By name, strategy and instrument: the newest LIMIT_CHANGED of each.
  std::map<std::tuple<std::string, std::uint32_t, std::uint32_t>, std::int64_t> changed_limits_;
  std::vector<bool> held_;  ///< by session
  RateWindow firm_rate_;
  std::vector<StrategyRow> strategies_;
  std::vector<RateWindow> sessions_;
  RecentOrders recent_;
  rec::OrderInstructions instructions_;  ///< of the request that follows in the log
};

/// A check by name and unit, for documentation and `pitwire ctl risk`.
struct CheckSpec {
  DenyReason reason;
  std::string_view name;
  std::string_view unit;
};
[[nodiscard]] std::span<const CheckSpec> check_specs() noexcept;

}  // namespace pitwire
