// The feed tells the whole truth: a book built from its messages is the engine's book, at every
// step.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <random>

#include "../matching/random_orders.hpp"
#include "../rounds.hpp"
#include "pitwire/exchange/itch_publisher.hpp"
#include "pitwire/exchange/mold_server.hpp"
#include "pitwire/matching/agents.hpp"
#include "pitwire/matching/forwarding_sink.hpp"

namespace pitwire {
namespace {

/// A book as a reader of the feed keeps it; fails on any reference that it does not know.
class ReaderBook {
 public:
  struct Order {
    char side;
    std::int64_t shares;
    std::int64_t price;
    std::uint64_t place;  ///< counts what was added
  };
  std::map<std::uint64_t, Order> orders;
  std::uint64_t executed = 0;

  void apply(std::span<const std::byte> message) {
    (void)itch::visit(message, [this](const auto& m) { on(m); });
  }
  std::map<std::pair<char, std::int64_t>, std::int64_t> levels() const {
    std::map<std::pair<char, std::int64_t>, std::int64_t> out;
    for (const auto& [ref, order] : orders) out[{order.side, order.price}] += order.shares;
    return out;
  }

 private:
  void on(const itch::AddOrder& m) {
    EXPECT_TRUE(orders.emplace(m.order_ref, Order{m.side, m.shares, m.price, ++added_}).second);
  }
  void on(const itch::OrderExecuted& m) {
    executed += m.shares;
    take(m.order_ref, m.shares);
  }
  void on(const itch::OrderCancel& m) { take(m.order_ref, m.shares); }
  void on(const itch::OrderDelete& m) { EXPECT_EQ(orders.erase(m.order_ref), 1U); }
  void on(const itch::OrderReplace& m) {
    ASSERT_TRUE(orders.contains(m.order_ref));
    const auto side = orders[m.order_ref].side;
    orders.erase(m.order_ref);
    orders[m.new_order_ref] = {side, m.shares, m.price, ++added_};
  }
  template <class Other>
  void on(const Other&) {}
  void take(std::uint64_t ref, std::int64_t shares) {
    ASSERT_TRUE(orders.contains(ref));
    orders[ref].shares -= shares;
    ASSERT_GE(orders[ref].shares, 0);
    if (orders[ref].shares == 0) orders.erase(ref);
  }

  std::uint64_t added_ = 0;
};

std::map<std::pair<char, std::int64_t>, std::int64_t> engine_levels(const MatchingEngine& engine) {
  std::map<std::pair<char, std::int64_t>, std::int64_t> out;
  for (const auto side : {Side::BUY, Side::SELL}) {
    for (const auto& level : engine.ladder(InstrumentId{0}, side).levels()) {
      out[{side == Side::BUY ? 'B' : 'S', level.price * 100}] = level.qty;
    }
  }
  return out;
}

struct Feed {
  MessageHistory history{1 << 17};
  MatchingEngine engine{{VenueInstrument{}}, 10'000};
  ItchPublisher publisher{{ItchInstrument{"ABCD"}}, history};
  AgentMarket agents{config(), engine, publisher};

  static AgentMarketConfig config() {
    AgentMarketConfig made;
    made.instruments.resize(1);
    made.seed = 42;
    return made;
  }
  Feed() {
    publisher.open(0, engine);
    agents.open(0);
    publisher.settle(0);
  }
  void run(Nanos until) {
    agents.advance(until, 1'000'000);
    publisher.settle(until);
  }
};

TEST(ItchPublisher, a_book_built_from_the_feed_is_the_engines_book) {
  Feed feed;
  ReaderBook reader;
  std::uint64_t read = 1;
  for (Nanos now = kMillisecond; now < 20 * kSecond; now += 100 * kMillisecond) {
    feed.run(now);
    for (; read < feed.history.next_sequence(); ++read) reader.apply(feed.history.at(read));
    ASSERT_EQ(reader.levels(), engine_levels(feed.engine)) << now;
  }
  EXPECT_GT(reader.executed, 1'000U);
}

/// Every order's newest reference, on the way to the feed.
class References final : public ForwardingSink {
 public:
  using ForwardingSink::ForwardingSink;

  /// A reference that is alive, or was not long ago; 0 is nobody's.
  OrderRef one_of_the_newest(testing::RandomOrders& draw) const {
    const auto newest = static_cast<std::int64_t>(of_client_.size()) - 1;
    return newest < 0 ? 0
                      : of_client_[static_cast<std::size_t>(
                            std::max<std::int64_t>(0, newest - draw.below(60)))];
  }
  void accepted(Nanos now, const VenueOrder& order) override {
    of_client_.resize(order.client + 1);
    of_client_[order.client] = order.ref;
    ForwardingSink::accepted(now, order);
  }
  void rested(Nanos now, const VenueOrder& order) override {
    of_client_[order.client] = order.ref;
    ForwardingSink::rested(now, order);
  }

 private:
  std::vector<OrderRef> of_client_;  ///< by client number
};

/// The reader has what the engine shows and nothing else, with the places in each level's queue.
void expect_shown(const MatchingEngine& engine, ReaderBook& reader) {
  std::size_t count = 0;
  for (const auto side : {Side::BUY, Side::SELL}) {
    ReaderBook::Order before{};
    engine.for_each_resting(InstrumentId{0}, side, [&](const VenueOrder& order) {
      const auto& seen = reader.orders[order.ref];
      EXPECT_EQ(seen.side, side == Side::BUY ? 'B' : 'S');
      EXPECT_EQ(seen.shares, order.shown_qty());
      EXPECT_EQ(seen.price, order.price * 100);
      EXPECT_TRUE(seen.price != before.price || seen.place > before.place);
      before = seen;
      ++count;
    });
  }
  EXPECT_EQ(reader.orders.size(), count);
}

TEST(ItchPublisher, of_orders_of_every_kind_the_feed_shows_what_stands_in_the_book) {
  testing::in_rounds(10'000, 10'000, [](std::uint64_t seed, std::uint64_t operations) {
    MessageHistory history(1'000);
    MatchingEngine engine({VenueInstrument{}}, 10'000);
    ItchPublisher publisher({ItchInstrument{"ABCD"}}, history);
    References sink(publisher);
    ReaderBook reader;
    std::uint64_t read = 1;
    testing::RandomOrders draw(seed);
    for (Nanos now = 1; now <= static_cast<Nanos>(operations); ++now) {
      const auto kind = draw.below(10);
      const auto ref = sink.one_of_the_newest(draw);
      if (kind < 6) {
        engine.submit(now, draw.order(now), sink);
      } else if (kind < 7) {
        engine.cancel(now, ref, sink);
      } else {
        const auto stop_px = draw.below(2) == 0 ? draw.price() : 0;
        engine.replace(now, ref, draw.price(), draw.below(40), sink, stop_px);
      }
      engine.expire(now, sink);
      publisher.settle(now);
      for (; read < history.next_sequence(); ++read) reader.apply(history.at(read));
      expect_shown(engine, reader);
      if (::testing::Test::HasFailure()) FAIL() << "operation " << now;
    }
    EXPECT_GT(reader.executed, operations);
  });
}

TEST(ItchPublisher, a_snapshot_is_the_book_in_priority_and_nothing_else) {
  Feed feed;
  feed.run(2 * kSecond);
  std::string bytes;
  feed.publisher.snapshot(2 * kSecond, feed.engine, bytes);
  ReaderBook reader;
  std::vector<std::uint64_t> bids;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto length = static_cast<std::size_t>(static_cast<unsigned char>(bytes[at])) * 256 +
                        static_cast<unsigned char>(bytes[at + 1]);
    ASSERT_EQ(bytes[at + 2], 'S');
    const auto message = std::as_bytes(std::span(bytes.data() + at + 3, length - 1));
    reader.apply(message);
    itch::AddOrder add;
    if (itch::decode(message, add) && add.side == 'B') bids.push_back(add.order_ref);
    at += length + 2;
  }
  EXPECT_EQ(reader.levels(), engine_levels(feed.engine));
  std::vector<std::uint64_t> expected;
  feed.engine.for_each_resting(InstrumentId{0}, Side::BUY,
                               [&](const VenueOrder& order) { expected.push_back(order.ref); });
  EXPECT_EQ(bids, expected);
}

TEST(ItchPublisher, a_replace_is_U_where_it_rests_and_D_where_it_trades_first) {
  MessageHistory history(100);
  MatchingEngine engine({VenueInstrument{}}, 10);
  ItchPublisher publisher({ItchInstrument{"ABCD"}}, history);
  const auto order = [](Side side, std::int64_t price, std::int64_t qty) {
    VenueOrder made;
    made.side = side;
    made.price = price;
    made.order_qty = qty;
    return made;
  };
  const auto types = [&history](std::uint64_t from) {
    std::string out;
    for (; from < history.next_sequence(); ++from) out += static_cast<char>(history.at(from)[0]);
    return out;
  };
  const auto bid = engine.submit(1, order(Side::BUY, 100, 10), publisher);
  engine.submit(1, order(Side::SELL, 105, 4), publisher);
  auto from = history.next_sequence();
  ASSERT_EQ(engine.replace(2, bid, 101, 10, publisher), VenueReject::NONE);
  EXPECT_EQ(types(from), "U");
  const auto moved = engine.ladder(InstrumentId{0}, Side::BUY).best().price;
  EXPECT_EQ(moved, 101);
  OrderRef now_ref = 0;
  engine.for_each_resting(InstrumentId{0}, Side::BUY,
                          [&](const VenueOrder& o) { now_ref = o.ref; });
  from = history.next_sequence();
  ASSERT_EQ(engine.replace(3, now_ref, 105, 10, publisher), VenueReject::NONE);
  publisher.settle(3);
  EXPECT_EQ(types(from), "DEA");
}

TEST(ItchPublisher, of_an_iceberg_the_feed_shows_one_part_after_the_other) {
  MessageHistory history(100);
  MatchingEngine engine({VenueInstrument{}}, 10);
  ItchPublisher publisher({ItchInstrument{"ABCD"}}, history);
  ReaderBook reader;
  std::uint64_t read = 1;
  const auto shown = [&] {
    for (; read < history.next_sequence(); ++read) reader.apply(history.at(read));
    EXPECT_EQ(reader.levels(), engine_levels(engine));
    return reader.levels()[{'S', 10'000}];
  };
  const auto order = [](Side side, std::int64_t qty, std::int64_t display) {
    VenueOrder made;
    made.side = side;
    made.price = 100;
    made.order_qty = qty;
    made.display_qty = display;
    return made;
  };
  engine.submit(1, order(Side::SELL, 100, 30), publisher);
  EXPECT_EQ(shown(), 30);
  const auto first = reader.orders.begin()->first;
  engine.submit(2, order(Side::BUY, 10, 0), publisher);
  EXPECT_EQ(shown(), 20);
  engine.submit(3, order(Side::BUY, 20, 0), publisher);
  EXPECT_EQ(shown(), 30) << "the next part";
  EXPECT_FALSE(reader.orders.contains(first)) << "as another order";
  engine.submit(4, order(Side::BUY, 70, 0), publisher);
  EXPECT_EQ(shown(), 0);
  EXPECT_EQ(reader.executed, 100U);
}

TEST(ItchPublisher, refuses_what_itch_cannot_say) {
  MessageHistory history(1);
  EXPECT_THROW(ItchPublisher({ItchInstrument{"TOOLONGNAME"}}, history), std::invalid_argument);
  EXPECT_THROW(ItchPublisher({ItchInstrument{"OK", 0}}, history), std::invalid_argument);
}

TEST(MessageHistory, keeps_the_last_and_knows_which) {
  MessageHistory history(3);
  EXPECT_EQ(history.first_sequence(), history.next_sequence());
  for (int i = 1; i <= 5; ++i) {
    const auto byte = static_cast<std::byte>(i);
    history.append({&byte, 1});
  }
  EXPECT_EQ(history.first_sequence(), 3U);
  EXPECT_EQ(history.next_sequence(), 6U);
  for (std::uint64_t sequence = 3; sequence < 6; ++sequence) {
    EXPECT_EQ(history.at(sequence)[0], static_cast<std::byte>(sequence));
  }
}

/// A UDP socket of the test.
struct Listener {
  int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  std::uint16_t port = 0;
  Listener() {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    socklen_t size = sizeof at;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
    port = ntohs(at.sin_port);
  }
  ~Listener() { ::close(fd); }
  std::vector<std::byte> read() const {
    std::vector<std::byte> bytes(2'000);
    const auto got = ::recv(fd, bytes.data(), bytes.size(), 0);
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
  }
  void ask(std::uint16_t to, const mold::Header& header) const {
    std::array<std::byte, mold::kHeaderSize> bytes;
    mold::encode(header, bytes.data());
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(to);
    ::sendto(fd, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&at), sizeof at);
  }
};

MoldServerConfig server_config(std::uint16_t port) {
  MoldServerConfig config;
  config.session = "DAY1";
  config.lines = {{{"127.0.0.1", port}, "", 0}};
  config.retransmission = {"127.0.0.1", 0};
  return config;
}

std::uint64_t sequence_of(const std::vector<std::byte>& datagram, std::uint16_t& count) {
  mold::Header header;
  EXPECT_TRUE(mold::decode(datagram, header));
  count = header.count;
  return header.sequence;
}

TEST(MoldServer, sends_in_sequence_keeps_the_heartbeat_and_answers_requests) {
  Listener line;
  MessageHistory history(1'000);
  MoldServer server(server_config(line.port), history);
  const std::array<std::byte, 36> message{};
  for (int i = 0; i < 100; ++i) history.append(message);
  EXPECT_FALSE(server.poll(1));
  std::uint64_t expected = 1;
  std::uint16_t count = 0;
  for (auto datagram = line.read(); !datagram.empty(); datagram = line.read()) {
    EXPECT_LE(datagram.size(), 1'400U);
    EXPECT_EQ(sequence_of(datagram, count), expected);
    expected += count;
  }
  EXPECT_EQ(expected, 101U);
  server.poll(kSecond);
  EXPECT_TRUE(line.read().empty());
  server.poll(kSecond + 1);
  EXPECT_EQ(sequence_of(line.read(), count), 101U);
  EXPECT_EQ(count, 0);
  line.ask(server.retransmission_port(), {server.session(), 50, 3});
  server.poll(kSecond + 2);
  EXPECT_EQ(sequence_of(line.read(), count), 50U);
  EXPECT_EQ(count, 3);
  server.close(kSecond + 3);
  EXPECT_EQ(sequence_of(line.read(), count), 101U);
  EXPECT_EQ(count, mold::kEndOfSession);
}

TEST(MoldServer, does_not_answer_what_it_does_not_have) {
  Listener line;
  MessageHistory history(10);
  MoldServer server(server_config(line.port), history);
  const std::array<std::byte, 12> message{};
  for (int i = 0; i < 30; ++i) history.append(message);
  server.poll(1);
  while (!line.read().empty()) {
  }
  mold::Session other{};
  for (const auto& request :
       {mold::Header{server.session(), 5, 3}, mold::Header{server.session(), 31, 3},
        mold::Header{server.session(), 0, 3}, mold::Header{other, 25, 3}}) {
    line.ask(server.retransmission_port(), request);
  }
  server.poll(2);
  EXPECT_TRUE(line.read().empty());
  EXPECT_EQ(server.retransmitted(), 0U);
}

}  // namespace
}  // namespace pitwire
