// What a venue calls our instruments, and in which steps it counts them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "pitwire/base/types.hpp"
#include "pitwire/fix/decimal.hpp"

namespace pitwire {

/// One instrument on one venue. `fee_step` is the settlement currency's money unit.
struct FixInstrument {
  InstrumentId id{};
  std::string symbol;      ///< FIX tag 55 on this venue
  DecimalStep price_step;  ///< one price increment of ours, in the unit that its messages count in
  DecimalStep qty_step;
  DecimalStep fee_step{1, -8};
  std::string security_id{};  ///< FIX tag 48; empty where the venue does not use it
  int price_decimals = -1;    ///< how many are written; -1: as the step has
  int qty_decimals = -1;
};

/// Symbol text ↔ instrument. Filled in configuration, afterwards only read; must outlive the
/// sessions that refer to it. Instruments may be added while sessions live, between their calls.
class FixSymbology {
 public:
  FixSymbology() = default;
  FixSymbology(const FixSymbology&) = delete;
  FixSymbology& operator=(const FixSymbology&) = delete;
  /// Throws std::invalid_argument when the id or the symbol is there already, or the symbol is
  /// empty or holds SOH.
  void add(FixInstrument instrument);
  /// nullptr where unknown; O(1).
  [[nodiscard]] const FixInstrument* find(InstrumentId id) const noexcept;
  /// nullptr where unknown; O(log n) string comparisons.
  [[nodiscard]] const FixInstrument* find(std::string_view symbol) const noexcept;
  /// As find(), by SecurityID.
  [[nodiscard]] const FixInstrument* find_security(std::string_view security_id) const noexcept;

 private:
  std::vector<const FixInstrument*> by_id_;  // into by_symbol_, whose nodes never move
  std::map<std::string, FixInstrument, std::less<>> by_symbol_;
  std::map<std::string, const FixInstrument*, std::less<>> by_security_id_;
};

}  // namespace pitwire
