// What stands behind `daemon.core.Live`.
#pragma once

#include "pitwire/engine/edge.hpp"

namespace pitwire {

/// Everything that a live core stands on, in the order in which it must be built and destroyed.
struct Live {
  Live(LogWriter& log, SharedStatus* status, const CoreConfig& core_config,
       const EdgeConfig& edge_config, TscClock::Source source)
      : journal(log),
        clock(log.last_ts_core(), source),
        edge(journal, clock, status, edge_config),
        core(journal, edge, core_config) {
    edge.attach(core);
  }
  Live(const Live&) = delete;
  Live& operator=(const Live&) = delete;
  ~Live() { journal.log().on_roll({}); }  // the log outlives us

  LiveJournal journal;
  TscClock clock;
  Edge edge;
  Core core;
};

}  // namespace pitwire
