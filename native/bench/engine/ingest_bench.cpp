// P9 and P17 of GOALS.md: raw ITCH in MoldUDP64 packets through the whole core (log, decode, books,
// signals, marks), and the log of it run again with every output compared. Nobody subscribes.
//   pitwire_engine_bench --benchmark_filter=P9 --benchmark_min_time=60
// PITWIRE_BENCH_LOG names the folder for the log; a temporary one otherwise.
#include <benchmark/benchmark.h>

#include <map>

#include "itch_day.hpp"
#include "log_folder.hpp"
#include "pitwire/base/clock.hpp"
#include "pitwire/engine/core.hpp"
#include "pitwire/engine/replay.hpp"
#include "pitwire/market/itch_market.hpp"
#include "pitwire/market/mold.hpp"

namespace pitwire {
namespace {

constexpr std::size_t kMessagesPerPacket = 20;

class Nowhere final : public Egress {
 public:
  void fix_tx(SessionId, Sequence, ClOrdId, std::string_view) override {}
  void venue_tx(SessionId, Sequence, RecordType, std::span<const std::byte>) override {}
  void disconnect(SessionId, std::string_view) override {}
};

/// The stream as a feed line would hand it over: packets, each behind the one before.
class Packets {
 public:
  explicit Packets(const bench::Day& of) : day(&of) {
    bench::for_each_message(of.bytes, [&](auto message) { add(message); });
    ends.push_back(bytes.size());
  }

  const bench::Day* day;
  std::vector<std::byte> bytes;
  std::vector<std::size_t> ends;

 private:
  void add(std::span<const std::byte> message) {
    if (count_++ % kMessagesPerPacket == 0) {
      if (!bytes.empty()) ends.push_back(bytes.size());
      bytes.resize(bytes.size() + mold::kHeaderSize);
    }
    bytes.push_back(static_cast<std::byte>(message.size() >> 8));
    bytes.push_back(static_cast<std::byte>(message.size() & 0xff));
    bytes.insert(bytes.end(), message.begin(), message.end());
  }
  std::size_t count_ = 0;
};

const Packets& packets(const bench::Kind& kind) {
  static std::map<bench::Kind, Packets> made;
  const auto found = made.find(kind);
  return found != made.end() ? found->second
                             : made.emplace(kind, Packets(bench::day(kind))).first->second;
}

void define(Core& core, const Packets& all) {
  core.define_feed(FeedId{0}, FeedKind::ITCH5, 0);
  std::uint32_t id = 0;
  for (const auto& symbol : all.day->symbols) {
    Instrument instrument;
    instrument.id = InstrumentId{id++};
    instrument.symbol = symbol;
    core.define_instrument(instrument, FeedId{0}, symbol, SignalConfig{});
  }
}

LogOptions log_options(const bench::LogFolder& folder) {
  LogOptions out;
  out.folder = folder.path;
  return out;
}

/// One packet into the log and the core, as Edge::datagram does it.
void ingest(LiveJournal& journal, Core& core, Nanos now, std::span<const std::byte> packet) {
  rec::MarketDatagram record;
  record.ts_recv = now;
  record.size_bytes = static_cast<std::uint32_t>(packet.size());
  static std::vector<std::byte> payload;
  const auto fixed = record_bytes(record);
  payload.assign(fixed.begin(), fixed.end());
  payload.insert(payload.end(), packet.begin(), packet.end());
  const auto type = RecordType::MARKET_DATAGRAM;
  const auto sequence = journal.input(now, {type, Origin::MARKET, 0, payload, {}});
  const FrameHeader header{
      0, 0, sequence, now, type, FrameClass::INPUT, kRecordVersion, Origin::MARKET, 0, 0};
  (void)core.apply(Frame{&header, payload});
  (void)core.take_events();
}

bool ends_alike(const MarketSlot& slot, const bench::Ending& end) {
  const bool bid = end.bid_qty == slot.bid_qty && (end.bid_qty == 0 || end.bid_px == slot.bid_px);
  return bid && end.ask_qty == slot.ask_qty && (end.ask_qty == 0 || end.ask_px == slot.ask_px);
}

/// The stream once, into a core of its own; false where a book ends with another touch than the
/// stream's makers have.
bool run_day(LogWriter& log, const Packets& all) {
  LiveJournal journal(log);
  Nowhere egress;
  TscClock clock(log.last_ts_core());
  Core core(journal, egress, CoreConfig{});
  define(core, all);
  std::size_t begin = 0;
  for (const auto end : all.ends) {
    ingest(journal, core, clock.now(), std::span(all.bytes).subspan(begin, end - begin));
    begin = end;
  }
  for (std::uint32_t i = 0; i < all.day->endings.size(); ++i) {
    if (!ends_alike(core.market().slot(InstrumentId{i}), all.day->endings[i])) return false;
  }
  return true;
}

/// Laps of the stream into one log, as long as the benchmark lasts; building the cores is in it.
void ingest(benchmark::State& state, const bench::Kind& kind) {
  const auto& all = packets(kind);
  const bench::LogFolder folder;
  auto log = LogWriter::create(log_options(folder));
  std::int64_t laps = 0;
  for (auto _ : state) {
    if (!run_day(log, all)) return state.SkipWithError("a book is not the stream's");
    ++laps;
  }
  log.close();
  state.SetItemsProcessed(laps * static_cast<std::int64_t>(all.day->messages));
  state.SetBytesProcessed(laps * static_cast<std::int64_t>(all.bytes.size()));
}
BENCHMARK_CAPTURE(ingest, hot, bench::kHot)
    ->Name("P9_ingest_hot")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(ingest, wide, bench::kWide)
    ->Name("P9_ingest_wide")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

/// What a backtest of one instrument runs on (tools/bench/peer_inputs.py).
constexpr bench::Kind kOne{500'000, 1, 900, 0};
BENCHMARK_CAPTURE(ingest, one, kOne)
    ->Name("P9_ingest_one")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

/// The log of one day of the hot stream again, from its files, every output compared.
void replay(benchmark::State& state) {
  const auto& all = packets(bench::kHot);
  const bench::LogFolder folder;
  auto log = LogWriter::create(log_options(folder));
  if (!run_day(log, all)) return state.SkipWithError("a book is not the stream's");
  log.close();
  std::int64_t laps = 0;
  for (auto _ : state) {
    LogReader reader(folder.path);
    ReplayDriver driver(reader, CoreConfig{});
    define(driver.core(), all);
    if (driver.run_native(~std::uint64_t{0}) != ReplayDriver::Stop::END) {
      return state.SkipWithError("the replay differs");
    }
    ++laps;
  }
  state.SetItemsProcessed(laps * static_cast<std::int64_t>(all.day->messages));
}
BENCHMARK(replay)->Name("P17_replay")->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace pitwire
