// Runs a live core over captures as fast as it goes: a backtest.
//
//   RecordedFeed ──► Edge ──► log ──► Core          as live, and the venue inside the daemon with
//   it
//        ▲             │ when is something due?
//        └── TscClock ◄┘                            given: set to that moment, never to the host's
//
// Time passes only here: when everything at the present moment is done, the clock is set to the
// next moment at which something is due (a recorded message, a timer, a bar, a request on its way
// to the venue or a report on its way back, the second of silence after which the edge makes a TIME
// input). So the log is a function of captures, configuration and code, and a turn takes no time.
//
// Inputs that are pushed between two calls (an operator's, a worker's result) are applied at the
// present moment, before anything that is due later.
#pragma once

#include <cstdint>

#include "pitwire/base/clock.hpp"
#include "pitwire/engine/edge.hpp"
#include "pitwire/wire/recorded_feed.hpp"

namespace pitwire {

class RecordedRun {
 public:
  /// Why `run_native` came back.
  enum class Stop : std::uint8_t {
    PYTHON_PHASE = 0,  ///< run it, then call again
    WAITS = 1,         ///< a capture has to be appended to: `feed()`
    UNTIL = 2,         ///< the present moment is `until`, and nothing is due up to it
    END = 3,           ///< every capture was handed over; said once, behind it time goes on
    BUDGET = 4,        ///< `turns_max` were taken: call again
  };

  /// `clock` is the edge's, and given. Throws std::invalid_argument where it is not.
  RecordedRun(Edge& edge, TscClock& clock, bool align_start);

  [[nodiscard]] RecordedFeed& feed() noexcept { return *feed_; }
  /// Sets the clock to the captures' beginning and returns it. Throws as RecordedFeed::start.
  Nanos start();
  /// Takes turns until something else has to be done.
  Stop run_native(Nanos until, std::uint64_t turns_max);

 private:
  Edge& edge_;
  TscClock& clock_;
  RecordedFeed* feed_;  ///< the edge's
  bool end_said_ = false;
};

}  // namespace pitwire
