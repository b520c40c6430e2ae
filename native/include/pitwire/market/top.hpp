// What every kind of book shows: its touch, its levels, and whom it tells.
#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include "pitwire/base/types.hpp"

namespace pitwire {

/// The price of an empty side.
inline constexpr std::int64_t kNoPrice = std::numeric_limits<std::int64_t>::min();

/// Best bid and ask. Prices in price increments, quantities in lots; an empty side is kNoPrice, 0.
/// A book may be locked or crossed (auctions are).
struct Top {
  std::int64_t bid_px = kNoPrice;
  std::int64_t bid_qty = 0;
  std::int64_t ask_px = kNoPrice;
  std::int64_t ask_qty = 0;
  Nanos ts_event = 0;         ///< of the last update to the book, at any level
  std::uint64_t updates = 0;  ///< to the book, at any level, since it was made

  [[nodiscard]] bool has_bid() const noexcept { return bid_px != kNoPrice; }
  [[nodiscard]] bool has_ask() const noexcept { return ask_px != kNoPrice; }
  [[nodiscard]] bool has_both() const noexcept { return has_bid() && has_ask(); }
  [[nodiscard]] bool crossed() const noexcept { return has_both() && bid_px > ask_px; }
  [[nodiscard]] bool locked() const noexcept { return has_both() && bid_px == ask_px; }
  bool operator==(const Top&) const = default;
};

/// One price of one side. `orders` is 0 in books that only know quantities.
struct Level {
  std::int64_t px = kNoPrice;
  std::int64_t qty = 0;
  std::uint32_t orders = 0;
  bool operator==(const Level&) const = default;
};

/// The best bid and ask without when or how they came to be.
struct Touch {
  std::int64_t bid_px = kNoPrice;
  std::int64_t bid_qty = 0;
  std::int64_t ask_px = kNoPrice;
  std::int64_t ask_qty = 0;
  bool operator==(const Touch&) const = default;
};

/// The last best bid and ask that the venue itself announced, with its update id.
struct BookTicker {
  std::uint64_t update_id = 0;
  std::int64_t bid_px = kNoPrice;
  std::int64_t bid_qty = 0;
  std::int64_t ask_px = kNoPrice;
  std::int64_t ask_qty = 0;
  Nanos ts_event = 0;  ///< 0 where the venue does not say (Binance spot)
};

/// Our book beside the venue's own best bid and ask, both at the same update id.
struct TopComparison {
  std::uint64_t update_id = 0;
  Touch book;
  Touch announced;
  [[nodiscard]] bool different() const noexcept { return book != announced; }
};

/// Symbols as ITCH writes them: eight characters, padded on the right with spaces.
using Symbol8 = std::array<char, 8>;

/// What a market tells while it applies messages. Derive and hide what you need: the calls are
/// resolved at compile time. Called after the book holds the change; must not call back into the
/// market other than to read.
struct MarketListener {
  /// The book of the instrument changed; `top_changed` if best price or quantity did.
  void on_book(InstrumentId, bool /*top_changed*/) noexcept {}
  /// A trade. `aggressor` is NONE where the venue does not tell (hidden orders, crosses).
  void on_trade(InstrumentId, std::int64_t /*px*/, std::int64_t /*qty*/, Side /*aggressor*/,
                Nanos /*ts_event*/) noexcept {}
  void on_trading(InstrumentId, TradingState) noexcept {}
  /// Every symbol of the feed's directory, subscribed or not.
  void on_directory(std::uint16_t /*stock_locate*/, const Symbol8&) noexcept {}
  /// ITCH system event code (section 4.1): 'O', 'S', 'Q', 'M', 'E', 'C'.
  void on_system_event(char /*code*/, Nanos /*ts_event*/) noexcept {}
  /// The venue's own best bid and ask.
  void on_ticker(InstrumentId, const BookTicker&) noexcept {}
  /// Told before on_book, on_ticker and on_gap of the same message; may call the market's
  /// distrust(), nothing else that changes it.
  void on_comparison(InstrumentId, const TopComparison&) noexcept {}
  /// The instrument's book misses something: it is RECOVERING until the next snapshot.
  void on_gap(InstrumentId) noexcept {}
};

}  // namespace pitwire
