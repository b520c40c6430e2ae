// Lines on threads of their own: what the core gets and wants is the same as of an inline line.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <thread>

#include "pitwire/base/clock.hpp"
#include "pitwire/wire/fix_framer.hpp"
#include "pitwire/wire/threads.hpp"
#include "recording_sink.hpp"

namespace pitwire {
namespace {

LineThreadConfig small(const char* name) {
  LineThreadConfig config;
  config.name = name;
  config.ring_bytes = 4096;  // the threads take what their largest items need
  return config;
}

/// Turns of a core that sleeps between them until it holds; it is woken or the test fails.
bool until(Waiter& waiter, const std::function<void()>& turn, const std::function<bool()>& holds) {
  for (int round = 0; round < 20'000; ++round) {
    turn();
    if (holds()) return true;
    (void)waiter.wait(WaitMode::PARK, 0, 5 * kMillisecond);
  }
  return false;
}

// ------------------------------------------------------------------ feeds

class Sender {
 public:
  explicit Sender(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_DGRAM, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_port = htons(port);
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  ~Sender() { ::close(fd_); }
  void send(const std::vector<std::byte>& packet) const {
    const auto* const to = reinterpret_cast<const sockaddr*>(&address_);
    ASSERT_EQ(::sendto(fd_, packet.data(), packet.size(), 0, to, sizeof address_),
              static_cast<ssize_t>(packet.size()));
  }

 private:
  int fd_;
  sockaddr_in address_{};
};

FeedLineConfig feed_config() {
  FeedLineConfig config;
  config.lines = {{{"127.0.0.1", 0}}};
  return config;
}

TEST(FeedThread, hands_everything_over_in_sequence_and_wakes_the_core) {
  FeedThread feed(feed_config(), small("pitwire-md0"));
  RecordingSink sink;
  Waiter waiter;
  feed.watch(waiter);
  const Sender sender(feed.port(0));
  for (std::uint64_t first = 1; first <= 901; first += 100) {
    for (std::uint64_t at = first; at < first + 100; at += 10)
      sender.send(mold_packet("S1", at, 10));
    ASSERT_TRUE(until(
        waiter, [&] { feed.poll(0, 1, sink); },
        [&] { return sink.messages.size() == first + 99; }));
  }
  EXPECT_EQ(sink.messages, numbers(1, 1000));
  ASSERT_TRUE(until(waiter, [] {}, [&] { return feed.stats().next_sequence == 1001; }));
  feed.unwatch(waiter);
}

TEST(FeedThread, what_the_ring_has_no_room_for_waits_and_nothing_is_lost) {
  auto config = feed_config();
  config.sequencing.grace_ns = 60 * kSecond;
  FeedThread feed(config, small("pitwire-md0"));
  const Sender sender(feed.port(0));
  // A gap in front holds 1,000 packets, which come at once when it closes: more than the ring has.
  for (std::uint64_t i = 1; i < 1'000; ++i) {
    sender.send(mold_packet("S1", 1 + i * 50, 50));
    // Paced by the thread: the kernel's buffer is not what is tested.
    while (i % 50 == 0 && feed.stats().datagrams[0] < i) std::this_thread::yield();
  }
  sender.send(mold_packet("S1", 1, 50));
  RecordingSink sink;
  Waiter waiter;
  feed.watch(waiter);
  ASSERT_TRUE(until(
      waiter, [&] { feed.poll(0, 1, sink); }, [&] { return sink.messages.size() == 50'000; }))
      << sink.messages.size();
  EXPECT_EQ(sink.messages, numbers(1, 50'000));
  feed.unwatch(waiter);
}

TEST(FeedThread, goes_on_where_it_is_told) {
  auto config = feed_config();
  config.resume = FeedPosition{"S1", 40};
  FeedThread feed(config, small("pitwire-md0"));
  const Sender sender(feed.port(0));
  RecordingSink sink;
  Waiter waiter;
  feed.watch(waiter);
  sender.send(mold_packet("S1", 38, 4));
  ASSERT_TRUE(
      until(waiter, [&] { feed.poll(0, 1, sink); }, [&] { return !sink.messages.empty(); }));
  EXPECT_EQ(sink.messages, numbers(40, 41));
  feed.unwatch(waiter);
}

// ------------------------------------------------------------------ FIX

std::string framed(const std::string& body) {
  std::string text =
      "8=FIX.4.4\x01"
      "9=" +
      std::to_string(body.size()) + "\x01" + body;
  char trailer[16];
  std::snprintf(trailer, sizeof trailer, "10=%03u\x01", fix_check_sum(text));
  return text + trailer;
}

std::string numbered(const char* type, Sequence number) {
  return framed(std::string("35=") + type +
                "\x01"
                "34=" +
                std::to_string(number) +
                "\x01"
                "49=FIRM\x01"
                "52=20260102-03:04:05\x01"
                "56=VENUE\x01");
}

struct Heard final : ConnectionSink {
  std::vector<std::string> messages;
  std::vector<std::pair<ConnectionEvent, Sequence>> events;
  std::vector<ClOrdId> withheld_requests;
  Sequence written_up_to = 0;

  void message(SessionId, Nanos ts_recv, std::string_view text) override {
    EXPECT_GT(ts_recv, 1'600'000'000 * kSecond);
    messages.emplace_back(text);
  }
  void event(SessionId, ConnectionEvent event, std::string_view, Sequence last) override {
    events.emplace_back(event, last);
  }
  void written(SessionId, Sequence sequence, std::uint64_t, Nanos) override {
    written_up_to = sequence;
  }
  void withheld(SessionId, const Outbound& entry, WithheldReason) override {
    withheld_requests.push_back(entry.request);
  }
  [[nodiscard]] bool had(ConnectionEvent wanted) const {
    return std::ranges::any_of(events, [&](const auto& each) { return each.first == wanted; });
  }
};

struct Net {
  explicit Net(const EgressRules& rules = {}) {
    ListenerConfig listen;
    listen.sessions = {{SessionId{9}, "FIX.4.4", "VENUE", "FIRM"}};
    listener = std::make_unique<FixListener>(listen);
    ConnectionConfig config;
    config.id = SessionId{1};
    config.host = "127.0.0.1";
    config.port = listener->port();
    config.backoff_min = config.backoff_max = kMillisecond;
    config.rules = rules;
    client = std::make_unique<FixThread>(config, small("pitwire-fix1"));
    client->watch(waiter);
  }
  ~Net() { client->unwatch(waiter); }
  void poll_venue() { (void)listener->poll(host_now(), 64, venue); }
  void turn() {
    poll_venue();
    (void)client->poll(0, 64, firm);
  }
  bool until(const std::function<bool()>& holds) {
    return pitwire::until(waiter, [this] { turn(); }, holds);
  }
  bool connect() {
    return until([this] { return firm.had(ConnectionEvent::CONNECTED); }) &&
           client->write({1}, numbered("A", 1)) &&
           until([this] { return venue.messages.size() == 1; });
  }

  Waiter waiter;
  Heard venue, firm;
  std::unique_ptr<FixListener> listener;
  std::unique_ptr<FixThread> client;
};

TEST(FixThread, carries_messages_both_ways_and_returns_credits) {
  Net net;
  ASSERT_TRUE(net.connect());
  for (Sequence i = 2; i <= 500; ++i) {
    ASSERT_TRUE(net.client->write({i}, numbered("0", i)));
    ASSERT_TRUE(net.listener->write(SessionId{9}, i, numbered("0", i)));
  }
  ASSERT_TRUE(net.until([&] { return net.venue.messages.size() == 500; }));
  ASSERT_TRUE(net.until([&] { return net.firm.messages.size() == 499; }));
  ASSERT_TRUE(net.until([&] { return net.firm.written_up_to == 500; }));
  for (Sequence i = 2; i <= 500; ++i) {
    EXPECT_EQ(net.venue.messages[i - 1], numbered("0", i));
    EXPECT_EQ(net.firm.messages[i - 2], numbered("0", i));
  }
}

TEST(FixThread, what_was_meant_for_a_connection_that_ended_never_leaves_on_the_next) {
  Net net;
  ASSERT_TRUE(net.connect());
  ASSERT_TRUE(net.until([&] { return net.firm.written_up_to == 1; }));
  net.listener->close(SessionId{9}, "test");
  // The core has not looked: to it the connection lives, while the thread is on the next.
  const Nanos give_up = host_now() + 20 * kSecond;
  while (!net.venue.had(ConnectionEvent::DISCONNECTED) && host_now() < give_up) net.poll_venue();
  ASSERT_TRUE(net.client->write({2}, numbered("D", 2)));
  net.firm.events.clear();
  ASSERT_TRUE(net.until([&] { return net.firm.events.size() == 2; }));
  using Event = std::pair<ConnectionEvent, Sequence>;
  EXPECT_EQ(net.firm.events[0], Event(ConnectionEvent::DISCONNECTED, 1));
  EXPECT_EQ(net.firm.events[1], Event(ConnectionEvent::CONNECTED, 0));
  ASSERT_TRUE(net.client->write({3}, numbered("A", 1)));
  ASSERT_TRUE(net.until([&] { return net.venue.messages.size() == 2; }));
  EXPECT_EQ(net.venue.messages[1], numbered("A", 1));
}

TEST(FixThread, an_awaited_entry_leaves_when_the_mark_moves_and_the_bell_rings) {
  std::atomic<Sequence> durable{1};
  EgressRules rules;
  rules.durable = &durable;
  Net net(rules);
  ASSERT_TRUE(net.connect());
  ASSERT_TRUE(net.client->write({2, 0, true, true}, numbered("D", 2)));
  ASSERT_TRUE(net.client->write({3, 0, false, false}, numbered("0", 3)));
  for (int i = 0; i < 20; ++i) {
    net.turn();
    (void)net.waiter.wait(WaitMode::PARK, 0, kMillisecond);
  }
  EXPECT_EQ(net.venue.messages.size(), 1U);
  durable = 2;
  net.client->bell().ring();
  ASSERT_TRUE(net.until([&] { return net.venue.messages.size() == 3; }));
}

TEST(FixThread, orders_that_wait_are_withheld_once_the_kill_word_is_set) {
  std::atomic<Sequence> durable{1};
  std::atomic<std::uint32_t> kill{0};
  EgressRules rules;
  rules.durable = &durable;
  rules.kill_word = &kill;
  Net net(rules);
  ASSERT_TRUE(net.connect());
  ASSERT_TRUE(net.client->write({2, 77, true, true}, numbered("D", 2)));
  kill = 1;
  ASSERT_TRUE(net.client->write({3, 78, false, false}, numbered("F", 3)));
  ASSERT_TRUE(net.until([&] { return net.venue.messages.size() == 3; }));
  EXPECT_EQ(fix_field(net.venue.messages[1], "35"), "4");
  EXPECT_EQ(fix_field(net.venue.messages[2], "35"), "F");
  ASSERT_TRUE(net.until([&] { return net.firm.withheld_requests == std::vector<ClOrdId>{77}; }));
}

TEST(FixThread, close_ends_the_connection_and_a_disabled_one_stays_away) {
  Net net;
  ASSERT_TRUE(net.connect());
  net.client->enable(false);
  net.client->close("done");
  EXPECT_FALSE(net.client->write({2}, numbered("0", 2)));
  net.firm.events.clear();
  ASSERT_TRUE(net.until([&] { return net.firm.had(ConnectionEvent::DISCONNECTED); }));
  for (int i = 0; i < 10; ++i) {
    net.turn();
    (void)net.waiter.wait(WaitMode::PARK, 0, 2 * kMillisecond);
  }
  EXPECT_FALSE(net.firm.had(ConnectionEvent::CONNECTED));
  net.client->enable(true);
  EXPECT_TRUE(net.until([&] { return net.firm.had(ConnectionEvent::CONNECTED); }));
}

}  // namespace
}  // namespace pitwire
