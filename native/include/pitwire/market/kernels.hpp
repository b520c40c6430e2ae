// Signals that strategies bring: compiled functions, called on every update of an instrument.
//
// A kernel is machine code without surroundings (docs/strategies.md, "Kernels"): it gets the update
// and its parameters, may keep doubles, and leaves one value. Code is defined once for a strategy;
// a slot is that code on one instrument, numbered in the order in which slots were asked for. Its
// value stands in one array that never moves, where rules and Python read it.
//
// A kernel that answers other than 0, or leaves NaN or infinity, is disarmed: its value is NaN and
// it is not called again until it is run anew.
//
// A call costs a call behind a pointer and some loads of the slot; `pitwire bench kernel` shows it
// beside that call alone.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pitwire/market/bytes.hpp"
#include "pitwire/market/signals.hpp"

namespace pitwire {

/// What a kernel sees of an update. Python and compiled kernels take names, kinds and places from
/// kKernelInputFields. Appended to, never changed: logs hold code that was compiled against it.
struct KernelInput {
  Nanos ts_core{};   ///< ns since 1970 UTC
  Nanos ts_event{};  ///< the venue's
  Nanos dt_ns{};     ///< since this kernel's update before, 0 for the first
  std::int64_t bid_px{}, bid_qty{}, ask_px{}, ask_qty{};  ///< 0 and 0 for an empty side
  std::int64_t trade_px{}, trade_qty{};                   ///< of this update's trade, 0 if none
  std::int64_t trade_side{};                              ///< Side of the aggressor
  std::int64_t updates{}, trades{};                       ///< of the instrument since the log began
  double mid{}, microprice{}, spread{}, imbalance{}, ofi{};  ///< as Signal says
  double volatility{}, trade_flow{}, trade_rate{};
};
static_assert(sizeof(KernelInput) == 96 + 8 * kSignals);

struct KernelField {
  const char* name;
  bool floating;  ///< double, else int64
  std::size_t offset;
};
extern const std::array<KernelField, sizeof(KernelInput) / 8> kKernelInputFields;

/// 0 is success. `state` and `parameters` have the sizes that were defined, `out` one double.
using KernelFunction = std::int32_t (*)(const KernelInput* input, const double* parameters,
                                        double* state, double* out);

struct KernelCode {
  StrategyId strategy{};
  std::string name;
  KernelFunction function = nullptr;
  std::size_t state_size = 0;
  std::size_t parameters_size = 0;
};

class KernelTable {
 public:
  static constexpr std::size_t kKernelsMax = 4096;
  static constexpr std::size_t kDoublesMax = 4096;
  /// Statuses that no kernel may answer with: its value was NaN or infinite; it raised.
  static constexpr std::int32_t kNotFinite = -1'000'000;
  static constexpr std::int32_t kRaised = -1'000'001;

  struct Slot {
    StrategyId strategy{};
    InstrumentId instrument{};
    std::uint32_t code = 0;
    bool armed = false;
    std::int32_t status = 0;  ///< what it last answered
    Nanos ts_last = 0;        ///< 0 before the first update
    std::vector<double> parameters;
    std::vector<double> state;
  };

  KernelTable();

  /// Throws std::invalid_argument for a null function, more than kDoublesMax doubles, or a name
  /// that the strategy has already.
  void define(KernelCode code);
  /// The number of a strategy's kernel on an instrument; the same again for the same. Throws
  /// std::invalid_argument where no such code is defined or kKernelsMax are taken.
  std::uint32_t slot(StrategyId strategy, InstrumentId instrument, std::string_view name);
  /// From the next update on, with these parameters. What runs keeps its state; what is disarmed
  /// begins with zeros. Throws std::invalid_argument for another number of parameters.
  void run(std::uint32_t slot, std::span<const double> parameters);
  /// False where it did not run.
  bool stop(std::uint32_t slot) noexcept;

  [[nodiscard]] bool any(InstrumentId instrument) const noexcept {
    return index(instrument) < running_.size() && !running_[index(instrument)].empty();
  }
  /// Calls every kernel that runs on the instrument, by number. What it disarms is in the answer,
  /// which is good until the next call.
  std::span<const std::uint32_t> update(InstrumentId instrument, KernelInput& input) noexcept;

  [[nodiscard]] std::span<const Slot> slots() const noexcept { return slots_; }
  [[nodiscard]] const std::string& name(std::uint32_t slot) const noexcept {
    return codes_[slots_[slot].code].name;
  }
  /// By slot; NaN where none runs. Never moves, kKernelsMax long.
  [[nodiscard]] std::span<const double> values() const noexcept { return values_; }

  void save(ByteWriter& out) const;
  /// False, and nothing runs, unless the same codes are defined.
  [[nodiscard]] bool restore(ByteReader& in);

 private:
  void set_running(std::uint32_t slot, bool running);

  std::vector<KernelCode> codes_;
  std::vector<Slot> slots_;
  std::vector<double> values_;
  std::vector<std::vector<std::uint32_t>> running_;  ///< by instrument, rising
  std::vector<std::uint32_t> failed_;
};

}  // namespace pitwire
