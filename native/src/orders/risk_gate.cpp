#include "pitwire/orders/risk_gate.hpp"

#include <charconv>
#include <utility>

#include "gate_quick.hpp"
#include "gate_table.hpp"

namespace pitwire {
namespace {

/// The table unrolled: the first check that fails decides.
template <std::size_t... I>
DenyReason first_failure(const GateInput& in, Measure& failed, std::index_sequence<I...>) noexcept {
  auto reason = DenyReason::NONE;
  const auto fails = [&](std::size_t i, const Measure& measure) {
    if (measure.passed() || !measure.applies) return false;
    failed = measure;
    reason = kChecks[i].reason;
    return true;
  };
  (void)(fails(I, kChecks[I].measure(in)) || ...);
  return reason;
}

/// The replace as the order that would result.
OrderRequest resulting(const Order& order, const ReplaceRequest& replace) noexcept {
  OrderRequest request;
  request.instrument = order.instrument;
  request.strategy = order.strategy;
  request.session = order.session;
  request.side = order.side;
  request.ord_type = order.ord_type;
  request.time_in_force = order.time_in_force;
  request.flags = order.flags;
  request.price = replace.price;
  request.stop_px = replace.stop_px == kNoPx ? order.stop_px : replace.stop_px;
  request.order_qty = replace.order_qty;
  request.expire_ts = order.expire_ts;
  request.tag = order.tag;
  // What reserves nothing is measured when it is released.
  if (order.is(OrderFact::IDLE)) request.phase = RequestPhase::WAITS;
  return request;
}

/// Valued at what the market would give now: it has no price of its own.
bool valued_by_market(OrdType type) noexcept {
  return type == OrdType::MARKET || type == OrdType::TRAILING_STOP;
}

[[gnu::flatten]] Verdict decide(const GateInput& in) noexcept {
  Measure failed;
  const auto reason = first_failure(in, failed, std::make_index_sequence<kChecks.size()>{});
  const bool market = valued_by_market(in.request.ord_type) && in.valued_px != kNoPx;
  return {reason, failed.value, failed.limit, market ? in.valued_px : 0};
}

const RiskGate::StrategyRow& row_of(const std::vector<RiskGate::StrategyRow>& rows,
                                    StrategyId strategy) noexcept {
  return index(strategy) < rows.size() ? rows[index(strategy)] : rows.front();
}

}  // namespace

GateInput::GateInput(const RiskGate& gate_in, const OrderRequest& request_in,
                     const Order* replaced_in, const MarketView& market_in,
                     const SessionView& session_in, Nanos now_in) noexcept
    : gate(gate_in),
      request(request_in),
      replaced(replaced_in),
      market(market_in),
      session(session_in),
      now(now_in),
      known(gate.registry_->known(request.instrument)),
      strategy(row_of(gate.strategies_, request.strategy)),
      own(gate.positions_->of(request.strategy, request.instrument)),
      firm(gate.positions_->firm(request.instrument)) {
  const auto& tree = gate.limits_;
  limits[0] = &tree.firm();
  limits[1] = &tree.instrument(index(request.instrument));
  limits[2] = &tree.strategy(index(request.strategy));
  limits[3] = &tree.pair(index(request.strategy), index(request.instrument));
  remaining = request.order_qty;
  if (replaced != nullptr) {
    remaining = saturate(Int128{request.order_qty} - replaced->cum_qty);
    held_qty = replaced->reserved_qty;
    held_notional = replaced->reserved_notional;
  }
  extra_qty = std::max<std::int64_t>(0, saturate(Int128{remaining} - held_qty));
  take_reference();
  if (known) value(*gate.registry_);
}

void GateInput::take_reference() noexcept {
  if (market.bid_px != kNoPx && market.ask_px != kNoPx) {
    reference_px = saturate((Int128{market.bid_px} + market.ask_px) >> 1);
  } else {
    reference_px = market.last_px;
  }
  switch (request.ord_type) {
    case OrdType::MARKET:
    case OrdType::TRAILING_STOP:
      valued_px = is_buy() ? market.ask_px : market.bid_px;
      if (valued_px == kNoPx) valued_px = reference_px;
      break;
    case OrdType::STOP:
    case OrdType::MARKET_IF_TOUCHED:
      valued_px = request.stop_px;
      break;
    default:
      valued_px = request.price;
  }
}

void GateInput::value(const InstrumentRegistry& registry) noexcept {
  row = &registry.row(request.instrument);
  if (valued_px == kNoPx || remaining <= 0) return;
  const auto worth = registry.risk_notional(request.instrument, valued_px, remaining);
  exact = worth.has_value();
  notional = worth.value_or(kInt64Max);
  extra_notional = std::max<std::int64_t>(0, notional - held_notional);
}

std::int64_t GateInput::reduce_excess() const noexcept {
  const auto interval = own.interval();
  // A replace may be refused and leave what is; a release cannot.
  const bool released = request.phase == RequestPhase::RELEASED;
  const auto worst = released ? remaining : std::max(remaining, held_qty);
  return saturate(is_buy() ? Int128{interval.high} - held_qty + worst
                           : Int128{worst} - held_qty - interval.low);
}

RiskGate::RiskGate(const InstrumentRegistry& registry, const OrderTable& orders,
                   const PositionBook& positions)
    : registry_(&registry),
      orders_(&orders),
      positions_(&positions),
      strategies_(kStrategiesMax),
      sessions_(kSessionsMax) {}

/// Asks for the rows of the request before anything depends on them, so that their misses overlap.
void RiskGate::prefetch(InstrumentId instrument) const noexcept {
  if (!registry_->known(instrument)) return;
  __builtin_prefetch(&registry_->row(instrument));
  const auto prefetch_all = [](const auto& row) {
    const auto* bytes = reinterpret_cast<const char*>(&row);
    for (std::size_t at = 0; at < sizeof(row); at += 64) __builtin_prefetch(bytes + at);
  };
  prefetch_all(limits_.instrument(index(instrument)));
  prefetch_all(positions_->firm(instrument));
  orders_->prefetch(instrument);
}

Verdict RiskGate::check(const OrderRequest& request, const MarketView& market,
                        const SessionView& session, Nanos now) const noexcept {
  prefetch(request.instrument);
  if (QuickYes(*this, request, market, session, now).sure()) return {};
  return decide(GateInput(*this, request, nullptr, market, session, now));
}

Verdict RiskGate::check(const ReplaceRequest& request, const MarketView& market,
                        const SessionView& session, Nanos now) const noexcept {
  const auto* order = orders_->find(request.order);
  if (order == nullptr) return {DenyReason::UNKNOWN_ORDER, 1, 0, 0};
  const auto result = resulting(*order, request);
  return decide(GateInput(*this, result, order, market, session, now));
}

Verdict RiskGate::check_release(const Order& held, const OrderRequest& request,
                                const MarketView& market, const SessionView& session,
                                Nanos now) const noexcept {
  return decide(GateInput(*this, request, &held, market, session, now));
}

std::vector<CheckResult> RiskGate::explain(const ReplaceRequest& request, const MarketView& market,
                                           const SessionView& session, Nanos now) const {
  const auto* order = orders_->find(request.order);
  if (order == nullptr) return explain_unknown_order();
  const auto result = resulting(*order, request);
  return explain(GateInput(*this, result, order, market, session, now));
}

std::vector<CheckResult> RiskGate::explain(const OrderRequest& request, const MarketView& market,
                                           const SessionView& session, Nanos now) const {
  return explain(GateInput(*this, request, nullptr, market, session, now));
}

void RiskGate::count(StrategyId strategy, SessionId session, Nanos now) noexcept {
  firm_rate_.count(now);
  if (index(strategy) < strategies_.size()) strategies_[index(strategy)].rate.count(now);
  if (index(session) < sessions_.size()) sessions_[index(session)].count(now);
}

void RiskGate::prefetch_sent(const OrderRequest& request) const noexcept {
  recent_.prefetch_next(key_of(request));
}

void RiskGate::apply(const rec::OrderSubmitted& record, Nanos now) noexcept {
  count(StrategyId{record.strategy}, SessionId{record.session}, now);
  auto key = key_of_record(record);
  if (instructions_.cl_ord_id == record.cl_ord_id) {
    const auto more = std::exchange(instructions_, {});
    if (more.order != record.cl_ord_id) return;  // a slice is no order of its own
    if (more.total_qty != 0) key.order_qty = more.total_qty;
  }
  recent_.insert(key, now);
}
void RiskGate::apply(const rec::OrderHeld& record, Nanos now) noexcept {
  recent_.insert(key_of_record(record), now);
}
void RiskGate::apply(const rec::ReplaceRequested& record, Nanos now) noexcept {
  count(StrategyId{record.strategy}, SessionId{record.session}, now);
}
void RiskGate::apply(const rec::CancelRequested& record, Nanos now) noexcept {
  count(StrategyId{record.strategy}, SessionId{record.session}, now);
}
void RiskGate::apply(const rec::MassCancelRequested& record, Nanos now) noexcept {
  count(StrategyId{kNoId}, SessionId{record.session}, now);
}

void RiskGate::apply(const rec::RiskState& record) noexcept {
  const auto state = static_cast<pitwire::RiskState>(record.state);
  if (record.strategy == kNoId) {
    state_ = state;
    armed_ = record.armed != 0;
  } else if (record.strategy < strategies_.size()) {
    strategies_[record.strategy].state = state;
    strategies_[record.strategy].armed = record.armed != 0;
  }
}

void RiskGate::apply(const rec::StrategyState& record) noexcept {
  if (record.strategy >= strategies_.size()) return;
  strategies_[record.strategy].running =
      static_cast<StrategyStatus>(record.status) == StrategyStatus::RUNNING;
}

void RiskGate::apply(const rec::Kill& record) noexcept {
  if (record.word != 0) killed_ = true;
}

LimitStatus RiskGate::apply(const rec::LimitChanged& record, std::string_view name) {
  const auto status = set(name, record.strategy, record.instrument, record.value);
  if (status == LimitStatus::OK) {
    changed_limits_[{std::string(name), record.strategy, record.instrument}] = record.value;
  }
  return status;
}

std::string RiskGate::hold_name(SessionId session) {
  return std::string(kHold) + std::to_string(index(session));
}

LimitStatus RiskGate::set(std::string_view name, std::uint32_t strategy, std::uint32_t instrument,
                          std::int64_t value) {
  if (!name.starts_with(kHold)) return limits_.set(name, strategy, instrument, value);
  std::uint32_t session = 0;
  const auto* const end = name.data() + name.size();
  const auto read = std::from_chars(name.data() + kHold.size(), end, session);
  if (read.ec != std::errc{} || read.ptr != end || session >= kSessionsMax) {
    return LimitStatus::UNKNOWN_NAME;
  }
  if (strategy != kNoId || instrument != kNoId) return LimitStatus::WRONG_SCOPE;
  if (value != 0 && value != 1) return LimitStatus::OUT_OF_RANGE;
  if (held_.size() <= session) held_.resize(session + 1);
  held_[session] = value == 1;
  return LimitStatus::OK;
}

bool RiskGate::armed(std::uint32_t strategy) const noexcept {
  if (strategy == kNoId) return armed_;
  return strategy < strategies_.size() && strategies_[strategy].armed;
}
pitwire::RiskState RiskGate::state(std::uint32_t strategy) const noexcept {
  if (strategy == kNoId) return state_;
  return strategy < strategies_.size() ? strategies_[strategy].state : pitwire::RiskState::HALTED;
}
std::uint32_t RiskGate::strategy_rate(StrategyId strategy, Nanos now) const noexcept {
  return index(strategy) < strategies_.size() ? strategies_[index(strategy)].rate.sent(now) : 0;
}
std::uint32_t RiskGate::session_rate(SessionId session, Nanos now) const noexcept {
  return index(session) < sessions_.size() ? sessions_[index(session)].sent(now) : 0;
}

}  // namespace pitwire
