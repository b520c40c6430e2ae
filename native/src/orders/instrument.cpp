#include "pitwire/orders/instrument.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace pitwire {
namespace {

constexpr int kExponentMin = -18;
constexpr int kExponentMax = 18;

[[noreturn]] void refuse(const Instrument& instrument, std::string_view field,
                         std::string_view reason) {
  throw std::invalid_argument("instrument " + instrument.symbol + ": " + std::string(field) + ": " +
                              std::string(reason));
}

void require_positive(const Instrument& instrument, const ExactDecimal& value,
                      std::string_view field) {
  if (value.mantissa <= 0) refuse(instrument, field, "expected a positive number");
  if (value.exponent < kExponentMin || value.exponent > kExponentMax) {
    refuse(instrument, field, "expected an exponent from -18 to 18");
  }
}

void validate(const Instrument& instrument) {
  if (instrument.symbol.empty()) refuse(instrument, "symbol", "expected text, found none");
  require_positive(instrument, instrument.price_increment, "price_increment");
  require_positive(instrument, instrument.qty_increment, "qty_increment");
  require_positive(instrument, instrument.multiplier, "multiplier");
  require_positive(instrument, instrument.risk_rate, "risk_rate");
  if (instrument.lot <= 0) refuse(instrument, "lot", "expected a positive number of increments");
  if (instrument.money_exponent < -12 || instrument.money_exponent > 0) {
    refuse(instrument, "money_exponent", "expected -12 to 0");
  }
  if (instrument.product == ProductType::INVERSE && instrument.allows_nonpositive_price) {
    refuse(instrument, "allows_nonpositive_price", "an inverse contract has none");
  }
}

Int128 greatest_common_divisor(Int128 a, Int128 b) {
  while (b != 0) a = std::exchange(b, a % b);
  return a;
}

Int128 times(const Instrument& instrument, Int128 a, Int128 b) {
  Int128 product = 0;
  if (!multiply(a, b, product)) {
    refuse(instrument, "multiplier", "increments and multiplier exceed 128 bits");
  }
  return product;
}

/// mantissa × 10^exponent / divisor as a reduced ratio.
Ratio ratio_of(const Instrument& instrument, Int128 mantissa, int exponent, Int128 divisor) {
  if (exponent > 38 || exponent < -38) {
    refuse(instrument, "money_exponent", "the scale of its money is beyond 38 places");
  }
  Ratio ratio{mantissa, divisor};
  if (exponent >= 0) ratio.numerator = times(instrument, mantissa, power_of_ten(exponent));
  if (exponent < 0) ratio.denominator = times(instrument, divisor, power_of_ten(-exponent));
  const auto common = greatest_common_divisor(ratio.numerator, ratio.denominator);
  return {ratio.numerator / common, ratio.denominator / common};
}

/// |px × qty × ratio| or |qty / px × ratio|, rounded; false on overflow or a division by px <= 0.
bool value_of(bool inverse, const Ratio& ratio, std::int64_t px, std::int64_t qty, Rounding rule,
              std::int64_t& out) noexcept {
  Int128 top = qty;
  Int128 bottom = ratio.denominator;
  if (inverse) {
    if (px <= 0 || !multiply(bottom, px, bottom)) return false;
  } else {
    top = top * px;
  }
  if (!multiply(magnitude(top), ratio.numerator, top)) return false;
  const Int128 value = bottom == 1 ? top : divide(top, bottom, rule);
  if (!fits_int64(value)) return false;
  out = static_cast<std::int64_t>(value);
  return true;
}

std::int64_t only_step(const TickTable& ticks) {
  return ticks.bands().size() == 1 ? ticks.bands().front().step : 0;
}

InstrumentRow row_of(const Instrument& instrument, const MoneyScale& scale) {
  InstrumentRow row;
  const bool narrow = fits_int64(scale.risk.numerator) && fits_int64(scale.risk.denominator);
  if (narrow && !scale.inverse) {
    row.risk_numerator = static_cast<std::int64_t>(scale.risk.numerator);
    row.risk_denominator = static_cast<std::int64_t>(scale.risk.denominator);
  }
  row.step = only_step(instrument.ticks);
  row.lot = instrument.lot;
  row.allows_nonpositive_price = instrument.allows_nonpositive_price;
  row.has_trading_state = instrument.has_trading_state;
  return row;
}

}  // namespace

TickTable::TickTable(std::vector<Band> bands) : bands_(std::move(bands)) {
  if (bands_.empty()) throw std::invalid_argument("ticks: expected at least one band, found none");
  for (std::size_t i = 0; i < bands_.size(); ++i) {
    if (bands_[i].step <= 0) throw std::invalid_argument("ticks: expected steps above 0");
    if (i > 0 && bands_[i].from_px <= bands_[i - 1].from_px) {
      throw std::invalid_argument("ticks: expected bands in rising order of from_px");
    }
  }
}

std::int64_t TickTable::step_at(std::int64_t px) const noexcept {
  if (bands_.size() == 1) return bands_.front().step;
  const auto after =
      std::upper_bound(bands_.begin() + 1, bands_.end(), px,
                       [](std::int64_t value, const Band& band) { return value < band.from_px; });
  return std::prev(after)->step;
}

MoneyScale::MoneyScale(const Instrument& instrument)
    : inverse(instrument.product == ProductType::INVERSE) {
  const auto& price = instrument.price_increment;
  const auto& qty = instrument.qty_increment;
  const auto& multiplier = instrument.multiplier;
  const auto& rate = instrument.risk_rate;
  const Int128 size = times(instrument, qty.mantissa, multiplier.mantissa);
  const int size_exponent = qty.exponent + multiplier.exponent;
  const Int128 mantissa = inverse ? size : times(instrument, size, price.mantissa);
  const int exponent = inverse ? size_exponent - price.exponent : size_exponent + price.exponent;
  const Int128 divisor = inverse ? price.mantissa : 1;
  money = ratio_of(instrument, mantissa, exponent - instrument.money_exponent, divisor);
  risk = ratio_of(instrument, times(instrument, mantissa, rate.mantissa),
                  exponent + rate.exponent - kRiskMoneyExponent, divisor);
  money_to_risk = ratio_of(instrument, rate.mantissa,
                           rate.exponent + instrument.money_exponent - kRiskMoneyExponent, 1);
}

std::optional<std::int64_t> MoneyScale::notional(std::int64_t px, std::int64_t qty,
                                                 Rounding rule) const noexcept {
  std::int64_t value = 0;
  if (!value_of(inverse, money, px, qty, rule, value)) return std::nullopt;
  return value;
}

std::optional<std::int64_t> MoneyScale::risk_notional(std::int64_t px,
                                                      std::int64_t qty) const noexcept {
  std::int64_t value = 0;
  if (!value_of(inverse, risk, px, qty, Rounding::AWAY_FROM_ZERO, value)) return std::nullopt;
  return value;
}

void InstrumentRegistry::add(Instrument instrument) {
  if (index(instrument.id) != size()) {
    refuse(
        instrument, "id",
        "expected " + std::to_string(size()) + ", found " + std::to_string(index(instrument.id)));
  }
  validate(instrument);
  if (by_symbol_.contains(key_of(instrument.symbol, instrument.venue))) {
    refuse(instrument, "symbol", "already defined at venue " + instrument.venue);
  }
  const MoneyScale scale(instrument);
  by_symbol_.emplace(key_of(instrument.symbol, instrument.venue), instrument.id);
  by_symbol_.try_emplace(instrument.symbol, instrument.id);
  scales_.push_back(scale);
  rows_.push_back(row_of(instrument, scale));
  instruments_.push_back(std::move(instrument));
}

void InstrumentRegistry::set_ticks(InstrumentId id, TickTable ticks) {
  rows_[index(id)].step = only_step(ticks);
  instruments_[index(id)].ticks = std::move(ticks);
}

std::optional<InstrumentId> InstrumentRegistry::find(std::string_view symbol,
                                                     std::string_view venue) const {
  const auto found = by_symbol_.find(venue.empty() ? std::string(symbol) : key_of(symbol, venue));
  if (found == by_symbol_.end()) return std::nullopt;
  return found->second;
}

std::string InstrumentRegistry::key_of(std::string_view symbol, std::string_view venue) {
  std::string key(symbol);
  key.push_back('\0');
  key.append(venue);
  return key;
}

}  // namespace pitwire
