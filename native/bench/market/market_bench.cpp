// P1 to P4 of GOALS.md in the small: decode alone, decode into L3 books, L2 deltas.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "itch_day.hpp"
#include "pitwire/market/itch_market.hpp"
#include "pitwire/market/kernels.hpp"
#include "pitwire/market/l2_book.hpp"

namespace pitwire {
namespace {

using bench::day;
using bench::for_each_message;

struct Checksum {
  std::uint64_t sum = 0;
  template <class M>
  void operator()(const M& message) noexcept {
    sum += message.header.timestamp + message.header.stock_locate;
    M::fields(message, [this]<class T>(const T& field) {
      if constexpr (std::is_integral_v<T>) {
        sum += static_cast<std::uint64_t>(field);
      } else {
        sum += static_cast<unsigned char>(field[0]);
      }
    });
  }
};

void decode(benchmark::State& state) {
  const auto& bytes = day(bench::kHot).bytes;
  std::size_t messages = 0;
  Checksum checksum;
  for (auto _ : state) {
    messages += for_each_message(bytes, [&](auto message) { itch::visit(message, checksum); });
  }
  benchmark::DoNotOptimize(checksum.sum);
  state.SetItemsProcessed(static_cast<std::int64_t>(messages));
}
BENCHMARK(decode)->Name("P1_itch_decode")->Unit(benchmark::kMillisecond);

/// Whether every book ends as its makers', and the newest order of each stands where theirs does.
bool ends_alike(const ItchMarket& market, const bench::Day& day) {
  for (std::uint32_t i = 0; i < day.symbols.size(); ++i) {
    const auto& book = market.book(InstrumentId{i});
    const auto& top = book.top();
    const auto& end = day.endings[i];
    const bool bid =
        end.bid_qty == 0 ? !top.has_bid() : top.bid_px == end.bid_px && top.bid_qty == end.bid_qty;
    const bool ask =
        end.ask_qty == 0 ? !top.has_ask() : top.ask_px == end.ask_px && top.ask_qty == end.ask_qty;
    if (!bid || !ask || book.qty_ahead(end.last_ref) != end.last_ahead) return false;
  }
  return true;
}

void books(benchmark::State& state, const bench::Kind& kind) {
  const auto& all = day(kind);
  std::size_t messages = 0;
  MarketListener listener;
  for (auto _ : state) {
    state.PauseTiming();
    auto market = std::make_unique<ItchMarket>(1 << 20);
    for (std::uint32_t i = 0; i < all.symbols.size(); ++i) {
      market->map_symbol(all.symbols[i], InstrumentId{i}, 100);
    }
    state.ResumeTiming();
    messages += market->apply_messages(all.bytes, listener);
    state.PauseTiming();
    if (!ends_alike(*market, all)) state.SkipWithError("a book is not the stream's");
    state.counters["growths"] = static_cast<double>(market->store().growths());
    market.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(messages));
}
BENCHMARK_CAPTURE(books, sequential, bench::kHot)
    ->Name("P2_itch_l3")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(books, spread, bench::kHotSpread)
    ->Name("P2_itch_l3_spread")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(books, wide, bench::kWide)->Name("P3_itch_l3")->Unit(benchmark::kMillisecond);

void l2_deltas(benchmark::State& state) {
  std::mt19937_64 random(2);
  std::vector<L2Delta> deltas;
  for (int i = 0; i < 100'000; ++i) {
    const bool buy = random() % 2 == 0;
    const auto away = static_cast<std::int64_t>(random() % 10 < 9 ? random() % 20 : random() % 500);
    deltas.push_back({buy ? 5000 - away : 5001 + away, static_cast<std::int64_t>(random() % 4), i,
                      buy ? 1U : 2U, 0});
  }
  L2Book book(1024);
  for (auto _ : state) benchmark::DoNotOptimize(book.apply(deltas));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(deltas.size()));
}
BENCHMARK(l2_deltas)->Name("P4_l2_deltas")->Unit(benchmark::kMillisecond);

/// What a compiled kernel is to the core: a function behind a pointer that the compiler cannot see
/// through.
[[gnu::noinline]] std::int32_t imbalance_kernel(const KernelInput* input, const double* parameters,
                                                double* state, double* out) {
  state[0] += parameters[0] * (input->imbalance - state[0]);
  *out = state[0];
  return 0;
}

/// ns of a call of the kernel behind its pointer and nothing else, the least of some batches (what
/// else the machine does only adds): what no table can be below.
double pointer_call_ns() {
  constexpr int kBatches = 20;
  constexpr int kCalls = 10'000;
  KernelFunction kernel = &imbalance_kernel;
  benchmark::DoNotOptimize(kernel);
  const KernelInput input{};
  const double parameter = 0.1;
  double kept = 0;
  double out = 0;
  double least = std::numeric_limits<double>::max();
  for (int batch = 0; batch < kBatches; ++batch) {
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < kCalls; ++i) {
      benchmark::DoNotOptimize(kernel(&input, &parameter, &kept, &out));
      benchmark::ClobberMemory();
    }
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - began;
    least = std::min(least, took.count() / kCalls);
  }
  return least;
}

/// Updates of an instrument on which so many kernels run; an item is a kernel's call.
void kernels(benchmark::State& state) {
  KernelTable table;
  const auto count = static_cast<std::uint32_t>(state.range(0));
  for (std::uint32_t i = 0; i < count; ++i) {
    table.define({StrategyId{i}, "imbalance", &imbalance_kernel, 1, 1});
    table.run(table.slot(StrategyId{i}, InstrumentId{0}, "imbalance"), std::vector{0.1});
  }
  KernelInput input{};
  for (auto _ : state) {
    ++input.ts_core;
    benchmark::DoNotOptimize(table.update(InstrumentId{0}, input));
  }
  state.SetItemsProcessed(state.iterations() * count);
  state.counters["pointer_call_ns"] = pointer_call_ns();
}
BENCHMARK(kernels)->Name("kernel_call")->Arg(1)->Arg(16);

}  // namespace
}  // namespace pitwire
