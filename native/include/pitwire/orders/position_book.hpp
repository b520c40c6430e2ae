// Positions, their exact money, and what our working orders may still do to them.
//
// Layout: one firm cell per instrument, one cell per (strategy, instrument) that ever had an
// order, chained per instrument; totals per strategy and for the firm. Every update touches the
// pair's cell, the instrument's cell, the strategy's and the firm's totals: O(1). `mark` walks the
// instrument's pairs: O(strategies that ever traded it).
//
// Position is an interval while outcomes are unknown: [net − reserved sells, net + reserved buys].
//
// Money. Σ price × quantity is exact in 128 bits. Cost unit: LINEAR 1e-6 of (price increment ×
// lot); INVERSE 1e-6 of the money unit, each fill's qty / price rounded half-even to it, which is
// the only rounding of an inverse trade. Realised PnL is by average cost: closing c of n lots
// moves c/n of the open cost, rounded half-even to the cost unit, and what the rounding leaves
// stays in the open position. So realised + open always sums to the cash flows exactly, and a flat
// position's realised PnL is Σ sold − Σ bought to the last digit. A bust or correction is booked as
// its difference: quantity and cash of the old trade are taken back at its own price.
// Reading converts to the money unit by the instrument's `money_rounding`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "pitwire/base/types.hpp"
#include "pitwire/orders/instrument.hpp"
#include "pitwire/orders/order.hpp"
#include "pitwire/orders/pair_index.hpp"

namespace pitwire {

/// Orders that may still trade, worst case each. Notional in risk money.
struct Working {
  std::int64_t buy_qty = 0;
  std::int64_t sell_qty = 0;
  std::int64_t notional = 0;
  std::uint32_t buy_orders = 0;
  std::uint32_t sell_orders = 0;

  [[nodiscard]] std::uint32_t orders() const noexcept { return buy_orders + sell_orders; }
  bool operator==(const Working&) const = default;
};

/// Exact position. Costs in cost units (above), signed with the position for LINEAR.
struct Position {
  Int128 open_cost = 0;  ///< of the open lots; same sign as net_qty
  Int128 realised = 0;   ///< cost units, before fees
  std::int64_t net_qty = 0;
  std::int64_t fees = 0;  ///< money unit
  std::int64_t bought_qty = 0;
  std::int64_t sold_qty = 0;

  bool operator==(const Position&) const = default;
};

/// Lowest and highest position that is possible, in lots.
struct Interval {
  std::int64_t low = 0;
  std::int64_t high = 0;
  bool operator==(const Interval&) const = default;
};

/// A position and its working orders: of a strategy in an instrument, or of the firm in it.
struct Holding {
  Position position;
  Working working;
  std::int64_t open_notional = 0;  ///< |open cost| in risk money, rounded up
  std::int64_t pnl_risk = 0;       ///< realised + unrealised − fees at the mark, risk money

  [[nodiscard]] Interval interval() const noexcept {
    return {saturate(Int128{position.net_qty} - working.sell_qty),
            saturate(Int128{position.net_qty} + working.buy_qty)};
  }
  [[nodiscard]] std::int64_t gross_notional() const noexcept {
    return saturate(Int128{open_notional} + working.notional);
  }
  bool operator==(const Holding&) const = default;
};

/// Sums over holdings, of a strategy or of the firm. Risk money.
struct Totals {
  std::int64_t gross_notional = 0;  ///< open positions at cost plus working orders at worst
  std::int64_t pnl = 0;             ///< realised + unrealised − fees since the log began
  std::int64_t day_start_pnl = 0;
  std::uint32_t working_orders = 0;
  std::uint32_t reserved = 0;

  [[nodiscard]] std::int64_t day_loss() const noexcept {
    return saturate(Int128{day_start_pnl} - pnl);
  }
  bool operator==(const Totals&) const = default;
};

/// Who holds what no strategy traded: a venue's position that an operator accepted. Counts for the
/// firm's limits and PnL, for no strategy's.
inline constexpr StrategyId kUnassigned{kNoId};

/// A position's money in the instrument's money unit.
struct PositionMoney {
  std::int64_t realised = 0;
  std::int64_t unrealised = 0;  ///< 0 without a mark
  std::int64_t fees = 0;
};

class PositionBook {
 public:
  /// Throws std::invalid_argument where a capacity is 0. The registry must outlive the book;
  /// instruments added later are seen when first used.
  explicit PositionBook(const InstrumentRegistry& registry, std::uint32_t pairs_max = 65'536,
                        std::uint32_t strategies_max = 1'024);

  /// Books one trade of `order` and returns the record of it, complete with the position after.
  /// Without a stated fee the instrument's rule counts it. Amounts beyond int64 saturate in the
  /// record (never in the book), and `overflowed()` becomes true for good: the gate then denies.
  rec::Fill book(const Order& order, const Booking& booking);

  /// A position that was not traded by us: adopted at reconciliation, at a stated price.
  void adopt(StrategyId strategy, InstrumentId instrument, std::int64_t net_qty, std::int64_t px);

  /// Values positions of the instrument at `px`, those that are opened later too. O(strategies in
  /// it); returns at once where the mark did not change.
  void mark(InstrumentId instrument, std::int64_t px) noexcept;
  [[nodiscard]] std::int64_t mark_px(InstrumentId instrument) const noexcept;  ///< kNoPx: none

  /// The day's PnL counts from here.
  void begin_day() noexcept;

  /// The firm's holding; an empty one for an instrument never traded.
  [[nodiscard]] const Holding& firm(InstrumentId instrument) const noexcept {
    return index(instrument) < firm_.size() ? firm_[index(instrument)].holding : kEmpty;
  }
  [[nodiscard]] const Holding& of(StrategyId strategy, InstrumentId instrument) const noexcept {
    const auto slot = pairs_.find(strategy, instrument);
    return slot == PairIndex::kNone ? kEmpty : cells_[slot].holding;
  }
  [[nodiscard]] const Totals& firm_totals() const noexcept { return firm_totals_; }
  [[nodiscard]] const Totals& totals(StrategyId strategy) const noexcept {
    return index(strategy) < totals_.size() ? totals_[index(strategy)] : kNoTotals;
  }
  /// Money of a holding of this instrument, at its mark.
  [[nodiscard]] PositionMoney money(const Holding& holding, InstrumentId instrument) const noexcept;
  /// Average entry price in price increments, 0 when flat; for people.
  [[nodiscard]] double avg_px(const Holding& holding, InstrumentId instrument) const noexcept;

  /// f(StrategyId, InstrumentId, const Holding&), in the order in which pairs first traded.
  template <class F>
  void for_each(F&& f) const {
    for (std::uint32_t slot = 0; slot < pairs_.size(); ++slot) {
      f(cells_[slot].strategy, cells_[slot].instrument, cells_[slot].holding);
    }
  }

  /// Room for a pair that has none yet.
  [[nodiscard]] bool can_hold(StrategyId strategy, InstrumentId instrument) const noexcept {
    return (pairs_.size() < pairs_.capacity() && index(strategy) < totals_.size()) ||
           pairs_.find(strategy, instrument) != PairIndex::kNone;
  }
  [[nodiscard]] bool overflowed() const noexcept { return overflowed_; }
  [[nodiscard]] const InstrumentRegistry& registry() const noexcept { return *registry_; }

  /// The order table's: take back what `order` reserved (−1) or reserve it (+1).
  void reserve(const Order& order, int sign) noexcept;

  void save(std::vector<std::byte>& out) const;
  /// False, and the book empty, where the bytes are not a saved book.
  [[nodiscard]] bool restore(std::span<const std::byte> in);

 private:
  struct PairCell {
    Holding holding;
    StrategyId strategy{};
    InstrumentId instrument{};
    std::uint32_t next_of_instrument = PairIndex::kNone;
    std::uint32_t reserved = 0;
  };
  struct FirmCell {
    Holding holding;
    std::int64_t mark = kNoPx;
    std::uint32_t first_pair = PairIndex::kNone;
    std::uint32_t last_pair = PairIndex::kNone;
  };
  static const Holding kEmpty;
  static const Totals kNoTotals;

  PairCell* cell(StrategyId strategy, InstrumentId instrument) noexcept;
  /// Null for kUnassigned, which has none.
  Totals* totals_at(StrategyId strategy) noexcept {
    return index(strategy) < totals_.size() ? &totals_[index(strategy)] : nullptr;
  }
  void ensure(InstrumentId instrument);
  bool trade(Position& position, const MoneyScale& scale, std::int64_t signed_qty, std::int64_t px,
             std::int64_t fee) noexcept;
  void refresh(Holding& holding, InstrumentId instrument) noexcept;
  void book_into(PairCell& pair, FirmCell& firm, const MoneyScale& scale, std::int64_t signed_qty,
                 std::int64_t px, std::int64_t fee) noexcept;
  void total(StrategyId strategy, const Holding& before, const Holding& after) noexcept;

  const InstrumentRegistry* registry_;
  PairIndex pairs_;
  std::vector<PairCell> cells_;
  std::vector<FirmCell> firm_;
  std::vector<Totals> totals_;
  Totals firm_totals_;
  bool overflowed_ = false;
};

}  // namespace pitwire
