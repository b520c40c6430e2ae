#include "pitwire/market/kernels.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>

namespace pitwire {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::span<const std::byte> bytes_of(const std::vector<double>& values) {
  return std::as_bytes(std::span(values));
}

std::vector<double> doubles(ByteReader& in) {
  const auto bytes = in.get_bytes();
  std::vector<double> out(bytes.size() / sizeof(double));
  if (!out.empty()) std::memcpy(out.data(), bytes.data(), out.size() * sizeof(double));
  return out;
}

}  // namespace

const std::array<KernelField, sizeof(KernelInput) / 8> kKernelInputFields{{
    {"ts_core", false, offsetof(KernelInput, ts_core)},
    {"ts_event", false, offsetof(KernelInput, ts_event)},
    {"dt_ns", false, offsetof(KernelInput, dt_ns)},
    {"bid_px", false, offsetof(KernelInput, bid_px)},
    {"bid_qty", false, offsetof(KernelInput, bid_qty)},
    {"ask_px", false, offsetof(KernelInput, ask_px)},
    {"ask_qty", false, offsetof(KernelInput, ask_qty)},
    {"trade_px", false, offsetof(KernelInput, trade_px)},
    {"trade_qty", false, offsetof(KernelInput, trade_qty)},
    {"trade_side", false, offsetof(KernelInput, trade_side)},
    {"updates", false, offsetof(KernelInput, updates)},
    {"trades", false, offsetof(KernelInput, trades)},
    {"mid", true, offsetof(KernelInput, mid)},
    {"microprice", true, offsetof(KernelInput, microprice)},
    {"spread", true, offsetof(KernelInput, spread)},
    {"imbalance", true, offsetof(KernelInput, imbalance)},
    {"ofi", true, offsetof(KernelInput, ofi)},
    {"volatility", true, offsetof(KernelInput, volatility)},
    {"trade_flow", true, offsetof(KernelInput, trade_flow)},
    {"trade_rate", true, offsetof(KernelInput, trade_rate)},
}};

KernelTable::KernelTable() : values_(kKernelsMax, kNaN) {}

void KernelTable::define(KernelCode code) {
  if (code.function == nullptr || code.state_size > kDoublesMax ||
      code.parameters_size > kDoublesMax) {
    throw std::invalid_argument("kernel " + code.name +
                                ": expected a function and at most 4096 doubles each way");
  }
  const auto same = [&](const KernelCode& other) {
    return other.strategy == code.strategy && other.name == code.name;
  };
  if (std::any_of(codes_.begin(), codes_.end(), same)) {
    throw std::invalid_argument("kernel " + code.name + ": the strategy has one of that name");
  }
  codes_.push_back(std::move(code));
}

std::uint32_t KernelTable::slot(StrategyId strategy, InstrumentId instrument,
                                std::string_view name) {
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    if (slot.strategy == strategy && slot.instrument == instrument && this->name(i) == name) {
      return i;
    }
  }
  const auto code = std::find_if(codes_.begin(), codes_.end(), [&](const KernelCode& each) {
    return each.strategy == strategy && each.name == name;
  });
  if (code == codes_.end()) {
    throw std::invalid_argument("kernel " + std::string(name) + ": the strategy declares no such");
  }
  if (slots_.size() == kKernelsMax) throw std::invalid_argument("kernels: 4096 are taken");
  Slot slot;
  slot.strategy = strategy;
  slot.instrument = instrument;
  slot.code = static_cast<std::uint32_t>(code - codes_.begin());
  slots_.push_back(std::move(slot));
  return static_cast<std::uint32_t>(slots_.size() - 1);
}

void KernelTable::run(std::uint32_t number, std::span<const double> parameters) {
  Slot& slot = slots_.at(number);
  const KernelCode& code = codes_[slot.code];
  if (parameters.size() != code.parameters_size) {
    throw std::invalid_argument("kernel " + code.name + ": expected " +
                                std::to_string(code.parameters_size) + " parameters, found " +
                                std::to_string(parameters.size()));
  }
  slot.parameters.assign(parameters.begin(), parameters.end());
  if (slot.armed) return;
  slot.state.assign(code.state_size, 0.0);
  slot.armed = true;
  slot.status = 0;
  slot.ts_last = 0;
  set_running(number, true);
}

bool KernelTable::stop(std::uint32_t number) noexcept {
  Slot& slot = slots_[number];
  if (!slot.armed) return false;
  slot.armed = false;
  values_[number] = kNaN;
  set_running(number, false);
  return true;
}

void KernelTable::set_running(std::uint32_t number, bool running) {
  const auto instrument = index(slots_[number].instrument);
  if (instrument >= running_.size()) running_.resize(instrument + 1);
  auto& list = running_[instrument];
  const auto at = std::lower_bound(list.begin(), list.end(), number);
  if (running) {
    list.insert(at, number);
    failed_.reserve(slots_.size());
  } else {
    list.erase(at);
  }
}

std::span<const std::uint32_t> KernelTable::update(InstrumentId instrument,
                                                   KernelInput& input) noexcept {
  failed_.clear();
  for (const auto number : running_[index(instrument)]) {
    Slot& slot = slots_[number];
    input.dt_ns = slot.ts_last == 0 ? 0 : input.ts_core - slot.ts_last;
    slot.ts_last = input.ts_core;
    double& value = values_[number];
    slot.status =
        codes_[slot.code].function(&input, slot.parameters.data(), slot.state.data(), &value);
    if (slot.status == 0 && !std::isfinite(value)) slot.status = kNotFinite;
    if (slot.status != 0) failed_.push_back(number);
  }
  for (const auto number : failed_) stop(number);
  return failed_;
}

void KernelTable::save(ByteWriter& out) const {
  out.put(static_cast<std::uint64_t>(slots_.size()));
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    const std::string& of = name(i);
    out.put(slot.strategy);
    out.put(slot.instrument);
    out.put_bytes(std::as_bytes(std::span(of.data(), of.size())));
    out.put(std::uint64_t{slot.armed});
    out.put(slot.status);
    out.put(slot.ts_last);
    out.put_bytes(bytes_of(slot.parameters));
    out.put_bytes(bytes_of(slot.state));
    out.put(values_[i]);
  }
}

bool KernelTable::restore(ByteReader& in) {
  slots_.clear();
  running_.clear();
  std::fill(values_.begin(), values_.end(), kNaN);
  for (auto left = in.get<std::uint64_t>(); left > 0 && in.ok(); --left) {
    const auto strategy = in.get<StrategyId>();
    const auto instrument = in.get<InstrumentId>();
    const auto bytes = in.get_bytes();
    const std::string_view of(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const auto same = [&](const KernelCode& code) {
      return code.strategy == strategy && code.name == of;
    };
    if (!in.ok() || std::none_of(codes_.begin(), codes_.end(), same)) return false;
    const auto number = slot(strategy, instrument, of);
    Slot& restored = slots_[number];
    const KernelCode& code = codes_[restored.code];
    restored.armed = in.get<std::uint64_t>() != 0;
    restored.status = in.get<std::int32_t>();
    restored.ts_last = in.get<Nanos>();
    restored.parameters = doubles(in);
    restored.state = doubles(in);
    values_[number] = in.get<double>();
    if (!restored.armed) continue;
    if (restored.parameters.size() != code.parameters_size ||
        restored.state.size() != code.state_size) {
      return false;
    }
    set_running(number, true);
  }
  return in.ok();
}

}  // namespace pitwire
