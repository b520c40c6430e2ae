// Sends a MessageHistory as MoldUDP64 datagrams, and again to those who ask.
//
// Lines: each configured destination (unicast or multicast) gets every datagram; `drop_per_million`
// loses some on that line, seeded, so that recovery can be tried. Retransmission: a UDP socket that
// takes requests (a MoldUDP64 header: session, sequence, count) and answers with one datagram of as
// many of the wanted messages as fit, from what the history still has; others are not answered, as
// the protocol says. Heartbeats: every `heartbeat_ns` without messages; an end-of-session packet
// from close() on.
//
// Cost: a system call a datagram and line; up to 64 datagrams of up to 1,400 bytes a poll, so that
// a burst does not starve order entry. What a full socket buffer refuses is dropped and counted:
// UDP.
#pragma once

#include <string>
#include <vector>

#include "pitwire/exchange/message_history.hpp"
#include "pitwire/market/mold.hpp"
#include "pitwire/matching/random.hpp"
#include "pitwire/wire/endpoint.hpp"

namespace pitwire {

struct MoldLine {
  Endpoint destination;
  std::string interface;  ///< numeric address of the sending interface; empty: the system's choice
  std::int64_t drop_per_million = 0;
};

struct MoldServerConfig {
  std::string session;  ///< up to 10 characters
  std::vector<MoldLine> lines;
  Endpoint retransmission;  ///< port 0: a free one
  Nanos heartbeat_ns = kSecond;
  std::size_t datagram_bytes_max = 1400;
  std::uint64_t seed = 1;
};

class MoldServer {
 public:
  /// Opens the sockets; throws std::invalid_argument with key and reason.
  MoldServer(const MoldServerConfig& config, const MessageHistory& history);
  ~MoldServer();
  MoldServer(const MoldServer&) = delete;
  MoldServer& operator=(const MoldServer&) = delete;

  /// Sends what is new, answers requests, keeps the heartbeat. True while more could be sent at
  /// once.
  bool poll(Nanos now);
  /// Sends what is left and the end of the session.
  void close(Nanos now);

  /// Readable when somebody asks for a retransmission.
  [[nodiscard]] int fd() const noexcept { return requests_; }
  [[nodiscard]] std::uint16_t retransmission_port() const noexcept { return port_; }
  [[nodiscard]] const mold::Session& session() const noexcept { return session_; }
  [[nodiscard]] std::uint64_t datagrams() const noexcept { return datagrams_; }
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }
  [[nodiscard]] std::uint64_t retransmitted() const noexcept { return retransmitted_; }

 private:
  struct Line {
    int fd = -1;
    sockaddr_in to{};
    std::int64_t drop_per_million = 0;
  };
  void send_new(Nanos now, int datagrams_max);
  void send(std::span<const std::byte> datagram) noexcept;
  void answer_requests() noexcept;
  void answer(const mold::Header& request, const sockaddr_in& to) noexcept;

  const MessageHistory& history_;
  mold::Session session_{};
  mold::Packer packer_;
  std::vector<Line> lines_;
  int requests_ = -1;
  std::uint16_t port_ = 0;
  Random random_;
  std::size_t datagram_bytes_max_;
  Nanos heartbeat_ns_;
  Nanos sent_ts_ = 0;
  std::uint64_t next_ = 1;  ///< sequence to send next
  std::uint64_t datagrams_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t retransmitted_ = 0;
};

}  // namespace pitwire
