// An order as we know it, what is asked of the gate, and what an event did to an order.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "pitwire/base/types.hpp"
#include "pitwire/orders/exact.hpp"
#include "pitwire/orders/order_state.hpp"

namespace pitwire {

/// No price here: an empty side of a book, an order without a limit.
inline constexpr std::int64_t kNoPx = kInt64Min;

/// Waits for a price before it may trade; `stop_px` is that price.
[[nodiscard]] constexpr bool waits_for_price(OrdType type) noexcept {
  return type == OrdType::STOP || type == OrdType::STOP_LIMIT ||
         type == OrdType::MARKET_IF_TOUCHED || type == OrdType::TRAILING_STOP;
}
/// Has a limit, in `price`.
[[nodiscard]] constexpr bool has_limit(OrdType type) noexcept {
  return type == OrdType::LIMIT || type == OrdType::STOP_LIMIT;
}
/// May be shown in parts: it rests at a limit.
[[nodiscard]] constexpr bool may_be_iceberg(OrdType type, TimeInForce time) noexcept {
  return has_limit(type) && time != TimeInForce::IOC && time != TimeInForce::FOK;
}
/// A stop price that is stated and does not follow the market.
[[nodiscard]] constexpr bool has_fixed_stop(OrdType type) noexcept {
  return waits_for_price(type) && type != OrdType::TRAILING_STOP;
}

/// Where in its life a request is checked: what waits for another order reserves nothing yet; what
/// is released was checked as a new order before.
enum class RequestPhase : std::uint8_t { NEW, WAITS, RELEASED };

/// What a strategy or a native rule asks for. Prices in price increments, quantity in lots.
struct OrderRequest {
  InstrumentId instrument{};
  StrategyId strategy{};
  SessionId session{};
  Side side = Side::NONE;
  OrdType ord_type = OrdType::LIMIT;
  TimeInForce time_in_force = TimeInForce::DAY;
  std::uint8_t flags = 0;  ///< OrderFlag bits
  std::int64_t price = 0;
  std::int64_t stop_px = 0;
  std::int64_t order_qty = 0;
  Nanos expire_ts = 0;
  std::uint64_t tag = 0;
  ClOrdId parent = 0;            ///< its fills trigger this order (OTO); 0: none
  ClOrdId sibling = 0;           ///< an order of the list that this one joins; 0: none
  std::int64_t peg_offset = 0;   ///< of a trailing stop
  std::int64_t display_qty = 0;  ///< shown at a time; 0: all
  std::int64_t slice_qty = 0;    ///< what is sent of `order_qty` now, the rest later; 0: all of it
  ClOrdId slice_of = 0;          ///< the order whose next slice it is; 0: a new order
  ContingencyType contingency = ContingencyType::NONE;  ///< of the list: OCO or OUO
  TriggerPriceType trigger = TriggerPriceType::NONE;    ///< NONE: the last trade
  PegOffsetType peg_offset_type = PegOffsetType::PRICE;
  RequestPhase phase = RequestPhase::NEW;
};

/// A change of price, quantity or both of a working order.
struct ReplaceRequest {
  ClOrdId order = 0;  ///< any ClOrdID of the order
  std::int64_t price = 0;
  std::int64_t order_qty = 0;    ///< new total, what is filled included
  std::int64_t stop_px = kNoPx;  ///< kNoPx: as it is
};

[[nodiscard]] constexpr bool has(std::uint8_t flags, OrderFlag flag) noexcept {
  return (flags & static_cast<std::uint8_t>(flag)) != 0;
}

/// Bits of `Order::facts`.
enum class OrderFact : std::uint16_t {
  ACKNOWLEDGED = 1,
  SUSPENDED = 2,
  NOT_SENT = 4,
  OVERFILLED = 8,
  HELD = 16,         ///< the daemon keeps it
  IDLE = 32,         ///< while held: it reserves nothing
  FOREIGN = 64,      ///< adopted, and known to the venue by a name that we cannot write
  ACCEPTED = 128,    ///< adopted, and an operator knows
  SLICED = 512,      ///< the daemon shows it to the venue one slice after the other
  IN_DOUBT = 256,    ///< a request was out when the connection ended: it may never have arrived
  ENDED_HELD = 1024  ///< it ended while it was held: by our log it never left
};

/// One order. Valid until it is recycled: at the earliest when it is terminal and the table needs
/// its slot. Never keep a pointer to one across turns: keep its first ClOrdID.
struct Order {
  ClOrdId order = 0;            ///< its first ClOrdID: its name for good
  ClOrdId cl_ord_id = 0;        ///< the newest acknowledged
  ClOrdId pending_cancel = 0;   ///< ClOrdID of a cancel that is out, else 0
  ClOrdId pending_replace = 0;  ///< ClOrdID of a replace that is out, else 0
  std::int64_t price = 0;       ///< for a market order the gate's reference price, or 0
  std::int64_t stop_px = 0;
  std::int64_t order_qty = 0;
  std::int64_t cum_qty = 0;
  std::int64_t leaves_qty = 0;
  std::int64_t pending_price = 0;      ///< of the replace that is out
  std::int64_t pending_qty = 0;        ///< its new total
  std::int64_t pending_slice_qty = 0;  ///< while SLICED: what it asks of the slice
  std::int64_t pending_stop_px = 0;
  Int128 px_qty_sum = 0;               ///< exact Σ last_px × last_qty; average price = this / cum
  std::int64_t reserved_qty = 0;       ///< what it may still trade at worst
  std::int64_t reserved_notional = 0;  ///< its worst case, risk money
  std::int64_t reserved_px = 0;        ///< most aggressive price it may work at
  std::int64_t venue_cum = 0;          ///< with `closing`: what the venue says was filled
  std::int64_t display_qty = 0;        ///< shown at a time; 0: all
  std::int64_t peg_offset = 0;         ///< of a trailing stop that is at the venue
  ClOrdId slice = 0;                   ///< while SLICED: the slice's first ClOrdID, 0 between two
  std::int64_t slice_base = 0;         ///< while SLICED: what was filled before the slice
  std::int64_t slice_qty = 0;          ///< while SLICED: the slice's quantity, by the venue's word
  Nanos expire_ts = 0;
  std::uint64_t tag = 0;
  std::uint64_t cause = 0;  ///< sequence of the input that led to it
  InstrumentId instrument{};
  StrategyId strategy{};
  SessionId session{};
  Side side = Side::NONE;
  OrdType ord_type = OrdType::LIMIT;
  TimeInForce time_in_force = TimeInForce::DAY;
  std::uint8_t flags = 0;  ///< OrderFlag bits
  OrderState state = OrderState::NONE;
  OrderState closing = OrderState::NONE;  ///< the venue's last word, while a report is missing
  std::uint16_t facts = 0;                ///< OrderFact bits
  HeldStatus held = HeldStatus::NONE;     ///< what a HELD order waits for
  PegOffsetType peg_offset_type = PegOffsetType::PRICE;
  std::array<char, 40> order_id{};  ///< the venue's, NUL padded

  [[nodiscard]] bool is(OrderFact fact) const noexcept {
    return (facts & static_cast<std::uint16_t>(fact)) != 0;
  }
  // What the venue takes for the order: the slice that it has, where the daemon shows it in slices.
  [[nodiscard]] std::int64_t qty_there() const noexcept {
    return is(OrderFact::SLICED) ? slice_qty : order_qty;
  }
  [[nodiscard]] std::int64_t cum_there() const noexcept { return cum_qty - slice_base; }
  [[nodiscard]] std::int64_t leaves_there() const noexcept {
    return is(OrderFact::SLICED) ? std::max<std::int64_t>(0, slice_qty - cum_there()) : leaves_qty;
  }
  /// Ids below it are of slices that are over.
  [[nodiscard]] ClOrdId slice_or_end() const noexcept { return slice != 0 ? slice : ~ClOrdId{0}; }
  /// Average price in price increments; for people and statistics, never for a decision on money.
  [[nodiscard]] double avg_px() const noexcept {
    return cum_qty == 0 ? 0.0 : static_cast<double>(px_qty_sum) / static_cast<double>(cum_qty);
  }
};

/// A trade to be booked. A bust is one booking of negative quantity, a correction a bust of the
/// old trade and a fill of the new one.
struct Booking {
  std::uint8_t kind = 0;  ///< as rec::Fill::kind: 0 fill, 1 bust, 2 correction
  bool aggressor = false;
  bool has_fee = false;  ///< `fee` was stated by the venue
  std::int64_t last_px = 0;
  std::int64_t last_qty = 0;
  std::int64_t fee = 0;
  std::array<char, 40> exec_id{};
};

/// What an event did. `order` is null where the event names none of ours; then nothing changed.
struct Transition {
  const Order* order = nullptr;
  OrderState from = OrderState::NONE;
  OrderState to = OrderState::NONE;
  OrderEvent event = OrderEvent::STATUS;
  bool illegal = false;       ///< the cell was ILLEGAL (the order is UNKNOWN now) or REFUSED
  bool duplicate = false;     ///< ExecID seen before: nothing changed
  bool overfill = false;      ///< more was filled than ordered: booked, UNKNOWN
  bool cum_mismatch = false;  ///< the venue's CumQty is not ours: a report is missing
  bool late = false;          ///< a fill of a terminal order: booked
  std::uint8_t bookings_size = 0;
  std::array<Booking, 2> bookings{};

  [[nodiscard]] bool changed() const noexcept { return from != to; }
};

}  // namespace pitwire
