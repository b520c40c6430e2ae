// Signals of one instrument, updated on every change of its touch and every trade.
//
// All are O(1) and depend on nothing but their inputs: time is given, and exp is our own
// (decay_factor), so that no host's libm decides. Prices are in price increments, quantities in
// lots; a signal that has no meaning yet (one side empty) is NaN for MID, MICROPRICE, SPREAD and 0
// for the rest. Rates decay by e per time constant.
//
// User kernels are C functions (numba `cfunc`) called after the signals. A kernel that answers
// other than 0, or leaves NaN or infinity in its outputs, is disarmed: it is not called again until
// armed, and its outputs stay NaN.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

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

/// What a user kernel sees. Layout is part of the interface with Python: only ever appended to.
struct KernelInput {
  Nanos ts_event;
  std::int64_t bid_px, bid_qty, ask_px, ask_qty;  ///< kNoPrice and 0 for an empty side
  std::int64_t trade_px, trade_qty;               ///< of this update's trade, 0 if it was none
  std::int64_t trade_side;                        ///< Side of the aggressor
  std::uint64_t updates;
  double signals[kSignals];  ///< by Signal
};
static_assert(sizeof(KernelInput) == 72 + 8 * kSignals);

/// 0 is success. `state` and `out` have the sizes that were registered.
using KernelFunction = std::int32_t (*)(const KernelInput* input, double* state, double* out);

/// e^(-elapsed/tau) for elapsed >= 0, tau > 0, to 1 ulp or so, the same on every host.
[[nodiscard]] double decay_factor(Nanos elapsed, Nanos tau) noexcept;

class SignalSet {
 public:
  /// Throws std::invalid_argument for a time constant <= 0.
  explicit SignalSet(const SignalConfig& config = {});

  /// The touch went from `before` to `after` at `ts`. Times before the last are taken as the last.
  void on_top(const Top& before, const Top& after, Nanos ts) noexcept;
  void on_trade(std::int64_t px, std::int64_t qty, Side aggressor, const Top& top,
                Nanos ts) noexcept;

  /// By Signal.
  [[nodiscard]] std::span<const double> values() const noexcept { return values_; }
  [[nodiscard]] double value(Signal signal) const noexcept {
    return values_[static_cast<std::size_t>(signal)];
  }

  /// A kernel with so many doubles of state (zeros at first) and of output; its slot. Armed.
  /// Throws std::invalid_argument for a null function or more than 4,096 doubles.
  std::size_t add_kernel(KernelFunction function, std::size_t state_size, std::size_t out_size);
  [[nodiscard]] std::size_t kernels() const noexcept { return kernels_.size(); }
  [[nodiscard]] std::span<const double> kernel_values(std::size_t slot) const noexcept;
  [[nodiscard]] bool kernel_armed(std::size_t slot) const noexcept { return kernels_[slot].armed; }
  /// What it last answered; kNotFinite if its output was NaN or infinite.
  [[nodiscard]] std::int32_t kernel_status(std::size_t slot) const noexcept {
    return kernels_[slot].status;
  }
  static constexpr std::int32_t kNotFinite = -1'000'000;
  /// Calls it again from the next update on, its state zeroed.
  void arm_kernel(std::size_t slot) noexcept;
  /// Slot + 1 of the kernel that the last update disarmed, 0 if it disarmed none; asked once.
  [[nodiscard]] std::size_t take_disarmed() noexcept { return std::exchange(disarmed_, 0); }

  void save(ByteWriter& out) const;
  /// False (state as new) unless saved with as many kernels of the same sizes.
  [[nodiscard]] bool restore(ByteReader& in);

 private:
  struct Kernel {
    KernelFunction function;
    std::vector<double> state;
    std::vector<double> out;
    std::int32_t status = 0;
    bool armed = true;
  };
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
  void run_kernels(const Top& top, std::int64_t px, std::int64_t qty, Side side, Nanos ts) noexcept;

  SignalConfig config_;
  std::array<double, kSignals> values_{};
  Decayed order_flow_, trade_flow_, trade_rate_;
  double squared_returns_ = 0;  ///< decayed Σ r²
  double observed_ns_ = 0;      ///< decayed time over which they were seen
  double last_mid_ = 0;         ///< 0 before the first
  Nanos ts_mid_ = 0;
  Nanos ts_last_ = 0;
  std::vector<Kernel> kernels_;
  std::size_t disarmed_ = 0;
};

}  // namespace pitwire
