// Every interleaving of an order's life with its venue: requests and reports on their way in both
// directions, delivered in the order in which they were sent, as TCP does, and otherwise in any.
//
// A world is our order table, a venue in the simplest words, and the two queues between them. From
// each point every step that is possible is taken: we send what the script has next (when the state
// table allows it), the venue takes a message and does or refuses it, fills a lot, cancels by
// itself, we take a message, the connection breaks. At every point what we reserve covers the worst
// that may still become of it; at every point with nothing on its way we hold what the venue holds.
//
// The connection's end loses requests that the venue has not taken, never reports: those are
// resent. On the new connection we ask for the order's status.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <ostream>

#include "builders.hpp"

namespace pitwire::testing {
namespace {

enum class Ask : std::uint8_t { SUBMIT, CANCEL, GROW, SHRINK };
enum class Step : std::uint8_t { SEND, DO, REFUSE, FILL, VENUE_CANCELS, TAKE, BREAK };
constexpr std::array kSteps{Step::SEND,          Step::DO,   Step::REFUSE, Step::FILL,
                            Step::VENUE_CANCELS, Step::TAKE, Step::BREAK};
constexpr std::array<std::string_view, 7> kStepNames{"send",          "do",   "refuse", "fill",
                                                     "venue cancels", "take", "break"};

constexpr ClOrdId kOrder = 1;
constexpr std::int64_t kQty = 3, kGrown = 5, kShrunk = 2;
constexpr std::int64_t kPx = 1'000;

struct Script {
  const char* name;
  std::vector<Ask> asks;
  int fills = 0;
  bool venue_cancels = false;
  bool refuses = false;
  bool breaks = false;
  bool only_newest_id = false;  ///< the venue takes an order's newest ClOrdID alone for its name
  bool says_pending = false;    ///< it reports a cancel or a replace as pending first, as 4.2 does
};

std::ostream& operator<<(std::ostream& out, const Script& script) { return out << script.name; }

struct Message {
  Ask ask{};
  bool status = false;
  ClOrdId id = 0, orig = 0;
  std::int64_t qty = 0, px = 0;
};

/// What comes back: one of the two.
struct Answer {
  std::optional<rec::Execution> execution;
  rec::CancelRejected rejected;
};

struct VenueOrder {
  bool known = false;
  OrdStatus status = OrdStatus::NEW;
  std::vector<ClOrdId> ids;
  std::int64_t qty = 0, px = 0, cum = 0;

  [[nodiscard]] bool live() const {
    return known && (status == OrdStatus::NEW || status == OrdStatus::PARTIALLY_FILLED);
  }
};

class World {
 public:
  explicit World(const Script& script) : script_(script), fills_left_(script.fills) {}

  [[nodiscard]] bool possible(Step step) const {
    switch (step) {
      case Step::SEND:
        return may_send();
      case Step::DO:
        return !to_venue_.empty();
      case Step::REFUSE:
        return script_.refuses && !to_venue_.empty() && !to_venue_.front().status;
      case Step::FILL:
        return fills_left_ > 0 && venue_.live();
      case Step::VENUE_CANCELS:
        return script_.venue_cancels && venue_.live();
      case Step::TAKE:
        return !to_us_.empty();
      case Step::BREAK:
        return script_.breaks && !broken_ && next_ > 0;
    }
    return false;
  }

  void take(Step step) {
    switch (step) {
      case Step::SEND:
        return send(script_.asks[next_++]);
      case Step::DO:
        return hear(false);
      case Step::REFUSE:
        return hear(true);
      case Step::FILL:
        return fill();
      case Step::VENUE_CANCELS:
        venue_.status = OrdStatus::CANCELED;
        return say(ExecType::CANCELED, venue_.ids.back());
      case Step::TAKE:
        return apply();
      case Step::BREAK:
        return lose();
    }
  }

  /// The worst that the venue may make of it, and that we hold what it holds when nothing is out.
  void check() const {
    ASSERT_FALSE(illegal_) << "the venue said nothing wrong";
    const Order* order = desk_.orders.find(kOrder);
    if (order == nullptr) return;
    ASSERT_GE(order->cum_qty + order->reserved_qty, worst());
    const Holding& held = desk_.positions.of(kAlpha, kStock);
    ASSERT_EQ(held.position.net_qty, order->cum_qty);
    ASSERT_EQ(held.interval().high, order->cum_qty + order->reserved_qty);
    if (to_venue_.empty() && to_us_.empty()) check_equal(*order);
  }

 private:
  [[nodiscard]] bool may_send() const {
    if (next_ == script_.asks.size()) return false;
    const Ask ask = script_.asks[next_];
    const Order* order = desk_.orders.find(kOrder);
    if (ask == Ask::SUBMIT || order == nullptr) return order == nullptr;
    const auto event =
        ask == Ask::CANCEL ? OrderEvent::CANCEL_REQUEST : OrderEvent::REPLACE_REQUEST;
    return cell(order->state, event).legal();
  }

  void send(Ask ask) {
    const ClOrdId id = kOrder + next_ - 1;
    const Order* order = desk_.orders.find(kOrder);
    Message message{ask, false, id, order == nullptr ? 0 : order->cl_ord_id, kQty, kPx};
    if (ask == Ask::SUBMIT) {
      desk_.orders.apply(submitted(kOrder, Side::BUY, kQty, kPx));
    } else if (ask == Ask::CANCEL) {
      desk_.orders.apply(cancel(kOrder, id));
    } else {
      message.qty = ask == Ask::GROW ? kGrown : kShrunk;
      message.px = kPx + static_cast<std::int64_t>(id);
      desk_.orders.apply(replace(kOrder, id, message.qty, message.px));
    }
    to_venue_.push_back(message);
  }

  // ---- the venue

  void hear(bool refuses) {
    const Message message = to_venue_.front();
    to_venue_.pop_front();
    if (message.status) return answer_status(message);
    if (message.ask == Ask::SUBMIT) return hear_order(message, refuses);
    const bool named = std::ranges::find(venue_.ids, message.orig) != venue_.ids.end() &&
                       (!script_.only_newest_id || venue_.ids.back() == message.orig);
    const bool late = message.ask != Ask::CANCEL && message.qty <= venue_.cum;
    if (refuses || !venue_.live() || !named || late) return refuse(message);
    if (script_.says_pending) {
      const bool cancels = message.ask == Ask::CANCEL;
      auto pending =
          made(cancels ? ExecType::PENDING_CANCEL : ExecType::PENDING_REPLACE, venue_.ids.back());
      pending.ord_status = static_cast<std::uint8_t>(cancels ? OrdStatus::PENDING_CANCEL
                                                             : OrdStatus::PENDING_REPLACE);
      to_us_.push_back({pending, {}});
    }
    if (message.ask == Ask::CANCEL) {
      venue_.status = OrdStatus::CANCELED;
      return say(ExecType::CANCELED, message.id, venue_.ids.back());
    }
    const ClOrdId before = venue_.ids.back();
    venue_.qty = message.qty;
    venue_.px = message.px;
    venue_.ids.push_back(message.id);
    say(ExecType::REPLACED, message.id, before);
  }

  void hear_order(const Message& message, bool refuses) {
    venue_ = {true, OrdStatus::NEW, {message.id}, message.qty, message.px, 0};
    if (refuses) venue_.status = OrdStatus::REJECTED;
    say(refuses ? ExecType::REJECTED : ExecType::NEW, message.id);
  }

  void refuse(const Message& message) {
    auto record = cancel_rejected(message.id, message.ask == Ask::CANCEL ? 1 : 2,
                                  venue_.known ? venue_.status : OrdStatus::REJECTED);
    record.orig_cl_ord_id = message.orig;
    to_us_.push_back({std::nullopt, record});
  }

  void answer_status(const Message& message) {
    if (venue_.known) return say(ExecType::ORDER_STATUS, venue_.ids.back());
    auto record = report(message.id, ExecType::ORDER_STATUS, OrdStatus::REJECTED);
    record.reject_reason = 5;
    to_us_.push_back({record, {}});
  }

  void fill() {
    --fills_left_;
    ++venue_.cum;
    venue_.status = venue_.cum == venue_.qty ? OrdStatus::FILLED : OrdStatus::PARTIALLY_FILLED;
    auto record = made(ExecType::TRADE, venue_.ids.back());
    record.last_qty = 1;
    record.last_px = venue_.px;
    to_us_.push_back({record, {}});
  }

  [[nodiscard]] rec::Execution made(ExecType type, ClOrdId id, ClOrdId orig = 0) const {
    auto record = report(id, type, venue_.status);
    record.orig_cl_ord_id = orig;
    record.order_qty = venue_.qty;
    record.price = venue_.px;
    record.cum_qty = venue_.cum;
    record.leaves_qty = venue_.live() ? venue_.qty - venue_.cum : 0;
    return record;
  }

  void say(ExecType type, ClOrdId id, ClOrdId orig = 0) {
    to_us_.push_back({made(type, id, orig), {}});
  }

  // ---- what comes back

  void apply() {
    const Answer answer = to_us_.front();
    to_us_.pop_front();
    if (!answer.execution) {
      illegal_ |= desk_.orders.apply(answer.rejected).illegal;
      return;
    }
    const auto transition = desk_.orders.apply(*answer.execution, UnknownOrder::NEVER_ARRIVED);
    illegal_ |= transition.illegal;
    for (std::size_t i = 0; i < transition.bookings_size; ++i) {
      desk_.positions.book(*transition.order, transition.bookings[i]);
    }
  }

  void lose() {
    broken_ = true;
    to_venue_.clear();
    desk_.orders.connection_lost(kRoute, [](const Transition&) {});
    const Order& order = *desk_.orders.find(kOrder);
    if (is_live(order.state)) to_venue_.push_back({Ask::SUBMIT, true, order.cl_ord_id, 0, 0, 0});
  }

  // ---- what must hold

  [[nodiscard]] std::int64_t worst() const {
    std::int64_t most = venue_.live() ? venue_.qty : venue_.cum;
    for (const Message& message : to_venue_) {
      const bool adds = !message.status && message.ask != Ask::CANCEL;
      if (adds && (venue_.live() || !venue_.known)) most = std::max(most, message.qty);
    }
    return most;
  }

  void check_equal(const Order& order) const {
    ASSERT_TRUE(venue_.known || order.state == OrderState::REJECTED) << name_of(order.state);
    ASSERT_EQ(order.cum_qty, venue_.cum);
    if (!venue_.known) return;
    ASSERT_EQ(order.state, expected_state()) << name_of(order.state);
    if (!venue_.live()) return;
    ASSERT_EQ(order.leaves_qty, venue_.qty - venue_.cum);
    ASSERT_EQ(order.reserved_qty, order.leaves_qty);
    ASSERT_EQ(order.order_qty, venue_.qty);
    ASSERT_EQ(order.price, venue_.px);
    ASSERT_EQ(order.cl_ord_id, venue_.ids.back());
  }

  [[nodiscard]] OrderState expected_state() const {
    switch (venue_.status) {
      case OrdStatus::FILLED:
        return OrderState::FILLED;
      case OrdStatus::CANCELED:
        return OrderState::CANCELED;
      case OrdStatus::REJECTED:
        return OrderState::REJECTED;
      default:
        return venue_.cum > 0 ? OrderState::PARTIALLY_FILLED : OrderState::WORKING;
    }
  }

  const Script& script_;
  Desk desk_{4, 64};
  VenueOrder venue_;
  std::deque<Message> to_venue_;
  std::deque<Answer> to_us_;
  std::size_t next_ = 0;  ///< of the script
  int fills_left_;
  bool broken_ = false;
  bool illegal_ = false;
};

/// Walks the tree of all steps; a point is reached by doing its path again from the start.
class Walk {
 public:
  explicit Walk(const Script& script) : script_(script) {}

  void from_here() {
    World world(script_);
    for (const Step step : path_) world.take(step);
    world.check();
    if (::testing::Test::HasFatalFailure()) return tell();
    ++points;
    bool over = true;
    for (const Step step : kSteps) {
      if (!world.possible(step)) continue;
      over = false;
      path_.push_back(step);
      from_here();
      if (::testing::Test::HasFatalFailure()) return;
      path_.pop_back();
    }
    lives += over ? 1u : 0u;
  }

  std::size_t points = 0, lives = 0;

 private:
  void tell() const {
    std::string text;
    for (const Step step : path_) {
      text += std::string(kStepNames[static_cast<std::size_t>(step)]) + ", ";
    }
    ADD_FAILURE() << script_.name << ": " << text << "and there it is wrong";
  }

  const Script& script_;
  std::vector<Step> path_;
};

class Interleavings : public ::testing::TestWithParam<Script> {};

TEST_P(Interleavings, EveryOneEndsAsTheVenueSays) {
  Walk walk(GetParam());
  walk.from_here();
  RecordProperty("points", static_cast<int>(walk.points));
  RecordProperty("lives", static_cast<int>(walk.lives));
  EXPECT_GT(walk.lives, 10U);
}

constexpr Ask S = Ask::SUBMIT, C = Ask::CANCEL, G = Ask::GROW, L = Ask::SHRINK;

INSTANTIATE_TEST_SUITE_P(
    OfAnOrder, Interleavings,
    ::testing::Values(
        Script{.name = "cancel", .asks = {S, C}, .fills = 3, .refuses = true},
        Script{.name = "cancel_twice", .asks = {S, C, C}, .fills = 2, .refuses = true},
        Script{.name = "replace", .asks = {S, G}, .fills = 5, .refuses = true},
        Script{.name = "shrink", .asks = {S, L}, .fills = 3, .refuses = true},
        Script{.name = "replace_cancel", .asks = {S, G, C}, .fills = 3, .refuses = true},
        Script{.name = "shrink_cancel", .asks = {S, L, C}, .fills = 3, .refuses = true},
        Script{.name = "chain", .asks = {S, G, L, G}, .fills = 2, .refuses = true},
        Script{.name = "chain_cancel", .asks = {S, G, L, C}, .fills = 2},
        Script{.name = "strict_names", .asks = {S, G, C, C}, .fills = 2, .only_newest_id = true},
        Script{.name = "venue_cancels",
               .asks = {S, G, C},
               .fills = 2,
               .venue_cancels = true,
               .refuses = true},
        Script{.name = "pending_said",
               .asks = {S, G, C},
               .fills = 2,
               .refuses = true,
               .says_pending = true},
        Script{.name = "break_new", .asks = {S}, .fills = 3, .refuses = true, .breaks = true},
        Script{.name = "break_cancel",
               .asks = {S, C},
               .fills = 2,
               .venue_cancels = true,
               .refuses = true,
               .breaks = true},
        Script{
            .name = "break_replace", .asks = {S, G}, .fills = 3, .refuses = true, .breaks = true},
        Script{.name = "break_replace_cancel", .asks = {S, G, C}, .fills = 2, .breaks = true},
        Script{.name = "break_shrink_cancel", .asks = {S, L, C}, .fills = 2, .breaks = true}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace pitwire::testing
