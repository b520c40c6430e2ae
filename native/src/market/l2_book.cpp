#include "pitwire/market/l2_book.hpp"

namespace pitwire {
namespace {

// Prices this near the end are found by scanning; measured better than a search up to about 16.
constexpr std::ptrdiff_t kScan = 16;

/// First entry from the front that is not worse than px: where px is or belongs. The best is last.
template <bool kBids>
std::vector<L2Book::Entry>::iterator place_of(std::vector<L2Book::Entry>& side, std::int64_t px) {
  const auto worse = [](const L2Book::Entry& entry, std::int64_t price) {
    return kBids ? entry.px < price : entry.px > price;
  };
  auto at = side.end();
  const auto stop =
      side.size() > static_cast<std::size_t>(kScan) ? side.end() - kScan : side.begin();
  while (at != stop && !worse(*(at - 1), px)) --at;
  if (at != stop || stop == side.begin()) return at;
  return std::lower_bound(side.begin(), stop, px, worse);
}

auto find(std::vector<L2Book::Entry>& side, Side which, std::int64_t px) {
  return which == Side::BUY ? place_of<true>(side, px) : place_of<false>(side, px);
}

}  // namespace

L2Book::L2Book(std::size_t levels) {
  bids_.reserve(levels);
  asks_.reserve(levels);
}

bool L2Book::set(Side side, std::int64_t px, std::int64_t qty, Nanos ts_event) noexcept {
  auto& levels = side == Side::BUY ? bids_ : asks_;
  const auto at = find(levels, side, px);
  const bool found = at != levels.end() && at->px == px;
  if (qty <= 0) {
    if (found) levels.erase(at);
  } else if (found) {
    at->qty = qty;
  } else {
    levels.insert(at, {px, qty});
  }
  if (!own_.empty()) [[unlikely]]
    own_shown(side, px, std::max<std::int64_t>(qty, 0));
  top_.ts_event = ts_event;
  ++top_.updates;
  return refresh_top(side);
}

bool L2Book::change(Side side, std::int64_t px, std::int64_t qty, Nanos ts_event) noexcept {
  return set(side, px, qty_at(side, px) + qty, ts_event);
}

bool L2Book::apply(std::span<const L2Delta> deltas) noexcept {
  bool changed = false;
  for (const auto& delta : deltas) changed |= apply(delta);
  return changed;
}

void L2Book::clear(Nanos ts_event) noexcept {
  bids_.clear();
  asks_.clear();
  top_ = {.ts_event = ts_event, .updates = top_.updates + 1};
}

bool L2Book::refresh_top(Side side) noexcept {
  const auto& levels = entries(side);
  const Entry best = levels.empty() ? Entry{kNoPrice, 0} : levels.back();
  auto& px = side == Side::BUY ? top_.bid_px : top_.ask_px;
  auto& qty = side == Side::BUY ? top_.bid_qty : top_.ask_qty;
  const bool changed = px != best.px || qty != best.qty;
  px = best.px;
  qty = best.qty;
  return changed;
}

std::size_t L2Book::levels(Side side, std::span<Level> out) const noexcept {
  const auto& levels = entries(side);
  const auto count = std::min(out.size(), levels.size());
  for (std::size_t i = 0; i < count; ++i) {
    const auto& entry = levels[levels.size() - 1 - i];
    out[i] = {entry.px, entry.qty, 0};
  }
  return count;
}

std::int64_t L2Book::qty_at(Side side, std::int64_t px) const noexcept {
  auto& levels = const_cast<std::vector<Entry>&>(entries(side));  // find only reads
  const auto at = find(levels, side, px);
  return at != levels.end() && at->px == px ? at->qty : 0;
}

void L2Book::save(ByteWriter& out) const {
  for (const auto* side : {&bids_, &asks_}) {
    out.put(static_cast<std::uint64_t>(side->size()));
    for (const auto& entry : *side) {
      out.put(entry.px);
      out.put(entry.qty);
    }
  }
  out.put(top_.ts_event);
  out.put(top_.updates);
}

bool L2Book::restore(ByteReader& in) {
  clear(0);
  for (const auto side : {Side::BUY, Side::SELL}) {
    auto& levels = side == Side::BUY ? bids_ : asks_;
    const auto count = in.get<std::uint64_t>();
    if (count > in.left() / sizeof(Entry)) in.fail();
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
      const Entry entry{in.get<std::int64_t>(), in.get<std::int64_t>()};
      const bool ordered = levels.empty() || (side == Side::BUY ? levels.back().px < entry.px
                                                                : levels.back().px > entry.px);
      if (!ordered || entry.qty <= 0) in.fail();
      levels.push_back(entry);
    }
    refresh_top(side);
  }
  top_.ts_event = in.get<Nanos>();
  top_.updates = in.get<std::uint64_t>();
  if (!in.ok()) clear(0);
  return in.ok();
}

}  // namespace pitwire
