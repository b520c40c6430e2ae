// What a venue knows of an order, and what it says of it: shared by every matcher.
#pragma once

#include <cstdint>
#include <string_view>

#include "pitwire/base/types.hpp"

namespace pitwire {

/// A venue's own number of an order, unique for the life of the matcher; 0 is none. It changes when
/// an order loses its priority, as an ITCH order reference does.
using OrderRef = std::uint64_t;

/// Whose order it is, for self-trade prevention: two orders of one group never trade. 0 is
/// nobody's: such orders trade with each other.
using OwnerId = std::uint32_t;

/// Rules of one instrument at the venue. Prices in price increments, quantities in increments.
struct VenueInstrument {
  InstrumentId id{};
  std::int64_t tick = 1;  ///< orders' prices are multiples of it
  std::int64_t lot = 1;   ///< orders' quantities are multiples of it
  std::int64_t order_qty_max = 1'000'000'000;
  std::int64_t price_min = 1;
  std::int64_t price_max = std::int64_t{1} << 52;
};

/// An order as the venue holds it. The venue fills in `ref` and `leaves_qty`.
struct VenueOrder {
  OrderRef ref = 0;
  std::uint64_t client = 0;  ///< the submitter's own handle, returned in every event
  OwnerId owner = 0;
  InstrumentId instrument{};
  Side side = Side::NONE;
  OrdType ord_type = OrdType::LIMIT;
  TimeInForce time_in_force = TimeInForce::DAY;
  bool post_only = false;
  std::int64_t price = 0;        ///< limit, in price increments
  std::int64_t stop_px = 0;      ///< of an order that waits for a price, in price increments
  std::int64_t order_qty = 0;    ///< total, executed part included
  std::int64_t leaves_qty = 0;   ///< still open
  std::int64_t display_qty = 0;  ///< shown at a time; 0: all
  std::int64_t hidden_qty = 0;   ///< of `leaves_qty`, while it rests: what nobody sees
  std::int64_t peg_offset = 0;   ///< of TRAILING_STOP, in PegOffsetType
  PegOffsetType peg_offset_type = PegOffsetType::PRICE;
  Nanos expire_ts = 0;  ///< of GTD

  [[nodiscard]] std::int64_t shown_qty() const noexcept { return leaves_qty - hidden_qty; }
};

/// Why a venue refuses a request.
enum class VenueReject : std::uint8_t {
  NONE,
  UNKNOWN_INSTRUMENT,
  NOT_TRADING,
  SIDE,
  PRICE,
  QUANTITY,
  UNSUPPORTED,
  POST_ONLY_WOULD_CROSS,
  EXPIRED,
  TABLE_FULL,
  UNKNOWN_ORDER,
  TOO_LATE,
  DUPLICATE,
  RANDOM,  ///< configured misbehaviour of a simulated venue
  NOT_ENTITLED,
};

/// Why an order ended without being filled.
enum class CancelCause : std::uint8_t {
  REQUESTED,
  MASS_CANCEL,
  IOC_REMAINDER,
  FOK_UNFILLABLE,
  NO_LIQUIDITY,  ///< a market order's rest
  SELF_TRADE,
  EXPIRED,
  ON_BEHALF,
};

[[nodiscard]] std::string_view to_text(VenueReject reason) noexcept;
[[nodiscard]] std::string_view to_text(CancelCause cause) noexcept;

/// One match. `passive.ref` is 0 where the passive side is recorded quantity and nobody's order.
struct VenueTrade {
  Nanos now;
  std::uint64_t match_number;
  InstrumentId instrument;
  std::int64_t price;
  std::int64_t qty;
  const VenueOrder& passive;    ///< after the trade
  const VenueOrder& aggressor;  ///< after the trade; ref 0 where it is recorded flow
};

/// Hears everything a matcher does, in the order in which it happens, from inside its calls; must
/// not call the matcher back. Orders are passed as they are after the event.
class VenueSink {
 public:
  virtual ~VenueSink() = default;
  virtual void accepted(Nanos now, const VenueOrder& order) = 0;
  virtual void rejected(Nanos now, const VenueOrder& order, VenueReject reason) = 0;
  /// What is left of an order now stands in the book; of an iceberg its next part, as which it has
  /// another reference.
  virtual void rested(Nanos now, const VenueOrder& order) = 0;
  virtual void traded(const VenueTrade& trade) = 0;
  /// A replace that only took quantity off: priority kept. `qty_removed` from what was shown.
  virtual void reduced(Nanos now, const VenueOrder& order, std::int64_t qty_removed) = 0;
  /// A replace that lost priority: `old_ref` left the book, `order` is matched and rests next.
  virtual void replaced(Nanos now, const VenueOrder& order, OrderRef old_ref) = 0;
  /// `in_book`: it stood in the visible book until now.
  virtual void canceled(Nanos now, const VenueOrder& order, CancelCause cause, bool in_book) = 0;
  virtual void triggered(Nanos now, const VenueOrder& order) = 0;
  virtual void trading(Nanos now, InstrumentId instrument, TradingState state) = 0;
};

/// What every venue here can do, whatever its liquidity is made of. Time is passed in and must not
/// fall. Single-threaded.
class Matcher {
 public:
  virtual ~Matcher() = default;
  /// The order's reference, 0 where it was rejected.
  virtual OrderRef submit(Nanos now, const VenueOrder& order, VenueSink& sink) = 0;
  virtual VenueReject cancel(Nanos now, OrderRef ref, VenueSink& sink) = 0;
  /// New limit and new total quantity. Priority stays only where the price is the same and the
  /// quantity does not rise; otherwise the `replaced` event tells the new reference.
  /// `stop_px` 0: as it is; an order that no longer waits for it refuses another.
  virtual VenueReject replace(Nanos now, OrderRef ref, std::int64_t price, std::int64_t order_qty,
                              VenueSink& sink, std::int64_t stop_px = 0) = 0;
  /// Ends GTD orders whose time has come.
  virtual void expire(Nanos now, VenueSink& sink) = 0;
  /// The live order, nullptr where it is not alive (any more).
  [[nodiscard]] virtual const VenueOrder* find(OrderRef ref) const noexcept = 0;
};

/// The opposite side.
[[nodiscard]] constexpr Side opposite(Side side) noexcept {
  return side == Side::BUY ? Side::SELL : Side::BUY;
}

/// Whether an order of `side` limited at `limit` may trade at `price`.
[[nodiscard]] constexpr bool crosses(Side side, std::int64_t limit, std::int64_t price) noexcept {
  return side == Side::BUY ? limit >= price : limit <= price;
}

/// Whether an order's type never rests at a limit of its own.
[[nodiscard]] constexpr bool is_market(OrdType type) noexcept {
  return type != OrdType::LIMIT && type != OrdType::STOP_LIMIT;
}

/// Waits for a price of the market.
[[nodiscard]] constexpr bool is_stop(OrdType type) noexcept {
  return type != OrdType::MARKET && type != OrdType::LIMIT;
}

/// Waits for the market to rise to its price; else to fall.
[[nodiscard]] constexpr bool waits_for_rise(Side side, OrdType type) noexcept {
  return (side == Side::BUY) != (type == OrdType::MARKET_IF_TOUCHED);
}

/// What is wrong with an order by itself, whatever the book: the checks every matcher shares.
[[nodiscard]] VenueReject validate(const VenueInstrument& rules, const VenueOrder& order,
                                   Nanos now) noexcept;

}  // namespace pitwire
