#include "pitwire/orders/order_state.hpp"

#include <initializer_list>

namespace pitwire {
namespace {

using S = OrderState;
using E = OrderEvent;

constexpr Cell kIllegal{Rule::ILLEGAL, S::NONE};
constexpr Cell kRefused{Rule::REFUSED, S::NONE};
constexpr Cell kStay{Rule::STAY, S::NONE};
constexpr Cell kLive{Rule::LIVE, S::NONE};
constexpr Cell kByStatus{Rule::BY_STATUS, S::NONE};
constexpr Cell to(S state) { return {Rule::TO, state}; }

// Abbreviations of the table below: ill illegal, ref refused, sta stay, liv live, sts by status.
constexpr Cell ill = kIllegal, ref = kRefused, sta = kStay, liv = kLive, sts = kByStatus;
constexpr Cell can = to(S::CANCELED), rej = to(S::REJECTED), exp = to(S::EXPIRED);
constexpr Cell dfd = to(S::DONE_FOR_DAY), unk = to(S::UNKNOWN), pnd = to(S::PENDING_NEW);
constexpr Cell den = to(S::DENIED), hld = to(S::HELD);

using Row = std::array<Cell, kOrderStates>;
struct Line {
  E event;
  Row cells;
};

// clang-format off
constexpr Line kLines[] = {
  // columns:             NONE PNEW WORK PART PCAN PREP SUSP UNKN DENI NSNT FILL CANC REJE EXPI DFD  HELD
  {E::SUBMIT,           {{pnd, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, pnd}}},
  {E::DENY,             {{den, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, den}}},
  {E::ACKNOWLEDGE,      {{ill, liv, liv, liv, liv, liv, liv, liv, ill, ill, sta, sta, ill, sta, sta, ill}}},
  {E::FILL,             {{ill, liv, liv, liv, liv, liv, liv, liv, ill, ill, ill, sta, ill, sta, sta, ill}}},
  {E::CANCEL_REQUEST,   {{ref, liv, liv, liv, liv, liv, liv, sta, ref, ref, ref, ref, ref, ref, ref, ref}}},
  {E::REPLACE_REQUEST,  {{ref, ref, liv, liv, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref}}},
  {E::CANCELED,         {{ill, can, can, can, can, can, can, can, ill, ill, ill, sta, ill, ill, can, ill}}},
  {E::REPLACED,         {{ill, ill, liv, liv, liv, liv, liv, liv, ill, ill, liv, ill, ill, ill, ill, ill}}},
  {E::REJECTED,         {{ill, rej, rej, ill, rej, rej, rej, rej, ill, ill, ill, ill, sta, ill, ill, ill}}},
  {E::CANCEL_REJECTED,  {{ill, liv, liv, liv, liv, liv, liv, sta, ill, sta, sta, sta, sta, sta, sta, ill}}},
  {E::REPLACE_REJECTED, {{ill, liv, liv, liv, liv, liv, liv, sta, ill, ill, sta, sta, sta, sta, sta, ill}}},
  {E::EXPIRED,          {{ill, exp, exp, exp, exp, exp, exp, exp, ill, ill, ill, ill, ill, sta, exp, ill}}},
  {E::DONE_FOR_DAY,     {{ill, dfd, dfd, dfd, dfd, dfd, dfd, dfd, ill, ill, ill, ill, ill, ill, sta, ill}}},
  {E::SUSPENDED,        {{ill, liv, liv, liv, liv, liv, liv, liv, ill, ill, ill, ill, ill, ill, ill, ill}}},
  {E::RESTATED,         {{ill, liv, liv, liv, liv, liv, liv, liv, ill, ill, ill, ill, ill, ill, liv, ill}}},
  {E::BUST,             {{ill, liv, liv, liv, liv, liv, liv, sta, ill, ill, sts, sta, ill, sta, sta, ill}}},
  {E::CORRECT,          {{ill, liv, liv, liv, liv, liv, liv, sta, ill, ill, sts, sta, ill, sta, sta, ill}}},
  {E::STATUS,           {{ill, sts, sts, sts, sts, sts, sts, sts, ill, ill, sta, sta, sta, sta, sta, ill}}},
  {E::CONNECTION_LOST,  {{ref, unk, sta, sta, unk, unk, sta, sta, sta, sta, sta, sta, sta, sta, sta, sta}}},
  {E::NOT_SENT,         {{ref, liv, ref, ref, liv, liv, ref, liv, ref, sta, ref, ref, ref, ref, ref, ref}}},
  {E::UNKNOWN_AT_VENUE, {{ill, unk, unk, unk, unk, unk, unk, liv, sta, sta, sta, sta, sta, sta, sta, ill}}},
  {E::OPERATOR_CLOSED,  {{ref, ref, ref, ref, ref, ref, ref, can, ref, ref, ref, ref, ref, ref, ref, ref}}},
  {E::HOLD,             {{hld, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref}}},
  {E::HELD_CHANGED,     {{ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, hld}}},
  {E::HELD_CANCELED,    {{ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, can}}},
  {E::HELD_EXPIRED,     {{ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, ref, exp}}},
};
// clang-format on

constexpr OrderStateTable make_table() {
  OrderStateTable table{};
  for (const auto& line : kLines) {
    for (std::size_t state = 0; state < kOrderStates; ++state) {
      table[state][static_cast<std::size_t>(line.event)] = line.cells[state];
    }
  }
  return table;
}

constexpr bool every_event_has_its_line() {
  std::size_t expected = 0;
  for (const auto& line : kLines) {
    if (static_cast<std::size_t>(line.event) != expected++) return false;
  }
  return expected == kOrderEvents;
}
static_assert(every_event_has_its_line());

}  // namespace

constinit const OrderStateTable kOrderStateTable = make_table();

std::string_view name_of(OrderState state) noexcept {
  constexpr std::array<std::string_view, kOrderStates> kNames{
      "NONE",           "PENDING_NEW",     "WORKING",      "PARTIALLY_FILLED",
      "PENDING_CANCEL", "PENDING_REPLACE", "SUSPENDED",    "UNKNOWN",
      "DENIED",         "NOT_SENT",        "FILLED",       "CANCELED",
      "REJECTED",       "EXPIRED",         "DONE_FOR_DAY", "HELD"};
  const auto at = static_cast<std::size_t>(state);
  return at < kNames.size() ? kNames[at] : "?";
}

std::string_view name_of(OrderEvent event) noexcept {
  constexpr std::array<std::string_view, kOrderEvents> kNames{"SUBMIT",
                                                              "DENY",
                                                              "ACKNOWLEDGE",
                                                              "FILL",
                                                              "CANCEL_REQUEST",
                                                              "REPLACE_REQUEST",
                                                              "CANCELED",
                                                              "REPLACED",
                                                              "REJECTED",
                                                              "CANCEL_REJECTED",
                                                              "REPLACE_REJECTED",
                                                              "EXPIRED",
                                                              "DONE_FOR_DAY",
                                                              "SUSPENDED",
                                                              "RESTATED",
                                                              "BUST",
                                                              "CORRECT",
                                                              "STATUS",
                                                              "CONNECTION_LOST",
                                                              "NOT_SENT",
                                                              "UNKNOWN_AT_VENUE",
                                                              "OPERATOR_CLOSED",
                                                              "HOLD",
                                                              "HELD_CHANGED",
                                                              "HELD_CANCELED",
                                                              "HELD_EXPIRED"};
  const auto at = static_cast<std::size_t>(event);
  return at < kNames.size() ? kNames[at] : "?";
}

std::string_view name_of(Rule rule) noexcept {
  constexpr std::array<std::string_view, 6> kNames{"ILLEGAL", "REFUSED",   "STAY",
                                                   "LIVE",    "BY_STATUS", "TO"};
  return kNames[static_cast<std::size_t>(rule)];
}

OrderEvent classify(const rec::Execution& report) noexcept {
  constexpr std::uint32_t kUnknownOrder = 5;  // FIX OrdRejReason
  switch (static_cast<ExecType>(report.exec_type)) {
    case ExecType::NEW:
      return E::ACKNOWLEDGE;
    case ExecType::PARTIAL_FILL:
    case ExecType::FILL:
    case ExecType::TRADE:
      return E::FILL;
    case ExecType::DONE_FOR_DAY:
      return E::DONE_FOR_DAY;
    case ExecType::CANCELED:
      return E::CANCELED;
    case ExecType::REPLACED:
      return E::REPLACED;
    case ExecType::REJECTED:
      return E::REJECTED;
    case ExecType::SUSPENDED:
      return E::SUSPENDED;
    case ExecType::EXPIRED:
      return E::EXPIRED;
    case ExecType::RESTATED:
      return E::RESTATED;
    case ExecType::TRADE_CORRECT:
      return E::CORRECT;
    case ExecType::TRADE_CANCEL:
      return E::BUST;
    case ExecType::ORDER_STATUS:
      if (static_cast<OrdStatus>(report.ord_status) == OrdStatus::REJECTED &&
          report.reject_reason == kUnknownOrder) {
        return E::UNKNOWN_AT_VENUE;
      }
      return E::STATUS;
    case ExecType::PENDING_CANCEL:
    case ExecType::STOPPED:
    case ExecType::PENDING_NEW:
    case ExecType::CALCULATED:
    case ExecType::PENDING_REPLACE:
      return E::STATUS;
  }
  return E::STATUS;
}

}  // namespace pitwire
