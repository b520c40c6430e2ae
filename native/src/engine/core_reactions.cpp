// What the core does by itself on an update, before anybody is woken: positions are marked, kernels
// that failed take what stands on them along, rules send orders, triggers wake.
#include <algorithm>
#include <array>
#include <bit>
#include <charconv>

#include "pitwire/engine/core.hpp"

namespace pitwire {

void Core::market_changed(InstrumentId instrument) {
  if (tap_ != nullptr) tap_->market_changed(instrument);
  const MarketSlot& slot = market_->slot(instrument);
  if (slot.bid_qty != 0 && slot.ask_qty != 0) {
    orders_->positions().mark(instrument, slot.bid_px + (slot.ask_px - slot.bid_px) / 2);
  }
  look_at_rules(instrument);
  orders_->keeper().market_moved(instrument);
}

void Core::state_changed(InstrumentId instrument) {
  if (tap_ != nullptr) tap_->state_changed(instrument);
  orders_->keeper().market_moved(instrument);
}

void Core::traded(InstrumentId instrument, std::int64_t px, std::int64_t qty, Side aggressor) {
  if (tap_ != nullptr) tap_->traded(instrument, px, qty, aggressor);
  const MarketSlot& slot = market_->slot(instrument);
  if (slot.bid_qty == 0 || slot.ask_qty == 0) orders_->positions().mark(instrument, px);
  look_at_rules(instrument);
  orders_->keeper().market_moved(instrument);
}

void Core::look_at_rules(InstrumentId instrument) {
  for (NativeRule& rule : rules_) {
    if (rule.instrument != instrument || !rule.armed) continue;
    if (rule.crossed(value_of(rule), now())) rule.is_trigger() ? trigger(rule) : fire(rule);
  }
}

double Core::value_of(const NativeRule& rule) const noexcept {
  const auto& signals = market_->slot(rule.instrument).signals;
  if (rule.signal < signals.size()) return signals[rule.signal];
  return market_->kernels().values()[rule.signal - signals.size()];
}

void Core::trigger(NativeRule& rule) {
  rule.quiet_until = now() + rule.cooldown_ns;
  Event& event = emitter_.event(EventKind::TRIGGER, index(rule.strategy), index(rule.instrument));
  event.values = {std::bit_cast<std::int64_t>(value_of(rule)), now()};
  event.text = rule.name;
  market_->end_phase_here();
}

void Core::fire(NativeRule& rule) {
  if (emitter_.muted()) return;
  emitter_.egress().reached(OrderStage::DECODED);
  const OrderRequest request = rule.request(market_->slot(rule.instrument));
  if (request.order_qty == 0) return;
  const Interval possible = orders_->positions().of(rule.strategy, rule.instrument).interval();
  const bool buys = rule.side == Side::BUY;
  if (buys ? possible.high + rule.qty > rule.max_position
           : possible.low - rule.qty < -rule.max_position) {
    return;
  }
  rule.quiet_until = now() + rule.cooldown_ns;
  orders_->submit(orders_->new_cl_ord_id(), request);
}

void Core::arm_rule(NativeRule rule) {
  const auto same = [&](const NativeRule& other) {
    return other.strategy == rule.strategy && other.name == rule.name;
  };
  rule.armed = true;
  const auto found = std::find_if(rules_.begin(), rules_.end(), same);
  if (found != rules_.end()) {
    rule.id = found->id;
    *found = std::move(rule);
    log_rule(*found, "changed");
    return;
  }
  rule.id = static_cast<std::uint32_t>(rules_.size());
  rules_.push_back(std::move(rule));
  log_rule(rules_.back(), "armed");
}

bool Core::disarm_rule(StrategyId strategy, std::string_view name) {
  for (NativeRule& rule : rules_) {
    if (rule.strategy != strategy || rule.name != name || !rule.armed) continue;
    rule.armed = false;
    log_rule(rule, "disarmed");
    return true;
  }
  return false;
}

void Core::log_rule(const NativeRule& rule, std::string_view reason) {
  const std::string json =
      "{\"name\":\"" + rule.name + "\",\"reason\":\"" + std::string(reason) + "\"}";
  rec::RuleState record;
  record.rule = rule.id;
  record.strategy = index(rule.strategy);
  record.instrument = index(rule.instrument);
  record.armed = rule.armed ? 1 : 0;
  record.size_bytes = static_cast<std::uint32_t>(json.size());
  emitter_.emit(record, 0, text_bytes(json));
}

// ------------------------------------------------------------------ kernels

void Core::run_kernel(std::uint32_t slot, std::span<const double> parameters) {
  KernelTable& kernels = market_->kernels();
  const bool running = slot < kernels.slots().size() && kernels.slots()[slot].armed;
  kernels.run(slot, parameters);
  log_kernel(slot, running ? "parameters" : "run");
}

/// What stands on the value of a kernel is disarmed with it.
void Core::kernel_failed(std::uint32_t slot) {
  const KernelTable& kernels = market_->kernels();
  const KernelTable::Slot& failed = kernels.slots()[slot];
  log_kernel(slot, failed.status == KernelTable::kNotFinite ? "not finite"
                   : failed.status == KernelTable::kRaised  ? "raised"
                                                            : "status");
  const std::uint32_t signal = static_cast<std::uint32_t>(kSignals) + slot;
  for (NativeRule& rule : rules_) {
    if (rule.signal != signal || !rule.armed) continue;
    rule.armed = false;
    log_rule(rule, "kernel disarmed");
  }
  Event& event =
      emitter_.event(EventKind::KERNEL, index(failed.strategy), index(failed.instrument));
  event.values = {failed.status, now()};
  event.text = kernels.name(slot);
}

void Core::log_kernel(std::uint32_t slot, std::string_view reason) {
  const KernelTable& kernels = market_->kernels();
  const KernelTable::Slot& of = kernels.slots()[slot];
  std::string json = "{\"name\":\"" + kernels.name(slot) + "\",\"reason\":\"";
  json += std::string(reason) + "\",\"parameters\":[";
  for (const double parameter : of.parameters) {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), parameter).ptr;
    if (json.back() != '[') json += ',';
    json.append(digits.data(), end);
  }
  json += "]}";
  rec::KernelState record;
  record.kernel = slot;
  record.strategy = index(of.strategy);
  record.instrument = index(of.instrument);
  record.armed = of.armed ? 1 : 0;
  record.status = of.status;
  record.size_bytes = static_cast<std::uint32_t>(json.size());
  emitter_.emit(record, 0, text_bytes(json));
}

}  // namespace pitwire
