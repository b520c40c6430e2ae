// The position book's saved state: pairs in the order of their slots, firm cells, totals.
#include "pitwire/orders/position_book.hpp"
#include "pitwire/orders/state_io.hpp"

namespace pitwire {
namespace {

constexpr std::uint32_t kVersion = 1;

/// Every field once, for both directions.
template <class Ref, class F>
void each_field(Ref& h, F&& f) {
  f(h.position.open_cost), f(h.position.realised), f(h.position.net_qty), f(h.position.fees);
  f(h.position.bought_qty), f(h.position.sold_qty);
  f(h.working.buy_qty), f(h.working.sell_qty), f(h.working.notional);
  f(h.working.buy_orders), f(h.working.sell_orders);
  f(h.open_notional), f(h.pnl_risk);
}

void put(StateWriter& writer, const Holding& holding) {
  each_field(holding, [&](const auto& field) { writer.put(field); });
}

void get(StateReader& reader, Holding& holding) {
  each_field(holding, [&](auto& field) { field = reader.get<std::decay_t<decltype(field)>>(); });
}

}  // namespace

void PositionBook::save(std::vector<std::byte>& out) const {
  StateWriter writer(out);
  writer.put(kVersion);
  writer.put(static_cast<std::uint32_t>(overflowed_));
  writer.put(std::uint64_t{cells_.size()});
  for (const auto& pair : cells_) {
    writer.put(pair.strategy);
    writer.put(pair.instrument);
    put(writer, pair.holding);
  }
  writer.put(std::uint64_t{firm_.size()});
  for (const auto& firm : firm_) {
    writer.put(firm.mark);
    put(writer, firm.holding);
  }
  writer.put(std::uint64_t{totals_.size()});
  for (const auto& totals : totals_) writer.put(totals);
  writer.put(firm_totals_);
}

bool PositionBook::restore(std::span<const std::byte> in) {
  PositionBook fresh(*registry_, pairs_.capacity(), static_cast<std::uint32_t>(totals_.size()));
  StateReader reader(in);
  bool good = reader.get<std::uint32_t>() == kVersion;
  fresh.overflowed_ = reader.get<std::uint32_t>() != 0;
  const auto pairs = good ? reader.count(16) : 0;
  for (std::size_t i = 0; i < pairs && good && reader.ok(); ++i) {
    const auto strategy = reader.get<StrategyId>();
    const auto instrument = reader.get<InstrumentId>();
    auto* pair = fresh.cell(strategy, instrument);
    good = pair != nullptr && fresh.cells_.size() == i + 1;
    if (good) get(reader, pair->holding);
  }
  const auto firms = good ? reader.count(16) : 0;
  good = good && firms <= registry_->size();
  if (good && fresh.firm_.size() < firms) fresh.firm_.resize(firms);  // marked, and never traded
  for (std::size_t i = 0; i < firms && good; ++i) {
    fresh.firm_[i].mark = reader.get<std::int64_t>();
    get(reader, fresh.firm_[i].holding);
  }
  const auto totals = good ? reader.count(sizeof(Totals)) : 0;
  good = good && totals == totals_.size();
  for (std::size_t i = 0; i < totals && good; ++i) fresh.totals_[i] = reader.get<Totals>();
  fresh.firm_totals_ = reader.get<Totals>();
  good = good && reader.ok() && reader.at_end();
  *this = good ? std::move(fresh)
               : PositionBook(*registry_, pairs_.capacity(),
                              static_cast<std::uint32_t>(totals_.size()));
  return good;
}

}  // namespace pitwire
