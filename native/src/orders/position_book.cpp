#include "pitwire/orders/position_book.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

namespace pitwire {
namespace {

/// Cost units per (price increment × lot), and per money unit of an inverse contract.
constexpr Int128 kGuard = 1'000'000;

/// Σ px × qty in cost units of `qty` lots at `px`, with the sign of qty. False on overflow.
bool cost_of(const MoneyScale& scale, std::int64_t px, std::int64_t qty, Int128& out) noexcept {
  if (!scale.inverse) return multiply(Int128{px} * qty, kGuard, out);
  Int128 top = 0;
  Int128 bottom = 0;
  if (px <= 0 || !multiply(Int128{qty} * kGuard, scale.money.numerator, top) ||
      !multiply(scale.money.denominator, px, bottom)) {
    return false;
  }
  out = divide(top, bottom, Rounding::HALF_EVEN);
  return true;
}

/// Cost units → money by `ratio` (to the money unit, or to risk money), saturating.
std::int64_t to_unit(Int128 cost, const Ratio& ratio, Rounding rule) noexcept {
  Int128 top = 0;
  Int128 bottom = 0;
  if (!multiply(cost, ratio.numerator, top) || !multiply(ratio.denominator, kGuard, bottom)) {
    // Beyond 128 bits with its guard digits: without them, which is exact to the unit's scale.
    if (!multiply(cost / kGuard, ratio.numerator, top)) return cost < 0 ? kInt64Min : kInt64Max;
    bottom = ratio.denominator;
  }
  return saturate(divide(top, bottom, rule));
}

/// Costs of an inverse contract are in money already.
const Ratio& risk_ratio(const MoneyScale& scale) noexcept {
  return scale.inverse ? scale.money_to_risk : scale.risk;
}

/// Adds without wrapping: sticks at the end of the range and says so.
bool add_to(std::int64_t& sum, std::int64_t value) noexcept {
  std::int64_t out = 0;
  const bool good = !__builtin_add_overflow(sum, value, &out);
  sum = good ? out : (value < 0 ? kInt64Min : kInt64Max);
  return good;
}

/// What the open lots would bring at `px`, less their cost; 0 without a mark.
Int128 open_pnl(const Position& position, const MoneyScale& scale, std::int64_t px) noexcept {
  Int128 value = 0;
  if (position.net_qty == 0 || px == kNoPx || !cost_of(scale, px, position.net_qty, value)) {
    return 0;
  }
  return scale.inverse ? position.open_cost - value : value - position.open_cost;
}

void count(Working& working, const Order& order, int sign, bool& overflowed) noexcept {
  auto& qty = order.side == Side::BUY ? working.buy_qty : working.sell_qty;
  auto& orders = order.side == Side::BUY ? working.buy_orders : working.sell_orders;
  const bool good = add_to(qty, sign * order.reserved_qty) &&
                    add_to(working.notional, sign * order.reserved_notional);
  overflowed = overflowed || !good;
  orders = sign > 0 ? orders + 1 : orders - 1;
}

std::int64_t fee_of(const Instrument& instrument, const MoneyScale& scale, const Booking& booking,
                    bool& overflowed) noexcept {
  if (booking.has_fee) return booking.fee;
  const auto& rule = instrument.fee;
  const auto rate = booking.aggressor ? rule.taker : rule.maker;
  const auto qty = static_cast<std::int64_t>(saturate(magnitude(booking.last_qty)));
  Int128 fee = 0;
  if (rule.basis == FeeBasis::PER_LOT) {
    fee = Int128{rate} * qty;
  } else {
    const auto value = scale.notional(booking.last_px, qty, Rounding::HALF_EVEN);
    overflowed = overflowed || !value;
    fee = divide(Int128{value.value_or(0)} * rate, 100'000'000, rule.rounding);
  }
  return saturate(booking.last_qty < 0 ? -fee : fee);
}

}  // namespace

const Holding PositionBook::kEmpty{};
const Totals PositionBook::kNoTotals{};

PositionBook::PositionBook(const InstrumentRegistry& registry, std::uint32_t pairs_max,
                           std::uint32_t strategies_max)
    : registry_(&registry), pairs_(pairs_max) {
  if (strategies_max == 0 || strategies_max > (1u << 20)) {
    throw std::invalid_argument("strategies_max: expected 1 to 1048576, found " +
                                std::to_string(strategies_max));
  }
  cells_.reserve(pairs_max);
  firm_.resize(registry.size());
  totals_.resize(strategies_max);
}

/// Grows where instruments were defined after the book was made.
void PositionBook::ensure(InstrumentId instrument) {
  if (index(instrument) >= firm_.size()) firm_.resize(registry_->size());
}

PositionBook::PairCell* PositionBook::cell(StrategyId strategy, InstrumentId instrument) noexcept {
  const bool holder = strategy == kUnassigned || totals_at(strategy) != nullptr;
  if (!registry_->known(instrument) || !holder) return nullptr;
  const auto slot = pairs_.insert(strategy, instrument);
  if (slot == PairIndex::kNone) return nullptr;
  if (slot < cells_.size()) return &cells_[slot];
  ensure(instrument);
  cells_.push_back({{}, strategy, instrument, PairIndex::kNone, 0});
  auto& firm = firm_[index(instrument)];
  (firm.last_pair == PairIndex::kNone ? firm.first_pair
                                      : cells_[firm.last_pair].next_of_instrument) = slot;
  firm.last_pair = slot;
  return &cells_[slot];
}

void PositionBook::reserve(const Order& order, int sign) noexcept {
  auto* pair = cell(order.strategy, order.instrument);
  auto* totals = totals_at(order.strategy);
  if (pair == nullptr || (totals == nullptr && order.strategy != kUnassigned)) {
    overflowed_ = true;
    return;
  }
  count(pair->holding.working, order, sign, overflowed_);
  count(firm_[index(order.instrument)].holding.working, order, sign, overflowed_);
  const auto notional = sign * order.reserved_notional;
  if (totals != nullptr && !add_to(totals->gross_notional, notional)) overflowed_ = true;
  if (!add_to(firm_totals_.gross_notional, notional)) overflowed_ = true;
  const auto one = static_cast<std::uint32_t>(sign);  // −1 wraps, as unsigned subtraction does
  if (totals != nullptr) totals->working_orders += one;
  firm_totals_.working_orders += one;
}

/// Average cost: what is closed takes its share of the open cost along; the rest stays exact.
bool PositionBook::trade(Position& position, const MoneyScale& scale, std::int64_t signed_qty,
                         std::int64_t px, std::int64_t fee) noexcept {
  const auto net = position.net_qty;
  const bool closes = (net > 0) != (signed_qty > 0) && net != 0;
  const auto closed_size = closes ? std::min(magnitude(net), magnitude(signed_qty)) : Int128{0};
  const auto closing = saturate(signed_qty < 0 ? -closed_size : closed_size);
  const auto opening = signed_qty - closing;
  Int128 closing_cost = 0;
  Int128 opening_cost = 0;
  bool good = cost_of(scale, px, closing, closing_cost);
  good = cost_of(scale, px, opening, opening_cost) && good;
  if (closing != 0) {
    const auto taken =
        share_of(position.open_cost, saturate(closed_size), saturate(magnitude(net)));
    // Both carry the sign of their lots: their sum is minus the gain of a linear trade.
    const Int128 spent = taken + closing_cost;
    position.realised += scale.inverse ? spent : -spent;
    position.open_cost -= taken;
  }
  position.open_cost += opening_cost;
  good = add_to(position.net_qty, signed_qty) && good;
  good = add_to(position.fees, fee) && good;
  return good;
}

void PositionBook::refresh(Holding& holding, InstrumentId instrument) noexcept {
  const auto& scale = registry_->scale(instrument);
  const auto& position = holding.position;
  holding.open_notional =
      to_unit(magnitude(position.open_cost), risk_ratio(scale), Rounding::AWAY_FROM_ZERO);
  const auto pnl = position.realised + open_pnl(position, scale, firm_[index(instrument)].mark);
  const auto fees = divide(Int128{position.fees} * scale.money_to_risk.numerator,
                           scale.money_to_risk.denominator, Rounding::HALF_EVEN);
  holding.pnl_risk = saturate(to_unit(pnl, risk_ratio(scale), Rounding::HALF_EVEN) - fees);
}

void PositionBook::total(StrategyId strategy, const Holding& before,
                         const Holding& after) noexcept {
  for (auto* totals : {totals_at(strategy), &firm_totals_}) {
    if (totals == nullptr) continue;
    const auto notional = saturate(Int128{after.open_notional} - before.open_notional);
    const auto pnl = saturate(Int128{after.pnl_risk} - before.pnl_risk);
    if (!add_to(totals->gross_notional, notional)) overflowed_ = true;
    if (!add_to(totals->pnl, pnl)) overflowed_ = true;
  }
}

void PositionBook::book_into(PairCell& pair, FirmCell& firm, const MoneyScale& scale,
                             std::int64_t signed_qty, std::int64_t px, std::int64_t fee) noexcept {
  const Holding before = pair.holding;
  for (auto* holding : {&pair.holding, &firm.holding}) {
    if (!trade(holding->position, scale, signed_qty, px, fee)) overflowed_ = true;
    refresh(*holding, pair.instrument);
  }
  total(pair.strategy, before, pair.holding);
}

rec::Fill PositionBook::book(const Order& order, const Booking& booking) {
  rec::Fill record;
  record.order = order.order;
  record.instrument = index(order.instrument);
  record.strategy = index(order.strategy);
  record.session = index(order.session);
  record.side = static_cast<std::uint8_t>(order.side);
  record.kind = booking.kind;
  record.flags = booking.aggressor ? 1 : 0;
  record.last_px = booking.last_px;
  record.last_qty = booking.last_qty;
  record.exec_id = booking.exec_id;
  auto* pair = cell(order.strategy, order.instrument);
  if (pair == nullptr) {
    overflowed_ = true;
    return record;
  }
  const auto& scale = registry_->scale(order.instrument);
  record.fee = fee_of((*registry_)[order.instrument], scale, booking, overflowed_);
  const auto signed_qty = order.side == Side::BUY ? booking.last_qty : -booking.last_qty;
  auto& firm = firm_[index(order.instrument)];
  book_into(*pair, firm, scale, signed_qty, booking.last_px, record.fee);
  for (auto* position : {&pair->holding.position, &firm.holding.position}) {
    auto& traded = order.side == Side::BUY ? position->bought_qty : position->sold_qty;
    if (!add_to(traded, booking.last_qty)) overflowed_ = true;
  }
  const auto sums = money(pair->holding, order.instrument);
  record.position = pair->holding.position.net_qty;
  record.realised_pnl = sums.realised;
  record.fees = sums.fees;
  return record;
}

void PositionBook::adopt(StrategyId strategy, InstrumentId instrument, std::int64_t net_qty,
                         std::int64_t px) {
  auto* pair = cell(strategy, instrument);
  if (pair == nullptr) {
    overflowed_ = true;
    return;
  }
  std::int64_t change = 0;
  if (__builtin_sub_overflow(net_qty, pair->holding.position.net_qty, &change)) {
    overflowed_ = true;
    return;
  }
  if (change == 0) return;
  book_into(*pair, firm_[index(instrument)], registry_->scale(instrument), change, px, 0);
}

void PositionBook::mark(InstrumentId instrument, std::int64_t px) noexcept {
  if (!registry_->known(instrument)) return;
  ensure(instrument);  // what is opened later is valued at it at once
  auto& firm = firm_[index(instrument)];
  if (firm.mark == px) return;
  firm.mark = px;
  for (auto at = firm.first_pair; at != PairIndex::kNone; at = cells_[at].next_of_instrument) {
    auto& pair = cells_[at];
    if (pair.holding.position.net_qty == 0) continue;
    const Holding before = pair.holding;
    refresh(pair.holding, instrument);
    total(pair.strategy, before, pair.holding);
  }
  if (firm.first_pair != PairIndex::kNone) refresh(firm.holding, instrument);
}

std::int64_t PositionBook::mark_px(InstrumentId instrument) const noexcept {
  return index(instrument) < firm_.size() ? firm_[index(instrument)].mark : kNoPx;
}

void PositionBook::begin_day() noexcept {
  for (auto& totals : totals_) totals.day_start_pnl = totals.pnl;
  firm_totals_.day_start_pnl = firm_totals_.pnl;
}

PositionMoney PositionBook::money(const Holding& holding, InstrumentId instrument) const noexcept {
  if (!registry_->known(instrument)) return {};
  const auto& scale = registry_->scale(instrument);
  const auto rule = (*registry_)[instrument].money_rounding;
  const Ratio own{1, 1};
  const auto& ratio = scale.inverse ? own : scale.money;
  const auto& position = holding.position;
  return {to_unit(position.realised, ratio, rule),
          to_unit(open_pnl(position, scale, mark_px(instrument)), ratio, rule), position.fees};
}

double PositionBook::avg_px(const Holding& holding, InstrumentId instrument) const noexcept {
  const auto& position = holding.position;
  if (position.net_qty == 0 || !registry_->known(instrument)) return 0.0;
  const auto& scale = registry_->scale(instrument);
  const auto lots = static_cast<double>(position.net_qty);
  const auto cost = static_cast<double>(position.open_cost) / static_cast<double>(kGuard);
  if (!scale.inverse) return cost / lots;
  return lots * static_cast<double>(scale.money.numerator) /
         static_cast<double>(scale.money.denominator) / cost;
}

}  // namespace pitwire
