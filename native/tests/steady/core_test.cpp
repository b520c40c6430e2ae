// The whole core on a log: from datagram to order in the native lane, and the venue's answer.
#include "pitwire/engine/core.hpp"

#include "../fix/pair.hpp"
#include "../log/log_fixture.hpp"
#include "hook.hpp"
#include "pitwire/engine/journal.hpp"
#include "pitwire/engine/rehearsal.hpp"
#include "pitwire/log/log_reader.hpp"
#include "pitwire/market/itch.hpp"
#include "pitwire/market/mold.hpp"

namespace pitwire::testing {
namespace {

constexpr FeedId kFeed{0};
constexpr SessionId kRoute{0};
constexpr InstrumentId kStock{0};
constexpr StrategyId kMaker{0};

/// Keeps the newest message, and its ClOrdID.
struct LastSent final : Egress {
  void fix_tx(SessionId, Sequence at, ClOrdId id, std::string_view message) override {
    ++sent;
    sequence = at;
    cl_ord_id = id;
    size = std::min(message.size(), text.size());
    std::copy_n(message.begin(), size, text.begin());
  }
  void venue_tx(SessionId, Sequence, RecordType, std::span<const std::byte>) override {}
  void disconnect(SessionId, std::string_view) override {}
  [[nodiscard]] std::string_view message() const { return {text.data(), size}; }
  std::uint64_t sent = 0;
  Sequence sequence = 0;
  ClOrdId cl_ord_id = 0;
  std::array<char, 1024> text{};
  std::size_t size = 0;
};

/// A MoldUDP64 packet of one message.
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

/// A core that trades: logged on, armed, with a rule that buys whenever the bid outweighs the ask.
class Trading {
 public:
  Trading(const LogOptions& options, std::size_t rounds) : log_(LogWriter::create(options)) {
    define();
    rec::Epoch epoch;
    epoch.epoch = epoch.start_number = 1;
    input(epoch, Origin::NONE, 0, {});
    log_on();
    rec::FeedStatus heard;
    heard.event = static_cast<std::uint32_t>(FeedEvent::CONNECTED);
    input(heard, Origin::MARKET, index(kFeed), {});
    market(packet_of(++feed_, resting(1, 'B', 100, 1'000'000)));
    market(packet_of(++feed_, resting(2, 'S', 100, 1'000'200)));
    core_.set_risk_state(kNoId, RiskState::ACTIVE, true, "");
    arm();
    prepare(rounds);
  }

  /// The bid grows, the rule fires and its order leaves; the venue acknowledges and then cancels;
  /// the bid shrinks.
  void rounds(std::size_t count) {
    for (const auto end = next_ + count; next_ < end; ++next_) {
      market(packets_[2 * next_]);
      written();
      received(reports_[2 * next_]);
      received(reports_[2 * next_ + 1]);
      market(packets_[2 * next_ + 1]);
      // What strategies would hear: the Python phase is not this measure's.
      core_.forget_events();
    }
  }
  void rehearse() {
    if (!rehearsal_) rehearsal_ = std::make_unique<Rehearsal>(core_);
    rehearsal_->run();
  }
  [[nodiscard]] std::vector<std::byte> state() const {
    std::vector<std::byte> out;
    core_.save(out);
    return out;
  }
  [[nodiscard]] std::uint64_t sent() const { return egress_.sent; }
  [[nodiscard]] std::uint32_t working() const { return core_.orders().table().working(); }
  [[nodiscard]] bool whole() const { return !log_.failed() && log_.segment_index() == 0; }

 private:
  void define() {
    Instrument instrument;
    instrument.id = kStock;
    instrument.symbol = "ACME";
    instrument.venue = "TEST";
    instrument.settlement_currency = instrument.quote_currency = "USD";
    instrument.money_exponent = -4;
    core_.define_feed(kFeed, FeedKind::ITCH5, 0);
    core_.define_instrument(instrument, kFeed, "ACME", SignalConfig{});
    auto config = config_of(true, "FIX.4.4");
    config.id = kRoute;
    auto symbology = std::make_unique<FixSymbology>();
    symbology->add({kStock, "ACME", {1, -2}, {1, 0}, {1, -4}});
    core_.define_fix_session(config, std::move(symbology), SessionRules{});
    core_.define_strategy(kMaker, "maker");
    venue_symbols_.add({kStock, "ACME", {1, -2}, {1, 0}, {1, -4}});
    venue_ = std::make_unique<FixSession>(config_of(false, "FIX.4.4"), venue_symbols_, venue_sink_,
                                          now_);
  }
  void log_on() {
    rec::FixConnection connected;
    connected.event = static_cast<std::uint32_t>(ConnectionEvent::CONNECTED);
    input(connected, Origin::OURS, index(kRoute), {});
    venue_->connected(now_);
    venue_->received(now_, 1, egress_.message());
    received(venue_sink_.sent.back().text);
    ASSERT_TRUE(core_.session_logged_on(kRoute));
  }
  void arm() {
    NativeRule rule;
    rule.name = "lean";
    rule.strategy = kMaker;
    rule.instrument = kStock;
    rule.session = kRoute;
    rule.signal = static_cast<std::uint32_t>(Signal::IMBALANCE);
    rule.threshold = 0.3;
    rule.side = Side::BUY;
    rule.qty = 5;
    rule.max_position = 1'000;
    core_.arm_rule(rule);
  }
  /// Packets and reports of all rounds; the first order says with which ClOrdID they begin.
  void prepare(std::size_t rounds) {
    auto first = core_.orders().new_cl_ord_id();
    for (std::size_t i = 0; i < rounds; ++i) {
      packets_.push_back(packet_of(++feed_, resting(100 + i, 'B', 900, 1'000'000)));
      itch::OrderDelete gone;
      gone.order_ref = 100 + i;
      packets_.push_back(packet_of(++feed_, gone));
      const auto id = ++first;
      say(report(id, ExecType::NEW, OrdStatus::NEW));
      auto over = report(id, ExecType::CANCELED, OrdStatus::CANCELED);
      over.leaves_qty = 0;
      say(over);
    }
  }
  void say(FixExecution execution) {
    execution.instrument = kStock;
    execution.order_qty = 5;
    const auto id = std::to_string(++executions_);
    execution.exec_id = id;
    ASSERT_TRUE(venue_->send_execution(now_, execution));
    reports_.push_back(venue_sink_.sent.back().text);
  }

  void market(std::span<const std::byte> packet) {
    rec::MarketDatagram record;
    record.size_bytes = static_cast<std::uint32_t>(packet.size());
    input(record, Origin::MARKET, index(kFeed), packet);
  }
  void received(std::string_view message) {
    rec::FixRx record;
    record.size_bytes = static_cast<std::uint32_t>(message.size());
    input(record, Origin::OURS, index(kRoute), text_bytes(message));
  }
  void written() {
    rec::TxWritten record;
    record.written_sequence = egress_.sequence;
    record.written_bytes = egress_.size;
    input(record, Origin::OURS, index(kRoute), {});
  }
  /// Into the log, then into the core, as the edge does it.
  template <class R>
  void input(const R& record, Origin origin, std::uint32_t source,
             std::span<const std::byte> tail) {
    const auto fixed = record_bytes(record);
    payload_.assign(fixed.begin(), fixed.end());
    payload_.insert(payload_.end(), tail.begin(), tail.end());
    now_ += 1'000;
    const auto from = static_cast<std::uint16_t>(source);
    const auto sequence = journal_.input(now_, {R::kType, origin, from, payload_, {}});
    const FrameHeader header{0,      0, sequence, now_, R::kType, FrameClass::INPUT, kRecordVersion,
                             origin, 0, from};
    core_.begin_turn();
    (void)core_.apply(Frame{&header, payload_});
  }

  Nanos now_ = kStart;
  LogWriter log_;
  LiveJournal journal_{log_};
  LastSent egress_;
  mutable Core core_{journal_, egress_, CoreConfig{}};
  FixSymbology venue_symbols_;
  Recorder venue_sink_;
  std::unique_ptr<FixSession> venue_;
  std::unique_ptr<Rehearsal> rehearsal_;
  std::vector<std::byte> payload_;
  std::vector<std::vector<std::byte>> packets_;
  std::vector<std::string> reports_;
  std::uint64_t feed_ = 0;
  std::uint64_t executions_ = 0;
  std::size_t next_ = 0;
};

class SteadyCore : public LogTest {
 protected:
  /// Every frame, as bytes.
  static std::vector<std::string> contents(const fs::path& folder) {
    LogReader reader(folder, Upto::COMMITTED);
    std::vector<std::string> out;
    while (const auto frame = reader.next()) {
      const auto payload = text_view(frame->payload);
      out.push_back(std::to_string(static_cast<int>(frame->type())) + std::string(payload));
    }
    return out;
  }
  static constexpr std::size_t kRounds = 1'000;
  LogOptions large(const std::string& name) const {
    auto settings = options(name);
    settings.segment_size_bytes = 64ULL << 20;
    return settings;
  }
};

TEST_F(SteadyCore, FromDatagramToOrderAndItsAnswer) {
  Trading here(large("here"), 2 * kRounds), there(large("there"), 2 * kRounds);
  here.rounds(kRounds);
  there.rounds(kRounds);
  const auto sent = here.sent();
  ASSERT_GE(sent, kRounds);
  EXPECT_EQ(first_system_call_in([&] { there.rounds(kRounds); }), -1);
  EXPECT_EQ(allocations_in([&] { here.rounds(kRounds); }), 0U);
  EXPECT_EQ(here.sent() - sent, kRounds);
  EXPECT_EQ(here.working(), 0U);
  EXPECT_TRUE(here.whole());
}

TEST_F(SteadyCore, ARehearsalLeavesNoTrace) {
  Trading rehearsing(large("rehearsing"), kRounds), plain(large("plain"), kRounds);
  for (std::size_t i = 0; i < kRounds; ++i) {
    rehearsing.rehearse();
    rehearsing.rounds(1);
    plain.rounds(1);
  }
  const auto before = rehearsing.state();
  EXPECT_EQ(allocations_in([&] { rehearsing.rehearse(); }), 0U);
  EXPECT_EQ(first_system_call_in([&] { rehearsing.rehearse(); }), -1);
  EXPECT_EQ(rehearsing.state(), before);
  EXPECT_EQ(plain.state(), before);
  EXPECT_EQ(contents(root_ / "rehearsing"), contents(root_ / "plain"));
}

}  // namespace
}  // namespace pitwire::testing
