// What the core does by itself when a signal crosses a threshold, without the interpreter: it sends
// an order (a rule), or wakes the strategy on exactly that update (a trigger: a rule of quantity
// 0).
//
// It fires on an update at which its signal goes from not beyond to beyond the threshold, in either
// direction where it watches for crossing, at most once in its cooldown. A rule fires only where
// the strategy's position after a full fill, working orders counted, stays within its bound. The
// order is a limit IOC at the opposite best, moved by the offset, and passes the same gate as every
// order.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "pitwire/engine/market_slot.hpp"
#include "pitwire/market/bytes.hpp"
#include "pitwire/orders/order.hpp"

namespace pitwire {

/// When a rule fires, compared with its threshold: `daemon.model.Comparison`.
enum class Comparison : std::uint8_t { ABOVE = 0, BELOW = 1, CROSSES = 2 };

struct NativeRule {
  std::string name;
  StrategyId strategy{};
  InstrumentId instrument{};
  SessionId session{};
  std::uint32_t signal = 0;  ///< of MarketSlot::signals; behind them, slots of KernelTable
  Comparison comparison = Comparison::ABOVE;
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
  bool looked = false;  ///< at a value that was a number: there is a side to come from
  Nanos quiet_until = 0;

  void save(ByteWriter& out) const {
    out.put_bytes(std::as_bytes(std::span(name.data(), name.size())));
    out.put(strategy);
    out.put(instrument);
    out.put(session);
    out.put(signal);
    out.put(comparison);
    out.put(threshold);
    out.put(side);
    out.put(qty);
    out.put(max_position);
    out.put(price_offset);
    out.put(cooldown_ns);
    out.put(id);
    out.put(std::uint64_t{armed});
    out.put(std::uint64_t{beyond});
    out.put(std::uint64_t{looked});
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
    rule.comparison = in.get<Comparison>();
    rule.threshold = in.get<double>();
    rule.side = in.get<Side>();
    rule.qty = in.get<std::int64_t>();
    rule.max_position = in.get<std::int64_t>();
    rule.price_offset = in.get<std::int64_t>();
    rule.cooldown_ns = in.get<Nanos>();
    rule.id = in.get<std::uint32_t>();
    rule.armed = in.get<std::uint64_t>() != 0;
    rule.beyond = in.get<std::uint64_t>() != 0;
    rule.looked = in.get<std::uint64_t>() != 0;
    rule.quiet_until = in.get<Nanos>();
    return rule;
  }

  [[nodiscard]] bool is_trigger() const noexcept { return qty == 0; }

  /// Looks at the signal's value after an update; true at the moment of crossing. NaN is not beyond
  /// anything, and crosses nothing: neither does the threshold itself.
  [[nodiscard]] bool crossed(double value, Nanos now) noexcept {
    if (comparison == Comparison::CROSSES && (std::isnan(value) || value == threshold)) {
      return false;
    }
    const bool is_beyond = comparison == Comparison::BELOW ? value < threshold : value > threshold;
    const bool turned =
        comparison == Comparison::CROSSES ? looked && is_beyond != beyond : is_beyond && !beyond;
    beyond = is_beyond;
    looked = true;
    return turned && now >= quiet_until;
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
