// Signals of one instrument, updated on every change of its touch and every trade.
//
// All are O(1) and depend on nothing but their inputs: time is given, and exp is our own
// (decay_factor), so that no host's libm decides. Prices are in price increments, quantities in
// lots; a signal that has no meaning yet (one side empty) is NaN for MID, MICROPRICE, SPREAD and 0
// for the rest. Rates decay by e per time constant.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "pitwire/market/bytes.hpp"
#include "pitwire/market/top.hpp"

namespace pitwire {

enum class Signal : std::uint8_t {
  MID = 0,         ///< (bid + ask) / 2
  MICROPRICE = 1,  ///< (bid × ask_qty + ask × bid_qty) / (bid_qty + ask_qty)
  SPREAD = 2,      ///< ask − bid
  IMBALANCE = 3,   ///< (bid_qty − ask_qty) / (bid_qty + ask_qty), −1 to 1
  ORDER_FLOW = 4,  ///< decayed sum of e_n of Cont, Kukanov, Stoikov (2014), lots
  VOLATILITY = 5,  ///< of mid returns, per square root of a second
  TRADE_FLOW = 6,  ///< decayed sum of signed volume, lots, buys positive
  TRADE_RATE = 7,  ///< decayed sum of unsigned volume, lots
};
inline constexpr std::size_t kSignals = 8;

/// Time constants; each > 0.
struct SignalConfig {
  Nanos order_flow_tau = 1 * kSecond;
  Nanos volatility_tau = 60 * kSecond;
  Nanos trade_flow_tau = 5 * kSecond;
};

/// e^(-elapsed/tau) for elapsed >= 0, tau > 0, to 1 ulp or so, the same on every host.
[[nodiscard]] double decay_factor(Nanos elapsed, Nanos tau) noexcept;

class SignalSet {
 public:
  /// Throws std::invalid_argument for a time constant <= 0.
  explicit SignalSet(const SignalConfig& config = {});

  /// The touch went from `before` to `after` at `ts`. Times before the last are taken as the last.
  void on_top(const Top& before, const Top& after, Nanos ts) noexcept;
  void on_trade(std::int64_t qty, Side aggressor, Nanos ts) noexcept;

  /// By Signal.
  [[nodiscard]] std::span<const double> values() const noexcept { return values_; }
  [[nodiscard]] double value(Signal signal) const noexcept {
    return values_[static_cast<std::size_t>(signal)];
  }

  void save(ByteWriter& out) const;
  /// False (state as new) where `in` does not hold a whole one.
  [[nodiscard]] bool restore(ByteReader& in);

 private:
  struct Decayed {
    double sum = 0;
    Nanos ts = 0;
    void add(double x, Nanos now, Nanos tau) noexcept;
    void add_decayed(double x, Nanos now, double factor) noexcept {
      sum = sum * factor + x;
      ts = now;
    }
  };
  void set(Signal signal, double value) noexcept {
    values_[static_cast<std::size_t>(signal)] = value;
  }
  void set_touch(const Top& top) noexcept;
  void add_return(double mid, Nanos ts) noexcept;
  void add_trade(double signed_lots, double lots, Nanos ts) noexcept;

  SignalConfig config_;
  std::array<double, kSignals> values_{};
  Decayed order_flow_, trade_flow_, trade_rate_;
  double squared_returns_ = 0;  ///< decayed Σ r²
  double observed_ns_ = 0;      ///< decayed time over which they were seen
  double last_mid_ = 0;         ///< 0 before the first
  Nanos ts_mid_ = 0;
  Nanos ts_last_ = 0;
};

}  // namespace pitwire
