#include "pitwire/market/binance.hpp"

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include "binance_message.hpp"

namespace pitwire {
namespace {

/// One diff with its numbers made exact, so that it can wait for a snapshot.
struct Diff {
  std::uint64_t first_id = 0, last_id = 0, previous_id = 0;
  Nanos ts_event = 0;
  std::vector<L2Delta> deltas;
};

enum class Continuity : std::uint8_t { OLD, NEXT, BROKEN };

struct Instrument {
  InstrumentId id;
  std::string symbol;
  IncrementScale price;
  IncrementScale quantity;
  BinanceKind kind;
  L2Book book{1024};
  BookTicker ticker{};
  BookState state = BookState::EMPTY;
  std::uint64_t update_id = 0;
  std::uint64_t gaps = 0;
  bool bridged = false;  ///< a diff was applied since the snapshot
  std::deque<Diff> buffer{};
  TickerCheck check{};

  /// The table in the header.
  [[nodiscard]] Continuity continuity(const Diff& diff) const noexcept {
    if (kind == BinanceKind::SPOT) {
      if (diff.last_id <= update_id) return Continuity::OLD;
      return diff.first_id <= update_id + 1 ? Continuity::NEXT : Continuity::BROKEN;
    }
    if (!bridged) {
      if (diff.last_id < update_id) return Continuity::OLD;
      return diff.previous_id <= update_id ? Continuity::NEXT : Continuity::BROKEN;
    }
    if (diff.previous_id == update_id) return Continuity::NEXT;
    return diff.last_id <= update_id ? Continuity::OLD : Continuity::BROKEN;
  }
  bool apply(const Diff& diff) noexcept {
    update_id = diff.last_id;
    bridged = true;
    return book.apply(diff.deltas);
  }
  void keep(const Diff& diff) {
    if (buffer.size() == kBufferedMax) buffer.pop_front();
    buffer.push_back(diff);
  }
  void lose() noexcept {
    state = BookState::RECOVERING;
    buffer.clear();
    check.book_lost();
  }
};

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return out;
}

constexpr std::uint64_t kMillisMax = 9'000'000'000'000;  // year 2255, inside int64 ns

}  // namespace

struct BinanceMarket::State {
  std::vector<Instrument> instruments;
  std::vector<std::uint32_t> by_id;
  BinanceMessage message;
  Diff diff;                                          ///< scratch
  std::vector<TopComparison>* comparisons = nullptr;  ///< of the message being applied
  std::string reason;

  /// The book has come to an update id at which it is whole.
  void check_book(Instrument& instrument) {
    const auto found = instrument.check.book_at(instrument.update_id, instrument.book.top());
    if (found) comparisons->push_back(*found);
  }
  [[nodiscard]] Instrument* find(InstrumentId id) noexcept {
    const auto i = index(id);
    return i < by_id.size() && by_id[i] != kNoId ? &instruments[by_id[i]] : nullptr;
  }
  [[nodiscard]] Instrument* find(std::string_view symbol) noexcept {
    for (auto& instrument : instruments) {
      if (instrument.symbol == symbol) return &instrument;
    }
    return nullptr;
  }
  DecodeStatus refuse(DecodeStatus status, std::string why) {
    reason = std::move(why);
    return status;
  }
  DecodeStatus refuse(const char* what, std::string_view text, DecimalStatus status) {
    reason = std::string(what) + " \"" + std::string(text.substr(0, 40)) +
             "\": " + std::string(to_string(status));
    switch (status) {
      case DecimalStatus::INEXACT:
        return DecodeStatus::INEXACT;
      case DecimalStatus::OUT_OF_RANGE:
        return DecodeStatus::OUT_OF_RANGE;
      default:
        return DecodeStatus::MALFORMED;
    }
  }
  DecodeStatus read(std::span<const std::byte> bytes) {
    reason.clear();
    if (message.read(bytes)) return DecodeStatus::OK;
    return refuse(DecodeStatus::MALFORMED,
                  std::string(message.reason) + " at byte " + std::to_string(message.offset));
  }
  DecodeStatus price(const Instrument& instrument, std::string_view text, std::int64_t& out) {
    const auto status = instrument.price.parse(text, out);
    return status == DecimalStatus::OK ? DecodeStatus::OK : refuse("price", text, status);
  }
  DecodeStatus quantity(const Instrument& instrument, std::string_view text, std::int64_t& out) {
    const auto status = instrument.quantity.parse(text, out);
    if (status != DecimalStatus::OK) return refuse("quantity", text, status);
    return out >= 0 ? DecodeStatus::OK : refuse("quantity", text, DecimalStatus::OUT_OF_RANGE);
  }
  DecodeStatus event_time(Nanos& out) {
    const auto ms = message.transaction_ms != 0 ? message.transaction_ms : message.event_ms;
    if (ms > kMillisMax) {
      return refuse(DecodeStatus::OUT_OF_RANGE,
                    "time " + std::to_string(ms) + ": expected milliseconds since 1970");
    }
    out = static_cast<Nanos>(ms) * kMillisecond;
    return DecodeStatus::OK;
  }
  /// The message's levels as exact deltas in `diff`.
  DecodeStatus convert(const Instrument& instrument) {
    diff.first_id = message.first_id;
    diff.last_id = message.last_id;
    diff.previous_id = message.previous_id;
    diff.deltas.clear();
    auto status = event_time(diff.ts_event);
    for (const auto& level : message.levels) {
      L2Delta delta{0, 0, diff.ts_event, static_cast<std::uint32_t>(level.side), 0};
      if (status == DecodeStatus::OK) status = price(instrument, level.px, delta.px);
      if (status == DecodeStatus::OK) status = quantity(instrument, level.qty, delta.qty);
      if (status != DecodeStatus::OK) return status;
      diff.deltas.push_back(delta);
    }
    return status;
  }
  DecodeStatus depth(Instrument& instrument, Event& event);
  DecodeStatus book_ticker(Instrument& instrument, Event& event);
  DecodeStatus trade(Instrument& instrument, Event& event);
  DecodeStatus drain(Instrument& instrument, Event& event);
};

DecodeStatus BinanceMarket::State::depth(Instrument& instrument, Event& event) {
  const bool futures = instrument.kind != BinanceKind::SPOT;
  if (message.last_id == 0 || message.first_id == 0 || message.first_id > message.last_id ||
      message.has_previous != futures) {
    return refuse(DecodeStatus::MALFORMED, futures ? "depthUpdate needs U <= u and pu"
                                                   : "spot depthUpdate needs U <= u and no pu");
  }
  const auto status = convert(instrument);
  if (status != DecodeStatus::OK) return status;
  if (instrument.state != BookState::LIVE) {
    instrument.state = BookState::RECOVERING;
    instrument.keep(diff);
    return DecodeStatus::BUFFERED;
  }
  switch (instrument.continuity(diff)) {
    case Continuity::OLD:
      return DecodeStatus::STALE;
    case Continuity::NEXT:
      event.top_changed = instrument.apply(diff);
      check_book(instrument);
      event.kind = EventKind::BOOK;
      return DecodeStatus::OK;
    case Continuity::BROKEN:
      break;
  }
  instrument.lose();
  instrument.keep(diff);
  ++instrument.gaps;
  event.kind = EventKind::GAP;
  return refuse(DecodeStatus::GAP, "update " + std::to_string(diff.first_id) + " after " +
                                       std::to_string(instrument.update_id));
}

DecodeStatus BinanceMarket::State::book_ticker(Instrument& instrument, Event& event) {
  BookTicker ticker{.update_id = message.last_id};
  auto status = event_time(ticker.ts_event);
  if (status == DecodeStatus::OK) status = price(instrument, message.bid_px, ticker.bid_px);
  if (status == DecodeStatus::OK) status = price(instrument, message.ask_px, ticker.ask_px);
  if (status == DecodeStatus::OK) status = quantity(instrument, message.bid_qty, ticker.bid_qty);
  if (status == DecodeStatus::OK) status = quantity(instrument, message.ask_qty, ticker.ask_qty);
  if (status != DecodeStatus::OK) return status;
  if (ticker.update_id < instrument.ticker.update_id) return DecodeStatus::STALE;
  instrument.ticker = ticker;
  if (const auto found = instrument.check.announced(ticker)) comparisons->push_back(*found);
  event.kind = EventKind::TICKER;
  return DecodeStatus::OK;
}

DecodeStatus BinanceMarket::State::trade(Instrument& instrument, Event& event) {
  // Insurance fund and auto-deleveraging fills (USD-M "X") are no trades of the market.
  if (!message.execution.empty() && message.execution != "MARKET") return DecodeStatus::SKIPPED;
  if (message.maker != "true" && message.maker != "false") {
    return refuse(DecodeStatus::MALFORMED, "trade without m");
  }
  auto status = event_time(event.ts_event);
  if (status == DecodeStatus::OK) status = price(instrument, message.px, event.px);
  if (status == DecodeStatus::OK) status = quantity(instrument, message.qty, event.qty);
  if (status != DecodeStatus::OK) return status;
  event.aggressor = message.maker == "true" ? Side::SELL : Side::BUY;
  event.kind = EventKind::TRADE;
  instrument.book.traded(event.px, event.qty, event.aggressor);
  return DecodeStatus::OK;
}

/// Applies what was buffered and continues the snapshot; at a break keeps the rest for the next.
DecodeStatus BinanceMarket::State::drain(Instrument& instrument, Event& event) {
  auto& buffer = instrument.buffer;
  while (!buffer.empty()) {
    const auto continuity = instrument.continuity(buffer.front());
    if (continuity == Continuity::BROKEN) {
      instrument.state = BookState::RECOVERING;
      instrument.check.book_lost();
      ++instrument.gaps;
      event.kind = EventKind::GAP;
      return refuse(DecodeStatus::GAP, "snapshot at " + std::to_string(instrument.update_id) +
                                           ", next update " +
                                           std::to_string(buffer.front().first_id));
    }
    if (continuity == Continuity::NEXT) {
      instrument.apply(buffer.front());
      check_book(instrument);
    }
    buffer.pop_front();
  }
  instrument.state = BookState::LIVE;
  event.kind = EventKind::BOOK;
  event.top_changed = true;
  return DecodeStatus::OK;
}

BinanceMarket::BinanceMarket() : state_(std::make_unique<State>()) {}
BinanceMarket::~BinanceMarket() = default;
BinanceMarket::BinanceMarket(BinanceMarket&&) noexcept = default;
BinanceMarket& BinanceMarket::operator=(BinanceMarket&&) noexcept = default;

void BinanceMarket::map_symbol(std::string_view symbol, InstrumentId instrument,
                               Decimal price_increment, Decimal qty_increment, BinanceKind kind) {
  auto name = upper(symbol);
  if (name.empty()) throw std::invalid_argument("Binance symbol is empty");
  if (state_->find(name) != nullptr || known(instrument)) {
    throw std::invalid_argument("Binance symbol \"" + name + "\": it or its instrument is mapped");
  }
  auto& by_id = state_->by_id;
  if (by_id.size() <= index(instrument)) by_id.resize(index(instrument) + 1, kNoId);
  state_->instruments.push_back({instrument, std::move(name), IncrementScale(price_increment),
                                 IncrementScale(qty_increment), kind});
  by_id[index(instrument)] = static_cast<std::uint32_t>(state_->instruments.size() - 1);
}

DecodeStatus BinanceMarket::apply_message(std::span<const std::byte> bytes) {
  event_ = {};
  comparisons_.clear();
  auto& state = *state_;
  state.comparisons = &comparisons_;
  if (const auto status = state.read(bytes); status != DecodeStatus::OK) return status;
  const auto& message = state.message;
  if (message.has_snapshot) {
    return state.refuse(DecodeStatus::SKIPPED, "a snapshot names no instrument: use on_snapshot");
  }
  auto* instrument = state.find(message.symbol);
  if (instrument == nullptr) return DecodeStatus::SKIPPED;
  event_.instrument = instrument->id;
  if (message.event == "depthUpdate") return state.depth(*instrument, event_);
  const bool spot_ticker = message.event.empty() && message.has_last && !message.bid_px.empty();
  if (message.event == "bookTicker" || spot_ticker) return state.book_ticker(*instrument, event_);
  if (message.event == "trade" || message.event == "aggTrade") {
    return state.trade(*instrument, event_);
  }
  return DecodeStatus::SKIPPED;
}

DecodeStatus BinanceMarket::apply_snapshot(InstrumentId id, std::span<const std::byte> bytes) {
  event_ = {};
  comparisons_.clear();
  auto& state = *state_;
  state.comparisons = &comparisons_;
  auto* instrument = state.find(id);
  if (instrument == nullptr) return DecodeStatus::NO_INSTRUMENT;
  event_.instrument = id;
  if (const auto status = state.read(bytes); status != DecodeStatus::OK) return status;
  if (!state.message.has_snapshot || state.message.snapshot_id == 0) {
    return state.refuse(DecodeStatus::MALFORMED, "snapshot without lastUpdateId");
  }
  if (const auto status = state.convert(*instrument); status != DecodeStatus::OK) return status;
  const bool live = instrument->state == BookState::LIVE;
  if (live && state.message.snapshot_id <= instrument->update_id) return DecodeStatus::STALE;
  instrument->book.clear(state.diff.ts_event);
  instrument->book.apply(state.diff.deltas);
  instrument->book.own_settled();
  instrument->update_id = state.message.snapshot_id;
  instrument->bridged = false;
  instrument->check.book_lost();
  state.check_book(*instrument);
  return state.drain(*instrument, event_);
}

void BinanceMarket::disconnected() noexcept {
  for (auto& instrument : state_->instruments) {
    if (instrument.state != BookState::EMPTY) instrument.lose();
    instrument.ticker = {};
    instrument.check.restart();
  }
}

void BinanceMarket::distrust(InstrumentId instrument) noexcept { state_->find(instrument)->lose(); }

bool BinanceMarket::is_snapshot(std::span<const std::byte> message) noexcept {
  BinanceMessage scratch;
  return scratch.read(message) && scratch.has_snapshot;
}

bool BinanceMarket::known(InstrumentId instrument) const noexcept {
  return state_->find(instrument) != nullptr;
}
const L2Book& BinanceMarket::book(InstrumentId instrument) const noexcept {
  return state_->find(instrument)->book;
}
void BinanceMarket::follow(const OwnOrder& order) {
  state_->find(order.instrument)->book.follow(order);
}
void BinanceMarket::forget(InstrumentId instrument, ClOrdId order) noexcept {
  state_->find(instrument)->book.forget(order);
}
const BookTicker& BinanceMarket::ticker(InstrumentId instrument) const noexcept {
  return state_->find(instrument)->ticker;
}
BookState BinanceMarket::state(InstrumentId instrument) const noexcept {
  return state_->find(instrument)->state;
}
std::uint64_t BinanceMarket::update_id(InstrumentId instrument) const noexcept {
  return state_->find(instrument)->update_id;
}
std::uint64_t BinanceMarket::gaps(InstrumentId instrument) const noexcept {
  return state_->find(instrument)->gaps;
}
std::size_t BinanceMarket::buffered(InstrumentId instrument) const noexcept {
  return state_->find(instrument)->buffer.size();
}
const TickerCheck& BinanceMarket::check(InstrumentId instrument) const noexcept {
  return state_->find(instrument)->check;
}
const std::string& BinanceMarket::reason() const noexcept { return state_->reason; }

void BinanceMarket::save(ByteWriter& out) const {
  out.put(static_cast<std::uint64_t>(state_->instruments.size()));
  for (const auto& instrument : state_->instruments) {
    out.put(static_cast<std::uint64_t>(index(instrument.id)));
    out.put(static_cast<std::uint64_t>(instrument.state));
    out.put(instrument.update_id);
    out.put(instrument.gaps);
    out.put(static_cast<std::uint64_t>(instrument.bridged));
    out.put(instrument.ticker);
    instrument.check.save(out);
    instrument.book.save(out);
    instrument.book.save_own(out);
    out.put(static_cast<std::uint64_t>(instrument.buffer.size()));
    for (const auto& diff : instrument.buffer) {
      for (const auto id : {diff.first_id, diff.last_id, diff.previous_id}) out.put(id);
      out.put(diff.ts_event);
      out.put_bytes(std::as_bytes(std::span(diff.deltas)));
    }
  }
}

namespace {

bool restore_diff(ByteReader& in, Diff& diff) {
  for (auto* id : {&diff.first_id, &diff.last_id, &diff.previous_id}) {
    *id = in.get<std::uint64_t>();
  }
  diff.ts_event = in.get<Nanos>();
  ByteReader deltas(in.get_bytes());
  while (deltas.left() >= sizeof(L2Delta)) diff.deltas.push_back(deltas.get<L2Delta>());
  return in.ok() && deltas.left() == 0;
}

bool restore_instrument(ByteReader& in, Instrument& instrument) {
  if (in.get<std::uint64_t>() != index(instrument.id)) return false;
  instrument.state = static_cast<BookState>(in.get<std::uint64_t>());
  instrument.update_id = in.get<std::uint64_t>();
  instrument.gaps = in.get<std::uint64_t>();
  instrument.bridged = in.get<std::uint64_t>() != 0;
  instrument.ticker = in.get<BookTicker>();
  if (!instrument.check.restore(in)) return false;
  if (!in.ok() || !instrument.book.restore(in) || !instrument.book.restore_own(in)) return false;
  const auto count = in.get<std::uint64_t>();
  if (count > kBufferedMax) return false;
  for (std::uint64_t i = 0; i < count; ++i) {
    instrument.buffer.emplace_back();
    if (!restore_diff(in, instrument.buffer.back())) return false;
  }
  return in.ok();
}

}  // namespace

bool BinanceMarket::restore(ByteReader& in) {
  auto& instruments = state_->instruments;
  for (auto& instrument : instruments) instrument.buffer.clear();
  bool ok = in.get<std::uint64_t>() == instruments.size();
  for (auto& instrument : instruments) ok = ok && restore_instrument(in, instrument);
  if (ok) return true;
  in.fail();
  for (auto& instrument : instruments) {
    instrument.book.clear(0);
    instrument.ticker = {};
    instrument.check = {};
    instrument.state = BookState::EMPTY;
    instrument.update_id = 0;
    instrument.bridged = false;
    instrument.buffer.clear();
  }
  return false;
}

}  // namespace pitwire
