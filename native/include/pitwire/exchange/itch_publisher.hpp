// What happens in the matching engine, as ITCH 5.0 messages.
//
//   rested                      A  (after a replace that lost priority and did not trade: U)
//   traded                      E  of the passive order, at its price
//   reduced                     X
//   canceled, in the book       D
//   replaced                    the old order's D, held back: U where the new one rests untouched
//   trading                     H
//
// Prices of the feed have four decimals: an instrument's price increment must be a multiple of
// 0.0001. Aggressors are not shown; what a reader adds up from E equals every trade.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pitwire/exchange/message_history.hpp"
#include "pitwire/market/itch.hpp"
#include "pitwire/matching/matching_engine.hpp"

namespace pitwire {

/// How the feed shows one instrument; ids are dense from 0 and the stock locate is id + 1.
struct ItchInstrument {
  std::string symbol;                     ///< one to eight characters
  std::int64_t price_increment_e4 = 100;  ///< price increment in units of 0.0001
  std::int64_t lot = 1;                   ///< round lot size of the directory
};

class ItchPublisher final : public VenueSink {
 public:
  /// Throws std::invalid_argument on a symbol or an increment that ITCH cannot say.
  ItchPublisher(const std::vector<ItchInstrument>& instruments, MessageHistory& history);

  /// Start of messages, the stock directory, and trading states: what a session begins with.
  void open(Nanos now, const MatchingEngine& engine);
  /// Releases what is held back; call it when a call of the matcher has returned.
  void settle(Nanos now);
  /// System event C: end of messages.
  void close(Nanos now);

  /// The whole state as messages, framed as a snapshot server sends them (u16 big-endian length of
  /// what follows, 'S', message), appended to `out`: directory, trading states, an A for each order
  /// in priority.
  void snapshot(Nanos now, const MatchingEngine& engine, std::string& out) const;

  // ---- VenueSink
  void accepted(Nanos, const VenueOrder&) override {}
  void rejected(Nanos, const VenueOrder&, VenueReject) override {}
  void rested(Nanos now, const VenueOrder& order) override;
  void traded(const VenueTrade& trade) override;
  void reduced(Nanos now, const VenueOrder& order, std::int64_t qty_removed) override;
  void replaced(Nanos now, const VenueOrder& order, OrderRef old_ref) override;
  void canceled(Nanos now, const VenueOrder& order, CancelCause cause, bool in_book) override;
  void triggered(Nanos, const VenueOrder&) override {}
  void trading(Nanos now, InstrumentId instrument, TradingState state) override;

 private:
  struct Stock {
    Symbol8 symbol{};
    std::int64_t price_increment_e4 = 0;
    std::uint32_t lot = 1;
  };
  [[nodiscard]] itch::Header header(Nanos now, InstrumentId instrument) const noexcept;
  [[nodiscard]] std::uint32_t price(const VenueOrder& order) const noexcept;
  [[nodiscard]] itch::StockDirectory directory(Nanos now, InstrumentId id) const noexcept;
  [[nodiscard]] itch::StockTradingAction action(Nanos now, InstrumentId id,
                                                TradingState state) const noexcept;
  [[nodiscard]] itch::AddOrder add(Nanos now, const VenueOrder& order) const noexcept;
  template <class Message>
  void publish(const Message& message);

  std::vector<Stock> stocks_;
  MessageHistory& history_;
  OrderRef held_old_ = 0;  ///< a replaced order whose D or U is not out yet
  OrderRef held_new_ = 0;
  InstrumentId held_instrument_{};
};

}  // namespace pitwire
