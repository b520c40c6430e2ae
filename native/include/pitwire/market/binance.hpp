// Binance market data: raw websocket messages and REST snapshots to L2 books.
//
// Sources: Binance's public documentation, "How to manage a local order book correctly" for Spot,
// USD-M and COIN-M futures, and the captures in the tests. Understood: combined ({"stream",
// "data"}) and plain messages; depthUpdate, bookTicker, trade, aggTrade; everything else is
// SKIPPED. Prices and quantities become int64 multiples of the instrument's increments, exactly or
// the message is refused whole: what could not be applied entirely is not applied at all.
//
// Bridging, by kind, with L the snapshot's lastUpdateId and `last` the update id of the book:
//
//               dropped as old   first after the snapshot   then
//   SPOT        u <= L           U <= L + 1 <= u            U <= last + 1 <= u
//   USDM, COINM u < L            pu <= L <= u               pu == last
//
// Diffs that come before a snapshot are buffered (up to kBufferedMax, then the oldest go), because
// the one that straddles L may arrive before it: dropping it leaves phantom levels while no
// sequence gap shows. A diff that does not continue: on_gap, RECOVERING, buffering from that diff
// on.
//
// Every book is compared with the venue's bookTicker wherever both are known at the same update id
// (ticker_check.hpp). A difference is told, and changes nothing by itself.
//
// One scan of the bytes, no tree, no allocation once the scratch has grown to the largest message
// seen. Nesting and length are bounded. Not for untrusted peers that pick hash keys: there is no
// hash table, symbols are found by comparing.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pitwire/market/decimal.hpp"
#include "pitwire/market/l2_book.hpp"
#include "pitwire/market/status.hpp"
#include "pitwire/market/ticker_check.hpp"

namespace pitwire {

enum class BinanceKind : std::uint8_t { SPOT = 0, USDM = 1, COINM = 2 };

/// Diffs kept per instrument while its snapshot is awaited; at 10 ms a diff, 40 s.
inline constexpr std::size_t kBufferedMax = 4096;

class BinanceMarket {
 public:
  BinanceMarket();
  ~BinanceMarket();
  BinanceMarket(BinanceMarket&&) noexcept;
  BinanceMarket& operator=(BinanceMarket&&) noexcept;

  /// Messages of `symbol` (any case) go to the instrument. Throws std::invalid_argument on an
  /// empty symbol, a second mapping of the same symbol or instrument, or a bad increment.
  void map_symbol(std::string_view symbol, InstrumentId instrument, Decimal price_increment,
                  Decimal qty_increment, BinanceKind kind);

  /// One websocket message. OK: applied and told; BUFFERED, STALE, SKIPPED: as they say; GAP: told
  /// by on_gap. Others: nothing was applied and reason() says why.
  template <class Listener>
  DecodeStatus on_message(std::span<const std::byte> message, Listener& listener) {
    const auto status = apply_message(message);
    tell(listener);
    return status;
  }
  /// The REST answer for the instrument: replaces its book, then applies the buffered diffs that
  /// continue it. GAP if none bridges: a newer snapshot is needed.
  template <class Listener>
  DecodeStatus on_snapshot(InstrumentId instrument, std::span<const std::byte> message,
                           Listener& listener) {
    const auto status = apply_snapshot(instrument, message);
    tell(listener);
    return status;
  }
  /// The connection was lost: every book is RECOVERING until its next snapshot.
  void disconnected() noexcept;
  /// The instrument's book is wrong, as its ticker says: RECOVERING until its next snapshot.
  /// Precondition: known(instrument). May be called from on_comparison.
  void distrust(InstrumentId instrument) noexcept;

  /// Whether the bytes look like a REST snapshot (they hold "lastUpdateId" at the top level).
  [[nodiscard]] static bool is_snapshot(std::span<const std::byte> message) noexcept;

  [[nodiscard]] bool known(InstrumentId instrument) const noexcept;
  /// Precondition of these: known(instrument).
  [[nodiscard]] const L2Book& book(InstrumentId instrument) const noexcept;
  /// Of our own orders, as L2Book.
  void follow(const OwnOrder& order);
  void forget(InstrumentId instrument, ClOrdId order) noexcept;
  [[nodiscard]] const BookTicker& ticker(InstrumentId instrument) const noexcept;
  /// EMPTY until the first message, then RECOVERING until bridged, then LIVE.
  [[nodiscard]] BookState state(InstrumentId instrument) const noexcept;
  /// Update id that the book is at; 0 before the first snapshot.
  [[nodiscard]] std::uint64_t update_id(InstrumentId instrument) const noexcept;
  [[nodiscard]] std::uint64_t gaps(InstrumentId instrument) const noexcept;
  [[nodiscard]] std::size_t buffered(InstrumentId instrument) const noexcept;
  /// How often book and bookTicker were seen at the same update id, and how often they differed.
  [[nodiscard]] const TickerCheck& check(InstrumentId instrument) const noexcept;

  /// Why the last message was refused, with the place: `price "1.234" at byte 81: INEXACT`.
  [[nodiscard]] const std::string& reason() const noexcept;

  /// Books, tickers, states and buffers; the mappings are configuration and are not saved.
  void save(ByteWriter& out) const;
  /// False (books empty) unless saved under the same mappings.
  [[nodiscard]] bool restore(ByteReader& in);

 private:
  enum class EventKind : std::uint8_t { NOTHING, BOOK, TRADE, TICKER, GAP };
  /// What the last message did, to be told to the listener.
  struct Event {
    EventKind kind = EventKind::NOTHING;
    InstrumentId instrument{};
    bool top_changed = false;
    Side aggressor = Side::NONE;
    std::int64_t px = 0;
    std::int64_t qty = 0;
    Nanos ts_event = 0;
  };
  DecodeStatus apply_message(std::span<const std::byte> message);
  DecodeStatus apply_snapshot(InstrumentId instrument, std::span<const std::byte> message);

  template <class Listener>
  void tell(Listener& listener) const {
    for (const auto& found : comparisons_) listener.on_comparison(event_.instrument, found);
    switch (event_.kind) {
      case EventKind::NOTHING:
        return;
      case EventKind::BOOK:
        return listener.on_book(event_.instrument, event_.top_changed);
      case EventKind::TRADE:
        return listener.on_trade(event_.instrument, event_.px, event_.qty, event_.aggressor,
                                 event_.ts_event);
      case EventKind::TICKER:
        return listener.on_ticker(event_.instrument, ticker(event_.instrument));
      case EventKind::GAP:
        return listener.on_gap(event_.instrument);
    }
  }

  struct State;  // books and scratch, in the source file
  Event event_;
  std::vector<TopComparison> comparisons_;  ///< of the last message; several after a snapshot
  std::unique_ptr<State> state_;
};

}  // namespace pitwire
