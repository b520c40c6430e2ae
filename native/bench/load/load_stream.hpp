// The messages of a load: those of a made day and, between them, the book of one more symbol that
// goes back and forth.
//
// That book has 100 shares to buy at 99.99 and 100 to sell at 100.01. Every `toggle_every`-th
// message of the stream puts 900 shares more on its bid or takes them away again, so that the
// imbalance of its touch is 0.82 or 0: half of the toggles cross a threshold between, upwards.
#pragma once

#include <cstring>
#include <stdexcept>

#include "itch_day.hpp"

namespace pitwire::bench {

inline constexpr const char* kTriggerSymbol = "TRIG";

/// What a stream is made of. `toggle_every` 0 leaves the trigger's symbol out.
struct LoadKind {
  std::size_t messages = 0;
  std::uint32_t symbols = 0;
  std::size_t opening = 0;
  std::size_t toggle_every = 0;

  [[nodiscard]] std::size_t toggles() const noexcept {
    return toggle_every == 0 ? 0 : messages / toggle_every;
  }
};

class LoadStream {
 public:
  /// Takes about a microsecond a message. Throws std::invalid_argument with the reason.
  explicit LoadStream(const LoadKind& kind) : kind_(kind), day_(DayMaker(day_of(kind)).make()) {}

  /// The next message; there are `messages` of them. Valid until the next call.
  [[nodiscard]] std::span<const std::byte> next() {
    const auto at = count_++;
    if (kind_.toggle_every == 0) return of_day();
    if (at < kPreamble) return preamble(at);
    return at % kind_.toggle_every == kind_.toggle_every - 1 ? toggle() : of_day();
  }

  /// The same messages from the beginning, for a reader whose books are empty again.
  void rewind() noexcept { day_at_ = count_ = toggled_ = 0; }

  /// Orders that a threshold between 0 and 0.82 asks for.
  [[nodiscard]] std::size_t triggers() const noexcept { return (kind_.toggles() + 1) / 2; }

  /// Calls `f(symbol, ending)` for every book as it is behind the last message.
  template <class F>
  void for_each_ending(F&& f) const {
    for (std::size_t i = 0; i < day_.symbols.size(); ++i) f(day_.symbols[i], day_.endings[i]);
    if (kind_.toggle_every == 0) return;
    Ending ending;
    ending.bid_px = kBidPx / 100;
    ending.bid_qty = kind_.toggles() % 2 == 0 ? kShares : kShares + kMoreShares;
    ending.ask_px = kAskPx / 100;
    ending.ask_qty = kShares;
    f(kTriggerSymbol, ending);
  }

 private:
  static constexpr std::size_t kPreamble = 4;  ///< directory, trading, ask, bid
  static constexpr std::uint32_t kBidPx = 999'900, kAskPx = 1'000'100;
  static constexpr std::uint32_t kShares = 100, kMoreShares = 900;
  static constexpr std::uint64_t kRefs = std::uint64_t{1} << 48;  ///< above all of the day's

  static Kind day_of(const LoadKind& kind) {
    const std::size_t own = kind.toggle_every == 0 ? 0 : kPreamble + kind.toggles();
    if (kind.toggle_every != 0 && kind.toggle_every <= kPreamble) {
      throw std::invalid_argument("toggle-every: expected 0, or above 4");
    }
    if (kind.messages < own + kind.symbols) {
      throw std::invalid_argument("rate, seconds: fewer messages than symbols to name");
    }
    return {kind.messages - own, kind.symbols, kind.opening, 0};
  }

  std::span<const std::byte> of_day() {
    const std::size_t size = itch::load<std::uint16_t>(day_.bytes.data() + day_at_);
    const auto message = std::span(day_.bytes).subspan(day_at_ + 2, size);
    day_at_ += 2 + size;
    return message;
  }
  std::span<const std::byte> preamble(std::size_t at) {
    if (at >= 2) return at == 2 ? add(kRefs, 'S', kShares) : add(kRefs + 1, 'B', kShares);
    if (at == 0) {
      itch::StockDirectory message;
      (void)itch::make_symbol(kTriggerSymbol, message.stock);
      return put(message);
    }
    itch::StockTradingAction message;
    (void)itch::make_symbol(kTriggerSymbol, message.stock);
    message.trading_state = 'T';
    return put(message);
  }
  std::span<const std::byte> toggle() {
    const auto ref = kRefs + 2 + toggled_ / 2;  // the same for an addition and its removal
    if (toggled_++ % 2 == 0) return add(ref, 'B', kMoreShares);
    itch::OrderDelete message;
    message.order_ref = ref;
    return put(message);
  }
  std::span<const std::byte> add(std::uint64_t ref, char side, std::uint32_t shares) {
    itch::AddOrder message;
    message.order_ref = ref;
    message.side = side;
    message.shares = shares;
    (void)itch::make_symbol(kTriggerSymbol, message.stock);
    message.price = side == 'B' ? kBidPx : kAskPx;
    return put(message);
  }
  template <class M>
  std::span<const std::byte> put(M message) {
    message.header.stock_locate = static_cast<std::uint16_t>(kind_.symbols + 1);
    itch::encode(message, own_.data());
    return std::span(own_).first(M::kSize);
  }

  LoadKind kind_;
  Day day_;
  std::size_t day_at_ = 0;
  std::size_t count_ = 0;
  std::size_t toggled_ = 0;
  std::array<std::byte, itch::kMessageSizeMax> own_{};
};

}  // namespace pitwire::bench
