// The gate's table told to people: every check of one request, in words.
#include <string>

#include "gate_table.hpp"
#include "pitwire/orders/state_io.hpp"

namespace pitwire {
namespace {

constexpr auto kSpecs = [] {
  std::array<CheckSpec, kChecks.size()> specs{};
  for (std::size_t i = 0; i < specs.size(); ++i) {
    specs[i] = {kChecks[i].reason, kChecks[i].name, kChecks[i].unit};
  }
  return specs;
}();

using Inputs = std::vector<std::pair<std::string_view, std::int64_t>>;

Inputs inputs_of(const GateInput& in, DenyReason reason) {
  const auto own = in.own.interval();
  const auto firm = in.firm.interval();
  switch (reason) {
    case DenyReason::REDUCING:
    case DenyReason::REDUCE_ONLY:
      return {{"position_low", own.low}, {"position_high", own.high}, {"remaining", in.remaining}};
    case DenyReason::SESSION_BACKPRESSURE:
      return {{"credits", in.session.credits}, {"cancel_reserve", in.session.cancel_reserve}};
    case DenyReason::INSTRUMENT_NOT_TRADABLE:
      return {{"trading_state", static_cast<std::int64_t>(in.market.trading)}};
    case DenyReason::BOOK_STALE:
    case DenyReason::BOOK_GAPPED:
    case DenyReason::BOOK_CROSSED:
      return {{"book_state", static_cast<std::int64_t>(in.market.book)},
              {"updated_ts", in.market.updated_ts},
              {"now", in.now}};
    case DenyReason::PRICE_COLLAR:
      return {{"price", in.request.price},
              {"reference_px", in.reference_px},
              {"bid_px", in.market.bid_px},
              {"ask_px", in.market.ask_px},
              {"last_px", in.market.last_px}};
    case DenyReason::NOTIONAL_MAX:
      return {{"price", in.valued_px}, {"remaining", in.remaining}};
    case DenyReason::POSITION_MAX:
      return {{"position_low", own.low},
              {"position_high", own.high},
              {"firm_position_low", firm.low},
              {"firm_position_high", firm.high},
              {"extra_qty", in.extra_qty}};
    case DenyReason::GROSS_NOTIONAL_MAX:
      return {{"gross_notional", in.positions().firm_totals().gross_notional},
              {"extra_notional", in.extra_notional}};
    case DenyReason::SELF_TRADE:
      return {{"price", in.request.price},
              {"own_best_buy", in.orders().best_own_buy(in.request.instrument)},
              {"own_best_sell", in.orders().best_own_sell(in.request.instrument)}};
    default:
      return {{"price", in.request.price}, {"order_qty", in.request.order_qty}};
  }
}

std::string number(std::int64_t value) {
  if (value == kUnlimited) return "unlimited";
  return value == kNoPx ? "none" : std::to_string(value);
}

/// `price collar: price 10250 outside [10100, 10200]`, and the like for the others.
std::string text_of(const Check& check, const CheckResult& result, const GateInput& in) {
  const std::string name(check.name);
  if (!result.applies) return name + ": does not apply";
  if (check.reason == DenyReason::PRICE_COLLAR && in.request.ord_type == OrdType::LIMIT &&
      in.reference_px != kNoPx) {
    return name + ": price " + number(in.request.price) +
           (result.passed ? " inside [" : " outside [") +
           number(saturate(Int128{in.reference_px} - result.limit)) + ", " +
           number(saturate(Int128{in.reference_px} + result.limit)) + "] " +
           std::string(check.unit) + " (" + std::string(name_of(result.scope)) + ")";
  }
  if (check.unit == "flag") return name + (result.passed ? ": no" : ": yes");
  return name + ": " + number(result.value) + " " + std::string(check.unit) +
         (result.at_least ? ", at least " : ", at most ") + number(result.limit) + " (" +
         std::string(name_of(result.scope)) + ")";
}

CheckResult result_of(const Check& check, const GateInput& in) {
  CheckResult result;
  result.reason = check.reason;
  result.name = check.name;
  result.unit = check.unit;
  const auto measure = check.needs_instrument && !in.known ? kSkip : check.measure(in);
  result.applies = measure.applies;
  result.passed = !measure.applies || measure.passed();
  result.value = measure.value;
  result.limit = measure.limit;
  result.at_least = measure.at_least;
  result.scope = measure.scope;
  result.inputs = inputs_of(in, check.reason);
  result.text = text_of(check, result, in);
  return result;
}

}  // namespace

std::span<const CheckSpec> check_specs() noexcept { return kSpecs; }

std::vector<CheckResult> RiskGate::explain(const GateInput& in) {
  std::vector<CheckResult> results;
  for (const auto& check : kChecks) results.push_back(result_of(check, in));
  return results;
}

std::vector<CheckResult> RiskGate::explain_unknown_order() {
  std::vector<CheckResult> results;
  for (const auto& check : kChecks) {
    CheckResult result;
    result.reason = check.reason;
    result.name = check.name;
    result.unit = check.unit;
    result.applies = check.reason == DenyReason::UNKNOWN_ORDER;
    result.passed = !result.applies;
    result.value = result.applies ? 1 : 0;
    result.text = std::string(check.name) + (result.applies ? ": yes" : ": does not apply");
    results.push_back(std::move(result));
  }
  return results;
}

namespace {

constexpr std::uint32_t kVersion = 2;

void put_text(StateWriter& writer, std::string_view text) {
  writer.put(std::uint64_t{text.size()});
  for (const char each : text) writer.put(each);
}

std::string get_text(StateReader& reader) {
  std::string text(reader.count(1), '\0');
  for (char& each : text) each = reader.get<char>();
  return text;
}

}  // namespace

void RiskGate::save(std::vector<std::byte>& out) const {
  StateWriter writer(out);
  writer.put(kVersion);
  for (const bool flag : {killed_, disk_low_, armed_}) writer.put(static_cast<std::uint32_t>(flag));
  writer.put(static_cast<std::uint32_t>(state_));
  writer.put(firm_rate_);
  for (const auto& row : strategies_) {
    writer.put(row.state);
    writer.put(static_cast<std::uint8_t>(row.armed));
    writer.put(static_cast<std::uint8_t>(row.running));
    writer.put(row.rate);
  }
  for (const auto& rate : sessions_) writer.put(rate);
  writer.put(std::uint64_t{changed_limits_.size()});
  for (const auto& [key, value] : changed_limits_) {
    put_text(writer, std::get<0>(key));
    writer.put(std::get<1>(key));
    writer.put(std::get<2>(key));
    writer.put(value);
  }
  recent_.save(out);
  limits_.save(out);
}

bool RiskGate::restore(std::span<const std::byte> in) {
  RiskGate fresh(*registry_, *orders_, *positions_);
  fresh.kill_word_ = kill_word_;
  StateReader reader(in);
  if (reader.get<std::uint32_t>() != kVersion) return false;
  for (bool* flag : {&fresh.killed_, &fresh.disk_low_, &fresh.armed_}) {
    *flag = reader.get<std::uint32_t>() != 0;
  }
  fresh.state_ = static_cast<pitwire::RiskState>(reader.get<std::uint32_t>());
  fresh.firm_rate_ = reader.get<RateWindow>();
  for (auto& row : fresh.strategies_) {
    row.state = reader.get<pitwire::RiskState>();
    row.armed = reader.get<std::uint8_t>() != 0;
    row.running = reader.get<std::uint8_t>() != 0;
    row.rate = reader.get<RateWindow>();
  }
  for (auto& rate : fresh.sessions_) rate = reader.get<RateWindow>();
  for (auto left = reader.count(24); left > 0 && reader.ok(); --left) {
    auto name = get_text(reader);
    const auto strategy = reader.get<std::uint32_t>();
    const auto instrument = reader.get<std::uint32_t>();
    const auto value = reader.get<std::int64_t>();
    if (name.starts_with(kHold)) (void)fresh.set(name, strategy, instrument, value);
    fresh.changed_limits_[{std::move(name), strategy, instrument}] = value;
  }
  if (!fresh.recent_.restore(reader) || !fresh.limits_.restore(reader.rest())) return false;
  *this = std::move(fresh);
  return true;
}

bool RiskGate::restore_facts(std::span<const std::byte> in) {
  LimitTree configured = std::move(limits_);
  if (!restore(in)) return false;
  limits_ = std::move(configured);
  for (const auto& [key, value] : changed_limits_) {
    (void)limits_.set(std::get<0>(key), std::get<1>(key), std::get<2>(key), value);
  }
  armed_ = false;
  for (StrategyRow& row : strategies_) row.running = true;  // as before anything was logged of it
  return true;
}

}  // namespace pitwire
