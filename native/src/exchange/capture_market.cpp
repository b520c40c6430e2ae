#include "pitwire/exchange/capture_market.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <stdexcept>
#include <utility>

namespace pitwire {
namespace {

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
constexpr Nanos kNever = std::numeric_limits<Nanos>::max();
constexpr Nanos kLeastNanos = 100'000'000'000'000'000;  // 1973 in ns, 5138 in µs
constexpr std::size_t kDepthLimitMax = 5'000;

std::span<const std::byte> bytes_of(std::string_view text) noexcept {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// Splits {"stream":"NAME","data":VALUE}; false where the line is not that.
bool split_combined(std::string_view line, StreamMessage& out) noexcept {
  constexpr std::string_view kHead = R"({"stream":")";
  constexpr std::string_view kMiddle = R"(","data":)";
  if (!line.starts_with(kHead) || !line.ends_with('}')) return false;
  const auto name_end = line.find('"', kHead.size());
  if (name_end == std::string_view::npos) return false;
  if (line.substr(name_end, kMiddle.size()) != kMiddle) return false;
  out.stream = line.substr(kHead.size(), name_end - kHead.size());
  out.message = line;
  const auto payload = name_end + kMiddle.size();
  out.payload = line.substr(payload, line.size() - payload - 1);
  return true;
}

void append_levels(std::string& out, const L2Book& book, Side side, std::size_t limit,
                   const IncrementScale& price, const IncrementScale& qty) {
  std::vector<Level> levels(std::min(limit, book.level_count(side)));
  const auto count = book.levels(side, levels);
  for (std::size_t i = 0; i < count; ++i) {
    out += i == 0 ? "[\"" : ",[\"";
    out += price.format(levels[i].px) + "\",\"" + qty.format(levels[i].qty) + "\"]";
  }
}

}  // namespace

/// Tells the matcher what a message did.
struct CaptureMarket::Listener : MarketListener {
  CaptureMarket& owner;
  Nanos now;
  Listener(CaptureMarket& market, Nanos at) : owner(market), now(at) {}
  void on_book(InstrumentId instrument, bool) noexcept {
    owner.matcher_.on_book(now, instrument, owner.sink_);
  }
  void on_trade(InstrumentId instrument, std::int64_t px, std::int64_t qty, Side aggressor,
                Nanos) noexcept {
    owner.matcher_.on_trade(now, instrument, px, qty, aggressor, owner.sink_);
  }
};

CaptureMarket::CaptureMarket(const std::vector<CaptureSymbol>& symbols, double speed,
                             bool align_start, RecordedMatcher& matcher, VenueSink& sink)
    : symbols_(symbols), speed_(speed), matcher_(matcher), sink_(sink), align_start_(align_start) {
  if (!(speed >= 0)) throw std::invalid_argument("speed: must not be negative");
  sources_.resize(symbols.size());
  markets_.resize(symbols.size());
  books_.reserve(symbols.size());
  for (std::uint32_t id = 0; id < symbols.size(); ++id) {
    const auto& symbol = symbols[id];
    markets_[id].map_symbol(symbol.symbol, InstrumentId{id}, symbol.price_increment,
                            symbol.qty_increment, symbol.kind);
    prices_.emplace_back(symbol.price_increment);
    quantities_.emplace_back(symbol.qty_increment);
  }
  for (std::uint32_t id = 0; id < symbols.size(); ++id) {
    books_.emplace_back(markets_[id].book(InstrumentId{id}));
    matcher_.attach(InstrumentId{id}, &books_[id]);
  }
}

// ---------------------------------------------------------------- lines

void CaptureMarket::append(std::size_t symbol, std::string_view piece, bool last) {
  auto& source = sources_[symbol];
  source.buffer.erase(0, source.at);
  source.at = 0;
  source.buffer.append(piece);
  source.last = last;
  source.next_line = {};
  look(source);
}

std::size_t CaptureMarket::buffered_bytes(std::size_t symbol) const noexcept {
  return sources_[symbol].buffer.size() - sources_[symbol].at;
}

/// Finds the next whole line; a line without a time is skipped and counted.
void CaptureMarket::look(Source& source) {
  while (source.next_line.empty()) {
    const auto end = source.buffer.find('\n', source.at);
    if (end == std::string::npos && !source.last) return;
    if (source.at >= source.buffer.size()) return;
    const auto stop = end == std::string::npos ? source.buffer.size() : end;
    const std::string_view line(source.buffer.data() + source.at, stop - source.at);
    Nanos ts = 0;
    const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), ts);
    const auto used = static_cast<std::size_t>(rest - line.data());
    if (error == std::errc() && ts > 0 && used + 1 < line.size() && *rest == ' ') {
      const auto recorded = ts < kLeastNanos ? ts * 1'000 : ts;
      if (align_start_ && !std::exchange(source.shifted, true)) source.shift = recorded;
      source.next_ts = recorded - source.shift;
      source.next_line = line.substr(used + 1);
      return;
    }
    if (!line.empty()) {
      ++refused_;
      defect_ = "no receive time: " + std::string(line.substr(0, 60));
    }
    source.at = end == std::string::npos ? source.buffer.size() : end + 1;
  }
}

std::size_t CaptureMarket::soonest() const noexcept {
  std::size_t best = kNone;
  for (std::size_t symbol = 0; symbol < sources_.size(); ++symbol) {
    if (sources_[symbol].next_line.empty()) continue;
    if (best == kNone || sources_[symbol].next_ts < sources_[best].next_ts) best = symbol;
  }
  return best;
}

bool CaptureMarket::waits_for_lines() const noexcept {
  return std::any_of(sources_.begin(), sources_.end(),
                     [](const Source& source) { return source.next_line.empty() && !source.last; });
}

bool CaptureMarket::ended() const noexcept {
  return std::all_of(sources_.begin(), sources_.end(),
                     [](const Source& source) { return source.next_line.empty() && source.last; });
}

// ---------------------------------------------------------------- pace

void CaptureMarket::start(Nanos now) noexcept {
  if (started_) return;
  const auto first = soonest();
  started_ = first != kNone;
  start_now_ = now;
  start_ts_ = started_ ? sources_[first].next_ts : 0;
}

Nanos CaptureMarket::next_due() const noexcept {
  const auto next = soonest();
  if (!started_ || next == kNone || waits_for_lines()) return kNever;
  if (speed_ == 0) return start_now_;
  const auto passed = static_cast<double>(sources_[next].next_ts - start_ts_) / speed_;
  return start_now_ + static_cast<Nanos>(passed);
}

std::size_t CaptureMarket::advance(Nanos now, std::size_t lines_max,
                                   std::vector<StreamMessage>& out) {
  std::size_t done = 0;
  while (done < lines_max && next_due() <= now) {
    apply(now, soonest(), out);
    ++done;
  }
  return done;
}

void CaptureMarket::apply(Nanos now, std::size_t symbol, std::vector<StreamMessage>& out) {
  auto& source = sources_[symbol];
  const auto line = source.next_line;
  const InstrumentId id{static_cast<std::uint32_t>(symbol)};
  auto& market = markets_[symbol];
  Listener listener(*this, now);
  const auto status = BinanceMarket::is_snapshot(bytes_of(line))
                          ? market.on_snapshot(id, bytes_of(line), listener)
                          : market.on_message(bytes_of(line), listener);
  event_ts_ = source.next_ts + source.shift;
  ++lines_;
  if (status != DecodeStatus::OK && status != DecodeStatus::SKIPPED &&
      status != DecodeStatus::BUFFERED && status != DecodeStatus::STALE) {
    ++refused_;
    defect_ = std::string(to_string(status)) + ": " + market.reason();
  }
  StreamMessage message;
  message.symbol = symbol;
  if (split_combined(line, message)) out.push_back(message);
  source.at =
      std::min(source.buffer.size(),
               static_cast<std::size_t>(line.data() + line.size() - source.buffer.data()) + 1);
  source.next_line = {};
  look(source);
}

// ---------------------------------------------------------------- REST

std::string CaptureMarket::depth(std::size_t symbol, std::size_t limit) const {
  const InstrumentId id{static_cast<std::uint32_t>(symbol)};
  if (markets_[symbol].state(id) != BookState::LIVE) return {};
  const auto& book = markets_[symbol].book(id);
  const auto levels = std::min(limit, kDepthLimitMax);
  std::string out = "{\"lastUpdateId\":" + std::to_string(markets_[symbol].update_id(id));
  if (symbols_[symbol].kind != BinanceKind::SPOT) {
    const auto milliseconds = std::to_string(event_ts_ / kMillisecond);
    out += ",\"E\":" + milliseconds + ",\"T\":" + milliseconds;
  }
  if (symbols_[symbol].kind == BinanceKind::COINM) {
    out += ",\"symbol\":\"" + symbols_[symbol].symbol + "\"";
  }
  out += ",\"bids\":[";
  append_levels(out, book, Side::BUY, levels, prices_[symbol], quantities_[symbol]);
  out += "],\"asks\":[";
  append_levels(out, book, Side::SELL, levels, prices_[symbol], quantities_[symbol]);
  return out + "]}";
}

}  // namespace pitwire
