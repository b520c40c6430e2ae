// Where an ITCH feed goes on after a restart: only behind books that hold every message before.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../log/log_fixture.hpp"
#include "pitwire/engine/edge.hpp"
#include "pitwire/engine/replay.hpp"
#include "pitwire/market/itch.hpp"
#include "pitwire/market/mold.hpp"

namespace pitwire {
namespace {

constexpr FeedId kFeed{0};
constexpr InstrumentId kAcme{0};

void define(Core& core) {
  Instrument acme;
  acme.id = kAcme;
  acme.symbol = "ACME";
  acme.price_increment = {1, -4};
  core.define_feed(kFeed, FeedKind::ITCH5, 0);
  core.define_instrument(acme, kFeed, "ACME", SignalConfig{});
}

/// `count` orders to buy one share, each a message, their references the sequences.
std::vector<std::byte> adds(std::uint64_t first, std::uint16_t count, const char* session) {
  mold::Session name;
  name.fill(' ');
  std::copy_n(session, std::strlen(session), name.begin());
  auto packer = std::make_unique<mold::Packer>(name, first);
  for (std::uint64_t i = first; i < first + count; ++i) {
    itch::AddOrder add;
    add.header = {1, 0, 1};
    add.order_ref = i;
    add.side = 'B';
    add.shares = 1;
    (void)itch::make_symbol("ACME", add.stock);
    add.price = 10'000;
    std::array<std::byte, 64> bytes;
    EXPECT_TRUE(packer->add(std::span(bytes).first(itch::encode(add, bytes.data()))));
  }
  const auto packet = packer->take();
  return {packet.begin(), packet.end()};
}

class FeedPositionTest : public LogTest {
 protected:
  struct Daemon {
    explicit Daemon(const LogOptions& options)
        : log(LogWriter::create(options)), journal(log), core(journal, egress, {}) {
      define(core);
    }
    template <class R>
    void apply(const R& record, std::span<const std::byte> tail = {}) {
      const auto fixed = record_bytes(record);
      std::vector<std::byte> payload(fixed.begin(), fixed.end());
      payload.insert(payload.end(), tail.begin(), tail.end());
      const Sequence sequence = journal.input(++now, {R::kType, Origin::MARKET, 0, payload, {}});
      const FrameHeader header{
          0, 0, sequence, now, R::kType, FrameClass::INPUT, kRecordVersion, Origin{}, 0, 0};
      core.begin_turn();
      (void)core.apply(Frame{&header, payload});
    }
    void packet(std::uint64_t first, std::uint16_t count, const char* session = "S1") {
      const auto bytes = adds(first, count, session);
      rec::MarketDatagram record;
      record.size_bytes = static_cast<std::uint32_t>(bytes.size());
      apply(record, bytes);
    }
    void says(FeedEvent event, std::uint64_t expected = 0, std::uint64_t found = 0) {
      rec::FeedStatus record;
      record.event = static_cast<std::uint32_t>(event);
      record.expected = expected;
      record.found = found;
      apply(record);
    }
    void epoch() {
      rec::Epoch record;
      record.epoch = record.start_number = ++epochs;
      apply(record);
    }
    [[nodiscard]] std::uint64_t next() const {
      const auto position = core.market().position(kFeed);
      return position ? position->next_sequence : 0;
    }
    [[nodiscard]] std::int64_t bid_qty() const {
      return core.market().qty_at(kAcme, Side::BUY, 10'000);
    }
    [[nodiscard]] BookState state() const {
      return static_cast<BookState>(core.market().slot(kAcme).state);
    }

    LogWriter log;
    LiveJournal journal;
    NoEgress egress;
    mutable Core core;
    Nanos now = kSecond;
    std::uint32_t epochs = 0;
  };
};

TEST_F(FeedPositionTest, books_that_are_whole_outlive_the_epoch_and_the_feed_goes_on_behind_them) {
  Daemon daemon(options());
  daemon.epoch();
  EXPECT_EQ(daemon.next(), 0U) << "nothing is known of a session yet";
  daemon.says(FeedEvent::CONNECTED, 1, 1);
  daemon.packet(1, 3);
  EXPECT_EQ(daemon.next(), 4U);
  EXPECT_EQ(daemon.core.market().position(kFeed)->session, "S1        ");
  daemon.epoch();
  EXPECT_EQ(daemon.next(), 4U);
  EXPECT_EQ(daemon.bid_qty(), 3);
  EXPECT_EQ(daemon.state(), BookState::STALE);
}

TEST_F(FeedPositionTest, a_book_behind_its_line_is_live_only_when_it_has_caught_up) {
  Daemon daemon(options());
  daemon.epoch();
  daemon.packet(1, 3);
  daemon.epoch();
  daemon.says(FeedEvent::CONNECTED, 4, 8);
  EXPECT_EQ(daemon.state(), BookState::GAPPED);
  daemon.packet(4, 3);
  EXPECT_EQ(daemon.state(), BookState::GAPPED);
  daemon.packet(7, 1);
  EXPECT_EQ(daemon.state(), BookState::LIVE);
}

TEST_F(FeedPositionTest, books_with_a_lost_gap_or_half_a_snapshot_are_begun_anew) {
  Daemon daemon(options());
  daemon.epoch();
  daemon.packet(1, 3);
  daemon.says(FeedEvent::GAP_LOST, 4, 6);
  daemon.packet(6, 1);
  EXPECT_EQ(daemon.next(), 0U);
  daemon.epoch();
  EXPECT_EQ(daemon.bid_qty(), 0);
  daemon.packet(1, 2);
  daemon.says(FeedEvent::SNAPSHOT_BEGIN, 3, 0);
  EXPECT_EQ(daemon.next(), 0U);
  daemon.says(FeedEvent::SNAPSHOT_END, 0, 40);
  daemon.packet(40, 2);
  EXPECT_EQ(daemon.next(), 42U);
}

TEST_F(FeedPositionTest, a_session_that_is_begun_anew_does_not_double_the_books) {
  Daemon daemon(options());
  daemon.epoch();
  daemon.packet(1, 3);
  daemon.packet(1, 2);  // as after a process that could not go on
  EXPECT_EQ(daemon.bid_qty(), 2);
  EXPECT_EQ(daemon.next(), 3U);
  daemon.says(FeedEvent::SESSION_CHANGED, 3, 1);
  EXPECT_EQ(daemon.bid_qty(), 0);
  daemon.packet(1, 1, "S2");
  EXPECT_EQ(daemon.next(), 2U);
  EXPECT_EQ(daemon.state(), BookState::LIVE);
}

/// An edge with an inline feed, whose every update ends a turn.
TEST_F(FeedPositionTest, packets_that_one_poll_brings_at_once_are_applied_whole_and_in_turn) {
  auto log = LogWriter::create(options());
  LiveJournal journal(log);
  TscClock clock(log.last_ts_core());
  Edge edge(journal, clock, nullptr, {});
  Core core(journal, edge, {});
  edge.attach(core);
  define(core);
  core.define_strategy(StrategyId{0}, "alpha");
  core.subscriptions().subscribe_book(StrategyId{0}, kAcme, Subscriptions::Wake::EVERY_UPDATE);
  FeedLineConfig config;
  config.lines = {{{"127.0.0.1", 0}}};
  config.sequencing.grace_ns = 60 * kSecond;
  edge.add_feed(config);
  const auto& feed = dynamic_cast<const FeedLine&>(edge.feed(0));
  const int socket = ::socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(feed.port(0));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // The first comes last: the others are handed over behind it, by one poll.
  for (const std::uint64_t first : {4U, 7U, 10U, 1U}) {
    const auto bytes = adds(first, 3, "S1");
    ASSERT_GT(::sendto(socket, bytes.data(), bytes.size(), 0,
                       reinterpret_cast<const sockaddr*>(&to), sizeof to),
              0);
  }
  for (int turn = 0; turn < 200 && core.market().qty_at(kAcme, Side::BUY, 10'000) < 12; ++turn) {
    if (!edge.drain()) continue;
    (void)core.take_events();
    core.end_turn();
  }
  ::close(socket);
  EXPECT_EQ(core.market().qty_at(kAcme, Side::BUY, 10'000), 12);
  EXPECT_EQ(core.market().position(kFeed)->next_sequence, 13U);
}

TEST_F(FeedPositionTest, a_checkpoint_knows_the_position) {
  Daemon daemon(options());
  daemon.epoch();
  daemon.packet(1, 3);
  std::vector<std::byte> saved;
  daemon.core.save(saved);
  Daemon other(options("other"));
  ASSERT_TRUE(other.core.restore(saved));
  EXPECT_EQ(other.next(), 4U);
}

}  // namespace
}  // namespace pitwire
