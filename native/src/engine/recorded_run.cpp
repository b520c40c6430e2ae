#include "pitwire/engine/recorded_run.hpp"

#include <algorithm>
#include <stdexcept>

namespace pitwire {

RecordedRun::RecordedRun(Edge& edge, TscClock& clock, bool align_start)
    : edge_(edge), clock_(clock) {
  if (!clock.given()) throw std::invalid_argument("the clock of a recorded run must be given");
  auto feed = std::make_unique<RecordedFeed>(align_start);
  feed_ = feed.get();
  edge_.add_feed(std::move(feed));
}

Nanos RecordedRun::start() {
  const Nanos begin = feed_->start();
  clock_.set_floor(begin);
  return begin;
}

RecordedRun::Stop RecordedRun::run_native(Nanos until, std::uint64_t turns_max) {
  for (; turns_max != 0; --turns_max) {
    if (!edge_.busy() && edge_.queued() == 0) {
      if (feed_->waits()) return Stop::WAITS;
      if (!end_said_ && feed_->ended()) {
        end_said_ = true;
        return Stop::END;
      }
      const Nanos due = clock_.now() + edge_.until_due();
      clock_.set_floor(std::min(due, until));
      if (due > until) return Stop::UNTIL;
    }
    if (edge_.drain()) return Stop::PYTHON_PHASE;
  }
  return Stop::BUDGET;
}

}  // namespace pitwire
