// Orders that the core sends by itself when a signal crosses a threshold, without the interpreter.
//
// A rule fires on an update at which its signal goes from not beyond to beyond the threshold, at
// most once in its cooldown, and only where the strategy's position after a full fill, working
// orders counted, stays within its bound. The order is a limit IOC at the opposite best, moved by
// the offset, and passes the same gate as every order. A rule that is denied for anything but the
// market's or the session's state is disarmed, so that it cannot hammer.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "pitwire/engine/market_slot.hpp"
#include "pitwire/market/bytes.hpp"
#include "pitwire/orders/order.hpp"

namespace pitwire {

struct NativeRule {
  std::string name;
  StrategyId strategy{};
  InstrumentId instrument{};
  SessionId session{};
  std::uint32_t signal = 0;  ///< index into MarketSlot::signals
  bool above = true;         ///< fires above the threshold, else below
  double threshold = 0;
  Side side = Side::NONE;
  std::int64_t qty = 0;
  std::int64_t max_position = 0;
  std::int64_t price_offset = 0;
  Nanos cooldown_ns = 0;

  // ---- what it remembers
  std::uint32_t id = 0;  ///< in the log
  bool armed = false;
  bool beyond = false;
  Nanos quiet_until = 0;

  void save(ByteWriter& out) const {
    out.put_bytes(std::as_bytes(std::span(name.data(), name.size())));
    out.put(strategy);
    out.put(instrument);
    out.put(session);
    out.put(signal);
    out.put(std::uint64_t{above});
    out.put(threshold);
    out.put(side);
    out.put(qty);
    out.put(max_position);
    out.put(price_offset);
    out.put(cooldown_ns);
    out.put(id);
    out.put(std::uint64_t{armed});
    out.put(std::uint64_t{beyond});
    out.put(quiet_until);
  }
  [[nodiscard]] static NativeRule restored(ByteReader& in) {
    NativeRule rule;
    const auto name = in.get_bytes();
    rule.name.assign(reinterpret_cast<const char*>(name.data()), name.size());
    rule.strategy = in.get<StrategyId>();
    rule.instrument = in.get<InstrumentId>();
    rule.session = in.get<SessionId>();
    rule.signal = in.get<std::uint32_t>();
    rule.above = in.get<std::uint64_t>() != 0;
    rule.threshold = in.get<double>();
    rule.side = in.get<Side>();
    rule.qty = in.get<std::int64_t>();
    rule.max_position = in.get<std::int64_t>();
    rule.price_offset = in.get<std::int64_t>();
    rule.cooldown_ns = in.get<Nanos>();
    rule.id = in.get<std::uint32_t>();
    rule.armed = in.get<std::uint64_t>() != 0;
    rule.beyond = in.get<std::uint64_t>() != 0;
    rule.quiet_until = in.get<Nanos>();
    return rule;
  }

  /// Looks at an update; true at the moment of crossing. NaN is not beyond anything.
  [[nodiscard]] bool crossed(const MarketSlot& slot, Nanos now) noexcept {
    const double value = slot.signals[signal];
    const bool is_beyond = above ? value > threshold : value < threshold;
    const bool fires = is_beyond && !beyond && now >= quiet_until;
    beyond = is_beyond;
    return fires;
  }

  /// The order it would send now; quantity 0 where the side it would take is empty.
  [[nodiscard]] OrderRequest request(const MarketSlot& slot) const noexcept {
    OrderRequest order;
    order.instrument = instrument;
    order.strategy = strategy;
    order.session = session;
    order.side = side;
    order.ord_type = OrdType::LIMIT;
    order.time_in_force = TimeInForce::IOC;
    order.flags = static_cast<std::uint8_t>(OrderFlag::NATIVE_RULE);
    const bool buys = side == Side::BUY;
    order.price = buys ? slot.ask_px + price_offset : slot.bid_px - price_offset;
    order.order_qty = (buys ? slot.ask_qty : slot.bid_qty) != 0 ? qty : 0;
    return order;
  }
};

}  // namespace pitwire
