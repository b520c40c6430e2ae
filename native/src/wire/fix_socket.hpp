// Sockets as FIX connections need them.
#pragma once

#include <sys/socket.h>

#include <string>
#include <utility>
#include <vector>

#include "pitwire/base/clock.hpp"
#include "pitwire/base/types.hpp"

namespace pitwire {

/// Owns a file descriptor.
class OwnedFd {
 public:
  explicit OwnedFd(int fd = -1) noexcept : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~OwnedFd() { reset(); }
  void reset(int fd = -1) noexcept;
  [[nodiscard]] int get() const noexcept { return fd_; }
  /// From now on the caller's.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_;
};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

/// A name or an address, or a path: that of a socket in this host's file system, without a port.
/// Blocks on the resolver. Throws std::invalid_argument naming host and reason.
[[nodiscard]] std::vector<SocketAddress> resolve(const std::string& host, std::uint16_t port,
                                                 bool to_listen);
/// Non-blocking, TCP_NODELAY, closed on exec.
[[nodiscard]] OwnedFd new_stream_socket(int family) noexcept;
void set_no_delay(int fd) noexcept;
/// The kernel forgets it by itself, so it is to be said again behind each read.
void set_quick_ack(int fd) noexcept;
/// Where the host does not, what is read is stamped by us.
void ask_stamps(int fd) noexcept;
/// False and errno where the host refuses.
[[nodiscard]] bool set_busy_poll(int fd, int microseconds) noexcept;
/// Throws std::invalid_argument naming host, port and reason.
[[nodiscard]] OwnedFd listen_on(const std::string& host, std::uint16_t port);
[[nodiscard]] std::uint16_t port_of(int fd) noexcept;
/// Of the other end; 0 where there is none.
[[nodiscard]] std::uint16_t port_of_peer(int fd) noexcept;
/// Throws std::runtime_error where the kernel has none left.
[[nodiscard]] OwnedFd new_epoll();
void watch(int epoll, int fd, std::uint32_t events, bool is_new) noexcept;

}  // namespace pitwire
