// A UDP socket that receives in batches, with the kernel's stamps and its count of drops.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "pitwire/base/types.hpp"
#include "pitwire/wire/endpoint.hpp"

namespace pitwire {

/// Room for one recvmmsg, shared by the sockets of a feed: what it holds is handed over before the
/// next receive, by as many polls as that takes.
class DatagramBatch {
 public:
  static constexpr int kSize = 32;

  explicit DatagramBatch(std::uint32_t datagram_bytes_max);
  /// Receives up to `count` without waiting; -1 and errno as recvmmsg.
  [[nodiscard]] int receive(int fd, int count) noexcept;
  [[nodiscard]] std::span<const std::byte> datagram(int i) const noexcept;
  /// Longer than the room for it: its end is lost.
  [[nodiscard]] bool truncated(int i) const noexcept;
  /// The kernel's stamp (host clock) and its count of drops, each where the kernel gave one.
  struct Stamp {
    Nanos ts_recv = 0;
    std::optional<std::uint32_t> drops;
  };
  [[nodiscard]] Stamp stamp(int i) noexcept;

 private:
  static constexpr std::size_t kControlBytes = 128;

  std::uint32_t datagram_bytes_max_;
  std::unique_ptr<std::byte[]> bytes_;
  std::array<mmsghdr, kSize> messages_{};
  std::array<iovec, kSize> parts_{};
  struct alignas(cmsghdr) Control {
    std::byte bytes[kControlBytes];
  };
  std::array<Control, kSize> controls_{};
};

struct DatagramOptions {
  int receive_buffer_bytes = 0;
  int busy_poll_us = 0;       ///< SO_BUSY_POLL, 0 is off
  bool kernel_stamps = true;  ///< SO_TIMESTAMPNS
};

class DatagramSocket {
 public:
  /// Listens on an address, or joins a multicast group on `interface` (numeric, empty: any).
  /// Throws std::invalid_argument naming `key` and the reason.
  static DatagramSocket listen(const Endpoint& endpoint, const std::string& interface,
                               const DatagramOptions& options, const std::string& key);
  /// Talks to one server only.
  static DatagramSocket connect(const Endpoint& server, const DatagramOptions& options,
                                const std::string& key);
  DatagramSocket(DatagramSocket&& other) noexcept;
  DatagramSocket& operator=(DatagramSocket&&) = delete;
  ~DatagramSocket();

  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] std::uint16_t port() const noexcept;
  /// SO_RCVBUF as granted (the kernel counts its own overhead in it).
  [[nodiscard]] int receive_buffer_bytes() const noexcept;

 private:
  explicit DatagramSocket(int fd) noexcept : fd_(fd) {}
  static DatagramSocket open(const DatagramOptions& options, const std::string& key);

  int fd_;
};

}  // namespace pitwire
