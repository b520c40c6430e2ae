#include "pitwire/exchange/itch_publisher.hpp"

#include <limits>
#include <stdexcept>

namespace pitwire {
namespace {

constexpr Nanos kDay = 86'400 * kSecond;

/// ITCH 5.0, section 4.2.3.1: halted, paused, quotation only, trading.
char state_code(TradingState state) noexcept {
  switch (state) {
    case TradingState::TRADING:
      return 'T';
    case TradingState::PAUSED:
      return 'P';
    case TradingState::QUOTATION_ONLY:
      return 'Q';
    default:
      return 'H';
  }
}

template <class Message>
void frame(const Message& message, std::string& out) {
  constexpr std::size_t kLength = Message::kSize + 1;
  std::array<std::byte, Message::kSize + 3> bytes;
  bytes[0] = static_cast<std::byte>(kLength >> 8);
  bytes[1] = static_cast<std::byte>(kLength & 0xff);
  bytes[2] = std::byte{'S'};
  itch::encode(message, bytes.data() + 3);
  out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace

ItchPublisher::ItchPublisher(const std::vector<ItchInstrument>& instruments,
                             MessageHistory& history)
    : history_(history) {
  if (instruments.size() >= std::numeric_limits<std::uint16_t>::max()) {
    throw std::invalid_argument("ITCH has 65,534 stock locates at most");
  }
  for (const auto& given : instruments) {
    auto& stock = stocks_.emplace_back();
    if (!itch::make_symbol(given.symbol, stock.symbol)) {
      throw std::invalid_argument("symbol \"" + given.symbol + "\": not one to eight characters");
    }
    if (given.price_increment_e4 <= 0) {
      throw std::invalid_argument("symbol \"" + given.symbol +
                                  "\": price increment is no multiple of 0.0001");
    }
    stock.price_increment_e4 = given.price_increment_e4;
    stock.lot = static_cast<std::uint32_t>(given.lot);
  }
}

template <class Message>
void ItchPublisher::publish(const Message& message) {
  std::array<std::byte, Message::kSize> bytes;
  itch::encode(message, bytes.data());
  history_.append(bytes);
}

itch::Header ItchPublisher::header(Nanos now, InstrumentId instrument) const noexcept {
  return {static_cast<std::uint16_t>(index(instrument) + 1), 0,
          static_cast<std::uint64_t>(now % kDay)};
}

std::uint32_t ItchPublisher::price(const VenueOrder& order) const noexcept {
  return static_cast<std::uint32_t>(order.price *
                                    stocks_[index(order.instrument)].price_increment_e4);
}

itch::StockDirectory ItchPublisher::directory(Nanos now, InstrumentId id) const noexcept {
  itch::StockDirectory message;
  message.header = header(now, id);
  message.stock = stocks_[index(id)].symbol;
  message.market_category = 'Q';
  message.financial_status = 'N';
  message.round_lot_size = stocks_[index(id)].lot;
  message.round_lots_only = stocks_[index(id)].lot > 1 ? 'Y' : 'N';
  message.issue_classification = 'C';
  message.issue_sub_type = {'Z', ' '};
  message.authenticity = 'T';  // a test issue, in the specification's words
  message.short_sale_threshold = 'N';
  message.luld_tier = '1';
  message.etp = 'N';
  message.inverse = 'N';
  return message;
}

itch::StockTradingAction ItchPublisher::action(Nanos now, InstrumentId id,
                                               TradingState state) const noexcept {
  itch::StockTradingAction message;
  message.header = header(now, id);
  message.stock = stocks_[index(id)].symbol;
  message.trading_state = state_code(state);
  message.reason = {' ', ' ', ' ', ' '};
  return message;
}

itch::AddOrder ItchPublisher::add(Nanos now, const VenueOrder& order) const noexcept {
  itch::AddOrder message;
  message.header = header(now, order.instrument);
  message.order_ref = order.ref;
  message.side = order.side == Side::BUY ? 'B' : 'S';
  message.shares = static_cast<std::uint32_t>(order.shown_qty());
  message.stock = stocks_[index(order.instrument)].symbol;
  message.price = price(order);
  return message;
}

void ItchPublisher::open(Nanos now, const MatchingEngine& engine) {
  itch::SystemEvent event;
  event.header.timestamp = static_cast<std::uint64_t>(now % kDay);
  event.event_code = 'O';
  publish(event);
  for (std::uint32_t id = 0; id < stocks_.size(); ++id) publish(directory(now, InstrumentId{id}));
  for (std::uint32_t id = 0; id < stocks_.size(); ++id) {
    publish(action(now, InstrumentId{id}, engine.trading(InstrumentId{id})));
  }
  event.event_code = 'Q';
  publish(event);
}

void ItchPublisher::close(Nanos now) {
  settle(now);
  itch::SystemEvent event;
  event.header.timestamp = static_cast<std::uint64_t>(now % kDay);
  event.event_code = 'C';
  publish(event);
}

void ItchPublisher::snapshot(Nanos now, const MatchingEngine& engine, std::string& out) const {
  for (std::uint32_t id = 0; id < stocks_.size(); ++id) {
    frame(directory(now, InstrumentId{id}), out);
  }
  for (std::uint32_t id = 0; id < stocks_.size(); ++id) {
    const InstrumentId instrument{id};
    frame(action(now, instrument, engine.trading(instrument)), out);
    for (const auto side : {Side::BUY, Side::SELL}) {
      engine.for_each_resting(instrument, side, [this, now, &out](const VenueOrder& order) {
        frame(add(now, order), out);
      });
    }
  }
}

void ItchPublisher::settle(Nanos now) {
  if (held_old_ == 0) return;
  itch::OrderDelete message;
  message.header = header(now, held_instrument_);
  message.order_ref = held_old_;
  held_old_ = 0;
  publish(message);
}

void ItchPublisher::rested(Nanos now, const VenueOrder& order) {
  if (held_old_ == 0 || held_new_ != order.ref) {
    settle(now);
    return publish(add(now, order));
  }
  itch::OrderReplace message;
  message.header = header(now, order.instrument);
  message.order_ref = held_old_;
  message.new_order_ref = order.ref;
  message.shares = static_cast<std::uint32_t>(order.shown_qty());
  message.price = price(order);
  held_old_ = 0;
  publish(message);
}

void ItchPublisher::traded(const VenueTrade& trade) {
  settle(trade.now);
  itch::OrderExecuted message;
  message.header = header(trade.now, trade.instrument);
  message.order_ref = trade.passive.ref;
  message.shares = static_cast<std::uint32_t>(trade.qty);
  message.match_number = trade.match_number;
  publish(message);
}

void ItchPublisher::reduced(Nanos now, const VenueOrder& order, std::int64_t qty_removed) {
  settle(now);
  // A stop that waits is not shown, nor is an iceberg's rest; a replace may change nothing that is.
  if (qty_removed == 0) return;
  itch::OrderCancel message;
  message.header = header(now, order.instrument);
  message.order_ref = order.ref;
  message.shares = static_cast<std::uint32_t>(qty_removed);
  publish(message);
}

void ItchPublisher::replaced(Nanos now, const VenueOrder& order, OrderRef old_ref) {
  settle(now);
  held_old_ = old_ref;
  held_new_ = order.ref;
  held_instrument_ = order.instrument;
}

void ItchPublisher::canceled(Nanos now, const VenueOrder& order, CancelCause, bool in_book) {
  settle(now);
  if (!in_book) return;
  itch::OrderDelete message;
  message.header = header(now, order.instrument);
  message.order_ref = order.ref;
  publish(message);
}

void ItchPublisher::trading(Nanos now, InstrumentId instrument, TradingState state) {
  settle(now);
  publish(action(now, instrument, state));
}

}  // namespace pitwire
