#include "pitwire/wire/fix_connection.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>

#include "pitwire/base/clock.hpp"
#include "pitwire/wire/fix_framer.hpp"

namespace pitwire {
namespace {

std::string framed(const std::string& body) {
  std::string text =
      "8=FIX.4.4\x01"
      "9=" +
      std::to_string(body.size()) + "\x01" + body;
  char trailer[16];
  std::snprintf(trailer, sizeof trailer, "10=%03u\x01", fix_check_sum(text));
  return text + trailer;
}

std::string logon(const std::string& sender, const std::string& more = "") {
  return framed(
      "35=A\x01"
      "34=1\x01"
      "49=" +
      sender +
      "\x01"
      "56=VENUE\x01" +
      more);
}

std::string order(const std::string& type, Sequence number, const std::string& text = "") {
  return framed("35=" + type + "\x01" + "34=" + std::to_string(number) + "\x01" +
                "49=FIRM\x01"
                "52=20260102-03:04:05\x01"
                "56=VENUE\x01"
                "11=1-2\x01" +
                (text.empty() ? "" : "58=" + text + "\x01"));
}

Outbound awaited(Sequence sequence) { return {sequence, 0, false, true}; }

struct Recorder : ConnectionSink {
  struct Event {
    SessionId session;
    ConnectionEvent event;
    std::string reason;
    Sequence last_written;
  };
  std::vector<std::string> messages;
  std::vector<Nanos> stamps;
  std::vector<Event> events;
  Sequence written_up_to = 0;
  std::vector<ClOrdId> withheld_requests;
  WithheldReason withheld_for{};
  std::function<void(std::string_view)> on_message = [](std::string_view) {};

  void message(SessionId, Nanos ts_recv, std::string_view message) override {
    EXPECT_GT(ts_recv, 1'600'000'000 * kSecond);
    stamps.push_back(ts_recv);
    messages.emplace_back(message);
    on_message(message);
  }
  void event(SessionId session, ConnectionEvent event, std::string_view reason,
             Sequence last_written) override {
    events.push_back({session, event, std::string(reason), last_written});
  }
  void written(SessionId, Sequence sequence, std::uint64_t, Nanos) override {
    EXPECT_GT(sequence, written_up_to);
    written_up_to = sequence;
  }
  void withheld(SessionId, const Outbound& entry, WithheldReason reason) override {
    EXPECT_GT(entry.sequence, written_up_to) << "said too late";
    withheld_requests.push_back(entry.request);
    withheld_for = reason;
  }
  [[nodiscard]] bool had(ConnectionEvent event) const { return find(event) != nullptr; }
  [[nodiscard]] const Event* find(ConnectionEvent event) const {
    for (const Event& each : events) {
      if (each.event == event) return &each;
    }
    return nullptr;
  }
};

// Client and listener on loopback, polled in turn until something holds. `now` is virtual; only the
// kernel is waited for, by poll(2).
struct Net {
  ListenerConfig listener_config;
  ConnectionConfig client_config;
  Recorder venue, firm;
  std::unique_ptr<FixListener> listener;
  std::unique_ptr<FixConnection> client;
  Nanos now = kSecond;

  Net() {
    listener_config.sessions = {{SessionId{9}, "FIX.4.4", "VENUE", "FIRM"}};
    client_config.id = SessionId{1};
    client_config.host = "127.0.0.1";
  }
  void start() {
    listener = std::make_unique<FixListener>(listener_config);
    client_config.port = listener->port();
    client = std::make_unique<FixConnection>(client_config);
  }
  bool until(const std::function<bool()>& holds, int rounds = 2000) {
    for (int round = 0; round < rounds; ++round) {
      int done = client ? client->poll(now, 16, firm) : 0;
      done += listener ? listener->poll(now, 16, venue) : 0;
      if (holds()) return true;
      if (done == 0) wait();
    }
    return false;
  }
  bool connect() {
    start();
    if (!until([&] { return firm.had(ConnectionEvent::CONNECTED); })) return false;
    return client->write({1}, logon("FIRM")) && until([&] { return !venue.messages.empty(); });
  }

 private:
  void wait() {
    pollfd fds[2] = {{client ? client->epoll_fd() : -1, POLLIN, 0},
                     {listener ? listener->epoll_fd() : -1, POLLIN, 0}};
    ::poll(fds, 2, 2);
  }
};

TEST(FixConnection, carries_messages_both_ways_and_returns_credits) {
  Net net;
  ASSERT_TRUE(net.connect());
  EXPECT_EQ(net.venue.messages[0], logon("FIRM"));
  EXPECT_EQ(net.venue.find(ConnectionEvent::CONNECTED)->session, SessionId{9});
  EXPECT_TRUE(net.listener->write(SessionId{9}, 70,
                                  framed("35=0\x01"
                                         "34=1\x01")));
  ASSERT_TRUE(net.until([&] { return !net.firm.messages.empty(); }));
  EXPECT_EQ(net.venue.written_up_to, 70U);
  EXPECT_EQ(net.firm.written_up_to, 1U);
}

/// An option of the socket of ours that is connected to this port; -1 where there is none.
int option_of_client(std::uint16_t port, int level, int option) {
  for (int fd = 3; fd < 1024; ++fd) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    if (ntohs(peer.sin_port) != port) continue;
    int value = -1;
    socklen_t value_size = sizeof value;
    ::getsockopt(fd, level, option, &value, &value_size);
    return value;
  }
  return -1;
}

TEST(FixConnection, its_socket_never_waits_to_fill_a_packet) {
  Net net;
  ASSERT_TRUE(net.connect());
  EXPECT_EQ(option_of_client(net.listener->port(), IPPROTO_TCP, TCP_NODELAY), 1);
}

TEST(FixConnection, acknowledges_what_it_read_at_once_where_configured) {
  for (const bool quick : {false, true}) {
    Net net;
    net.client_config.socket.quick_ack = quick;
    ASSERT_TRUE(net.connect());
    // An exchange of messages is what makes the kernel hold acknowledgements back.
    for (Sequence i = 2; i < 6; ++i) {
      const std::string heartbeat = order("0", i);
      EXPECT_TRUE(net.listener->write(SessionId{9}, i, heartbeat));
      ASSERT_TRUE(net.until([&] { return net.firm.messages.size() == i - 1; }));
      const int value = option_of_client(net.listener->port(), IPPROTO_TCP, TCP_QUICKACK);
      if (i > 2) {
        EXPECT_EQ(value, quick ? 1 : 0);
      }
      EXPECT_TRUE(net.client->write({i}, heartbeat));
      ASSERT_TRUE(net.until([&] { return net.venue.messages.size() == i; }));
    }
  }
}

TEST(FixConnection, stamps_rise_and_are_the_kernels_of_the_arrival_or_ours_of_the_reading) {
  for (const bool kernel : {true, false}) {
    Net net;
    net.client_config.socket.kernel_stamps = kernel;
    ASSERT_TRUE(net.connect());
    bool before_it_was_read = false;
    // The kernel begins to stamp a little after it was asked to: on a busy host, milliseconds.
    const Nanos give_up = host_now() + (kernel ? 10'000'000'000 : 20'000'000);
    for (Sequence i = 2; host_now() < give_up && !before_it_was_read; ++i) {
      EXPECT_TRUE(net.listener->write(SessionId{9}, i, order("0", i)));
      const Nanos sent = host_now();
      ASSERT_TRUE(net.until([&] { return net.firm.messages.size() == i - 1; }));
      before_it_was_read = net.firm.stamps.back() < sent;
      EXPECT_LE(net.firm.stamps.back(), host_now());
    }
    EXPECT_EQ(before_it_was_read, kernel);
    EXPECT_TRUE(std::ranges::is_sorted(net.firm.stamps));
  }
}

TEST(FixConnection, busy_polls_where_the_host_allows_it_and_says_where_it_does_not) {
  Net net;
  net.client_config.socket.busy_poll_us = 37;
  try {
    net.start();
  } catch (const std::invalid_argument& error) {
    EXPECT_EQ(std::string(error.what()).find("busy_poll_us: SO_BUSY_POLL"), 0U) << error.what();
    return;
  }
  ASSERT_TRUE(net.until([&] { return net.client->connected(); }));
  EXPECT_EQ(option_of_client(net.listener->port(), SOL_SOCKET, SO_BUSY_POLL), 37);
}

TEST(FixConnection, a_flood_is_written_in_order_through_full_buffers) {
  Net net;
  net.client_config.limits.outbound_bytes_max = 32 << 20;
  ASSERT_TRUE(net.connect());
  const std::string filler(2000, 'x');
  for (Sequence i = 2; i <= 5000; ++i) {
    ASSERT_TRUE(net.client->write({i}, framed("35=B\x01"
                                              "34=" +
                                              std::to_string(i) +
                                              "\x01"
                                              "58=" +
                                              filler + "\x01")));
  }
  EXPECT_GT(net.client->outbound_bytes(), 0U) << "the kernel took all: the test proves nothing";
  ASSERT_TRUE(net.until([&] { return net.venue.messages.size() == 5000; }, 200'000));
  for (std::size_t i = 1; i < 5000; ++i) {
    ASSERT_EQ(fix_field(net.venue.messages[i], "34"), std::to_string(i + 1));
  }
  ASSERT_TRUE(net.until([&] { return net.firm.written_up_to == 5000; }));
}

TEST(FixConnection, refuses_above_its_bound_and_before_it_is_connected) {
  Net net;
  std::atomic<Sequence> durable{0};
  net.client_config.limits.outbound_bytes_max = 2 * logon("FIRM").size() - 1;
  net.client_config.rules.durable = &durable;
  net.start();
  EXPECT_FALSE(net.client->write({1}, logon("FIRM")));
  ASSERT_TRUE(net.until([&] { return net.client->connected(); }));
  const std::string message = logon("FIRM");
  EXPECT_TRUE(net.client->write(awaited(1), message));
  EXPECT_FALSE(net.client->write(awaited(2), message));
}

TEST(FixConnection, entries_wait_for_the_log_and_later_ones_are_not_sent) {
  Net net;
  std::atomic<Sequence> durable{9};
  net.client_config.rules.durable = &durable;
  net.start();
  ASSERT_TRUE(net.until([&] { return net.client->connected(); }));
  ASSERT_TRUE(net.client->write(awaited(10), logon("FIRM")));
  ASSERT_TRUE(net.client->write(awaited(20), framed("35=0\x01"
                                                    "34=2\x01")));
  EXPECT_FALSE(net.until([&] { return !net.venue.messages.empty(); }, 20));
  durable = 10;
  ASSERT_TRUE(net.until([&] { return net.venue.messages.size() == 1; }));
  net.listener->close(SessionId{9}, "test");
  net.now += 10 * kSecond;
  ASSERT_TRUE(net.until([&] { return net.firm.had(ConnectionEvent::DISCONNECTED); }));
  EXPECT_EQ(net.firm.find(ConnectionEvent::DISCONNECTED)->last_written, 10U);
  EXPECT_EQ(net.venue.messages.size(), 1U);
}

TEST(FixConnection, nothing_leaves_behind_a_fence_that_is_not_ours) {
  Net net;
  std::atomic<std::uint64_t> fence{7};
  net.client_config.rules.fence = &fence;
  net.client_config.rules.fence_token = 7;
  ASSERT_TRUE(net.connect());
  fence = 8;
  ASSERT_TRUE(net.client->write({2}, framed("35=0\x01"
                                            "34=2\x01")));
  ASSERT_TRUE(net.until([&] { return net.venue.had(ConnectionEvent::DISCONNECTED); }));
  EXPECT_EQ(net.venue.messages.size(), 1U);
  EXPECT_EQ(net.firm.find(ConnectionEvent::DISCONNECTED)->last_written, 1U);
  net.firm.events.clear();
  net.now += kSecond * 60;
  EXPECT_FALSE(net.until([&] { return !net.firm.events.empty(); }, 20)) << "it connected again";
}

TEST(FixConnection, an_awaited_entry_holds_those_behind_it) {
  Net net;
  std::atomic<Sequence> durable{0};
  net.client_config.rules.durable = &durable;
  ASSERT_TRUE(net.connect());
  ASSERT_TRUE(net.client->write(awaited(2), order("D", 2)));
  ASSERT_TRUE(net.client->write({3}, framed("35=0\x01"
                                            "34=3\x01")));
  EXPECT_FALSE(net.until([&] { return net.venue.messages.size() > 1; }, 20));
  durable = 2;
  ASSERT_TRUE(net.until([&] { return net.venue.messages.size() == 3; }));
  EXPECT_EQ(net.firm.written_up_to, 3U);
}

TEST(FixConnection, an_order_that_waits_when_the_kill_word_is_set_gives_its_number_to_a_gap_fill) {
  Net net;
  std::atomic<Sequence> durable{0};
  std::atomic<std::uint32_t> kill{0};
  net.client_config.rules.durable = &durable;
  net.client_config.rules.kill_word = &kill;
  ASSERT_TRUE(net.connect());
  ASSERT_TRUE(net.client->write({2, 0, false, true}, order("0", 2)));
  ASSERT_TRUE(net.client->write({3, 77, true, true}, order("D", 3)));
  ASSERT_TRUE(net.client->write({4, 78, false, true}, order("F", 4)));
  kill = 1;
  EXPECT_FALSE(net.until([&] { return net.venue.messages.size() > 1; }, 20));
  durable = 4;
  ASSERT_TRUE(net.until([&] { return net.venue.messages.size() == 4; }));
  EXPECT_EQ(net.venue.messages[2], framed("35=4\x01"
                                          "34=3\x01"
                                          "49=FIRM\x01"
                                          "52=20260102-03:04:05\x01"
                                          "56=VENUE\x01"
                                          "123=Y\x01"
                                          "36=4\x01"));
  EXPECT_EQ(net.venue.messages[3], order("F", 4));
  ASSERT_EQ(net.firm.withheld_requests, (std::vector<ClOrdId>{77}));
  EXPECT_EQ(net.firm.withheld_for, WithheldReason::KILLED);
  ASSERT_TRUE(net.until([&] { return net.firm.written_up_to == 4; }));
}

TEST(FixConnection, an_order_of_which_a_byte_may_have_left_is_not_withheld) {
  Net net;
  std::atomic<std::uint32_t> kill{0};
  net.client_config.rules.kill_word = &kill;
  net.client_config.limits.outbound_bytes_max = 64 << 20;
  ASSERT_TRUE(net.connect());
  // Until the kernel takes no more: one entry is written in part, the rest not at all.
  Sequence last = 1;
  while (net.client->outbound_bytes() < 64 << 10) {
    ++last;
    ASSERT_TRUE(net.client->write({last, last, true}, order("D", last, std::string(8000, 'x'))));
  }
  kill = 1;
  ASSERT_TRUE(net.until([&] { return net.firm.written_up_to == last; }, 200'000));
  ASSERT_FALSE(net.firm.withheld_requests.empty());
  const auto whole = net.firm.withheld_requests.front() - 1;  // the last order that left
  EXPECT_EQ(net.firm.withheld_requests.size(), last - whole);
  ASSERT_TRUE(net.until([&] { return net.venue.messages.size() == last; }, 200'000));
  for (Sequence at = 2; at <= last; ++at) {
    ASSERT_EQ(fix_field(net.venue.messages[at - 1], "35"), at <= whole ? "D" : "4");
    ASSERT_EQ(fix_field(net.venue.messages[at - 1], "34"), std::to_string(at));
  }
}

TEST(FixConnection, where_the_log_failed_cancels_leave_and_orders_do_not) {
  Net net;
  std::atomic<Sequence> durable{0};
  std::atomic<bool> failed{false};
  net.client_config.rules.durable = &durable;
  net.client_config.rules.log_failed = &failed;
  ASSERT_TRUE(net.connect());
  ASSERT_TRUE(net.client->write({2, 77, true, true}, order("D", 2)));
  ASSERT_TRUE(net.client->write({3, 78, false, true}, order("F", 3)));
  failed = true;
  ASSERT_TRUE(net.until([&] { return net.venue.messages.size() == 3; }));
  EXPECT_EQ(fix_field(net.venue.messages[1], "35"), "4");
  EXPECT_EQ(fix_field(net.venue.messages[2], "35"), "F");
  EXPECT_EQ(net.firm.withheld_for, WithheldReason::LOG_FAILED);
}

TEST(FixConnection, close_writes_what_was_taken_first) {
  Net net;
  ASSERT_TRUE(net.connect());
  ASSERT_TRUE(net.client->write({2}, framed("35=5\x01"
                                            "34=2\x01")));
  net.client->close("logged out");
  EXPECT_FALSE(net.client->write({3}, framed("35=0\x01"
                                             "34=3\x01")));
  ASSERT_TRUE(net.until([&] { return net.firm.had(ConnectionEvent::DISCONNECTED); }));
  EXPECT_EQ(net.venue.messages.size(), 2U);
  EXPECT_EQ(net.firm.find(ConnectionEvent::DISCONNECTED)->reason, "logged out");
}

TEST(FixConnection, reconnects_with_backoff) {
  Net net;
  ASSERT_TRUE(net.connect());
  net.listener->close(SessionId{9}, "go");
  ASSERT_TRUE(net.until([&] { return net.firm.had(ConnectionEvent::DISCONNECTED); }));
  net.firm.events.clear();
  EXPECT_EQ(net.client->next_deadline(), net.now + net.client_config.backoff_min);
  EXPECT_FALSE(net.until([&] { return !net.firm.events.empty(); }, 10));
  net.now += net.client_config.backoff_min;
  ASSERT_TRUE(net.until([&] { return net.firm.had(ConnectionEvent::CONNECTED); }));
}

TEST(FixConnection, a_refused_connection_is_tried_less_and_less) {
  Net net;
  net.start();
  net.listener.reset();
  Nanos waits[3];
  for (Nanos& wait : waits) {
    net.firm.events.clear();
    ASSERT_TRUE(net.until([&] { return net.firm.had(ConnectionEvent::REFUSED); }));
    wait = net.client->next_deadline() - net.now;
    net.now = net.client->next_deadline();
  }
  EXPECT_EQ(waits[1], 2 * waits[0]);
  EXPECT_EQ(waits[2], 4 * waits[0]);
}

TEST(FixConnection, garbled_bytes_are_reported_and_skipped) {
  Net net;
  ASSERT_TRUE(net.connect());
  ASSERT_TRUE(net.client->write({2},
                                "8=FIX.4.4\x01"
                                "nine=5\x01"
                                "garbage"));
  ASSERT_TRUE(net.client->write({3}, framed("35=0\x01"
                                            "34=2\x01")));
  ASSERT_TRUE(net.until([&] { return net.venue.messages.size() == 2; }));
  EXPECT_TRUE(net.venue.had(ConnectionEvent::GARBLED));
}

TEST(FixConnection, too_long_a_message_ends_it) {
  Net net;
  net.listener_config.limits.message_bytes_max = 256;
  ASSERT_TRUE(net.connect());
  ASSERT_TRUE(net.client->write({2}, framed("35=B\x01"
                                            "58=" +
                                            std::string(300, 'x') + "\x01")));
  ASSERT_TRUE(net.until([&] { return net.venue.had(ConnectionEvent::DISCONNECTED); }));
  EXPECT_EQ(net.venue.find(ConnectionEvent::DISCONNECTED)->reason, "message longer than allowed");
}

TEST(FixConnection, the_core_and_its_log_never_see_a_secret) {
  Net net;
  net.client_config.secrets = {{"$password", "hunter2-hunter2"}};
  net.start();
  ASSERT_TRUE(net.until([&] { return net.client->connected(); }));
  ASSERT_TRUE(net.client->write({1}, logon("FIRM", "554=$password\x01")));
  ASSERT_TRUE(net.until([&] { return !net.venue.messages.empty(); }));
  EXPECT_EQ(net.venue.messages[0], logon("FIRM", "554=hunter2-hunter2\x01"));
  ASSERT_TRUE(net.listener->write(SessionId{9}, 1,
                                  framed("35=5\x01"
                                         "58=hunter2-hunter2?\x01")));
  ASSERT_TRUE(net.until([&] { return !net.firm.messages.empty(); }));
  EXPECT_EQ(net.firm.messages[0], framed("35=5\x01"
                                         "58=$password?\x01"));
}

TEST(FixListener, refuses_strangers_and_second_connections) {
  Net net;
  ASSERT_TRUE(net.connect());
  Net other;
  other.client_config.port = net.listener->port();
  other.client = std::make_unique<FixConnection>(other.client_config);
  const auto refused_with = [&](const std::string& first, const std::string& reason) {
    net.venue.events.clear(), other.firm.events.clear();
    other.firm.written_up_to = 0;
    other.now += 100 * kSecond;
    const auto both = [&](auto holds) {
      return other.until([&] { return net.listener->poll(net.now, 16, net.venue), holds(); });
    };
    EXPECT_TRUE(both([&] { return other.client->connected(); }));
    EXPECT_TRUE(other.client->write({1}, first));
    EXPECT_TRUE(both([&] {
      return net.venue.had(ConnectionEvent::REFUSED) &&
             other.firm.had(ConnectionEvent::DISCONNECTED);
    }));
    const auto* event = net.venue.find(ConnectionEvent::REFUSED);
    ASSERT_NE(event, nullptr);
    EXPECT_EQ(index(event->session), kNoId);
    EXPECT_EQ(event->reason, reason);
  };
  refused_with(logon("STRANGER"), "no session of this version and these CompIDs");
  refused_with(logon("FIRM"), "the session has a connection already");
  refused_with(framed("35=0\x01"
                      "34=1\x01"),
               "the first message is not a Logon");
  refused_with("hello, is this the venue that I am looking for?",
               "the first bytes are not a FIX message");
  EXPECT_TRUE(net.listener->connected(SessionId{9}));
}

TEST(FixListener, a_silent_connection_is_closed_in_time) {
  Net net;
  net.start();
  ASSERT_TRUE(net.until([&] { return net.client->connected(); }));
  ASSERT_FALSE(net.until([&] { return !net.venue.events.empty(); }, 10));
  net.now += net.listener_config.logon_timeout;
  ASSERT_TRUE(net.until([&] { return net.venue.had(ConnectionEvent::REFUSED); }));
  EXPECT_EQ(net.venue.find(ConnectionEvent::REFUSED)->reason, "no Logon in time");
}

// Certificates of a small authority, made once by the openssl command.
class FixTls : public ::testing::Test {
 protected:
  static inline std::filesystem::path folder;

  static void SetUpTestSuite() {
    std::string name = (std::filesystem::temp_directory_path() / "pitwire-tls-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
    const std::string script =
        "cd " + name +
        " && exec 2>/dev/null && new='openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
        "-nodes'"
        " && for ca in ca other; do $new -x509 -days 2 -subj /CN=$ca -keyout $ca.key -out $ca.pem; "
        "done"
        " && printf 'subjectAltName=DNS:venue.test' > san"
        " && for who in venue firm; do $new -subj /CN=$who -keyout $who.key -out $who.csr"
        " && openssl x509 -req -days 2 -in $who.csr -CA ca.pem -CAkey ca.key -CAcreateserial "
        "-extfile san"
        " -out $who.pem; done";
    if (std::system(script.c_str()) != 0) GTEST_SKIP() << "no openssl command";
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(folder); }

  static std::string file(const char* name) { return (folder / name).string(); }
  static void secure(Net& net) {
    net.listener_config.tls = TlsConfig{"", file("venue.pem"), file("venue.key"), "", false};
    net.client_config.tls = TlsConfig{file("ca.pem"), "", "", "venue.test", false};
  }
};

TEST_F(FixTls, carries_a_flood_both_ways) {
  Net net;
  secure(net);
  net.client_config.limits.outbound_bytes_max = 32 << 20;
  ASSERT_TRUE(net.connect());
  const std::string filler(3000, 'y');
  for (Sequence i = 2; i <= 2000; ++i) {
    ASSERT_TRUE(net.client->write({i}, framed("34=" + std::to_string(i) +
                                              "\x01"
                                              "58=" +
                                              filler + "\x01")));
  }
  ASSERT_TRUE(net.until([&] { return net.venue.messages.size() == 2000; }, 200'000));
  EXPECT_EQ(fix_field(net.venue.messages.back(), "34"), "2000");
  EXPECT_TRUE(net.listener->write(SessionId{9}, 5, framed("35=0\x01")));
  EXPECT_TRUE(
      net.until([&] { return net.firm.messages.size() == 1 && net.firm.written_up_to == 2000; }));
}

TEST_F(FixTls, refuses_another_authority_and_another_name) {
  for (const auto& [authority, name, reason] :
       {std::tuple{"other.pem", "venue.test", "unable to get local issuer certificate"},
        std::tuple{"ca.pem", "else.test", "hostname mismatch"}}) {
    Net net;
    secure(net);
    net.client_config.tls->ca_file = file(authority);
    net.client_config.tls->host_name = name;
    net.start();
    ASSERT_TRUE(net.until([&] { return net.firm.had(ConnectionEvent::TLS_FAILED); }));
    EXPECT_EQ(net.firm.find(ConnectionEvent::TLS_FAILED)->reason, reason);
    EXPECT_FALSE(net.firm.had(ConnectionEvent::CONNECTED));
  }
}

TEST_F(FixTls, asks_clients_for_their_certificate) {
  Net net;
  secure(net);
  net.listener_config.tls->ca_file = file("ca.pem");
  net.listener_config.tls->require_client_certificate = true;
  net.start();
  ASSERT_TRUE(net.until([&] { return net.venue.had(ConnectionEvent::TLS_FAILED); }));
  Net known;
  secure(known);
  known.listener_config.tls = net.listener_config.tls;
  known.client_config.tls->certificate = file("firm.pem");
  known.client_config.tls->private_key = file("firm.key");
  EXPECT_TRUE(known.connect());
}

TEST_F(FixTls, a_client_that_writes_behind_its_refusal_still_says_why) {
  Net net;
  secure(net);
  net.listener_config.tls->ca_file = file("ca.pem");
  net.listener_config.tls->require_client_certificate = true;
  net.start();
  // By TLS 1.3 a client's handshake is over before the server has looked at what it has not got.
  ASSERT_TRUE(net.until([&] { return net.client->connected(); }));
  while (!net.venue.had(ConnectionEvent::TLS_FAILED)) {
    (void)net.listener->poll(host_now(), 64, net.venue);
  }
  for (Sequence i = 1; i < 100; ++i) (void)net.client->write({i}, logon("FIRM"));
  ASSERT_TRUE(net.until([&] { return net.firm.had(ConnectionEvent::DISCONNECTED); }));
  const auto& reason = net.firm.find(ConnectionEvent::DISCONNECTED)->reason;
  EXPECT_NE(reason.find("certificate required"), std::string::npos) << reason;
}

TEST_F(FixTls, a_plain_client_is_not_understood) {
  Net net;
  secure(net);
  net.client_config.tls.reset();
  net.start();
  ASSERT_TRUE(net.until([&] { return net.client->connected(); }));
  ASSERT_TRUE(net.client->write({1}, logon("FIRM")));
  EXPECT_TRUE(net.until([&] { return net.venue.had(ConnectionEvent::TLS_FAILED); }));
  EXPECT_TRUE(net.venue.messages.empty());
}

TEST_F(FixTls, names_the_file_that_is_wrong) {
  try {
    (void)TlsContext::client({file("missing.pem"), "", "", "", false});
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("missing.pem"), std::string::npos);
  }
}

}  // namespace
}  // namespace pitwire
