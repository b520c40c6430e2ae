// Every cell of the state table, expected from rules about kinds of states, not from a copy.
#include "pitwire/orders/order_state.hpp"

#include <gtest/gtest.h>

#include <set>

namespace pitwire {
namespace {

using S = OrderState;
using E = OrderEvent;

constexpr Cell kIllegal{Rule::ILLEGAL, S::NONE}, kRefused{Rule::REFUSED, S::NONE};
constexpr Cell kStay{Rule::STAY, S::NONE}, kLive{Rule::LIVE, S::NONE};
constexpr Cell kByStatus{Rule::BY_STATUS, S::NONE};
constexpr Cell to(S state) { return {Rule::TO, state}; }

bool never_at_venue(S s) {
  return s == S::DENIED || s == S::NOT_SENT || s == S::NONE || s == S::HELD;
}
bool alive(S s) { return s >= S::PENDING_NEW && s <= S::UNKNOWN; }
/// Over after it may have traded: a late fill is believable.
bool over_after_working(S s) { return s == S::CANCELED || s == S::EXPIRED || s == S::DONE_FOR_DAY; }
bool request_out(S s) {
  return s == S::PENDING_NEW || s == S::PENDING_CANCEL || s == S::PENDING_REPLACE;
}

Cell expected_closing(S s, E e, S end) {
  if (alive(s)) return to(end);
  if (s == end) return kStay;
  // Good for the day only: the order may be cancelled or expire on another.
  return s == S::DONE_FOR_DAY && e != E::DONE_FOR_DAY ? to(end) : kIllegal;
}

Cell expected_answer(S s, E e) {
  switch (e) {
    case E::ACKNOWLEDGE:
      return alive(s) ? kLive : (over_after_working(s) || s == S::FILLED ? kStay : kIllegal);
    case E::FILL:
      return alive(s) ? kLive : (over_after_working(s) ? kStay : kIllegal);
    case E::REPLACED:
      return (alive(s) && s != S::PENDING_NEW) || s == S::FILLED ? kLive : kIllegal;
    case E::REJECTED:
      if (s == S::REJECTED) return kStay;
      return alive(s) && s != S::PARTIALLY_FILLED ? to(S::REJECTED) : kIllegal;
    case E::CANCEL_REJECTED:
      if (s == S::NOT_SENT) return kStay;  // a kill withheld the order, and its cancel left
      [[fallthrough]];
    case E::REPLACE_REJECTED:
      return never_at_venue(s) ? kIllegal : (alive(s) && s != S::UNKNOWN ? kLive : kStay);
    case E::SUSPENDED:
      return alive(s) ? kLive : kIllegal;
    case E::RESTATED:
      return alive(s) || s == S::DONE_FOR_DAY ? kLive : kIllegal;
    case E::BUST:
    case E::CORRECT:
      if (s == S::FILLED) return kByStatus;
      if (s == S::UNKNOWN || over_after_working(s)) return kStay;
      return alive(s) ? kLive : kIllegal;
    case E::STATUS:
      return never_at_venue(s) ? kIllegal : (alive(s) ? kByStatus : kStay);
    default:
      return kIllegal;
  }
}

Cell expected_ours(S s, E e) {
  switch (e) {
    case E::SUBMIT:  // of a held order: it is released
      return s == S::NONE || s == S::HELD ? to(S::PENDING_NEW) : kRefused;
    case E::DENY:  // of a held order: the gate said no when it was to be released
      return s == S::NONE || s == S::HELD ? to(S::DENIED) : kRefused;
    case E::HOLD:
      return s == S::NONE ? to(S::HELD) : kRefused;
    case E::HELD_CHANGED:
      return s == S::HELD ? to(S::HELD) : kRefused;
    case E::HELD_CANCELED:
      return s == S::HELD ? to(S::CANCELED) : kRefused;
    case E::HELD_EXPIRED:
      return s == S::HELD ? to(S::EXPIRED) : kRefused;
    case E::CANCEL_REQUEST:
      return s == S::UNKNOWN ? kStay : (alive(s) ? kLive : kRefused);
    case E::REPLACE_REQUEST:
      return s == S::WORKING || s == S::PARTIALLY_FILLED ? kLive : kRefused;
    case E::CONNECTION_LOST:
      return s == S::NONE ? kRefused : (request_out(s) ? to(S::UNKNOWN) : kStay);
    case E::NOT_SENT:
      if (s == S::NOT_SENT) return kStay;
      return request_out(s) || s == S::UNKNOWN ? kLive : kRefused;
    case E::OPERATOR_CLOSED:
      return s == S::UNKNOWN ? to(S::CANCELED) : kRefused;
    case E::UNKNOWN_AT_VENUE:
      if (s == S::NONE || s == S::HELD) return kIllegal;
      return s == S::UNKNOWN ? kLive : (alive(s) ? to(S::UNKNOWN) : kStay);
    default:
      return kIllegal;
  }
}

Cell expected(S s, E e) {
  static const std::set<E> kOurs{E::SUBMIT,
                                 E::DENY,
                                 E::CANCEL_REQUEST,
                                 E::REPLACE_REQUEST,
                                 E::CONNECTION_LOST,
                                 E::NOT_SENT,
                                 E::UNKNOWN_AT_VENUE,
                                 E::OPERATOR_CLOSED,
                                 E::HOLD,
                                 E::HELD_CHANGED,
                                 E::HELD_CANCELED,
                                 E::HELD_EXPIRED};
  if (kOurs.contains(e)) return expected_ours(s, e);
  if (e == E::CANCELED) return expected_closing(s, e, S::CANCELED);
  if (e == E::EXPIRED) return expected_closing(s, e, S::EXPIRED);
  if (e == E::DONE_FOR_DAY) return expected_closing(s, e, S::DONE_FOR_DAY);
  return expected_answer(s, e);
}

TEST(OrderStateTable, EveryCellIsAsItsRuleSays) {
  for (std::size_t state = 0; state < kOrderStates; ++state) {
    for (std::size_t event = 0; event < kOrderEvents; ++event) {
      const auto s = static_cast<S>(state);
      const auto e = static_cast<E>(event);
      const auto found = cell(s, e);
      const auto wanted = expected(s, e);
      EXPECT_EQ(found, wanted) << name_of(s) << " + " << name_of(e) << ": found "
                               << name_of(found.rule) << " " << name_of(found.to) << ", expected "
                               << name_of(wanted.rule) << " " << name_of(wanted.to);
    }
  }
}

TEST(OrderStateTable, AConnectionLostNeverEndsAnOrder) {
  for (std::size_t state = 0; state < kOrderStates; ++state) {
    const auto found = cell(static_cast<S>(state), E::CONNECTION_LOST);
    EXPECT_FALSE(found.rule == Rule::TO && is_terminal(found.to));
  }
}

TEST(Classify, EveryExecTypeHasItsEvent) {
  const std::vector<std::pair<ExecType, E>> table{{ExecType::NEW, E::ACKNOWLEDGE},
                                                  {ExecType::PARTIAL_FILL, E::FILL},
                                                  {ExecType::FILL, E::FILL},
                                                  {ExecType::DONE_FOR_DAY, E::DONE_FOR_DAY},
                                                  {ExecType::CANCELED, E::CANCELED},
                                                  {ExecType::REPLACED, E::REPLACED},
                                                  {ExecType::PENDING_CANCEL, E::STATUS},
                                                  {ExecType::STOPPED, E::STATUS},
                                                  {ExecType::REJECTED, E::REJECTED},
                                                  {ExecType::SUSPENDED, E::SUSPENDED},
                                                  {ExecType::PENDING_NEW, E::STATUS},
                                                  {ExecType::CALCULATED, E::STATUS},
                                                  {ExecType::EXPIRED, E::EXPIRED},
                                                  {ExecType::RESTATED, E::RESTATED},
                                                  {ExecType::PENDING_REPLACE, E::STATUS},
                                                  {ExecType::TRADE, E::FILL},
                                                  {ExecType::TRADE_CORRECT, E::CORRECT},
                                                  {ExecType::TRADE_CANCEL, E::BUST},
                                                  {ExecType::ORDER_STATUS, E::STATUS}};
  for (const auto& [type, event] : table) {
    rec::Execution report;
    report.exec_type = static_cast<std::uint8_t>(type);
    EXPECT_EQ(classify(report), event) << static_cast<int>(type);
  }
}

TEST(Classify, AStatusAnswerThatTheOrderIsUnknownIsAnEventOfItsOwn) {
  rec::Execution report;
  report.exec_type = static_cast<std::uint8_t>(ExecType::ORDER_STATUS);
  report.ord_status = static_cast<std::uint8_t>(OrdStatus::REJECTED);
  EXPECT_EQ(classify(report), E::STATUS);
  report.reject_reason = 5;
  EXPECT_EQ(classify(report), E::UNKNOWN_AT_VENUE);
}

}  // namespace
}  // namespace pitwire
