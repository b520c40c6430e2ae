// What matching costs: an add and its cancel near the touch, a take, and the agents' whole market.
#include <benchmark/benchmark.h>

#include "pitwire/matching/agents.hpp"
#include "pitwire/matching/matching_engine.hpp"

namespace pitwire {
namespace {

class Silent final : public VenueSink {
 public:
  void accepted(Nanos, const VenueOrder&) override {}
  void rejected(Nanos, const VenueOrder&, VenueReject) override {}
  void rested(Nanos, const VenueOrder&) override {}
  void traded(const VenueTrade&) override {}
  void reduced(Nanos, const VenueOrder&, std::int64_t) override {}
  void replaced(Nanos, const VenueOrder&, OrderRef) override {}
  void canceled(Nanos, const VenueOrder&, CancelCause, bool) override {}
  void triggered(Nanos, const VenueOrder&) override {}
  void trading(Nanos, InstrumentId, TradingState) override {}
};

VenueOrder order(Side side, std::int64_t price, std::int64_t qty) {
  VenueOrder made;
  made.side = side;
  made.price = price;
  made.order_qty = qty;
  return made;
}

/// A book of 100 levels a side, 10 orders each.
struct Deep {
  Silent sink;
  MatchingEngine engine{{VenueInstrument{}}, 1 << 16};
  Deep() {
    for (std::int64_t level = 1; level <= 100; ++level) {
      for (int i = 0; i < 10; ++i) {
        engine.submit(0, order(Side::BUY, 10'000 - level, 10), sink);
        engine.submit(0, order(Side::SELL, 10'000 + level, 10), sink);
      }
    }
  }
};

void add_and_cancel(benchmark::State& state) {
  Deep deep;
  std::int64_t level = 0;
  for (auto _ : state) {
    level = level % 10 + 1;
    const auto ref = deep.engine.submit(1, order(Side::BUY, 10'000 - level, 10), deep.sink);
    deep.engine.cancel(1, ref, deep.sink);
  }
}
BENCHMARK(add_and_cancel);

void take_and_refill(benchmark::State& state) {
  Deep deep;
  for (auto _ : state) {
    deep.engine.submit(1, order(Side::BUY, 10'001, 10), deep.sink);
    deep.engine.submit(1, order(Side::SELL, 10'001, 10), deep.sink);
  }
}
BENCHMARK(take_and_refill);

void agents_action(benchmark::State& state) {
  Silent sink;
  AgentMarketConfig config;
  config.instruments.resize(1);
  config.actions_per_second = 1e6;
  MatchingEngine engine({VenueInstrument{}}, 1 << 16);
  AgentMarket market(config, engine, sink);
  market.open(0);
  Nanos now = 0;
  for (auto _ : state) market.advance(now += 1'000, 1);
}
BENCHMARK(agents_action);

}  // namespace
}  // namespace pitwire
