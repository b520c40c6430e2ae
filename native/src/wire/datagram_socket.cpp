#include "pitwire/wire/datagram_socket.hpp"

#include <arpa/inet.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "kernel_stamp.hpp"

namespace pitwire {
namespace {

[[noreturn]] void refuse(const std::string& key, const char* call) {
  throw std::invalid_argument(key + ": " + call + ": " + std::strerror(errno));
}

template <class T>
bool set(int fd, int level, int option, const T& value) noexcept {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

void require(bool ok, const std::string& key, const char* call) {
  if (!ok) refuse(key, call);
}

/// Beyond net.core.rmem_max where we may, else as much as the host gives: the grant is in stats().
void ask_buffer(int fd, int size_bytes) noexcept {
  if (size_bytes <= 0 || set(fd, SOL_SOCKET, SO_RCVBUFFORCE, size_bytes)) return;
  set(fd, SOL_SOCKET, SO_RCVBUF, size_bytes);
}

void join(int fd, const sockaddr_in& group, const std::string& interface, const std::string& key) {
  ip_mreqn membership{};
  membership.imr_multiaddr = group.sin_addr;
  if (!interface.empty()) {
    membership.imr_address = socket_address({interface, 0}, key + ".interface").sin_addr;
  }
  require(set(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, membership), key, "IP_ADD_MEMBERSHIP");
  // Only our group, not every group that some process of this host joined on this port.
  require(set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0), key, "IP_MULTICAST_ALL");
}

}  // namespace

DatagramBatch::DatagramBatch(std::uint32_t datagram_bytes_max)
    : datagram_bytes_max_(datagram_bytes_max),
      bytes_(std::make_unique<std::byte[]>(std::size_t{datagram_bytes_max} * kSize)) {
  for (std::size_t i = 0; i < kSize; ++i) {
    parts_[i] = {bytes_.get() + i * datagram_bytes_max, datagram_bytes_max};
    messages_[i].msg_hdr.msg_iov = &parts_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
    messages_[i].msg_hdr.msg_control = controls_[i].bytes;
  }
}

int DatagramBatch::receive(int fd, int count) noexcept {
  const int wanted = count < kSize ? count : kSize;
  for (int i = 0; i < wanted; ++i) {
    messages_[static_cast<std::size_t>(i)].msg_hdr.msg_controllen = kControlBytes;
  }
  return ::recvmmsg(fd, messages_.data(), static_cast<unsigned>(wanted), MSG_DONTWAIT, nullptr);
}

std::span<const std::byte> DatagramBatch::datagram(int i) const noexcept {
  const auto at = static_cast<std::size_t>(i);
  return {bytes_.get() + at * datagram_bytes_max_, messages_[at].msg_len};
}

bool DatagramBatch::truncated(int i) const noexcept {
  return (messages_[static_cast<std::size_t>(i)].msg_hdr.msg_flags & MSG_TRUNC) != 0;
}

DatagramBatch::Stamp DatagramBatch::stamp(int i) noexcept {
  Stamp stamp;
  msghdr& header = messages_[static_cast<std::size_t>(i)].msg_hdr;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (const Nanos at = kernel_stamp(*c); at != 0) stamp.ts_recv = at;
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
      std::uint32_t drops = 0;
      std::memcpy(&drops, CMSG_DATA(c), sizeof drops);
      stamp.drops = drops;
    }
  }
  return stamp;
}

DatagramSocket DatagramSocket::open(const DatagramOptions& options, const std::string& key) {
  DatagramSocket made(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  require(made.fd_ >= 0, key, "socket");
  if (options.kernel_stamps) {
    require(set(made.fd_, SOL_SOCKET, SO_TIMESTAMPNS, 1), key, "SO_TIMESTAMPNS");
  }
  require(set(made.fd_, SOL_SOCKET, SO_RXQ_OVFL, 1), key, "SO_RXQ_OVFL");
  ask_buffer(made.fd_, options.receive_buffer_bytes);
  if (options.busy_poll_us > 0) {
    require(set(made.fd_, SOL_SOCKET, SO_BUSY_POLL, options.busy_poll_us), key + ".busy_poll_us",
            "SO_BUSY_POLL (more than net.core.busy_read needs CAP_NET_ADMIN)");
  }
  return made;
}

DatagramSocket DatagramSocket::listen(const Endpoint& endpoint, const std::string& interface,
                                      const DatagramOptions& options, const std::string& key) {
  auto made = open(options, key);
  const auto address = socket_address(endpoint, key + ".address");
  const bool multicast = IN_MULTICAST(ntohl(address.sin_addr.s_addr));
  // Several processes may listen to a group; a unicast port is ours alone.
  if (multicast) require(set(made.fd_, SOL_SOCKET, SO_REUSEADDR, 1), key, "SO_REUSEADDR");
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  require(::bind(made.fd_, generic, sizeof address) == 0, key, "bind");
  if (multicast) join(made.fd_, address, interface, key);
  return made;
}

DatagramSocket DatagramSocket::connect(const Endpoint& server, const DatagramOptions& options,
                                       const std::string& key) {
  auto made = open(options, key);
  const auto address = socket_address(server, key + ".address");
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  require(::connect(made.fd_, generic, sizeof address) == 0, key, "connect");
  return made;
}

DatagramSocket::DatagramSocket(DatagramSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)) {}

DatagramSocket::~DatagramSocket() {
  if (fd_ >= 0) ::close(fd_);
}

std::uint16_t DatagramSocket::port() const noexcept {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

int DatagramSocket::receive_buffer_bytes() const noexcept {
  int size_bytes = 0;
  socklen_t size = sizeof size_bytes;
  ::getsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &size_bytes, &size);
  return size_bytes;
}

}  // namespace pitwire
