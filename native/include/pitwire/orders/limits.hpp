// The gate's limits: named, scoped, settable while running.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "pitwire/base/types.hpp"
#include "pitwire/orders/exact.hpp"
#include "pitwire/orders/pair_index.hpp"

namespace pitwire {

inline constexpr std::int64_t kUnlimited = kInt64Max;

/// The limits of one scope, in the gate's own units; kUnlimited where not set.
struct Limits {
  std::int64_t quantity = kUnlimited;              ///< lots an order
  std::int64_t notional = kUnlimited;              ///< risk money an order
  std::int64_t collar_bps = kUnlimited;            ///< 1e-4 around the reference price
  std::int64_t collar_ticks = kUnlimited;          ///< price increments around the reference price
  std::int64_t position = kUnlimited;              ///< lots, either way, at worst
  std::int64_t gross_notional = kUnlimited;        ///< risk money
  std::int64_t working_orders = kUnlimited;        ///< orders
  std::int64_t message_rate = kUnlimited;          ///< messages in any second
  std::int64_t session_message_rate = kUnlimited;  ///< messages in any second, each session
  std::int64_t daily_loss = kUnlimited;            ///< risk money
  std::int64_t book_age_ns = kUnlimited;           ///< since the last book update
  std::int64_t duplicate_window_ns = 0;            ///< 0 is off; the widest scope counts
  bool operator==(const Limits&) const = default;
};

/// A limit's name, the natural unit in which it is set, and its place.
struct LimitSpec {
  std::string_view name;
  std::string_view unit;
  std::int64_t Limits::* field;
  std::int64_t units;  ///< the gate's units per natural unit
  bool by_instrument;  ///< may be set for one instrument
  std::string_view doc;
};
/// Every limit there is.
[[nodiscard]] std::span<const LimitSpec> limit_specs() noexcept;
[[nodiscard]] const LimitSpec* find_limit(std::string_view name) noexcept;

enum class LimitScope : std::uint8_t { FIRM = 0, INSTRUMENT = 1, STRATEGY = 2, PAIR = 3 };
[[nodiscard]] std::string_view name_of(LimitScope scope) noexcept;

enum class LimitStatus : std::uint8_t {
  OK = 0,
  UNKNOWN_NAME,
  WRONG_SCOPE,
  OUT_OF_RANGE,
  TABLE_FULL
};

/// Limits of the firm, of each instrument, each strategy, and of strategies in instruments. An
/// order keeps to all four. Lookup is O(1); only `set` grows anything.
class LimitTree {
 public:
  explicit LimitTree(std::uint32_t pairs_max = 65'536);

  /// kNoId is "all". A value < 0 removes the limit. In the limit's natural unit.
  LimitStatus set(std::string_view name, std::uint32_t strategy, std::uint32_t instrument,
                  std::int64_t value);
  /// The value in its natural unit, −1 where none is set at exactly this scope.
  [[nodiscard]] std::int64_t get(std::string_view name, std::uint32_t strategy,
                                 std::uint32_t instrument) const noexcept;

  [[nodiscard]] const Limits& firm() const noexcept { return firm_; }
  [[nodiscard]] const Limits& instrument(std::uint32_t id) const noexcept {
    return id < instruments_.size() ? instruments_[id] : kNoLimits;
  }
  [[nodiscard]] const Limits& strategy(std::uint32_t id) const noexcept {
    return id < strategies_.size() ? strategies_[id] : kNoLimits;
  }
  [[nodiscard]] const Limits& pair(std::uint32_t strategy,
                                   std::uint32_t instrument) const noexcept {
    if (pairs_.size() == 0) return kNoLimits;
    const auto slot = pairs_.find(StrategyId{strategy}, InstrumentId{instrument});
    return slot == PairIndex::kNone ? kNoLimits : pair_limits_[slot];
  }
  /// f(const LimitSpec&, strategy, instrument, value in its natural unit) for every limit set.
  template <class F>
  void for_each(F&& f) const {
    visit(firm_, kNoId, kNoId, f);
    for (std::uint32_t i = 0; i < instruments_.size(); ++i) visit(instruments_[i], kNoId, i, f);
    for (std::uint32_t s = 0; s < strategies_.size(); ++s) visit(strategies_[s], s, kNoId, f);
    for (std::size_t p = 0; p < pair_limits_.size(); ++p) {
      visit(pair_limits_[p], pair_keys_[p].strategy, pair_keys_[p].instrument, f);
    }
  }

  void save(std::vector<std::byte>& out) const;
  [[nodiscard]] bool restore(std::span<const std::byte> in);

 private:
  struct Key {
    std::uint32_t strategy;
    std::uint32_t instrument;
  };
  static const Limits kNoLimits;
  static constexpr std::uint32_t kIdMax = 1u << 20;

  Limits* place(std::uint32_t strategy, std::uint32_t instrument);
  template <class F>
  static void visit(const Limits& limits, std::uint32_t strategy, std::uint32_t instrument, F& f) {
    for (const auto& spec : limit_specs()) {
      if (limits.*spec.field != kNoLimits.*spec.field) {
        f(spec, strategy, instrument, limits.*spec.field / spec.units);
      }
    }
  }

  Limits firm_;
  std::vector<Limits> instruments_;
  std::vector<Limits> strategies_;
  PairIndex pairs_;
  std::vector<Limits> pair_limits_;
  std::vector<Key> pair_keys_;
};

}  // namespace pitwire
