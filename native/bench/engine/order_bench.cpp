// P16 of GOALS.md, native lane: in the process, no sockets, from a datagram that changes a book to
// the bytes of the FIX order that a rule sends on it, with everything that belongs to it in the
// log.
//   pitwire_engine_bench --benchmark_filter=P16
#include <benchmark/benchmark.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "log_folder.hpp"
#include "pitwire/base/clock.hpp"
#include "pitwire/engine/core.hpp"
#include "pitwire/market/itch.hpp"
#include "pitwire/market/mold.hpp"
#include "pitwire/wire/fix_framer.hpp"

namespace pitwire {
namespace {

constexpr FeedId kFeed{0};
constexpr SessionId kSession{0};
constexpr InstrumentId kStock{0};
constexpr StrategyId kMaker{0};
constexpr std::uint32_t kBid = 1'000'000;
constexpr std::uint32_t kAsk = 1'000'200;  // ten-thousandths

Nanos steady_now() noexcept {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

/// Stamps the bytes of a message, which a socket would get here.
struct Wire final : Egress {
  void fix_tx(SessionId, Sequence at, ClOrdId id, std::string_view message) override {
    ready = steady_now();
    sequence = at;
    size = message.size();
    if (id == 0) return;
    cl_ord_id = id;
    ++orders;
  }
  void venue_tx(SessionId, Sequence, RecordType, std::span<const std::byte>) override {}
  void disconnect(SessionId, std::string_view) override {}

  Nanos ready = 0;
  Sequence sequence = 0;
  ClOrdId cl_ord_id = 0;
  std::size_t size = 0;
  std::int64_t orders = 0;
};

template <class M>
std::vector<std::byte> packet_of(std::uint64_t sequence, M message) {
  message.header.stock_locate = 1;
  std::vector<std::byte> out(mold::kHeaderSize + 2 + M::kSize);
  mold::encode({{'S'}, sequence, 1}, out.data());
  out[mold::kHeaderSize + 1] = static_cast<std::byte>(M::kSize);
  itch::encode(message, out.data() + mold::kHeaderSize + 2);
  return out;
}

itch::AddOrder resting(std::uint64_t ref, char side, std::uint32_t shares, std::uint32_t price) {
  itch::AddOrder add;
  add.order_ref = ref;
  add.side = side;
  add.shares = shares;
  add.price = price;
  (void)itch::make_symbol("ACME", add.stock);
  return add;
}

/// A core with one stock, one session and a rule that buys when the bid outgrows the ask.
class Desk {
 public:
  explicit Desk(const std::filesystem::path& folder) : log_(LogWriter::create(options(folder))) {
    define();
    rec::Epoch epoch;
    epoch.epoch = epoch.start_number = 1;
    input(epoch, Origin::NONE, {});
    rec::FixConnection connected;
    connected.event = static_cast<std::uint32_t>(ConnectionEvent::CONNECTED);
    input(connected, Origin::OURS, {});
    received("35=A|34=1|49=VENUE|52=20260102-03:04:05|56=FIRM|98=0|108=30|");
    rec::FeedStatus heard;
    heard.event = static_cast<std::uint32_t>(FeedEvent::CONNECTED);
    input(heard, Origin::MARKET, {});
    market(packet_of(++packets_, resting(1, 'B', 100, kBid)));
    market(packet_of(++packets_, resting(2, 'S', 100, kAsk)));
    core_.set_risk_state(kNoId, RiskState::ACTIVE, true, "");
    NativeRule rule;
    rule.name = "lean";
    rule.strategy = kMaker;
    rule.instrument = kStock;
    rule.session = kSession;
    rule.signal = static_cast<std::uint32_t>(Signal::IMBALANCE);
    rule.threshold = 0.3;
    rule.side = Side::BUY;
    rule.qty = 5;
    rule.max_position = 1'000;
    core_.arm_rule(rule);
  }

  /// The bid grows and the order leaves, ns; behind it the venue cancels and the bid shrinks.
  Nanos order() {
    const std::uint64_t ref = 100 + packets_;
    const auto grows = packet_of(++packets_, resting(ref, 'B', 900, kBid));
    const Nanos began = steady_now();
    market(grows);
    const Nanos took = wire_.ready - began;
    rec::TxWritten written;
    written.written_sequence = wire_.sequence;
    written.written_bytes = wire_.size;
    input(written, Origin::OURS, {});
    canceled();
    itch::OrderDelete gone;
    gone.order_ref = ref;
    market(packet_of(++packets_, gone));
    return took;
  }
  [[nodiscard]] std::int64_t sent() const noexcept { return wire_.orders; }
  [[nodiscard]] std::uint32_t working() const { return core_.orders().table().working(); }

 private:
  static LogOptions options(const std::filesystem::path& folder) {
    LogOptions out;
    out.folder = folder;
    return out;
  }
  void define() {
    Instrument stock;
    stock.id = kStock;
    stock.symbol = "ACME";
    stock.settlement_currency = stock.quote_currency = "USD";
    stock.money_exponent = -4;
    core_.define_feed(kFeed, FeedKind::ITCH5, 0);
    core_.define_instrument(stock, kFeed, "ACME", SignalConfig{});
    FixSessionConfig session;
    session.sender_comp_id = "FIRM";
    session.target_comp_id = "VENUE";
    session.check_latency = false;
    auto symbology = std::make_unique<FixSymbology>();
    symbology->add({kStock, "ACME", {1, -2}, {1, 0}, {1, -4}});
    core_.define_fix_session(session, std::move(symbology), SessionRules{});
    core_.define_strategy(kMaker, "maker");
  }
  void canceled() {
    const std::string number = std::to_string(reports_ + 1);
    std::string id;
    append_cl_ord_id(id, wire_.cl_ord_id);
    received("35=8|34=" + number + "|49=VENUE|52=20260102-03:04:05|56=FIRM|37=V" + number +
             "|11=" + id + "|17=E" + number + "|150=4|39=4|55=ACME|54=1|38=5|151=0|14=0|6=0|");
  }
  void received(const std::string& body) {
    ++reports_;
    std::string out = "8=FIX.4.4|9=" + std::to_string(body.size()) + "|" + body;
    std::replace(out.begin(), out.end(), '|', '\x01');
    const std::string sum = std::to_string(1'000 + fix_check_sum(out)).substr(1);
    out += "10=" + sum + '\x01';
    rec::FixRx record;
    record.size_bytes = static_cast<std::uint32_t>(out.size());
    input(record, Origin::OURS, text_bytes(out));
  }
  void market(std::span<const std::byte> packet) {
    rec::MarketDatagram record;
    record.size_bytes = static_cast<std::uint32_t>(packet.size());
    input(record, Origin::MARKET, packet);
  }
  /// Into the log, then into the core, as the edge does it.
  template <class R>
  void input(const R& record, Origin origin, std::span<const std::byte> tail) {
    const auto fixed = record_bytes(record);
    payload_.assign(fixed.begin(), fixed.end());
    payload_.insert(payload_.end(), tail.begin(), tail.end());
    const Nanos now = clock_.now();
    const auto sequence = journal_.input(now, {R::kType, origin, 0, payload_, {}});
    const FrameHeader header{0,      0, sequence, now, R::kType, FrameClass::INPUT, kRecordVersion,
                             origin, 0, 0};
    core_.begin_turn();
    (void)core_.apply(Frame{&header, payload_});
    core_.forget_events();
  }

  LogWriter log_;
  LiveJournal journal_{log_};
  TscClock clock_{0};
  Wire wire_;
  mutable Core core_{journal_, wire_, CoreConfig{}};
  std::vector<std::byte> payload_;
  std::uint64_t packets_ = 0;
  std::uint64_t reports_ = 0;
};

void order(benchmark::State& state) {
  const bench::LogFolder folder;
  Desk desk(folder.path);
  for (int i = 0; i < 1'000; ++i) desk.order();
  const auto before = desk.sent();
  std::vector<Nanos> took;
  for (auto _ : state) {
    took.push_back(desk.order());
    state.SetIterationTime(static_cast<double>(took.back()) / 1e9);
  }
  if (desk.sent() - before != state.iterations() || desk.working() != 0) {
    return state.SkipWithError("not every change made one order that ended");
  }
  std::ranges::sort(took);
  state.counters["p50_ns"] = static_cast<double>(took[took.size() / 2]);
  state.counters["p99_ns"] = static_cast<double>(took[took.size() * 99 / 100]);
}
BENCHMARK(order)->Name("P16_order_native")->UseManualTime()->Iterations(20'000);

}  // namespace
}  // namespace pitwire
