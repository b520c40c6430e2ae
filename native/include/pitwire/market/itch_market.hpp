// One ITCH 5.0 feed: from messages to L3 books.
//
// stock_locate (16 bits, the feed's own dense number) indexes a table of 65,536 book slots, so a
// message of an instrument that nobody mapped costs one load and one compare. Books keep their
// orders in one OrderStore: references are unique in a feed's day. Times of the feed are ns since
// midnight; set_midnight makes them ns since 1970.
//
// Cost: native/bench/market, P1 to P3. A symbol's locate is learnt from whatever message first
// carries both (directory, trading action, add), so joining in the middle of a day works; orders
// added before that are UNKNOWN_ORDER, counted, and change nothing.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pitwire/market/itch.hpp"
#include "pitwire/market/l3_book.hpp"
#include "pitwire/market/mold.hpp"
#include "pitwire/market/status.hpp"

namespace pitwire {

class ItchMarket {
 public:
  /// Room for this many live orders in all books before anything is allocated again.
  explicit ItchMarket(std::size_t orders_expected = 1 << 16);
  ItchMarket(const ItchMarket&) = delete;
  ItchMarket& operator=(const ItchMarket&) = delete;

  /// Messages of the symbol go to the instrument, whose price is counted in multiples of
  /// `price_increment`, given in units of 1e-4 (100 is a cent). Throws std::invalid_argument for a
  /// bad symbol, an increment of 0, or a second mapping of the symbol or instrument.
  void map_symbol(std::string_view symbol, InstrumentId instrument, std::int64_t price_increment);
  /// ns since 1970 UTC of the midnight that the feed's times count from.
  void set_midnight(Nanos midnight) noexcept { midnight_ = midnight; }

  /// One message, applied and told. Anything but OK and SKIPPED changed no book, except
  /// QTY_EXCEEDED, which removed the order.
  template <class Listener>
  DecodeStatus apply_message(std::span<const std::byte> message, Listener& listener) {
    const auto status = dispatch(message, listener);
    ++statuses_[static_cast<std::size_t>(status)];
    return status;
  }
  /// Messages as MoldUDP64 frames them, each behind a length of 2 bytes; stops at one that is cut
  /// off. How many there were.
  template <class Listener>
  std::size_t apply_messages(std::span<const std::byte> blocks, Listener& listener);
  /// A MoldUDP64 datagram. Messages before next_sequence() were applied already and are passed
  /// over. Beyond next_sequence() something is missing: all is applied all the same (the feed line
  /// has decided so) and GAP returned. MALFORMED: fewer messages than the header says, those before
  /// were applied. Otherwise OK; what became of each message is counted by count().
  template <class Listener>
  DecodeStatus apply_datagram(std::span<const std::byte> datagram, Listener& listener);

  [[nodiscard]] bool known(InstrumentId instrument) const noexcept {
    return slot_of(instrument) != kNil;
  }
  /// Precondition of these: known(instrument).
  [[nodiscard]] const L3Book& book(InstrumentId instrument) const noexcept {
    return slots_[slot_of(instrument)].book;
  }
  [[nodiscard]] TradingState trading(InstrumentId instrument) const noexcept {
    return slots_[slot_of(instrument)].trading;
  }
  /// Of our own orders, as L3Book.
  void follow(const OwnOrder& order) { slots_[slot_of(order.instrument)].book.follow(order); }
  void forget(InstrumentId instrument, ClOrdId order) noexcept {
    slots_[slot_of(instrument)].book.forget(order);
  }
  /// Empties the book: what follows is a snapshot, as add messages.
  void clear(InstrumentId instrument, Nanos ts_event) noexcept;
  void clear_all(Nanos ts_event) noexcept;

  /// Sequence number of the next MoldUDP64 message; 0 before the first datagram or set_next.
  [[nodiscard]] std::uint64_t next_sequence() const noexcept { return next_sequence_; }
  void set_next_sequence(std::uint64_t sequence) noexcept { next_sequence_ = sequence; }
  /// Messages whose outcome was `status`, since the start.
  [[nodiscard]] std::uint64_t count(DecodeStatus status) const noexcept {
    return statuses_[static_cast<std::size_t>(status)];
  }
  [[nodiscard]] const OrderStore& store() const noexcept { return store_; }

  /// Books, trading states, locates, sequence, counts; mappings are configuration and not saved.
  void save(ByteWriter& out) const;
  /// False (books empty) unless saved under the same mappings.
  [[nodiscard]] bool restore(ByteReader& in);

 private:
  friend class ItchLookahead;

  struct alignas(64) Slot {
    L3Book book;
    InstrumentId instrument;
    std::uint32_t increment;  ///< in 1e-4
    TradingState trading = TradingState::UNKNOWN;
  };
  static_assert(sizeof(Slot) == 128, "two cache lines, which the lookahead brings near");
  // Values of locates_ that are no slot.
  static constexpr std::uint32_t kUnseen = 0xffff'fffe;   ///< symbol not learnt yet
  static constexpr std::uint32_t kIgnored = 0xffff'ffff;  ///< a symbol that nobody mapped

  [[nodiscard]] std::uint32_t slot_of(InstrumentId instrument) const noexcept {
    const auto i = index(instrument);
    return i < by_instrument_.size() ? by_instrument_[i] : kNil;
  }
  bool restore_own(ByteReader& in);
  std::uint32_t learn(std::uint16_t locate, const Symbol8& symbol) noexcept;
  [[nodiscard]] Nanos time_of(std::uint64_t since_midnight) const noexcept {
    return midnight_ + static_cast<Nanos>(since_midnight);
  }

  template <class Listener>
  DecodeStatus dispatch(std::span<const std::byte> message, Listener& listener);
  template <class M, class Listener>
  DecodeStatus add(const std::byte* message, std::uint32_t slot, Listener& listener);
  template <class Listener>
  DecodeStatus executed(const std::byte* message, Slot& slot, Listener& listener);
  template <class Listener>
  DecodeStatus executed_with_price(const std::byte* message, Slot& slot, Listener& listener);
  template <class Listener>
  DecodeStatus replaced(const std::byte* message, Slot& slot, Listener& listener);
  template <class Listener>
  DecodeStatus administrative(char type, const std::byte* message, std::uint32_t slot,
                              Listener& listener);
  template <class Listener>
  DecodeStatus traded(Slot& slot, std::uint32_t price, std::int64_t shares, Nanos ts,
                      Listener& listener);
  template <class Listener>
  static DecodeStatus told(const Slot& slot, const L3Result& result, Listener& listener) {
    if (result.status == DecodeStatus::OK || result.status == DecodeStatus::QTY_EXCEEDED) {
      listener.on_book(slot.instrument, result.top_changed);
    }
    return result.status;
  }

  OrderStore store_;
  HugeVector<Slot> slots_;
  std::vector<Symbol8> symbols_;                                ///< by slot
  std::unordered_map<std::uint64_t, std::uint32_t> by_symbol_;  ///< symbol's eight bytes to slot
  std::vector<std::uint32_t> by_instrument_;
  std::vector<std::uint32_t> locates_;  ///< 65,536
  Nanos midnight_ = 0;
  mold::Session session_{};
  std::uint64_t next_sequence_ = 0;
  std::array<std::uint64_t, kDecodeStatuses> statuses_{};
};

}  // namespace pitwire

#include "pitwire/market/itch_market_inl.hpp"
