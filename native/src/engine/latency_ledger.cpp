#include "pitwire/engine/latency_ledger.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace pitwire {

using Stamps = rec::OrderLatency;

const std::array<LatencyStage, 8> kLatencyStages = {{
    {"received to decoded", "ts_recv", "ts_decoded", &Stamps::ts_recv, &Stamps::ts_decoded},
    {"decoded to decided", "ts_decoded", "ts_decided", &Stamps::ts_decoded, &Stamps::ts_decided},
    {"decided to risk passed", "ts_decided", "ts_risk", &Stamps::ts_decided, &Stamps::ts_risk},
    {"risk passed to logged", "ts_risk", "ts_logged", &Stamps::ts_risk, &Stamps::ts_logged},
    {"logged to sent", "ts_logged", "ts_sent", &Stamps::ts_logged, &Stamps::ts_sent},
    {"sent to acknowledged", "ts_sent", "ts_acknowledged", &Stamps::ts_sent,
     &Stamps::ts_acknowledged},
    {"received to sent", "ts_recv", "ts_sent", &Stamps::ts_recv, &Stamps::ts_sent},
    {"received to acknowledged", "ts_recv", "ts_acknowledged", &Stamps::ts_recv,
     &Stamps::ts_acknowledged},
}};

namespace {

constexpr const char* kLaneNames[] = {"python", "native"};

std::string page_name(const char* lane, std::string_view stage) {
  std::string name = std::string("order.") + lane + "." + std::string(stage) + "_ns";
  std::ranges::replace(name, ' ', '_');
  return name;
}

}  // namespace

LatencyLedger::LatencyLedger() : slots_(kSlots), own_(2 * kLatencyStages.size()) {
  for (std::size_t lane = 0; lane < 2; ++lane) {
    for (std::size_t i = 0; i < kLatencyStages.size(); ++i) {
      histograms_[lane][i] = &own_[lane * kLatencyStages.size() + i];
    }
  }
}

void LatencyLedger::share(SharedCounters& page) {
  for (std::size_t lane = 0; lane < 2; ++lane) {
    for (std::size_t i = 0; i < kLatencyStages.size(); ++i) {
      histograms_[lane][i] = &page.histogram(page_name(kLaneNames[lane], kLatencyStages[i].name));
    }
  }
  own_ = {};
}

void LatencyLedger::reached(OrderStage stage, Nanos now) noexcept {
  switch (stage) {
    case OrderStage::DECODED:
      rule_looked_ = now;
      return;
    case OrderStage::DECIDED:
      decided_ = now;
      risk_passed_ = 0;
      return;
    case OrderStage::RISK_PASSED:
      risk_passed_ = now;
      return;
  }
}

void LatencyLedger::native_phase(bool running, Nanos now) noexcept {
  native_ = running;
  if (!running) native_ended_ = now;
}

LatencyLedger::Answer LatencyLedger::logged(OrderAction action, ClOrdId cl_ord_id, Nanos received,
                                            Nanos now) {
  Stamps& slot = slots_[cl_ord_id % kSlots];
  const Answer before = slot.cl_ord_id != 0 ? Answer(slot) : std::nullopt;
  slot.cl_ord_id = cl_ord_id;
  slot.ts_recv = received;
  slot.ts_decoded = native_ ? std::exchange(rule_looked_, 0) : native_ended_;
  slot.ts_decided = std::exchange(decided_, 0);
  slot.ts_risk = std::exchange(risk_passed_, 0);
  slot.ts_logged = now;
  slot.ts_sent = slot.ts_acknowledged = 0;
  slot.lane = static_cast<std::uint32_t>(native_ ? OrderLane::NATIVE : OrderLane::PYTHON);
  slot.action = static_cast<std::uint32_t>(action);
  return before;
}

/// The stages that end at a stamp that was just taken. A cancel passes no gate, so its stages are
/// not those of an order: they are in the log only.
void LatencyLedger::count(const Stamps& record, std::int64_t Stamps::* reached) noexcept {
  if (record.action == static_cast<std::uint32_t>(OrderAction::CANCEL)) return;
  auto& lane = histograms_[record.lane == static_cast<std::uint32_t>(OrderLane::NATIVE) ? 1 : 0];
  for (std::size_t i = 0; i < kLatencyStages.size(); ++i) {
    const LatencyStage& stage = kLatencyStages[i];
    // With what was sent all that came before is known.
    const bool now = stage.to == reached ||
                     (reached == &Stamps::ts_sent && stage.to != &Stamps::ts_acknowledged);
    if (!now || record.*stage.from == 0 || record.*stage.to == 0) continue;
    lane[i]->record(record.*stage.to - record.*stage.from);
  }
}

void LatencyLedger::sent(ClOrdId cl_ord_id, Nanos now) noexcept {
  Stamps* const slot = find(cl_ord_id);
  if (slot == nullptr) return;
  slot->ts_sent = now;
  count(*slot, &Stamps::ts_sent);
}

void LatencyLedger::waits(SessionId session, Sequence sequence, ClOrdId cl_ord_id) {
  if (waiting_.size() <= index(session)) waiting_.resize(index(session) + 1);
  Ring& ring = waiting_[index(session)];
  ring.entries.resize(kSlots);
  // More than there are slots: the first is a record that was written already.
  if (ring.end - ring.begin == kSlots) ++ring.begin;
  ring.entries[ring.end++ % kSlots] = {sequence, cl_ord_id};
}

void LatencyLedger::written(SessionId session, Sequence up_to, Nanos now) noexcept {
  if (index(session) >= waiting_.size()) return;
  Ring& ring = waiting_[index(session)];
  while (ring.begin != ring.end && ring.entries[ring.begin % kSlots].sequence <= up_to) {
    sent(ring.entries[ring.begin++ % kSlots].cl_ord_id, now);
  }
}

void LatencyLedger::forget_waiting(SessionId session) noexcept {
  if (index(session) < waiting_.size())
    waiting_[index(session)].begin = waiting_[index(session)].end;
}

LatencyLedger::Answer LatencyLedger::acknowledged(ClOrdId cl_ord_id, Nanos received) noexcept {
  Stamps* const slot = find(cl_ord_id);
  if (slot == nullptr) return std::nullopt;
  slot->ts_acknowledged = received;
  count(*slot, &Stamps::ts_acknowledged);
  return std::exchange(*slot, {});
}

LatencyLedger::Answer LatencyLedger::give_up(ClOrdId cl_ord_id) noexcept {
  Stamps* const slot = find(cl_ord_id);
  if (slot == nullptr) return std::nullopt;
  return std::exchange(*slot, {});
}

}  // namespace pitwire
