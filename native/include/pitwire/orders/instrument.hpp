// What can be traded, and how its price, quantity and money are related.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pitwire/base/types.hpp"
#include "pitwire/orders/exact.hpp"

namespace pitwire {

/// mantissa × 10^exponent.
struct ExactDecimal {
  std::int64_t mantissa = 1;
  std::int8_t exponent = 0;
  bool operator==(const ExactDecimal&) const = default;
};

/// Which prices our orders may have: from each band's first price on, multiples of its step.
/// Trades off this table are legal; it binds only us.
class TickTable {
 public:
  struct Band {
    std::int64_t from_px;  ///< first price of the band, in price increments
    std::int64_t step;     ///< > 0, in price increments
    bool operator==(const Band&) const = default;
  };

  /// One band of every price increment.
  TickTable() : bands_{{kInt64Min, 1}} {}
  /// Throws std::invalid_argument unless steps are positive and bands rise; the first band also
  /// serves the prices below it.
  explicit TickTable(std::vector<Band> bands);

  /// The step that holds at `px`. O(log bands).
  [[nodiscard]] std::int64_t step_at(std::int64_t px) const noexcept;
  [[nodiscard]] bool allows(std::int64_t px) const noexcept { return px % step_at(px) == 0; }
  [[nodiscard]] const std::vector<Band>& bands() const noexcept { return bands_; }

 private:
  std::vector<Band> bands_;
};

/// How a fee is counted where the venue states none itself.
enum class FeeBasis : std::uint8_t {
  NOTIONAL_RATE = 0,  ///< maker and taker in 1e-8 of the notional
  PER_LOT = 1         ///< maker and taker in money units per lot
};

/// A trade's fee in the money unit. Negative is a rebate.
struct FeeRule {
  FeeBasis basis = FeeBasis::NOTIONAL_RATE;
  Rounding rounding = Rounding::HALF_UP;
  std::int64_t maker = 0;
  std::int64_t taker = 0;
};

/// An instrument as configured. Its money unit is 10^money_exponent of the settlement currency.
struct Instrument {
  InstrumentId id{};
  std::string symbol;
  std::string venue;
  ProductType product = ProductType::LINEAR;
  ExactDecimal price_increment{1, -2};
  ExactDecimal qty_increment{1, 0};
  /// LINEAR, OPTION, SPREAD: settlement currency per price unit and quantity unit.
  /// INVERSE: quote currency per quantity unit (100 for a contract of 100 USD).
  ExactDecimal multiplier{1, 0};
  TickTable ticks;
  std::int64_t lot = 1;  ///< orders are multiples of it, in quantity increments
  bool allows_nonpositive_price = false;
  /// The feed publishes a trading state: then UNKNOWN is not tradable, otherwise it is.
  bool has_trading_state = false;
  std::string base_currency;
  std::string quote_currency;
  std::string settlement_currency;
  std::int8_t money_exponent = -8;                ///< -12 to 0
  Rounding money_rounding = Rounding::HALF_EVEN;  ///< exact sums to the money unit, on reading
  FeeRule fee;
  /// Worth of one settlement currency unit in the firm's risk currency; for limits only.
  ExactDecimal risk_rate{1, 0};
  std::string asset_class;
  std::string region;
  std::string sector;
  std::string calendar;
  Nanos expiry_ts = 0;  ///< 0 where it never expires
  ExactDecimal strike{0, 0};
  std::int64_t average_daily_volume_lots = 0;
  bool borrow_available = false;
};

/// An exact positive ratio, reduced.
struct Ratio {
  Int128 numerator = 1;
  Int128 denominator = 1;
};

/// Limits and totals across instruments are in this unit: 1e-6 of the firm's risk currency.
inline constexpr int kRiskMoneyExponent = -6;
inline constexpr std::int64_t kRiskMoneyPerUnit = 1'000'000;

/// The factors between (price, quantity) and money, computed once for an instrument.
/// LINEAR, OPTION, SPREAD: value = px × qty × ratio. INVERSE: value = qty / px × ratio.
struct MoneyScale {
  bool inverse = false;
  Ratio money;  ///< to the instrument's money unit
  Ratio risk;   ///< to risk money
  Ratio money_to_risk;

  /// Throws std::invalid_argument where a factor does not fit.
  explicit MoneyScale(const Instrument& instrument);
  MoneyScale() = default;

  /// |value| of a trade in the instrument's money unit. No result on overflow, or for an inverse
  /// contract at a price <= 0.
  [[nodiscard]] std::optional<std::int64_t> notional(std::int64_t px, std::int64_t qty,
                                                     Rounding rule) const noexcept;
  /// |value| in risk money, rounded up. No result as above.
  [[nodiscard]] std::optional<std::int64_t> risk_notional(std::int64_t px,
                                                          std::int64_t qty) const noexcept;
};

/// What the gate needs of an instrument at every check, in one cache line.
struct alignas(64) InstrumentRow {
  std::int64_t risk_numerator = 0;  ///< of the risk ratio; 0 where it leaves 64 bits or is inverse
  std::int64_t risk_denominator = 1;
  std::int64_t step = 1;  ///< of the only tick band; 0 where there are several
  std::int64_t lot = 1;
  bool allows_nonpositive_price = false;
  bool has_trading_state = false;
};

/// Every instrument by its dense id. Append-only; built before trading and on definitions.
class InstrumentRegistry {
 public:
  /// Throws std::invalid_argument, naming symbol, field and reason, unless the id is the next
  /// dense one, the symbol is new at its venue, and every field is in its range.
  void add(Instrument instrument);

  /// The definition; `id` must be known.
  [[nodiscard]] const Instrument& operator[](InstrumentId id) const noexcept {
    return instruments_[index(id)];
  }
  [[nodiscard]] const MoneyScale& scale(InstrumentId id) const noexcept {
    return scales_[index(id)];
  }
  [[nodiscard]] bool known(InstrumentId id) const noexcept { return index(id) < size(); }
  /// Replace the dated tick table of a known instrument (a logged input).
  void set_ticks(InstrumentId id, TickTable ticks);
  [[nodiscard]] const InstrumentRow& row(InstrumentId id) const noexcept {
    return rows_[index(id)];
  }
  /// As MoneyScale::risk_notional, in 64 bits where the numbers allow it.
  [[nodiscard]] std::optional<std::int64_t> risk_notional(InstrumentId id, std::int64_t px,
                                                          std::int64_t qty) const noexcept {
    const auto& line = rows_[index(id)];
    std::int64_t product = 0;
    if (line.risk_numerator == 0 || px < 0 || __builtin_mul_overflow(px, qty, &product) ||
        __builtin_mul_overflow(product, line.risk_numerator, &product)) {
      return scales_[index(id)].risk_notional(px, qty);
    }
    if (line.risk_denominator == 1) return product;
    return product / line.risk_denominator + (product % line.risk_denominator != 0 ? 1 : 0);
  }
  /// The first instrument added under this symbol, at this venue where one is named.
  [[nodiscard]] std::optional<InstrumentId> find(std::string_view symbol,
                                                 std::string_view venue = {}) const;
  [[nodiscard]] std::uint32_t size() const noexcept {
    return static_cast<std::uint32_t>(instruments_.size());
  }

 private:
  static std::string key_of(std::string_view symbol, std::string_view venue);

  std::vector<Instrument> instruments_;
  std::vector<MoneyScale> scales_;
  std::vector<InstrumentRow> rows_;
  std::unordered_map<std::string, InstrumentId> by_symbol_;  ///< looked up, never iterated
};

}  // namespace pitwire
