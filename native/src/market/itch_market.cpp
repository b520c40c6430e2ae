#include "pitwire/market/itch_market.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <string>

namespace pitwire {

namespace itch {

bool make_symbol(std::string_view text, Symbol8& out) noexcept {
  if (text.empty() || text.size() > out.size()) return false;
  for (const char c : text) {
    if (c <= ' ' || c > '~') return false;
  }
  out.fill(' ');
  std::copy(text.begin(), text.end(), out.begin());
  return true;
}

std::string_view symbol_text(const Symbol8& symbol) noexcept {
  std::string_view text(symbol.data(), symbol.size());
  while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.remove_suffix(1);
  return text;
}

}  // namespace itch

ItchMarket::ItchMarket(std::size_t orders_expected)
    : store_(orders_expected), locates_(65536, kUnseen) {}

void ItchMarket::map_symbol(std::string_view symbol, InstrumentId instrument,
                            std::int64_t price_increment) {
  const auto refuse = [&](const char* why) {
    throw std::invalid_argument("ITCH symbol \"" + std::string(symbol) + "\": " + why);
  };
  Symbol8 padded{};
  if (!itch::make_symbol(symbol, padded)) refuse("expected 1 to 8 printable characters, no space");
  if (price_increment <= 0 || price_increment > 2'000'000'000) {
    refuse("price increment expected from 0.0001 to 200000");
  }
  if (known(instrument)) refuse("its instrument has a symbol already");
  const auto at = static_cast<std::uint32_t>(slots_.size());
  if (!by_symbol_.try_emplace(std::bit_cast<std::uint64_t>(padded), at).second) {
    refuse("mapped already");
  }
  slots_.push_back({L3Book(store_, at), instrument, static_cast<std::uint32_t>(price_increment)});
  symbols_.push_back(padded);
  if (by_instrument_.size() <= index(instrument))
    by_instrument_.resize(index(instrument) + 1, kNil);
  by_instrument_[index(instrument)] = at;
  // The feed may have named it before we cared.
  std::replace(locates_.begin(), locates_.end(), kIgnored, kUnseen);
}

std::uint32_t ItchMarket::learn(std::uint16_t locate, const Symbol8& symbol) noexcept {
  const auto found = by_symbol_.find(std::bit_cast<std::uint64_t>(symbol));
  const auto at = found == by_symbol_.end() ? kIgnored : found->second;
  locates_[locate] = at;
  return at;
}

void ItchMarket::clear(InstrumentId instrument, Nanos ts_event) noexcept {
  slots_[slot_of(instrument)].book.clear(ts_event);
}

void ItchMarket::clear_all(Nanos ts_event) noexcept {
  for (auto& slot : slots_) slot.book.clear(ts_event);
}

void ItchMarket::save(ByteWriter& out) const {
  out.put(static_cast<std::uint64_t>(slots_.size()));
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const auto& slot = slots_[i];
    out.put(symbols_[i]);
    out.put(static_cast<std::uint64_t>(index(slot.instrument)));
    out.put(static_cast<std::uint64_t>(slot.increment));
    out.put(static_cast<std::uint64_t>(slot.trading));
    slot.book.save(out);
  }
  std::vector<std::uint32_t> named;  // {locate, slot}: few of the 65,536
  for (std::uint32_t i = 0; i < locates_.size(); ++i) {
    if (locates_[i] != kUnseen) named.insert(named.end(), {i, locates_[i]});
  }
  out.put_bytes(std::as_bytes(std::span(named)));
  store_.own().save(out);
  out.put(midnight_);
  out.put(session_);
  out.put(next_sequence_);
  for (const auto count : statuses_) out.put(count);
}

bool ItchMarket::restore_own(ByteReader& in) {
  auto& own = store_.own();
  if (!in.ok() || !own.restore(in)) return false;
  bool right = true;
  own.for_each([&](std::uint32_t at, const OwnQueue::Entry& entry) {
    right &= entry.book < slots_.size();
    if (entry.book < slots_.size()) slots_[entry.book].book.take_up(at);
  });
  return right;
}

bool ItchMarket::restore(ByteReader& in) {
  store_.own().clear();
  clear_all(0);
  std::fill(locates_.begin(), locates_.end(), kUnseen);
  if (in.get<std::uint64_t>() != slots_.size()) in.fail();
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    auto& slot = slots_[i];
    const bool same = in.get<Symbol8>() == symbols_[i] &&
                      in.get<std::uint64_t>() == index(slot.instrument) &&
                      in.get<std::uint64_t>() == slot.increment;
    if (!same) in.fail();
    slot.trading = static_cast<TradingState>(in.get<std::uint64_t>());
    if (!in.ok() || !slot.book.restore(in)) break;
  }
  ByteReader named(in.get_bytes());
  while (named.left() >= 8) {
    const auto locate = named.get<std::uint32_t>();
    const auto at = named.get<std::uint32_t>();
    if (locate >= locates_.size() || (at >= slots_.size() && at != kIgnored)) {
      in.fail();
      break;
    }
    locates_[locate] = at;
  }
  if (!restore_own(in)) in.fail();
  midnight_ = in.get<Nanos>();
  session_ = in.get<mold::Session>();
  next_sequence_ = in.get<std::uint64_t>();
  for (auto& count : statuses_) count = in.get<std::uint64_t>();
  if (!in.ok()) {
    store_.own().clear();
    clear_all(0);
  }
  return in.ok();
}

}  // namespace pitwire
