// The life of an order as one table: what every event means in every state.
//
// Derived from the order state change matrices of FIX 4.4, volume 4, appendix D. A cell says one
// of five things; `docs/orders.md` prints the table and every cell has a test.
//
//   TO(x)      the order is in state x.
//   LIVE       the state follows from the order's facts: leaves 0 is FILLED, else a cancel that
//              is out, a replace that is out, suspended, not acknowledged, partly filled, working.
//   BY_STATUS  the venue's OrdStatus decides, unless it contradicts what is booked: then UNKNOWN.
//   STAY       nothing changes (a late or repeated word; fills, busts and corrections are booked).
//   REFUSED    our own request that may not be made here: nothing changes, `illegal` is set.
//   ILLEGAL    the venue contradicts itself or us: the order becomes UNKNOWN, `illegal` is set.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pitwire/records.hpp"

namespace pitwire {

inline constexpr std::size_t kOrderStates = 16;
inline constexpr std::size_t kOrderEvents = 26;

enum class Rule : std::uint8_t { ILLEGAL, REFUSED, STAY, LIVE, BY_STATUS, TO };

/// One cell: a rule, and the state that TO leads to.
struct Cell {
  Rule rule = Rule::ILLEGAL;
  OrderState to = OrderState::NONE;
  [[nodiscard]] constexpr bool legal() const noexcept {
    return rule != Rule::ILLEGAL && rule != Rule::REFUSED;
  }
  bool operator==(const Cell&) const = default;
};

using OrderStateTable = std::array<std::array<Cell, kOrderEvents>, kOrderStates>;

/// [state][event].
extern const OrderStateTable kOrderStateTable;

[[nodiscard]] inline Cell cell(OrderState state, OrderEvent event) noexcept {
  return kOrderStateTable[static_cast<std::size_t>(state)][static_cast<std::size_t>(event)];
}

/// Nothing more is expected of the order, and it reserves nothing.
[[nodiscard]] constexpr bool is_terminal(OrderState state) noexcept {
  return state >= OrderState::DENIED && state <= OrderState::DONE_FOR_DAY;
}
/// The order may still trade: it reserves its worst case.
[[nodiscard]] constexpr bool is_live(OrderState state) noexcept {
  return (state >= OrderState::PENDING_NEW && state <= OrderState::UNKNOWN) ||
         state == OrderState::HELD;
}

[[nodiscard]] std::string_view name_of(OrderState state) noexcept;
[[nodiscard]] std::string_view name_of(OrderEvent event) noexcept;
[[nodiscard]] std::string_view name_of(Rule rule) noexcept;

/// What a report means, from its ExecType alone, except that a status answer "rejected, unknown
/// order" (OrdRejReason 5) is UNKNOWN_AT_VENUE. Pending and informational reports are STATUS.
[[nodiscard]] OrderEvent classify(const rec::Execution& report) noexcept;

}  // namespace pitwire
