// The feed line over real loopback sockets: lines, request server and snapshot server are plain
// sockets that the test holds, so that what is lost, doubled or late is the test's choice.
#include "pitwire/wire/feed_line.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pitwire/base/clock.hpp"
#include "recording_sink.hpp"

namespace pitwire {
namespace {

/// A loopback socket of the venue's side.
class Peer {
 public:
  explicit Peer(int type) : fd_(::socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = socket_address({"127.0.0.1", 0}, "test");
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    if (type == SOCK_STREAM && ::listen(fd_, 4) != 0) ADD_FAILURE() << "listen";
  }
  ~Peer() { ::close(fd_); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  [[nodiscard]] std::uint16_t port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
  }
  void send_to(std::uint16_t port, std::span<const std::byte> bytes) const {
    const sockaddr_in address = socket_address({"127.0.0.1", port}, "test");
    EXPECT_EQ(::sendto(fd_, bytes.data(), bytes.size(), 0,
                       reinterpret_cast<const sockaddr*>(&address), sizeof address),
              static_cast<ssize_t>(bytes.size()));
  }
  [[nodiscard]] bool readable(int timeout_ms) const {
    pollfd wait{fd_, POLLIN, 0};
    return ::poll(&wait, 1, timeout_ms) == 1;
  }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

FeedLineSocket socket_on(const char* address, const char* interface) {
  FeedLineSocket socket;
  socket.endpoint.address = address;
  socket.interface = interface;
  return socket;
}

class Feed : public testing::Test {
 protected:
  Feed() {
    config.id = FeedId{7};
    config.lines.assign(2, socket_on("127.0.0.1", ""));
    config.sequencing.grace_ns = 1;
  }
  void open() { line = std::make_unique<FeedLine>(config); }
  void send(std::uint32_t to, std::uint64_t sequence, std::uint16_t count) {
    venue.send_to(line->port(to), mold_packet("S1", sequence, count));
  }
  /// Polls in time of its own, as often as the socket has something, until `done`.
  template <class F>
  [[nodiscard]] bool until(F&& done) {
    for (int i = 0; i < 2000; ++i) {
      if (line->poll(now, 64, sink) == 0) {
        pollfd wait{line->epoll_fd(), POLLIN, 0};
        ::poll(&wait, 1, 1);
      }
      now += kMillisecond;
      if (done()) return true;
    }
    return false;
  }
  [[nodiscard]] bool until_messages(std::size_t count) {
    return until([&] { return sink.messages.size() >= count; });
  }

  FeedLineConfig config;
  std::unique_ptr<FeedLine> line;
  Peer venue{SOCK_DGRAM};
  RecordingSink sink;
  Nanos now = kSecond;
};

TEST_F(Feed, two_lines_make_one_sequence_stamped_by_the_kernel) {
  open();
  const Nanos before = host_now();
  send(kLineA, 1, 2);
  send(kLineB, 1, 2);
  send(kLineB, 3, 1);
  send(kLineA, 4, 1);
  ASSERT_TRUE(until_messages(4));
  EXPECT_EQ(sink.messages, numbers(1, 4));
  for (const Nanos stamp : sink.stamps) {
    EXPECT_GE(stamp, before - kMillisecond);
    EXPECT_LE(stamp, host_now() + kMillisecond);
  }
  EXPECT_EQ(line->session(), "S1        ");
  EXPECT_EQ(line->next_sequence(), 5U);
}

TEST_F(Feed, stamps_of_the_kernel_rise_and_are_of_the_arrival_not_of_the_reading) {
  config.lines.resize(1);
  open();
  bool before_it_was_read = false;
  // The kernel begins to stamp a little after it was asked to, on a busy host after milliseconds;
  // until then it does so at the read.
  const Nanos give_up = host_now() + 10 * kSecond;
  for (std::uint64_t i = 1; host_now() < give_up && !before_it_was_read; ++i) {
    send(kLineA, i, 1);
    const Nanos sent = host_now();
    ASSERT_TRUE(until_messages(i));
    before_it_was_read = sink.stamps.back() <= sent;
    EXPECT_LE(sink.stamps.back(), host_now());
  }
  EXPECT_TRUE(before_it_was_read);
  EXPECT_TRUE(std::ranges::is_sorted(sink.stamps));
}

TEST_F(Feed, without_the_kernel_a_datagram_is_stamped_as_it_is_read) {
  config.lines.resize(1);
  config.kernel_stamps = false;
  open();
  send(kLineA, 1, 1);
  const Nanos sent = host_now();
  ASSERT_TRUE(until_messages(1));
  EXPECT_GE(sink.stamps.at(0), sent);
  EXPECT_LE(sink.stamps.at(0), host_now());
}

TEST_F(Feed, one_receive_serves_many_polls_and_what_waits_asks_for_the_next) {
  config.lines.resize(1);
  open();
  for (std::uint64_t i = 1; i <= 40; ++i) send(kLineA, i, 1);
  EXPECT_EQ(line->poll(now, 1, sink), 1);
  EXPECT_EQ(sink.messages, numbers(1, 1));
  EXPECT_EQ(line->stats().datagrams[kLineA], 32U) << "one recvmmsg";
  EXPECT_EQ(line->next_deadline(), 0) << "31 wait, of which the kernel knows nothing";
  for (int i = 0; i < 31; ++i) EXPECT_EQ(line->poll(now, 1, sink), 1);
  EXPECT_NE(line->next_deadline(), 0);
  EXPECT_EQ(line->poll(now, 64, sink), 8);
  EXPECT_EQ(line->poll(now, 64, sink), 0);
  EXPECT_EQ(sink.messages, numbers(1, 40));
}

TEST_F(Feed, what_both_lines_lost_is_requested_and_answered) {
  Peer server(SOCK_DGRAM);
  config.retransmission = Endpoint{"127.0.0.1", server.port()};
  open();
  send(kLineA, 1, 1);
  send(kLineB, 4, 1);
  ASSERT_TRUE(until([&] { return server.readable(0); }));
  std::array<std::byte, 64> request;
  sockaddr_in from{};
  socklen_t size = sizeof from;
  ASSERT_EQ(::recvfrom(server.fd(), request.data(), request.size(), 0,
                       reinterpret_cast<sockaddr*>(&from), &size),
            static_cast<ssize_t>(mold::kHeaderSize));
  EXPECT_EQ(itch::load<std::uint64_t>(request.data() + 10), 2U);
  EXPECT_EQ(itch::load<std::uint16_t>(request.data() + 18), 2U);
  server.send_to(ntohs(from.sin_port), mold_packet("S1", 2, 2));
  ASSERT_TRUE(until_messages(4));
  EXPECT_EQ(sink.messages, numbers(1, 4));
  EXPECT_EQ(sink.count_of(FeedEvent::GAP_FILLED), 1);
  EXPECT_EQ(line->stats().sequencing.first_on[kLineRetransmission], 1U);
}

TEST_F(Feed, a_request_server_that_is_not_there_costs_the_gap_and_nothing_else) {
  {
    const Peer gone(SOCK_DGRAM);
    config.retransmission = Endpoint{"127.0.0.1", gone.port()};
  }
  config.sequencing.attempts_max = 2;
  open();
  send(kLineA, 1, 1);
  send(kLineA, 3, 1);
  ASSERT_TRUE(until_messages(2));
  EXPECT_EQ(sink.messages, (std::vector<std::uint64_t>{1, 3}));
  EXPECT_EQ(sink.count_of(FeedEvent::GAP_LOST), 1);
}

TEST_F(Feed, garbage_and_oversize_are_malformed_and_the_feed_goes_on) {
  config.datagram_bytes_max = 256;
  open();
  const std::vector<std::byte> garbage(100, std::byte{0x5a});
  const std::vector<std::byte> oversize(1000);
  venue.send_to(line->port(kLineA), garbage);
  venue.send_to(line->port(kLineA), oversize);
  venue.send_to(line->port(kLineA), {});
  send(kLineA, 1, 1);
  ASSERT_TRUE(until_messages(1));
  EXPECT_EQ(line->stats().sequencing.malformed[kLineA], 3U);
}

TEST_F(Feed, the_kernels_drops_are_counted) {
  config.receive_buffer_bytes = 2048;
  open();
  for (std::uint64_t sequence = 1; sequence <= 200; ++sequence) send(kLineA, sequence, 3);
  // The count comes with the first datagram that is queued after the drop.
  (void)line->poll(now, 1000, sink);
  send(kLineA, 900, 1);
  ASSERT_TRUE(until([&] { return line->stats().kernel_drops[kLineA] > 0; }));
  EXPECT_EQ(line->stats().kernel_drops[kLineA] + line->stats().datagrams[kLineA], 201U);
}

TEST_F(Feed, a_poll_keeps_to_its_budget) {
  open();
  for (std::uint64_t sequence = 1; sequence <= 10; ++sequence) send(kLineA, sequence, 1);
  EXPECT_EQ(line->poll(now, 4, sink), 4);
  EXPECT_EQ(sink.messages, numbers(1, 4));
  ASSERT_TRUE(until_messages(10));
}

TEST_F(Feed, its_descriptor_is_readable_when_a_poll_would_read) {
  open();
  pollfd wait{line->epoll_fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&wait, 1, 0), 0);
  send(kLineB, 1, 1);
  EXPECT_EQ(::poll(&wait, 1, 1000), 1);
}

TEST_F(Feed, multicast_on_loopback) {
  config.lines.assign(1, socket_on("239.255.77.1", "127.0.0.1"));
  open();
  const in_addr loopback = socket_address({"127.0.0.1", 0}, "test").sin_addr;
  ASSERT_EQ(::setsockopt(venue.fd(), IPPROTO_IP, IP_MULTICAST_IF, &loopback, sizeof loopback), 0);
  const sockaddr_in group = socket_address({"239.255.77.1", line->port(kLineA)}, "test");
  const auto packet = mold_packet("S1", 1, 3);
  if (::sendto(venue.fd(), packet.data(), packet.size(), 0,
               reinterpret_cast<const sockaddr*>(&group), sizeof group) < 0) {
    GTEST_SKIP() << "this host does not send multicast on loopback";
  }
  ASSERT_TRUE(until_messages(3));
}

TEST_F(Feed, configuration_errors_name_feed_key_and_reason) {
  const auto reason = [&] {
    try {
      open();
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  config.lines[1].endpoint.address = "venue.example";
  EXPECT_EQ(reason(), "feed 7.lines[1].address: 'venue.example' is not a numeric IPv4 address");
  config.lines.clear();
  EXPECT_EQ(reason(), "feed 7.lines: 0 given, expected 1 or 2");
}

// ------------------------------------------------------------------ snapshot

std::string framed(char type, const std::string& payload) {
  std::string packet(2, '\0');
  mold::store16(reinterpret_cast<std::byte*>(packet.data()),
                static_cast<std::uint16_t>(payload.size() + 1));
  return packet + type + payload;
}

std::string padded(std::uint64_t sequence) {
  const auto text = std::to_string(sequence);
  return std::string(20 - text.size(), ' ') + text;
}

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class SnapshotFeed : public Feed {
 protected:
  SnapshotFeed() {
    config.snapshot = SnapshotConfig{{"127.0.0.1", server.port()}, "user", "secret"};
    config.sequencing.snapshot_first = true;
    config.sequencing.snapshot_retry_ns = kMillisecond;
  }
  /// Accepts, reads the login, answers `bytes` in pieces and closes.
  void serve(const std::string& bytes, std::size_t piece) {
    ASSERT_TRUE(until([&] { return server.readable(0); }));
    const int peer = ::accept(server.fd(), nullptr, nullptr);
    ASSERT_GE(peer, 0);
    ASSERT_TRUE(until([&] {
      pollfd wait{peer, POLLIN, 0};
      return ::poll(&wait, 1, 0) == 1;
    }));
    std::array<char, 128> login;
    ASSERT_EQ(::recv(peer, login.data(), login.size(), 0), 49);
    EXPECT_EQ(std::string(login.data() + 2, 17), "Luser  secret    ");
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      const auto part = bytes.substr(at, piece);
      if (::send(peer, part.data(), part.size(), MSG_NOSIGNAL) < 0) break;
      (void)line->poll(now, 64, sink);
    }
    ::close(peer);
  }
  [[nodiscard]] static std::string snapshot_of(std::uint64_t orders, std::uint64_t next) {
    std::string bytes = framed('A', "S1        " + padded(next));
    for (std::uint64_t i = 0; i < orders; ++i) {
      bytes += framed('S', text_of(message(1000 + i))) + framed('H', "");
    }
    return bytes + framed('G', padded(next));
  }

  Peer server{SOCK_STREAM};
};

TEST_F(SnapshotFeed, the_snapshot_comes_first_and_the_feed_follows_from_its_sequence) {
  open();
  send(kLineA, 48, 2);
  send(kLineA, 50, 2);
  serve(snapshot_of(2000, 51), 1500);
  send(kLineB, 52, 1);
  ASSERT_TRUE(until_messages(2));
  EXPECT_EQ(sink.snapshot_messages, numbers(1000, 2999));
  EXPECT_EQ(sink.messages, numbers(51, 52));
  EXPECT_EQ(sink.events_but({FeedEvent::CONNECTED}),
            (std::vector<Status>{{FeedEvent::SNAPSHOT_BEGIN, kLineSnapshot, 1, 0},
                                 {FeedEvent::SNAPSHOT_END, kLineSnapshot, 2000, 51}}));
  EXPECT_EQ(line->stats().snapshots, 1U);
}

TEST_F(SnapshotFeed, a_server_that_breaks_off_is_asked_again) {
  open();
  const auto whole = snapshot_of(10, 5);
  serve(whole.substr(0, whole.size() - 7), 64);
  serve(whole, 64);
  send(kLineA, 5, 1);
  ASSERT_TRUE(until_messages(1));
  EXPECT_EQ(line->stats().snapshot_failures, 1U);
  EXPECT_EQ(sink.count_of(FeedEvent::SNAPSHOT_BEGIN), 2);
  EXPECT_EQ(sink.count_of(FeedEvent::SNAPSHOT_END), 1);
}

TEST_F(SnapshotFeed, a_snapshot_without_any_order_is_one_too) {
  open();
  serve(snapshot_of(0, 9), 7);
  ASSERT_TRUE(until([&] { return sink.count_of(FeedEvent::SNAPSHOT_END) == 1; }));
  EXPECT_EQ(line->next_sequence(), 9U);
}

TEST_F(SnapshotFeed, what_is_not_the_protocol_is_refused) {
  config.sequencing.attempts_max = 100;
  open();
  const std::string zero(2, '\0');
  for (const std::string& answer :
       {framed('S', "early"), framed('J', "A"), zero, framed('A', "short"), std::string(5000, 'x'),
        framed('A', "S1        " + padded(1)) + framed('G', padded(0)),
        framed('A', "S1        " + padded(1)) + framed('G', "              twenty")}) {
    serve(answer, 4096);
  }
  ASSERT_TRUE(until([&] { return line->stats().snapshot_failures == 7; }));
  EXPECT_EQ(line->stats().snapshots, 0U);
}

TEST_F(SnapshotFeed, a_silent_server_is_given_up_after_its_timeout) {
  config.snapshot->timeout_ns = 20 * kMillisecond;
  config.sequencing.attempts_max = 1;
  config.sequencing.first_sequence = 0;
  open();
  send(kLineA, 7, 1);
  ASSERT_TRUE(until_messages(1));
  EXPECT_EQ(line->stats().snapshot_failures, 1U);
  EXPECT_EQ(sink.count_of(FeedEvent::GAP_LOST), 1);
}

}  // namespace
}  // namespace pitwire
