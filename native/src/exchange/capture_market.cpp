#include "pitwire/exchange/capture_market.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace pitwire {
namespace {

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
constexpr Nanos kNever = std::numeric_limits<Nanos>::max();
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
  sources_[symbol].append(piece, last);
}

std::size_t CaptureMarket::buffered_bytes(std::size_t symbol) const noexcept {
  return sources_[symbol].buffered_bytes();
}

std::size_t CaptureMarket::soonest() const noexcept {
  std::size_t best = kNone;
  for (std::size_t symbol = 0; symbol < sources_.size(); ++symbol) {
    if (sources_[symbol].next().empty()) continue;
    if (best == kNone || merged_ts(symbol) < merged_ts(best)) best = symbol;
  }
  return best;
}

bool CaptureMarket::waits_for_lines() const noexcept {
  return std::ranges::any_of(sources_, &CaptureLines::waits);
}

std::uint64_t CaptureMarket::refused() const noexcept {
  return std::accumulate(sources_.begin(), sources_.end(), refused_,
                         [](auto sum, const auto& source) { return sum + source.refused(); });
}

std::string CaptureMarket::defect() const {
  if (!defect_.empty()) return defect_;
  const auto found = std::ranges::find_if(sources_, &CaptureLines::refused);
  return found == sources_.end() ? std::string() : found->defect();
}

bool CaptureMarket::ended() const noexcept {
  return std::ranges::all_of(sources_, &CaptureLines::ended);
}

// ---------------------------------------------------------------- pace

void CaptureMarket::start(Nanos now) noexcept {
  if (started_) return;
  const auto first = soonest();
  started_ = first != kNone;
  start_now_ = now;
  start_ts_ = started_ ? merged_ts(first) : 0;
}

Nanos CaptureMarket::next_due() const noexcept {
  const auto next = soonest();
  if (!started_ || next == kNone || waits_for_lines()) return kNever;
  if (speed_ == 0) return start_now_;
  const auto passed = static_cast<double>(merged_ts(next) - start_ts_) / speed_;
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
  const auto line = source.next();
  const InstrumentId id{static_cast<std::uint32_t>(symbol)};
  auto& market = markets_[symbol];
  Listener listener(*this, now);
  const auto status = BinanceMarket::is_snapshot(bytes_of(line))
                          ? market.on_snapshot(id, bytes_of(line), listener)
                          : market.on_message(bytes_of(line), listener);
  event_ts_ = source.next_ts();
  ++lines_;
  if (status != DecodeStatus::OK && status != DecodeStatus::SKIPPED &&
      status != DecodeStatus::BUFFERED && status != DecodeStatus::STALE) {
    ++refused_;
    defect_ = std::string(to_string(status)) + ": " + market.reason();
  }
  StreamMessage message;
  message.symbol = symbol;
  if (split_combined(line, message)) out.push_back(message);
  source.take();
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
