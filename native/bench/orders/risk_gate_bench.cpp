// P7 (a): the gate with every control of the first version set, over 8,000 instruments.
//   cmake -DPITWIRE_BENCH=ON ...; pitwire_orders_bench
// Requests come in a shuffled order of instruments, so that rows are as cold as in a wide universe.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <random>
#include <string>

#include "pitwire/orders/risk_gate.hpp"

namespace pitwire {
namespace {

constexpr std::uint32_t kInstruments = 8'000;
constexpr Nanos kNow = 1'000 * kSecond;

struct Universe {
  InstrumentRegistry registry;
  PositionBook positions;
  OrderTable orders;
  RiskGate gate;
  std::vector<OrderRequest> requests;
  std::vector<MarketView> markets;
  SessionView session{true, false, 1'000, 10, {}};

  static InstrumentRegistry instruments() {
    InstrumentRegistry registry;
    for (std::uint32_t i = 0; i < kInstruments; ++i) {
      Instrument instrument;
      instrument.id = InstrumentId{i};
      instrument.symbol = std::to_string(i);
      registry.add(std::move(instrument));
    }
    return registry;
  }

  Universe()
      : registry(instruments()),
        positions(registry),
        orders({}, positions),
        gate(registry, orders, positions) {
    rec::RiskState armed;
    armed.strategy = kNoId;
    armed.armed = 1;
    gate.apply(armed);
    set_limits();
    fill_tables();
  }

  void set_limits() {
    auto& limits = gate.limits();
    const std::pair<const char*, std::int64_t> firm[]{{"quantity_max", 10'000},
                                                      {"notional_max", 1'000'000},
                                                      {"collar_bps", 500},
                                                      {"collar_ticks", 1'000},
                                                      {"position_max", 100'000},
                                                      {"gross_notional_max", 1'000'000'000},
                                                      {"working_orders_max", 50'000},
                                                      {"message_rate_max", 1'000'000},
                                                      {"session_message_rate_max", 1'000'000},
                                                      {"daily_loss_max", 1'000'000},
                                                      {"book_age_max_ms", 1'000},
                                                      {"duplicate_window_ms", 1}};
    for (const auto& [name, value] : firm) limits.set(name, kNoId, kNoId, value);
    limits.set("gross_notional_max", 0, kNoId, 500'000'000);
    limits.set("daily_loss_max", 0, kNoId, 500'000);
    for (std::uint32_t i = 0; i < kInstruments; ++i) {
      limits.set("quantity_max", kNoId, i, 5'000);
      limits.set("position_max", kNoId, i, 50'000);
    }
  }

  /// A working order and a position in every instrument; one request each, shuffled.
  void fill_tables() {
    std::vector<std::uint32_t> ids(kInstruments);
    std::iota(ids.begin(), ids.end(), 0u);
    std::shuffle(ids.begin(), ids.end(), std::mt19937(7));
    for (const auto id : ids) {
      rec::OrderSubmitted record;
      record.cl_ord_id = std::uint64_t{id} + 1;
      record.instrument = id;
      record.side = static_cast<std::uint8_t>(Side::BUY);
      record.ord_type = static_cast<std::uint8_t>(OrdType::LIMIT);
      record.price = 9'990;
      record.order_qty = 100;
      orders.apply(record);
      gate.apply(record, kNow - 10 * kMillisecond);
      positions.adopt(StrategyId{0}, InstrumentId{id}, 100, 10'000);
      OrderRequest request;
      request.instrument = InstrumentId{id};
      request.side = id % 2 == 0 ? Side::BUY : Side::SELL;
      request.price = 10'000;
      request.order_qty = 100;
      requests.push_back(request);
      markets.push_back({BookState::LIVE, TradingState::TRADING, 9'999, 10'001, 10'000, kNow});
    }
  }
};

Universe& universe() {
  static Universe instance;
  return instance;
}

void gate_check(benchmark::State& state) {
  auto& u = universe();
  std::size_t i = 0;
  for (auto _ : state) {
    const auto verdict = u.gate.check(u.requests[i], u.markets[i], u.session, kNow);
    if (!verdict.passed()) state.SkipWithError("denied");
    benchmark::DoNotOptimize(verdict);
    i = i + 1 == u.requests.size() ? 0 : i + 1;
  }
}
BENCHMARK(gate_check);

/// Each check timed alone; the clock's own cost is in it and is shown.
void gate_percentiles(benchmark::State& state) {
  auto& u = universe();
  using Clock = std::chrono::steady_clock;
  std::vector<std::int64_t> taken;
  std::vector<std::int64_t> empty;
  std::size_t i = 0;
  for (auto _ : state) {
    const auto start = Clock::now();
    benchmark::DoNotOptimize(u.gate.check(u.requests[i], u.markets[i], u.session, kNow));
    const auto end = Clock::now();
    taken.push_back((end - start).count());
    empty.push_back((Clock::now() - end).count());
    i = i + 1 == u.requests.size() ? 0 : i + 1;
  }
  const auto at = [](std::vector<std::int64_t>& values, std::size_t per_mille) {
    std::sort(values.begin(), values.end());
    return static_cast<double>(values[values.size() * per_mille / 1'000]);
  };
  state.counters["clock_p50_ns"] = at(empty, 500);
  state.counters["p50_ns"] = at(taken, 500);
  state.counters["p99_ns"] = at(taken, 990);
}
BENCHMARK(gate_percentiles)->Iterations(1'000'000);

}  // namespace
}  // namespace pitwire
