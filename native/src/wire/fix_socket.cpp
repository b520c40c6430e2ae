#include "fix_socket.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace pitwire {

void OwnedFd::reset(int fd) noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

namespace {

SocketAddress socket_file(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw std::invalid_argument("host \"" + path + "\": a socket's path has at most " +
                                std::to_string(sizeof address.sun_path - 1) + " bytes");
  }
  path.copy(address.sun_path, path.size());
  SocketAddress out;
  std::memcpy(&out.storage, &address, sizeof address);
  out.size = sizeof address;
  return out;
}

}  // namespace

std::vector<SocketAddress> resolve(const std::string& host, std::uint16_t port, bool to_listen) {
  if (host.starts_with('/')) return {socket_file(host)};
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = to_listen ? AI_PASSIVE : 0;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) {
    throw std::invalid_argument("host \"" + host + "\": " + gai_strerror(error));
  }
  std::vector<SocketAddress> addresses;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    SocketAddress& address = addresses.emplace_back();
    std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
    address.size = entry->ai_addrlen;
  }
  freeaddrinfo(found);
  return addresses;
}

void set_no_delay(int fd) noexcept {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void set_quick_ack(int fd) noexcept {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

void ask_stamps(int fd) noexcept {
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
}

bool set_busy_poll(int fd, int microseconds) noexcept {
  return setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL, &microseconds, sizeof microseconds) == 0;
}

OwnedFd new_stream_socket(int family) noexcept {
  OwnedFd fd(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd) set_no_delay(fd.get());
  return fd;
}

OwnedFd listen_on(const std::string& host, std::uint16_t port) {
  const SocketAddress address = resolve(host, port, true).front();
  OwnedFd fd = new_stream_socket(address.storage.ss_family);
  const int on = 1;
  if (fd) setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto* const to = reinterpret_cast<const sockaddr*>(&address.storage);
  if (!fd || bind(fd.get(), to, address.size) != 0 || listen(fd.get(), 128) != 0) {
    throw std::invalid_argument("host \"" + host + "\", port " + std::to_string(port) + ": " +
                                std::strerror(errno));
  }
  return fd;
}

namespace {

/// `name` is getsockname or getpeername.
std::uint16_t port_by(int (*name)(int, sockaddr*, socklen_t*), int fd) noexcept {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (name(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return 0;
  if (storage.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port);
  return ntohs(reinterpret_cast<sockaddr_in*>(&storage)->sin_port);
}

}  // namespace

std::uint16_t port_of(int fd) noexcept { return port_by(getsockname, fd); }
std::uint16_t port_of_peer(int fd) noexcept { return port_by(getpeername, fd); }

OwnedFd new_epoll() {
  OwnedFd fd(epoll_create1(EPOLL_CLOEXEC));
  if (!fd) throw std::runtime_error(std::string("epoll: ") + std::strerror(errno));
  return fd;
}

void watch(int epoll, int fd, std::uint32_t events, bool is_new) noexcept {
  epoll_event interest{};
  interest.events = events;
  interest.data.fd = fd;
  epoll_ctl(epoll, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &interest);
}

}  // namespace pitwire
