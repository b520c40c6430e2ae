#include "pitwire/engine/replay.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace pitwire {

ReplayDriver::ReplayDriver(LogReader& log, const CoreConfig& config,
                           const std::vector<Facts>& facts)
    : journal_(log), core_(journal_, egress_, config) {
  for (const Facts& next : facts) {
    // A start that died before its first turn ended is itself among what the next took as facts.
    if (!next.anew) {
      std::erase_if(facts_, [&](const Facts& each) { return !each.anew && each.at >= next.from; });
    }
    facts_.push_back(next);
  }
}

bool ReplayDriver::begin_anew(Sequence abandoned, Sequence facts_from) {
  std::erase_if(facts_, [&](const Facts& facts) { return facts.at < abandoned; });
  if (facts_.empty() || facts_.front().at != abandoned) return false;
  facts_.front().from = facts_from;
  facts_.front().anew = false;
  anew_ = true;
  return true;
}

bool ReplayDriver::apply_facts() {
  const Sequence done = journal_.last_sequence();
  // A process may leave off with nothing behind its last turn: then no frame is a fact, but what
  // was left of a packet is not gone on with either.
  const auto behind_us = [done](const Facts& facts) {
    return facts.anew || facts.last < done || (facts.last == done && facts.from <= done);
  };
  while (!facts_.empty() && behind_us(facts_.front())) facts_.erase(facts_.begin());
  if (facts_.empty() || done + 1 < facts_.front().from) return false;
  while (const auto frame = journal_.next_fact(facts_.front().last)) core_.apply_fact(*frame);
  facts_.erase(facts_.begin());
  if (std::exchange(anew_, false)) core_.forget_events();
  return true;
}

ReplayDriver::Stop ReplayDriver::run_native(std::uint64_t inputs_max) {
  if (!in_turn_) {
    if (journal_.at_end()) return Stop::END;
    core_.begin_turn();
    in_turn_ = true;
    if (!apply_facts()) (void)core_.resume();
  }
  for (std::uint64_t i = 0; i < inputs_max; ++i) {
    const auto next = journal_.next_input();
    if (!next) return journal_.divergence() ? Stop::DIVERGED : Stop::END;
    header_ = *next->header;
    payload_.assign(next->payload.begin(), next->payload.end());
    const Frame frame{&header_, payload_};
    ++inputs_;
    if (first_ts_ == 0) first_ts_ = frame.ts_core();
    if (const auto* turn = frame.as<rec::Turn>()) {
      core_.begin_python_phase((turn->flags & 1) != 0);
      in_turn_ = false;
      return Stop::PYTHON_PHASE;
    }
    (void)core_.apply(frame);
    if (frame.as<rec::Epoch>() != nullptr) {
      epoch_json_ = text_view(frame.tail<rec::Epoch>());
      return Stop::EPOCH;
    }
  }
  return Stop::BUDGET;
}

}  // namespace pitwire
