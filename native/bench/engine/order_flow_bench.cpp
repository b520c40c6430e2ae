// P12 of GOALS.md, native lane: orders in process, without the interpreter. Two rules watch the
// imbalance of a book that every message of the feed turns over, so that each message sends an IOC
// through gate and log to the venue inside the daemon, which matches it against that book; its
// reports come back as inputs, through the log, to table and position. What strategies would hear
// is made (TURN, events, TURN_END) and dropped: a Python strategy that listens is another row.
//   pitwire_engine_bench --benchmark_filter=P12
#include <benchmark/benchmark.h>

#include <array>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "pitwire/engine/edge.hpp"
#include "pitwire/market/itch.hpp"
#include "pitwire/market/mold.hpp"

namespace pitwire {
namespace {

namespace fs = std::filesystem;

constexpr FeedId kFeed{0};
constexpr SessionId kVenue{0};
constexpr StrategyId kStrategy{0};
constexpr InstrumentId kTraded{0};
constexpr const char* kSymbol = "TRIG";
constexpr std::uint32_t kBidPx = 999'900, kAskPx = 1'000'100;
constexpr std::uint32_t kShares = 1'000'000'000, kMoreShares = 2'000'000'000;
constexpr std::uint64_t kRestingBid = 1, kRestingAsk = 2, kToggled = 3;
constexpr int kOpening = 4;  ///< messages
constexpr int kMessagesPerPacket = 20;
constexpr int kPacketsQueued = 32;
constexpr int kTurnsMax = 1'000;
constexpr std::uint32_t kOrdersKept = 1 << 16;  // the default of core.orders_max
constexpr double kThreshold = 0.25;             ///< the imbalance is 0 or 0.5

/// The packet's place in the session.
void number(std::string& packet, std::uint64_t sequence, std::uint16_t count) {
  mold::encode({{}, sequence, count}, reinterpret_cast<std::byte*>(packet.data()));
}

/// Messages for one book, as packets.
class Packet {
 public:
  Packet() : bytes_(mold::kHeaderSize, '\0') {}
  template <class M>
  Packet& add(M message) {
    message.header.stock_locate = 1;
    std::array<std::byte, itch::kMessageSizeMax> encoded{};
    itch::encode(message, encoded.data());
    bytes_ += '\0';
    bytes_ += static_cast<char>(M::kSize);
    bytes_.append(reinterpret_cast<const char*>(encoded.data()), M::kSize);
    ++count_;
    return *this;
  }
  Packet& add_order(std::uint64_t ref, char side, std::uint32_t shares) {
    itch::AddOrder message;
    message.order_ref = ref;
    message.side = side;
    message.shares = shares;
    (void)itch::make_symbol(kSymbol, message.stock);
    message.price = side == 'B' ? kBidPx : kAskPx;
    return add(message);
  }
  [[nodiscard]] std::string take() {
    number(bytes_, 1, count_);
    return std::move(bytes_);
  }

 private:
  std::string bytes_;
  std::uint16_t count_ = 0;
};

std::string opening() {
  itch::StockDirectory directory;
  itch::StockTradingAction action;
  (void)itch::make_symbol(kSymbol, directory.stock);
  (void)itch::make_symbol(kSymbol, action.stock);
  action.trading_state = 'T';
  return Packet()
      .add(directory)
      .add(action)
      .add_order(kRestingAsk, 'S', kShares)
      .add_order(kRestingBid, 'B', kShares)
      .take();
}

std::string toggles() {
  Packet packet;
  itch::OrderDelete removal;
  removal.order_ref = kToggled;
  for (int i = 0; i < kMessagesPerPacket / 2; ++i) {
    packet.add_order(kToggled, 'B', kMoreShares).add(removal);
  }
  return packet.take();
}

LogOptions options_in(const fs::path& folder) {
  LogOptions options;
  options.folder = folder;
  return options;
}

CoreConfig core_config() {
  CoreConfig config;
  config.orders.table.capacity = kOrdersKept;
  return config;
}

/// A live core with its log, its venue, and a rule of its strategy.
class Day {
 public:
  explicit Day(const fs::path& folder)
      : log_(LogWriter::create(options_in(folder))),
        journal_(log_),
        clock_(log_.last_ts_core()),
        edge_(journal_, clock_, nullptr, {}),
        core_(journal_, edge_, core_config()) {
    edge_.attach(core_);
    define();
    rec::Epoch epoch;
    epoch.epoch = epoch.start_number = 1;
    edge_.append_input(epoch, Origin::NONE, 0, {});
    PaperVenueConfig venue;
    venue.session = kVenue;
    venue.instruments = {kTraded};
    edge_.add_venue(venue);
    edge_.push_feed_status(kFeed, FeedEvent::CONNECTED);
    until_idle();
    core_.set_risk_state(kNoId, RiskState::ACTIVE, true, "");
    arm();
    edge_.push_datagram(kFeed, clock_.now(), opening());  // the side that it comes from
    until_idle();
  }

  /// Some packets as a burst leaves them in the sockets, and all that comes of them.
  void burst(std::string& packet) {
    for (int i = 0; i < kPacketsQueued; ++i) {
      number(packet, sequence_, kMessagesPerPacket);
      sequence_ += kMessagesPerPacket;
      edge_.push_datagram(kFeed, clock_.now(), packet);
    }
    until_idle();
  }

  /// Why the end is not as it must be, "" where it is: every order has ended, the strategy holds
  /// what its fills come to, and the book is whole.
  [[nodiscard]] std::string wrong(std::int64_t orders) const {
    if (denied_ != 0) return "an order was denied: DenyReason " + std::to_string(denied_);
    if (ended_ != orders) {
      return std::to_string(ended_) + " orders ended of " + std::to_string(orders);
    }
    if (filled_ == 0) return "nothing was filled";
    const auto& held = core_.orders().positions().of(kStrategy, kTraded);
    if (held.position.net_qty != bought_) {
      return "holds " + std::to_string(held.position.net_qty) + " of " + std::to_string(bought_);
    }
    return held.interval().low == held.interval().high ? "" : "orders still work";
  }
  void close() { log_.close(); }

 private:
  void define() {
    core_.define_feed(kFeed, FeedKind::ITCH5, 0);
    Instrument instrument;
    instrument.id = kTraded;
    instrument.symbol = kSymbol;
    instrument.price_increment = {1, -2};
    instrument.settlement_currency = instrument.quote_currency = "USD";
    core_.define_instrument(instrument, kFeed, kSymbol, SignalConfig{});
    core_.define_venue_session(kVenue, {});
    core_.define_strategy(kStrategy, "rules");
    auto& limits = core_.orders().gate().limits();
    for (const auto& [name, value] :
         {std::pair{"quantity_max", 10L}, std::pair{"collar_bps", 500L}}) {
      if (limits.set(name, kNoId, kNoId, value) != LimitStatus::OK) {
        throw std::logic_error(name);
      }
    }
  }
  void arm() {
    NativeRule rule;
    rule.name = "buys";
    rule.strategy = kStrategy;
    rule.instrument = kTraded;
    rule.session = kVenue;
    rule.signal = static_cast<std::uint32_t>(Signal::IMBALANCE);
    rule.comparison = Comparison::CROSSES;
    rule.threshold = kThreshold;
    rule.side = Side::BUY;
    rule.qty = 1;
    rule.max_position = kShares;
    core_.arm_rule(rule);
  }
  void until_idle() {
    for (int turn = 0; turn < kTurnsMax; ++turn) {
      const bool python = edge_.drain();
      if (python) hear();
      if (!python && !edge_.busy() && edge_.until_due() > 0) return;
    }
    throw std::runtime_error("never idle");
  }
  void hear() {
    core_.take_events(events_);
    for (const Event& event : events_) {
      if (event.kind == EventKind::FILL) {
        ++filled_;
        bought_ += event.values[1] == static_cast<std::int64_t>(Side::BUY) ? event.values[3]
                                                                           : -event.values[3];
      }
      if (event.kind == EventKind::DENIED) denied_ = event.values[5];
      if (event.kind == EventKind::ORDER) {
        ended_ += is_terminal(static_cast<OrderState>(event.values[4]));
      }
    }
    core_.end_turn();
  }

  LogWriter log_;
  LiveJournal journal_;
  TscClock clock_;
  Edge edge_;
  mutable Core core_;
  std::vector<Event> events_;
  std::uint64_t sequence_ = kOpening + 1;
  std::int64_t ended_ = 0;
  std::int64_t denied_ = 0;  ///< why, of the last
  std::int64_t filled_ = 0;
  std::int64_t bought_ = 0;
};

void order_flow(benchmark::State& state) {
  std::string pattern = (fs::temp_directory_path() / "pitwire-bench-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) return state.SkipWithError("no temporary folder");
  std::int64_t bursts = 0;
  {
    Day day(pattern);
    std::string packet = toggles();
    for (auto _ : state) {
      day.burst(packet);
      ++bursts;
    }
    const auto wrong = day.wrong(bursts * kPacketsQueued * kMessagesPerPacket);
    if (!wrong.empty()) state.SkipWithError(wrong.c_str());
    day.close();
  }
  fs::remove_all(pattern);
  state.SetItemsProcessed(bursts * kPacketsQueued * kMessagesPerPacket);
}
BENCHMARK(order_flow)->Name("P12_order_flow")->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace pitwire
