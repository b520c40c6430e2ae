#include "pitwire/fix/symbology.hpp"

#include <stdexcept>

namespace pitwire {

void FixSymbology::add(FixInstrument instrument) {
  const std::string& symbol = instrument.symbol;
  if (symbol.empty() || symbol.find('\x01') != std::string::npos) {
    throw std::invalid_argument("instrument " + std::to_string(index(instrument.id)) +
                                ", symbol: empty or with SOH");
  }
  const std::size_t at = index(instrument.id);
  if (at >= 1U << 24)
    throw std::invalid_argument("instrument id " + std::to_string(at) + ": not dense");
  if (find(instrument.id) != nullptr) {
    throw std::invalid_argument("instrument " + std::to_string(at) + ": defined twice");
  }
  const std::string& security_id = instrument.security_id;
  if (!security_id.empty() && find_security(security_id) != nullptr) {
    throw std::invalid_argument("SecurityID " + security_id + ": given to two instruments");
  }
  const auto [entry, is_new] = by_symbol_.try_emplace(symbol, instrument);
  if (!is_new) throw std::invalid_argument("symbol " + symbol + ": given to two instruments");
  if (!security_id.empty()) by_security_id_.emplace(security_id, &entry->second);
  if (by_id_.size() <= at) by_id_.resize(at + 1, nullptr);
  by_id_[at] = &entry->second;
}

const FixInstrument* FixSymbology::find(InstrumentId id) const noexcept {
  return index(id) < by_id_.size() ? by_id_[index(id)] : nullptr;
}

const FixInstrument* FixSymbology::find(std::string_view symbol) const noexcept {
  const auto entry = by_symbol_.find(symbol);
  return entry == by_symbol_.end() ? nullptr : &entry->second;
}

const FixInstrument* FixSymbology::find_security(std::string_view security_id) const noexcept {
  const auto entry = by_security_id_.find(security_id);
  return entry == by_security_id_.end() ? nullptr : entry->second;
}

}  // namespace pitwire
