// P1 to P4 of GOALS.md in the small: decode alone, decode into L3 books, L2 deltas.
#include <benchmark/benchmark.h>

#include <memory>
#include <random>
#include <vector>

#include "itch_stream.hpp"
#include "pitwire/market/itch_market.hpp"
#include "pitwire/market/l2_book.hpp"

namespace pitwire {
namespace {

using bench::for_each_message;
using bench::stream;
using bench::symbols_of;

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
  const auto& bytes = stream(bench::kHot);
  std::size_t messages = 0;
  Checksum checksum;
  for (auto _ : state) {
    messages += for_each_message(bytes, [&](auto message) { itch::visit(message, checksum); });
  }
  benchmark::DoNotOptimize(checksum.sum);
  state.SetItemsProcessed(static_cast<std::int64_t>(messages));
}
BENCHMARK(decode)->Name("P1_itch_decode")->Unit(benchmark::kMillisecond);

void books(benchmark::State& state, const bench::Kind& kind) {
  const auto& bytes = stream(kind);
  const auto symbols = symbols_of(bytes);
  std::size_t messages = 0;
  MarketListener listener;
  for (auto _ : state) {
    state.PauseTiming();
    auto market = std::make_unique<ItchMarket>(1 << 20);
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      market->map_symbol(symbols[i], InstrumentId{static_cast<std::uint32_t>(i)}, 100);
    }
    state.ResumeTiming();
    messages += for_each_message(
        bytes, [&](auto message) { (void)market->apply_message(message, listener); });
    state.PauseTiming();
    state.counters["refused"] = static_cast<double>(market->count(DecodeStatus::UNKNOWN_ORDER));
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

}  // namespace
}  // namespace pitwire
