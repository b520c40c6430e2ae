// The core's checkpoints: its facts first, by which another build may go on, then all the rest.
#include "pitwire/engine/core.hpp"
#include "venue_route.hpp"

namespace pitwire {
namespace {

constexpr std::uint32_t kFactsVersion = 4;  ///< of the layout of what `save_facts` writes

}  // namespace

void Core::save(std::vector<std::byte>& out) const {
  ByteWriter writer(out);
  std::vector<std::byte> facts;
  ByteWriter first(facts);
  save_facts(first);
  writer.put_bytes(facts);
  writer.put(emitter_.outputs_crc());
  market_->save(writer);
  positions_->save(writer);
  save_reactions(writer);
}

void Core::save_facts(ByteWriter& out) const {
  out.put(kFactsVersion);
  out.put(turn_);
  out.put(emitter_.now());
  out.put(emitter_.cause());
  std::vector<std::byte> part;
  orders_->save(part);
  out.put_bytes(part);
  fix_->save(out);
}

/// What the facts begin with; nothing where another build wrote them in another layout.
std::optional<ByteReader> Core::begin_restored(ByteReader& in) {
  ByteReader facts(in.get_bytes());
  if (facts.get<std::uint32_t>() != kFactsVersion) return std::nullopt;
  turn_ = facts.get<std::uint64_t>();
  const auto now = facts.get<Nanos>();
  emitter_.begin(now, facts.get<Sequence>());
  return facts;
}

bool Core::restore_facts(std::span<const std::byte> in) {
  ByteReader reader(in);
  auto facts = begin_restored(reader);
  return facts && orders_->restore_facts(facts->get_bytes()) && fix_->restore_facts(*facts);
}

void Core::save_reactions(ByteWriter& out) const {
  subscriptions_.save(out);
  bars_.save(out);
  timers_.save(out);
  out.put(static_cast<std::uint64_t>(bar_subscriptions_.size()));
  for (const BarSubscription& wanted : bar_subscriptions_) {
    out.put(wanted.strategy);
    out.put(wanted.instrument);
    out.put(wanted.seconds);
  }
  out.put(static_cast<std::uint64_t>(rules_.size()));
  for (const NativeRule& rule : rules_) rule.save(out);
  for (const auto& venue : venues_) {
    out.put(std::uint64_t{venue && venue->connected()});
    out.put(std::uint64_t{venue && venue->logged_on()});
  }
}

bool Core::restore(std::span<const std::byte> in) {
  ByteReader reader(in);
  auto facts = begin_restored(reader);
  if (!facts || !orders_->restore(facts->get_bytes()) || !fix_->restore(*facts)) return false;
  emitter_.set_outputs_crc(reader.get<std::uint32_t>());
  return market_->restore(reader) && positions_->restore(reader) && restore_reactions(reader) &&
         reader.ok();
}

bool Core::restore_reactions(ByteReader& in) {
  if (!subscriptions_.restore(in) || !bars_.restore(in) || !timers_.restore(in)) return false;
  bar_subscriptions_.clear();
  for (auto left = in.get<std::uint64_t>(); left > 0 && in.ok(); --left) {
    const auto strategy = in.get<StrategyId>();
    const auto instrument = in.get<InstrumentId>();
    bar_subscriptions_.push_back({strategy, instrument, in.get<std::uint32_t>()});
  }
  rules_.clear();
  for (auto left = in.get<std::uint64_t>(); left > 0 && in.ok(); --left) {
    rules_.push_back(NativeRule::restored(in));
  }
  for (const auto& venue : venues_) {
    const bool connected = in.get<std::uint64_t>() != 0;
    const bool logged_on = in.get<std::uint64_t>() != 0;
    if (venue) venue->set_connected(connected);
    if (venue) venue->set_logged_on(logged_on);
  }
  return in.ok();
}

}  // namespace pitwire
