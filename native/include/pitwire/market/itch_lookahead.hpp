// Brings near what the messages behind the current one will touch.
//
// A message's way is a chain of loads that each need the one before: index, order, level and
// neighbours in the queue; for a new order book, prices, level and the order before it. For one
// message they cannot overlap, and beyond the caches they are most of its cost; those of different
// messages can. So a second cursor runs ahead in the same packet and takes one link of each chain
// at a time. It only reads, and what a message in between changes makes a prefetch useless at
// worst.
//
// Measured by native/bench/market, P2 and P3 of GOALS.md.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "pitwire/market/itch_market.hpp"

namespace pitwire {

class ItchLookahead {
 public:
  /// `blocks` are messages as MoldUDP64 frames them: a length of 2 bytes, then the message. Both
  /// must outlive this.
  ItchLookahead(const ItchMarket& market, std::span<const std::byte> blocks) noexcept
      : market_(&market), rest_(blocks), idle_(blocks.size() < kBytesWorth) {
    for (std::uint32_t i = 0; i < kFar; ++i) step();
  }

  /// To be called before each message is applied.
  void step() noexcept {
    if (idle_) return;
    far(ring_[at_ % kRing]);
    middle(ring_[(at_ - (kFar - kMiddle)) % kRing]);
    near(ring_[(at_ - (kFar - kNear)) % kRing]);
    next(ring_[(at_ - (kFar - kNext)) % kRing]);
    ++at_;
  }

  /// Whose book the message far ahead is about, for those who keep more about it; else nobody's.
  [[nodiscard]] InstrumentId instrument() const noexcept {
    const Place& place = ring_[(at_ - 1) % kRing];
    return place.message == nullptr ? InstrumentId{kNoId} : place.slot->instrument;
  }

 private:
  // Messages ahead of the one that is applied.
  static constexpr std::uint32_t kFar = 10;
  static constexpr std::uint32_t kMiddle = 6;
  static constexpr std::uint32_t kNear = 3;
  static constexpr std::uint32_t kNext = 1;
  static constexpr std::uint32_t kRing = 16;
  static_assert(kNext < kNear && kNear < kMiddle && kMiddle < kFar && kFar < kRing);

  struct Place {
    const std::byte* message = nullptr;  ///< none: nothing of it is worth a prefetch
    const ItchMarket::Slot* slot = nullptr;
    std::uint32_t order = kNil;  ///< that it concerns
    std::uint32_t level = kNil;  ///< that a new order joins
  };

  void far(Place& place) noexcept {
    place.message = nullptr;
    if (rest_.size() < 2) return;
    const std::size_t size = itch::load<std::uint16_t>(rest_.data());
    const auto* message = rest_.data() + 2;
    const bool whole = rest_.size() - 2 >= size;
    rest_ = whole ? rest_.subspan(2 + size) : rest_.first(0);
    if (!whole || size < kShortest) return;
    const auto type = static_cast<char>(message[0]);
    if (!kOfOrders[static_cast<unsigned char>(type)] || size < itch::message_size(type)) return;
    const auto at = market_->locates_[itch::load<std::uint16_t>(message + 1)];
    if (at >= market_->slots_.size()) return;
    place.message = message;
    place.slot = &market_->slots_[at];
    __builtin_prefetch(place.slot);
    __builtin_prefetch(reinterpret_cast<const std::byte*>(place.slot) + 64);
    market_->store().prefetch(itch::load<std::uint64_t>(message + kRefAt));
    if (type == 'U') market_->store().prefetch(itch::load<std::uint64_t>(message + kNewRefAt));
  }

  void middle(Place& place) const noexcept {
    place.order = place.level = kNil;
    if (place.message == nullptr) return;
    if (is_add(place)) return place.slot->book.prefetch_side(side_of(place));
    place.order = market_->store().likely(itch::load<std::uint64_t>(place.message + kRefAt));
    if (place.order != kNil) __builtin_prefetch(&market_->store().order(place.order));
  }

  void near(Place& place) const noexcept {
    if (place.message == nullptr) return;
    const auto& store = market_->store();
    if (place.order != kNil) return store.prefetch_around(place.order);
    if (store.size() < kOrdersCached || !is_add(place)) return;
    const auto px = itch::load<std::uint32_t>(place.message + kPriceAt) / place.slot->increment;
    place.level = place.slot->book.level_near(side_of(place), px);
    if (place.level != kNil) __builtin_prefetch(&store.level(place.level));
  }

  void next(const Place& place) const noexcept {
    if (place.level == kNil) return;
    const auto last = market_->store().level(place.level).last;
    if (last != kNil) __builtin_prefetch(&market_->store().order(last));
  }

  [[nodiscard]] static bool is_add(const Place& place) noexcept {
    const auto type = static_cast<char>(place.message[0]);
    return type == 'A' || type == 'F';
  }
  [[nodiscard]] static Side side_of(const Place& place) noexcept {
    return static_cast<char>(place.message[kSideAt]) == 'B' ? Side::BUY : Side::SELL;
  }

  /// By type: about an order in a book.
  static constexpr auto kOfOrders = [] {
    std::array<bool, 256> types{};
    for (const char type : {'A', 'F', 'D', 'X', 'E', 'C', 'U'}) {
      types[static_cast<unsigned char>(type)] = true;
    }
    return types;
  }();
  static constexpr std::size_t kShortest = itch::OrderDelete::kSize;

  // ITCH 5.0 sections 4.3 and 4.4; the same in every message that has the field.
  static constexpr std::size_t kRefAt = 11;
  static constexpr std::size_t kNewRefAt = 19;
  static constexpr std::size_t kSideAt = 19;
  static constexpr std::size_t kPriceAt = 32;

  /// Three messages: of fewer nothing is known early enough.
  static constexpr std::size_t kBytesWorth = 100;
  /// Of fewer orders the levels stay in the caches, and to look for one twice costs more.
  static constexpr std::size_t kOrdersCached = 250'000;

  const ItchMarket* market_;
  std::span<const std::byte> rest_;
  std::array<Place, kRing> ring_{};
  bool idle_;
  std::uint32_t at_ = kFar;  // so that no place is before the ring's first
};

}  // namespace pitwire
