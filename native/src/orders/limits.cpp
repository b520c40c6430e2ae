#include "pitwire/orders/limits.hpp"

#include <array>

#include "pitwire/orders/instrument.hpp"
#include "pitwire/orders/state_io.hpp"

namespace pitwire {
namespace {

constexpr std::uint32_t kVersion = 1;
constexpr std::int64_t kMoney = kRiskMoneyPerUnit;
constexpr std::int64_t kMillis = kMillisecond;

constexpr std::array kSpecs{
    LimitSpec{"quantity_max", "lots", &Limits::quantity, 1, true, "of one order"},
    LimitSpec{"notional_max", "risk currency", &Limits::notional, kMoney, true, "of one order"},
    LimitSpec{"collar_bps", "bps", &Limits::collar_bps, 1, true,
              "distance of a limit price from the reference price, either way"},
    LimitSpec{"collar_ticks", "price increments", &Limits::collar_ticks, 1, true,
              "distance of a limit price from the reference price, either way"},
    LimitSpec{"position_max", "lots", &Limits::position, 1, true,
              "position in an instrument, either way, with everything in flight filled"},
    LimitSpec{"gross_notional_max", "risk currency", &Limits::gross_notional, kMoney, true,
              "open positions at cost plus working orders"},
    LimitSpec{"working_orders_max", "orders", &Limits::working_orders, 1, true, "at one time"},
    LimitSpec{"message_rate_max", "messages/s", &Limits::message_rate, 1, false,
              "orders, replaces and cancels in any second; 80 % of it for orders and replaces"},
    LimitSpec{"session_message_rate_max", "messages/s", &Limits::session_message_rate, 1, false,
              "the same on each session"},
    LimitSpec{"daily_loss_max", "risk currency", &Limits::daily_loss, kMoney, false,
              "realised and unrealised since the day began; then only reducing orders pass"},
    LimitSpec{"book_age_max_ms", "ms", &Limits::book_age_ns, kMillis, true,
              "since the last update of the book"},
    LimitSpec{"duplicate_window_ms", "ms", &Limits::duplicate_window_ns, kMillis, true,
              "no second order of the same strategy, instrument, side, price and quantity"},
};

}  // namespace

const Limits LimitTree::kNoLimits{};

std::span<const LimitSpec> limit_specs() noexcept { return kSpecs; }

const LimitSpec* find_limit(std::string_view name) noexcept {
  for (const auto& spec : kSpecs) {
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

std::string_view name_of(LimitScope scope) noexcept {
  constexpr std::array<std::string_view, 4> kNames{"firm", "instrument", "strategy", "pair"};
  return kNames[static_cast<std::size_t>(scope)];
}

LimitTree::LimitTree(std::uint32_t pairs_max) : pairs_(pairs_max) {}

Limits* LimitTree::place(std::uint32_t strategy, std::uint32_t instrument) {
  if (strategy == kNoId && instrument == kNoId) return &firm_;
  if (strategy == kNoId) {
    if (instrument >= instruments_.size()) instruments_.resize(instrument + 1);
    return &instruments_[instrument];
  }
  if (instrument == kNoId) {
    if (strategy >= strategies_.size()) strategies_.resize(strategy + 1);
    return &strategies_[strategy];
  }
  const auto slot = pairs_.insert(StrategyId{strategy}, InstrumentId{instrument});
  if (slot == PairIndex::kNone) return nullptr;
  if (slot == pair_limits_.size()) {
    pair_limits_.emplace_back();
    pair_keys_.push_back({strategy, instrument});
  }
  return &pair_limits_[slot];
}

LimitStatus LimitTree::set(std::string_view name, std::uint32_t strategy, std::uint32_t instrument,
                           std::int64_t value) {
  const auto* spec = find_limit(name);
  if (spec == nullptr) return LimitStatus::UNKNOWN_NAME;
  if (instrument != kNoId && !spec->by_instrument) return LimitStatus::WRONG_SCOPE;
  if (spec->field == &Limits::session_message_rate && strategy != kNoId) {
    return LimitStatus::WRONG_SCOPE;
  }
  if ((strategy != kNoId && strategy >= kIdMax) || (instrument != kNoId && instrument >= kIdMax) ||
      value > (kUnlimited - 1) / spec->units) {
    return LimitStatus::OUT_OF_RANGE;
  }
  auto* limits = place(strategy, instrument);
  if (limits == nullptr) return LimitStatus::TABLE_FULL;
  limits->*spec->field = value < 0 ? kNoLimits.*spec->field : value * spec->units;
  return LimitStatus::OK;
}

std::int64_t LimitTree::get(std::string_view name, std::uint32_t strategy,
                            std::uint32_t instrument) const noexcept {
  const auto* spec = find_limit(name);
  if (spec == nullptr) return -1;
  const auto& limits = strategy == kNoId && instrument == kNoId ? firm_
                       : strategy == kNoId                      ? this->instrument(instrument)
                       : instrument == kNoId                    ? this->strategy(strategy)
                                                                : pair(strategy, instrument);
  const auto value = limits.*spec->field;
  return value == kNoLimits.*spec->field ? -1 : value / spec->units;
}

void LimitTree::save(std::vector<std::byte>& out) const {
  StateWriter writer(out);
  writer.put(kVersion);
  writer.put(firm_);
  for (const auto* list : {&instruments_, &strategies_, &pair_limits_}) {
    writer.put(std::uint64_t{list->size()});
    for (const auto& limits : *list) writer.put(limits);
  }
  for (const auto& key : pair_keys_) writer.put(key);
}

bool LimitTree::restore(std::span<const std::byte> in) {
  LimitTree fresh(pairs_.capacity());
  StateReader reader(in);
  if (reader.get<std::uint32_t>() != kVersion) return false;
  fresh.firm_ = reader.get<Limits>();
  for (auto* list : {&fresh.instruments_, &fresh.strategies_, &fresh.pair_limits_}) {
    list->resize(reader.count(sizeof(Limits)));
    for (auto& limits : *list) limits = reader.get<Limits>();
  }
  for (std::uint32_t slot = 0; slot < fresh.pair_limits_.size(); ++slot) {
    const auto key = reader.get<Key>();
    fresh.pair_keys_.push_back(key);
    const auto at = fresh.pairs_.insert(StrategyId{key.strategy}, InstrumentId{key.instrument});
    if (at != slot) return false;
  }
  if (!reader.ok() || !reader.at_end()) return false;
  *this = std::move(fresh);
  return true;
}

}  // namespace pitwire
