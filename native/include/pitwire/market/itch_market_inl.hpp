// The message handlers of ItchMarket; included by itch_market.hpp only.
#pragma once

#include "pitwire/market/itch_lookahead.hpp"
#include "pitwire/market/itch_market.hpp"

namespace pitwire {

/// ITCH 5.0 section 4.2.2; UNKNOWN for a letter that it does not have.
[[nodiscard]] constexpr TradingState itch_trading_state(char state) noexcept {
  switch (state) {
    case 'H':
      return TradingState::HALTED;
    case 'P':
      return TradingState::PAUSED;
    case 'Q':
      return TradingState::QUOTATION_ONLY;
    case 'T':
      return TradingState::TRADING;
    default:
      return TradingState::UNKNOWN;
  }
}

template <class Listener>
DecodeStatus ItchMarket::dispatch(std::span<const std::byte> bytes, Listener& listener) {
  if (bytes.empty()) return DecodeStatus::TRUNCATED;
  const auto type = static_cast<char>(bytes[0]);
  const auto size = itch::message_size(type);
  if (size == 0) return DecodeStatus::UNKNOWN_TYPE;
  if (bytes.size() < size) return DecodeStatus::TRUNCATED;
  const auto* message = bytes.data();
  const auto at = locates_[itch::load<std::uint16_t>(message + 1)];
  switch (type) {
    case 'A':
      return add<itch::AddOrder>(message, at, listener);
    case 'F':
      return add<itch::AddOrderMpid>(message, at, listener);
    case 'D':
    case 'X':
    case 'E':
    case 'C':
    case 'U':
      break;
    default:
      return administrative(type, message, at, listener);
  }
  if (at >= slots_.size()) return DecodeStatus::SKIPPED;
  auto& slot = slots_[at];
  if (type == 'D') {
    const auto m = itch::decode_unchecked<itch::OrderDelete>(message);
    return told(slot, slot.book.remove(m.order_ref, time_of(m.header.timestamp)), listener);
  }
  if (type == 'U') return replaced(message, slot, listener);
  if (type == 'E') return executed(message, slot, listener);
  if (type == 'C') return executed_with_price(message, slot, listener);
  const auto m = itch::decode_unchecked<itch::OrderCancel>(message);
  return told(slot, slot.book.cancel(m.order_ref, m.shares, time_of(m.header.timestamp)), listener);
}

template <class M, class Listener>
DecodeStatus ItchMarket::add(const std::byte* message, std::uint32_t at, Listener& listener) {
  if (at >= slots_.size()) {
    if (at == kIgnored) return DecodeStatus::SKIPPED;
    const auto m = itch::decode_unchecked<M>(message);
    at = learn(m.header.stock_locate, m.stock);
    if (at >= slots_.size()) return DecodeStatus::SKIPPED;
  }
  auto& slot = slots_[at];
  const auto m = itch::decode_unchecked<M>(message);
  const auto px = m.price / slot.increment;
  if (px * slot.increment != m.price) return DecodeStatus::INEXACT;
  const auto side = m.side == 'B' ? Side::BUY : m.side == 'S' ? Side::SELL : Side::NONE;
  if (side == Side::NONE) return DecodeStatus::MALFORMED;
  return told(slot, slot.book.add(m.order_ref, side, px, m.shares, time_of(m.header.timestamp)),
              listener);
}

template <class Listener>
DecodeStatus ItchMarket::executed(const std::byte* message, Slot& slot, Listener& listener) {
  const auto m = itch::decode_unchecked<itch::OrderExecuted>(message);
  const auto ts = time_of(m.header.timestamp);
  const auto result = slot.book.execute(m.order_ref, m.shares, ts);
  told(slot, result, listener);
  if (result.side != Side::NONE) {
    const auto aggressor = result.side == Side::BUY ? Side::SELL : Side::BUY;
    listener.on_trade(slot.instrument, result.px, m.shares, aggressor, ts);
  }
  return result.status;
}

template <class Listener>
DecodeStatus ItchMarket::executed_with_price(const std::byte* message, Slot& slot,
                                             Listener& listener) {
  const auto m = itch::decode_unchecked<itch::OrderExecutedWithPrice>(message);
  const auto ts = time_of(m.header.timestamp);
  const auto result = slot.book.execute(m.order_ref, m.shares, ts);
  told(slot, result, listener);
  // Non-printable volume comes again in a bulk print (section 4.4.2).
  if (result.side != Side::NONE && m.printable != 'N') {
    const auto aggressor = result.side == Side::BUY ? Side::SELL : Side::BUY;
    const auto px = m.price / slot.increment;
    if (px * slot.increment != m.price) return DecodeStatus::INEXACT;
    listener.on_trade(slot.instrument, px, m.shares, aggressor, ts);
  }
  return result.status;
}

template <class Listener>
DecodeStatus ItchMarket::replaced(const std::byte* message, Slot& slot, Listener& listener) {
  const auto m = itch::decode_unchecked<itch::OrderReplace>(message);
  const auto px = m.price / slot.increment;
  if (px * slot.increment != m.price) return DecodeStatus::INEXACT;
  return told(
      slot,
      slot.book.replace(m.order_ref, m.new_order_ref, px, m.shares, time_of(m.header.timestamp)),
      listener);
}

template <class Listener>
DecodeStatus ItchMarket::traded(Slot& slot, std::uint32_t price, std::int64_t shares, Nanos ts,
                                Listener& listener) {
  if (shares == 0) return DecodeStatus::OK;  // a cross without interest prints 0 shares
  const auto px = price / slot.increment;
  if (px * slot.increment != price) return DecodeStatus::INEXACT;
  listener.on_trade(slot.instrument, px, shares, Side::NONE, ts);
  return DecodeStatus::OK;
}

template <class Listener>
DecodeStatus ItchMarket::administrative(char type, const std::byte* message, std::uint32_t at,
                                        Listener& listener) {
  switch (type) {
    case 'R': {
      const auto m = itch::decode_unchecked<itch::StockDirectory>(message);
      if (at == kUnseen) at = learn(m.header.stock_locate, m.stock);
      listener.on_directory(m.header.stock_locate, m.stock);
      return at < slots_.size() ? DecodeStatus::OK : DecodeStatus::SKIPPED;
    }
    case 'H': {
      const auto m = itch::decode_unchecked<itch::StockTradingAction>(message);
      if (at == kUnseen) at = learn(m.header.stock_locate, m.stock);
      if (at >= slots_.size()) return DecodeStatus::SKIPPED;
      const auto state = itch_trading_state(m.trading_state);
      if (state == TradingState::UNKNOWN) return DecodeStatus::MALFORMED;
      slots_[at].trading = state;
      listener.on_trading(slots_[at].instrument, state);
      return DecodeStatus::OK;
    }
    case 'S': {
      const auto m = itch::decode_unchecked<itch::SystemEvent>(message);
      listener.on_system_event(m.event_code, time_of(m.header.timestamp));
      return DecodeStatus::OK;
    }
    case 'P': {
      if (at >= slots_.size()) return DecodeStatus::SKIPPED;
      const auto m = itch::decode_unchecked<itch::Trade>(message);
      return traded(slots_[at], m.price, m.shares, time_of(m.header.timestamp), listener);
    }
    case 'Q': {
      if (at >= slots_.size()) return DecodeStatus::SKIPPED;
      const auto m = itch::decode_unchecked<itch::CrossTrade>(message);
      if (m.shares > static_cast<std::uint64_t>(INT64_MAX)) return DecodeStatus::OUT_OF_RANGE;
      return traded(slots_[at], m.price, static_cast<std::int64_t>(m.shares),
                    time_of(m.header.timestamp), listener);
    }
    default:
      return DecodeStatus::SKIPPED;  // Y L V W K J h B I N: known, nothing in a book depends on it
  }
}

template <class Listener>
std::size_t ItchMarket::apply_messages(std::span<const std::byte> blocks, Listener& listener) {
  ItchLookahead ahead(*this, blocks);
  mold::Messages messages(blocks);
  std::span<const std::byte> message;
  std::size_t count = 0;
  for (; messages.next(message); ++count) {
    ahead.step();
    (void)apply_message(message, listener);
  }
  return count;
}

template <class Listener>
DecodeStatus ItchMarket::apply_datagram(std::span<const std::byte> datagram, Listener& listener) {
  mold::Header header;
  if (!mold::decode(datagram, header)) return DecodeStatus::TRUNCATED;
  if (header.session != session_) {
    // A session numbers its messages from 1; before the first datagram set_next_sequence may have
    // said where we are (after a snapshot).
    if (session_ != mold::Session{}) next_sequence_ = 0;
    session_ = header.session;
  }
  const bool gap = next_sequence_ != 0 && header.sequence > next_sequence_;
  mold::Messages messages(datagram.subspan(mold::kHeaderSize));
  std::span<const std::byte> message;
  for (std::uint16_t i = 0; i < header.messages(); ++i) {
    if (!messages.next(message)) return DecodeStatus::MALFORMED;
    const auto sequence = header.sequence + i;
    if (sequence < next_sequence_) continue;
    next_sequence_ = sequence + 1;
    (void)apply_message(message, listener);
  }
  if (gap) {
    next_sequence_ = header.sequence + header.messages();
    ++statuses_[static_cast<std::size_t>(DecodeStatus::GAP)];
    return DecodeStatus::GAP;
  }
  return DecodeStatus::OK;
}

}  // namespace pitwire
