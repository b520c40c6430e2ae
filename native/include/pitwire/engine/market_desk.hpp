// From raw market data to what strategies and the gate read: decoding, books, signals, bars, and
// whether each book may be traded on.
//
// A datagram can hold many messages. When one of them is an update that some strategy wants to see
// by itself, the rest waits: `apply` answers that something is left and `resume` continues in the
// next turn, before any other input. Replay does the same.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pitwire/engine/bars.hpp"
#include "pitwire/engine/emitter.hpp"
#include "pitwire/engine/market_slot.hpp"
#include "pitwire/engine/subscriptions.hpp"
#include "pitwire/market/binance.hpp"
#include "pitwire/market/itch_market.hpp"
#include "pitwire/market/kernels.hpp"
#include "pitwire/market/signals.hpp"
#include "pitwire/wire/feed_sink.hpp"

namespace pitwire {

/// How a feed's bytes are to be read.
enum class FeedKind : std::uint8_t {
  ITCH5 = 0,
  BINANCE_SPOT = 1,
  BINANCE_USDM = 2,
  BINANCE_COINM = 3
};

/// Called after each change that a native rule may act on.
class MarketObserver {
 public:
  virtual ~MarketObserver() = default;
  virtual void market_changed(InstrumentId instrument) = 0;
  virtual void traded(InstrumentId instrument, std::int64_t px, std::int64_t qty,
                      Side aggressor) = 0;
  /// A strategy's kernel was disarmed by what it answered; before the change is told.
  virtual void kernel_failed(std::uint32_t /*slot*/) {}
};

class MarketDesk {
 public:
  MarketDesk(Emitter& emitter, Subscriptions& subscriptions, BarBuilder& bars,
             MarketObserver& observer, std::size_t instruments_max);

  /// Feeds and instruments are defined before the first market input. Throws
  /// std::invalid_argument for an id out of order or a symbol defined twice.
  void define_feed(FeedId feed, FeedKind kind, Nanos midnight_offset_ns);
  void define_instrument(InstrumentId instrument, FeedId feed, std::string_view symbol,
                         Decimal price_increment, Decimal qty_increment,
                         const SignalConfig& signals);

  /// True when the native phase must end here with something left to `resume`, or because a
  /// strategy wants to see exactly this update.
  [[nodiscard]] bool apply_datagram(FeedId feed, std::span<const std::byte> packet);
  [[nodiscard]] bool apply_message(FeedId feed, const rec::MarketMessage& message,
                                   std::span<const std::byte> bytes);
  [[nodiscard]] bool resume();
  /// Where the feed goes on, if its books are whole up to there; also of a process before, whose
  /// books an epoch keeps then. None of a Binance feed, whose books begin with a snapshot.
  [[nodiscard]] std::optional<FeedPosition> position(FeedId feed) const;
  [[nodiscard]] bool pending() const noexcept { return pending_at_ < pending_.size(); }
  /// The time at which what is pending was received.
  [[nodiscard]] Nanos pending_now() const noexcept { return pending_now_; }
  [[nodiscard]] Sequence pending_cause() const noexcept { return pending_cause_; }
  /// The feeds of the process before are gone: every book is STALE and begins empty, because the
  /// feed says again what it holds (retransmission from the start, or a snapshot).
  void begin_epoch();
  void feed_status(FeedId feed, const rec::FeedStatus& status);

  [[nodiscard]] const MarketSlot& slot(InstrumentId id) const noexcept { return slots_[index(id)]; }
  [[nodiscard]] std::span<const MarketSlot> slots() const noexcept { return slots_; }
  /// The best `out.size()` levels; returns how many there are.
  std::size_t levels(InstrumentId instrument, Side side, std::span<Level> out) const;
  /// 0 where nothing stands at the price.
  [[nodiscard]] std::int64_t qty_at(InstrumentId instrument, Side side, std::int64_t px) const;
  /// How often the book was compared with the venue's own best bid and ask, and differed. Both 0
  /// where the venue announces none.
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> book_checks(InstrumentId instrument) const;
  [[nodiscard]] KernelTable& kernels() noexcept { return kernels_; }
  [[nodiscard]] const KernelTable& kernels() const noexcept { return kernels_; }
  /// Somebody is to see exactly the update that is being applied.
  void end_phase_here() noexcept { stop_here_ = true; }
  [[nodiscard]] std::size_t instruments() const noexcept { return markets_.size(); }
  /// Messages by outcome since the start, for counters; index is DecodeStatus.
  [[nodiscard]] std::span<const std::uint64_t> decode_counts() const noexcept { return decoded_; }

  void save(ByteWriter& out) const;
  [[nodiscard]] bool restore(ByteReader& in);

 private:
  struct Market {
    FeedId feed{};
    SignalSet signals;
    Top top;
    TradingState trading = TradingState::UNKNOWN;
  };
  struct Feed {
    FeedKind kind{};
    BookState state = BookState::STALE;
    Nanos midnight_offset_ns = 0;
    // Of ITCH: what the books hold. `whole`: every message before next_sequence is in them.
    mold::Session session{};
    std::uint64_t next_sequence = 1;
    bool whole = true;
    std::uint64_t catch_up_to = 0;  ///< a line is this far ahead: LIVE when we are; 0: not waiting
    std::unique_ptr<ItchMarket> itch;
    std::unique_ptr<BinanceMarket> binance;
  };
  struct Listener;

  [[nodiscard]] bool apply_pending();
  void caught_up(FeedId feed);
  static void begin_feed(Feed& feed, std::uint64_t first_sequence);
  static void feed_connected(Feed& feed, const rec::FeedStatus& status);
  [[nodiscard]] bool apply_packet(Feed& feed, std::span<const std::byte> packet, std::size_t& at);
  [[nodiscard]] bool apply_messages(Feed& feed, std::span<const std::byte> packet, std::size_t& at,
                                    ItchLookahead& ahead);
  void count(DecodeStatus status) noexcept { ++decoded_[static_cast<std::size_t>(status)]; }
  [[nodiscard]] const Top& top_of(InstrumentId instrument) const;
  [[nodiscard]] BookState state_of(InstrumentId instrument) const;
  /// Brings an instrument's rows near; nobody's is nothing.
  void prefetch(InstrumentId instrument) const noexcept;
  void book_changed(InstrumentId instrument, bool top_changed);
  /// With the trade that is the update, 0 and NONE where it is none.
  void run_kernels(InstrumentId instrument, std::int64_t px, std::int64_t qty, Side aggressor);
  void refresh_state(InstrumentId instrument);
  void refresh_feed(FeedId feed);
  void clear_books(FeedId feed);

  Emitter& emitter_;
  Subscriptions& subscriptions_;
  BarBuilder& bars_;
  MarketObserver& observer_;
  std::vector<Feed> feeds_;
  std::vector<Market> markets_;
  std::vector<MarketSlot> slots_;  ///< reserved once: Python looks into it
  KernelTable kernels_;
  std::array<std::uint64_t, kDecodeStatuses> decoded_{};
  bool stop_here_ = false;
  std::vector<std::byte> pending_;
  std::size_t pending_at_ = 0;
  std::optional<ItchLookahead> pending_ahead_;  ///< over it, from where resume() took it up
  FeedId pending_feed_{};
  Nanos pending_now_ = 0;
  Sequence pending_cause_ = 0;
};

}  // namespace pitwire
