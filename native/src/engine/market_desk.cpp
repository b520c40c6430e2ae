#include "pitwire/engine/market_desk.hpp"

#include <stdexcept>

#include "pitwire/market/mold.hpp"

namespace pitwire {
namespace {

constexpr Nanos kDay = 86'400 * kSecond;

/// Size in bytes of the message block at `at` of a MoldUDP64 packet, 0 where none is whole.
std::size_t block_size(std::span<const std::byte> packet, std::size_t at) noexcept {
  if (at + 2 > packet.size()) return 0;
  const std::size_t size = itch::load<std::uint16_t>(packet.data() + at);
  return at + 2 + size <= packet.size() ? size + 2 : 0;
}

/// An increment in ITCH's unit of 1e-4.
std::int64_t itch_units(Decimal increment) {
  std::int64_t units = increment.coefficient;
  for (int scale = increment.scale; scale < 4; ++scale) units *= 10;
  for (int scale = 4; scale < increment.scale; ++scale) {
    if (units % 10 != 0) throw std::invalid_argument("price_increment is finer than ITCH's 0.0001");
    units /= 10;
  }
  return units;
}

}  // namespace

/// What the markets call while they apply; bound to the desk for one call.
struct MarketDesk::Listener : MarketListener {
  explicit Listener(MarketDesk& owner) noexcept : desk(owner) {}
  MarketDesk& desk;

  void on_book(InstrumentId instrument, bool top_changed) {
    desk.book_changed(instrument, top_changed);
  }
  void on_trade(InstrumentId instrument, std::int64_t px, std::int64_t qty, Side aggressor,
                Nanos ts_event) {
    MarketSlot& slot = desk.slots_[index(instrument)];
    const Nanos now = desk.emitter_.now();
    slot.last_px = px;
    slot.last_qty = qty;
    slot.last_aggressor = static_cast<std::int64_t>(aggressor);
    ++slot.trades;
    Market& market = desk.markets_[index(instrument)];
    market.signals.on_trade(qty, aggressor, now);
    std::copy_n(market.signals.values().begin(), slot.signals.size(), slot.signals.begin());
    desk.run_kernels(instrument, px, qty, aggressor);
    desk.bars_.on_trade(instrument, px, qty, now);
    desk.subscriptions_.for_each_trade_subscriber(instrument, [&](StrategyId strategy) {
      Event& event = desk.emitter_.event(EventKind::TRADE, index(strategy), index(instrument));
      event.values = {px, qty, static_cast<std::int64_t>(aggressor), ts_event, now};
    });
    desk.observer_.traded(instrument, px, qty, aggressor);
  }
  void on_trading(InstrumentId instrument, TradingState state) {
    desk.markets_[index(instrument)].trading = state;
    desk.refresh_state(instrument);
  }
  void on_gap(InstrumentId instrument) {
    desk.refresh_state(instrument);
    desk.emitter_.event(EventKind::SNAPSHOT_WANTED, kNoId, index(instrument));
  }
  /// Both sides go to the log. A book that differs is wrong, though no gap showed: nobody trades
  /// on it until a snapshot has made it anew.
  void on_comparison(InstrumentId instrument, const TopComparison& found) {
    const Touch& book = found.book;
    const Touch& announced = found.announced;
    rec::BookChecked record;
    record.instrument = index(instrument);
    record.different = found.different() ? 1 : 0;
    record.update_id = found.update_id;
    record.bid_px = book.bid_px;
    record.bid_qty = book.bid_qty;
    record.ask_px = book.ask_px;
    record.ask_qty = book.ask_qty;
    record.announced_bid_px = announced.bid_px;
    record.announced_bid_qty = announced.bid_qty;
    record.announced_ask_px = announced.ask_px;
    record.announced_ask_qty = announced.ask_qty;
    desk.emitter_.emit(record);
    if (!found.different()) return;
    desk.feeds_[index(desk.markets_[index(instrument)].feed)].binance->distrust(instrument);
    desk.refresh_state(instrument);
    desk.emitter_.event(EventKind::SNAPSHOT_WANTED, kNoId, index(instrument)).values = {
        static_cast<std::int64_t>(found.update_id),
        book.bid_px,
        book.bid_qty,
        book.ask_px,
        book.ask_qty,
        announced.bid_px,
        announced.bid_qty,
        announced.ask_px,
        announced.ask_qty};
  }
};

MarketDesk::MarketDesk(Emitter& emitter, Subscriptions& subscriptions, BarBuilder& bars,
                       MarketObserver& observer, std::size_t instruments_max)
    : emitter_(emitter), subscriptions_(subscriptions), bars_(bars), observer_(observer) {
  markets_.reserve(instruments_max);
  slots_.reserve(instruments_max);
}

void MarketDesk::define_feed(FeedId feed, FeedKind kind, Nanos midnight_offset_ns) {
  if (index(feed) != feeds_.size())
    throw std::invalid_argument("feeds must be defined in the order of their ids");
  Feed added;
  added.kind = kind;
  added.midnight_offset_ns = midnight_offset_ns;
  if (kind == FeedKind::ITCH5) {
    added.itch = std::make_unique<ItchMarket>();
  } else {
    added.binance = std::make_unique<BinanceMarket>();
  }
  feeds_.push_back(std::move(added));
}

void MarketDesk::define_instrument(InstrumentId instrument, FeedId feed, std::string_view symbol,
                                   Decimal price_increment, Decimal qty_increment,
                                   const SignalConfig& signals) {
  if (index(instrument) != markets_.size()) {
    throw std::invalid_argument("instruments must be defined in the order of their ids");
  }
  if (markets_.size() == markets_.capacity()) throw std::invalid_argument("too many instruments");
  Feed& of_feed = feeds_.at(index(feed));
  if (of_feed.itch) {
    of_feed.itch->map_symbol(symbol, instrument, itch_units(price_increment));
  } else {
    const auto kind = static_cast<BinanceKind>(static_cast<int>(of_feed.kind) -
                                               static_cast<int>(FeedKind::BINANCE_SPOT));
    of_feed.binance->map_symbol(symbol, instrument, price_increment, qty_increment, kind);
  }
  markets_.push_back(Market{feed, SignalSet(signals), {}, TradingState::UNKNOWN});
  slots_.emplace_back();
  slots_.back().state = static_cast<std::int64_t>(BookState::STALE);
}

bool MarketDesk::apply_datagram(FeedId feed, std::span<const std::byte> packet) {
  stop_here_ = false;
  std::size_t at = mold::kHeaderSize;
  Feed& of_feed = feeds_[index(feed)];
  mold::Header header;
  if (mold::decode(packet, header)) {
    // A process that could not go on where the one before ended began the session anew.
    if (header.session == of_feed.session && header.sequence < of_feed.next_sequence) {
      clear_books(feed);
    }
    of_feed.session = header.session;
    of_feed.next_sequence = header.sequence + header.count;
  }
  const bool stopped = apply_packet(of_feed, packet, at);
  if (block_size(packet, at) == 0) {
    caught_up(feed);
  } else {
    pending_ahead_.reset();
    pending_.assign(packet.begin(), packet.end());
    pending_at_ = at;
    pending_feed_ = feed;
    pending_now_ = emitter_.now();
    pending_cause_ = emitter_.cause();
  }
  return stopped;
}

bool MarketDesk::apply_packet(Feed& feed, std::span<const std::byte> packet, std::size_t& at) {
  const Nanos now = emitter_.now() - feed.midnight_offset_ns;
  feed.itch->set_midnight(now - now % kDay + feed.midnight_offset_ns);
  ItchLookahead ahead(*feed.itch, packet.subspan(std::min(at, packet.size())));
  return apply_messages(feed, packet, at, ahead);
}

bool MarketDesk::apply_messages(Feed& feed, std::span<const std::byte> packet, std::size_t& at,
                                ItchLookahead& ahead) {
  Listener listener(*this);
  for (std::size_t size = block_size(packet, at); size != 0; size = block_size(packet, at)) {
    const auto message = packet.subspan(at + 2, size - 2);
    at += size;
    ahead.step();
    prefetch(ahead.instrument());
    count(feed.itch->apply_message(message, listener));
    if (stop_here_) return true;
  }
  return false;
}

void MarketDesk::prefetch(InstrumentId instrument) const noexcept {
  if (index(instrument) >= slots_.size()) return;
  __builtin_prefetch(&slots_[index(instrument)]);
  __builtin_prefetch(&markets_[index(instrument)].top);
}

bool MarketDesk::resume() {
  stop_here_ = false;
  if (!pending()) return false;
  Feed& feed = feeds_[index(pending_feed_)];
  // One for all that is left: a strategy that sees every update resumes at every message.
  if (!pending_ahead_) {
    pending_ahead_.emplace(*feed.itch, std::span<const std::byte>(pending_).subspan(pending_at_));
  }
  const bool stopped = apply_messages(feed, pending_, pending_at_, *pending_ahead_);
  if (block_size(pending_, pending_at_) == 0) {
    pending_at_ = pending_.size();
    pending_ahead_.reset();
    caught_up(pending_feed_);
  }
  return stopped;
}

bool MarketDesk::apply_message(FeedId feed, const rec::MarketMessage& message,
                               std::span<const std::byte> bytes) {
  stop_here_ = false;
  Feed& of_feed = feeds_[index(feed)];
  Listener listener(*this);
  if (of_feed.itch) {
    // A snapshot's messages, shaped as a packet: nobody is to see a book half rebuilt.
    std::size_t at = mold::kHeaderSize;
    while (apply_packet(of_feed, bytes, at)) stop_here_ = false;
    return false;
  }
  const auto kind = static_cast<MessageKind>(message.kind);
  if (kind == MessageKind::SNAPSHOT) {
    const InstrumentId instrument{message.instrument};
    count(of_feed.binance->on_snapshot(instrument, bytes, listener));
    refresh_state(instrument);
  } else {
    count(of_feed.binance->on_message(bytes, listener));
  }
  return stop_here_;
}

/// What a line said was ahead of our books is in them now.
void MarketDesk::caught_up(FeedId feed) {
  Feed& of_feed = feeds_[index(feed)];
  if (of_feed.catch_up_to == 0 || of_feed.next_sequence < of_feed.catch_up_to) return;
  of_feed.catch_up_to = 0;
  of_feed.state = BookState::LIVE;
  refresh_feed(feed);
}

std::optional<FeedPosition> MarketDesk::position(FeedId feed) const {
  const Feed& of_feed = feeds_[index(feed)];
  if (!of_feed.whole || of_feed.session == mold::Session{}) return std::nullopt;
  return FeedPosition{{of_feed.session.data(), of_feed.session.size()}, of_feed.next_sequence};
}

void MarketDesk::book_changed(InstrumentId instrument, bool top_changed) {
  Market& market = markets_[index(instrument)];
  MarketSlot& slot = slots_[index(instrument)];
  const Top& top = top_of(instrument);
  const Nanos now = emitter_.now();
  slot.ts_event = top.ts_event;
  slot.ts_core = now;
  ++slot.updates;
  if (top_changed) {
    slot.bid_px = top.bid_px;
    slot.bid_qty = top.bid_qty;
    slot.ask_px = top.ask_px;
    slot.ask_qty = top.ask_qty;
    market.signals.on_top(market.top, top, now);
    std::copy_n(market.signals.values().begin(), slot.signals.size(), slot.signals.begin());
    market.top = top;
    refresh_state(instrument);
  }
  run_kernels(instrument, 0, 0, Side::NONE);
  stop_here_ |= subscriptions_.mark(instrument);
  observer_.market_changed(instrument);
}

void MarketDesk::run_kernels(InstrumentId instrument, std::int64_t px, std::int64_t qty,
                             Side aggressor) {
  if (!kernels_.any(instrument)) return;
  const MarketSlot& slot = slots_[index(instrument)];
  KernelInput input{};
  input.ts_core = emitter_.now();
  input.ts_event = slot.ts_event;
  input.bid_px = slot.bid_qty != 0 ? slot.bid_px : 0;
  input.bid_qty = slot.bid_qty;
  input.ask_px = slot.ask_qty != 0 ? slot.ask_px : 0;
  input.ask_qty = slot.ask_qty;
  input.trade_px = px;
  input.trade_qty = qty;
  input.trade_side = static_cast<std::int64_t>(aggressor);
  input.updates = slot.updates;
  input.trades = slot.trades;
  std::memcpy(reinterpret_cast<std::byte*>(&input) + offsetof(KernelInput, mid),
              slot.signals.data(), sizeof slot.signals);
  for (const auto failed : kernels_.update(instrument, input)) observer_.kernel_failed(failed);
}

const Top& MarketDesk::top_of(InstrumentId instrument) const {
  const Feed& feed = feeds_[index(markets_[index(instrument)].feed)];
  return feed.itch ? feed.itch->book(instrument).top() : feed.binance->book(instrument).top();
}

std::size_t MarketDesk::levels(InstrumentId instrument, Side side, std::span<Level> out) const {
  const Feed& feed = feeds_[index(markets_[index(instrument)].feed)];
  return feed.itch ? feed.itch->book(instrument).levels(side, out)
                   : feed.binance->book(instrument).levels(side, out);
}

std::int64_t MarketDesk::qty_at(InstrumentId instrument, Side side, std::int64_t px) const {
  const Feed& feed = feeds_[index(markets_[index(instrument)].feed)];
  return feed.itch ? feed.itch->book(instrument).qty_at(side, px)
                   : feed.binance->book(instrument).qty_at(side, px);
}

std::pair<std::uint64_t, std::uint64_t> MarketDesk::book_checks(InstrumentId instrument) const {
  const Feed& feed = feeds_[index(markets_[index(instrument)].feed)];
  if (!feed.binance) return {0, 0};
  const auto& check = feed.binance->check(instrument);
  return {check.compared(), check.different()};
}

BookState MarketDesk::state_of(InstrumentId instrument) const {
  const Market& market = markets_[index(instrument)];
  const Feed& feed = feeds_[index(market.feed)];
  if (feed.state != BookState::LIVE) return feed.state;
  if (feed.binance && feed.binance->state(instrument) != BookState::LIVE) {
    return feed.binance->state(instrument);
  }
  const Top& top = market.top;
  if (!top.has_bid() && !top.has_ask()) return BookState::EMPTY;
  return top.crossed() ? BookState::CROSSED : BookState::LIVE;
}

void MarketDesk::refresh_state(InstrumentId instrument) {
  MarketSlot& slot = slots_[index(instrument)];
  const auto state = state_of(instrument);
  const auto trading = markets_[index(instrument)].trading;
  if (slot.state == static_cast<std::int64_t>(state) &&
      slot.trading == static_cast<std::int64_t>(trading)) {
    return;
  }
  slot.state = static_cast<std::int64_t>(state);
  slot.trading = static_cast<std::int64_t>(trading);
  rec::BookState record;
  record.instrument = index(instrument);
  record.state = static_cast<std::uint8_t>(state);
  record.trading = static_cast<std::uint8_t>(trading);
  emitter_.emit(record);
  emitter_.event(EventKind::BOOK_STATE, kNoId, index(instrument)).values = {
      slot.state, slot.trading, emitter_.now()};
}

void MarketDesk::refresh_feed(FeedId feed) {
  for (std::uint32_t i = 0; i < markets_.size(); ++i) {
    if (markets_[i].feed == feed) refresh_state(InstrumentId{i});
  }
}

void MarketDesk::clear_books(FeedId feed) {
  Feed& of_feed = feeds_[index(feed)];
  if (of_feed.binance) {
    of_feed.binance->disconnected();
    return;
  }
  for (std::uint32_t i = 0; i < markets_.size(); ++i) {
    if (markets_[i].feed != feed) continue;
    if (of_feed.itch->book(InstrumentId{i}).top().updates == 0) continue;
    of_feed.itch->clear(InstrumentId{i}, emitter_.now());
    book_changed(InstrumentId{i}, true);
  }
}

void MarketDesk::begin_epoch() {
  if (pending()) feeds_[index(pending_feed_)].whole = false;  // the rest of it is not applied
  pending_ahead_.reset();
  pending_.clear();
  pending_at_ = 0;
  for (std::uint32_t i = 0; i < feeds_.size(); ++i) {
    if (!position(FeedId{i})) {
      clear_books(FeedId{i});
      begin_feed(feeds_[i], 1);
    }
    feeds_[i].state = BookState::STALE;
    feeds_[i].catch_up_to = 0;
    refresh_feed(FeedId{i});
  }
}

/// Nothing is known of the session; empty books are right up to its first message.
void MarketDesk::begin_feed(Feed& feed, std::uint64_t first_sequence) {
  feed.session = {};
  feed.next_sequence = first_sequence;
  feed.whole = true;
}

/// A line is heard (again). Where it is ahead of our books they are not what the market is, until
/// the packets between have come: by the other line, or as a gap that is filled.
void MarketDesk::feed_connected(Feed& feed, const rec::FeedStatus& status) {
  if (feed.state == BookState::LIVE || feed.state == BookState::RECOVERING) return;
  const bool behind = feed.itch && status.found > status.expected;
  feed.catch_up_to = behind ? status.found : 0;
  feed.state = behind ? BookState::GAPPED : BookState::LIVE;
}

void MarketDesk::feed_status(FeedId feed, const rec::FeedStatus& status) {
  Feed& of_feed = feeds_[index(feed)];
  switch (static_cast<FeedEvent>(status.event)) {
    case FeedEvent::CONNECTED:
      feed_connected(of_feed, status);
      break;
    case FeedEvent::SNAPSHOT_END:
      of_feed.next_sequence = status.found;
      of_feed.whole = true;
      [[fallthrough]];
    case FeedEvent::GAP_FILLED:
      of_feed.state = BookState::LIVE;
      of_feed.catch_up_to = 0;
      break;
    case FeedEvent::DISCONNECTED:
    case FeedEvent::SESSION_ENDED:
      if (of_feed.binance) of_feed.binance->disconnected();
      of_feed.state = BookState::STALE;
      break;
    case FeedEvent::GAP_LOST:  // without a snapshot the books are never whole again
      of_feed.whole = false;
      [[fallthrough]];
    case FeedEvent::GAP:
      of_feed.state = BookState::GAPPED;
      of_feed.catch_up_to = 0;
      break;
    case FeedEvent::SNAPSHOT_BEGIN:
    case FeedEvent::SESSION_CHANGED:
      clear_books(feed);
      begin_feed(of_feed, status.found);
      of_feed.whole = static_cast<FeedEvent>(status.event) == FeedEvent::SESSION_CHANGED;
      of_feed.catch_up_to = status.found;  // of a session: its first packet
      of_feed.state = BookState::RECOVERING;
      break;
    case FeedEvent::MALFORMED:
      return;
  }
  refresh_feed(feed);
}

void MarketDesk::save(ByteWriter& out) const {
  out.put_bytes(std::span(pending_).subspan(pending_at_));
  out.put(pending_feed_);
  out.put(pending_now_);
  out.put(pending_cause_);
  for (const Feed& feed : feeds_) {
    out.put(feed.state);
    out.put(feed.session);
    out.put(feed.next_sequence);
    out.put(static_cast<std::uint64_t>(feed.whole));
    out.put(feed.catch_up_to);
    if (feed.itch) feed.itch->save(out);
    if (feed.binance) feed.binance->save(out);
  }
  for (std::size_t i = 0; i < markets_.size(); ++i) {
    markets_[i].signals.save(out);
    out.put(markets_[i].trading);
    out.put_bytes(std::as_bytes(std::span(&slots_[i], 1)));
  }
  kernels_.save(out);
}

bool MarketDesk::restore(ByteReader& in) {
  const auto pending = in.get_bytes();
  pending_ahead_.reset();
  pending_.assign(pending.begin(), pending.end());
  pending_at_ = 0;
  pending_feed_ = in.get<FeedId>();
  pending_now_ = in.get<Nanos>();
  pending_cause_ = in.get<Sequence>();
  for (Feed& feed : feeds_) {
    feed.state = in.get<BookState>();
    feed.session = in.get<mold::Session>();
    feed.next_sequence = in.get<std::uint64_t>();
    feed.whole = in.get<std::uint64_t>() != 0;
    feed.catch_up_to = in.get<std::uint64_t>();
    if (feed.itch && !feed.itch->restore(in)) return false;
    if (feed.binance && !feed.binance->restore(in)) return false;
  }
  for (std::size_t i = 0; i < markets_.size(); ++i) {
    if (!markets_[i].signals.restore(in)) return false;
    markets_[i].trading = in.get<TradingState>();
    const auto bytes = in.get_bytes();
    if (bytes.size() != sizeof(MarketSlot)) return false;
    std::memcpy(&slots_[i], bytes.data(), sizeof(MarketSlot));
    markets_[i].top = top_of(InstrumentId{static_cast<std::uint32_t>(i)});
  }
  return kernels_.restore(in);
}

}  // namespace pitwire
