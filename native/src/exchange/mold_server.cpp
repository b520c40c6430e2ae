#include "pitwire/exchange/mold_server.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace pitwire {
namespace {

constexpr int kDatagramsPerPoll = 64;
constexpr int kRequestsPerPoll = 64;
constexpr int kSendBufferBytes = 4 << 20;

mold::Session session_of(const std::string& text) {
  mold::Session session;
  if (text.empty() || text.size() > session.size()) {
    throw std::invalid_argument("session: expected 1 to 10 characters, found \"" + text + "\"");
  }
  session.fill(' ');
  std::copy(text.begin(), text.end(), session.begin());
  return session;
}

[[noreturn]] void fail(const std::string& key, const Endpoint& at) {
  throw std::invalid_argument(key + ": " + at.address + ":" + std::to_string(at.port) + ": " +
                              std::strerror(errno));
}

int open_socket(const std::string& key, const Endpoint& at) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail(key, at);
  return fd;
}

/// The kernel may grant less; that only makes drops under bursts likelier.
void widen_send_buffer(int fd) noexcept {
  (void)::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kSendBufferBytes, sizeof kSendBufferBytes);
}

void choose_interface(int fd, const MoldLine& line) {
  if (line.interface.empty()) return;
  const auto address = socket_address({line.interface, 0}, "lines.interface").sin_addr;
  if (::setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &address, sizeof address) != 0) {
    fail("lines.interface", {line.interface, 0});
  }
}

}  // namespace

MoldServer::MoldServer(const MoldServerConfig& config, const MessageHistory& history)
    : history_(history),
      session_(session_of(config.session)),
      packer_(session_, 1, config.datagram_bytes_max),
      random_(config.seed),
      datagram_bytes_max_(config.datagram_bytes_max),
      heartbeat_ns_(config.heartbeat_ns) {
  requests_ = open_socket("retransmission", config.retransmission);
  auto at = socket_address(config.retransmission, "retransmission");
  if (::bind(requests_, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
    const int reason = errno;
    ::close(requests_);
    errno = reason;
    fail("retransmission", config.retransmission);
  }
  socklen_t size = sizeof at;
  ::getsockname(requests_, reinterpret_cast<sockaddr*>(&at), &size);
  port_ = ntohs(at.sin_port);
  for (const auto& line : config.lines) {
    const auto to = socket_address(line.destination, "lines.destination");
    const int fd = open_socket("lines", line.destination);
    lines_.push_back({fd, to, line.drop_per_million});
    widen_send_buffer(fd);
    choose_interface(fd, line);
  }
}

MoldServer::~MoldServer() {
  ::close(requests_);
  for (const auto& line : lines_) ::close(line.fd);
}

void MoldServer::send(std::span<const std::byte> datagram) noexcept {
  ++datagrams_;
  for (const auto& line : lines_) {
    if (random_.happens(line.drop_per_million)) continue;
    const auto sent = ::sendto(line.fd, datagram.data(), datagram.size(), 0,
                               reinterpret_cast<const sockaddr*>(&line.to), sizeof line.to);
    // ECONNREFUSED only says that nobody listens there (yet).
    if (sent < 0 && errno != ECONNREFUSED) ++refused_;
  }
}

void MoldServer::send_new(Nanos now, int datagrams_max) {
  while (next_ < history_.next_sequence() && datagrams_max > 0) {
    while (next_ < history_.next_sequence() && packer_.add(history_.at(next_))) ++next_;
    send(packer_.take());
    sent_ts_ = now;
    --datagrams_max;
  }
}

bool MoldServer::poll(Nanos now) {
  answer_requests();
  send_new(now, kDatagramsPerPoll);
  if (now - sent_ts_ >= heartbeat_ns_) {
    send(packer_.heartbeat());
    sent_ts_ = now;
  }
  return next_ < history_.next_sequence();
}

void MoldServer::close(Nanos now) {
  while (next_ < history_.next_sequence()) send_new(now, kDatagramsPerPoll);
  send(packer_.heartbeat(true));
}

void MoldServer::answer_requests() noexcept {
  for (int i = 0; i < kRequestsPerPoll; ++i) {
    std::array<std::byte, 64> bytes;
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const auto got = ::recvfrom(requests_, bytes.data(), bytes.size(), 0,
                                reinterpret_cast<sockaddr*>(&from), &size);
    if (got < 0) return;
    mold::Header request;
    const auto read = static_cast<std::size_t>(got);
    if (!mold::decode(std::span(bytes).first(read), request)) continue;
    if (request.session == session_) answer(request, from);
  }
}

void MoldServer::answer(const mold::Header& request, const sockaddr_in& to) noexcept {
  const auto end = std::min(history_.next_sequence(), request.sequence + request.count);
  if (request.sequence < history_.first_sequence() || request.sequence >= end) return;
  mold::Packer packer(session_, request.sequence, datagram_bytes_max_);
  auto sequence = request.sequence;
  while (sequence < end && packer.add(history_.at(sequence))) ++sequence;
  const auto datagram = packer.take();
  ::sendto(requests_, datagram.data(), datagram.size(), 0, reinterpret_cast<const sockaddr*>(&to),
           sizeof to);
  retransmitted_ += sequence - request.sequence;
}

}  // namespace pitwire
