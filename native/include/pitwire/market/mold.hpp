// MoldUDP64: the datagrams that carry ITCH. Source: NASDAQ "MoldUDP64 Protocol Specification" 1.00.
//
// Header, 20 bytes, big-endian: session (10 characters), sequence number of the first message,
// message count; then for each message its length (2 bytes) and its bytes. Count 0 is a heartbeat
// whose sequence is the next one to come, 0xFFFF the end of the session. A request for
// retransmission is a header alone, sent to the server.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "pitwire/market/itch.hpp"

namespace pitwire::mold {

inline constexpr std::size_t kHeaderSize = 20;
inline constexpr std::uint16_t kEndOfSession = 0xffff;
using Session = std::array<char, 10>;

struct Header {
  Session session{};
  std::uint64_t sequence = 0;  ///< of the first message, from 1
  std::uint16_t count = 0;
  /// Messages that follow.
  [[nodiscard]] std::uint16_t messages() const noexcept {
    return count == kEndOfSession ? 0 : count;
  }
  [[nodiscard]] bool heartbeat() const noexcept { return count == 0; }
  [[nodiscard]] bool end_of_session() const noexcept { return count == kEndOfSession; }
  bool operator==(const Header&) const = default;
};

/// False if the datagram is shorter than a header.
[[nodiscard]] inline bool decode(std::span<const std::byte> datagram, Header& out) noexcept {
  if (datagram.size() < kHeaderSize) return false;
  std::memcpy(out.session.data(), datagram.data(), out.session.size());
  out.sequence = itch::load<std::uint64_t>(datagram.data() + 10);
  out.count = itch::load<std::uint16_t>(datagram.data() + 18);
  return true;
}

/// Writes kHeaderSize bytes.
inline void encode(const Header& header, std::byte* out) noexcept {
  const auto sequence = itch::detail::from_big(header.sequence);
  const auto count = itch::detail::from_big(header.count);
  std::memcpy(out, header.session.data(), header.session.size());
  std::memcpy(out + 10, &sequence, 8);
  std::memcpy(out + 18, &count, 2);
}

/// Walks messages, each behind its length; stops at the first that is cut off.
class Messages {
 public:
  /// `blocks` is what stands behind a datagram's header.
  explicit Messages(std::span<const std::byte> blocks) noexcept : rest_(blocks) {}
  /// The next message in `out`; false at the end or where the bytes are cut off.
  [[nodiscard]] bool next(std::span<const std::byte>& out) noexcept {
    if (rest_.size() < 2) return false;
    const std::size_t size = itch::load<std::uint16_t>(rest_.data());
    if (rest_.size() - 2 < size) return false;
    out = rest_.subspan(2, size);
    rest_ = rest_.subspan(2 + size);
    return true;
  }

 private:
  std::span<const std::byte> rest_;
};

/// Packs messages into datagrams of at most `size_max` bytes, the caller sends them.
class Packer {
 public:
  /// The next message to be added has sequence number `next_sequence`.
  Packer(const Session& session, std::uint64_t next_sequence, std::size_t size_max = 1400);
  /// False if there is no room (take the datagram first). Messages beyond size_max - 22 bytes never
  /// fit.
  [[nodiscard]] bool add(std::span<const std::byte> message) noexcept;
  /// The datagram so far, empty if no message was added; then starts the next one. The bytes are
  /// valid until the next add.
  [[nodiscard]] std::span<const std::byte> take() noexcept;
  /// A heartbeat, or the end of the session.
  [[nodiscard]] std::array<std::byte, kHeaderSize> heartbeat(
      bool end_of_session = false) const noexcept;
  [[nodiscard]] std::uint64_t next_sequence() const noexcept { return first_ + count_; }
  [[nodiscard]] std::uint16_t pending() const noexcept { return count_; }

 private:
  Session session_;
  std::uint64_t first_;
  std::uint16_t count_ = 0;
  std::size_t used_ = kHeaderSize;
  std::array<std::byte, 65536> buffer_{};
  std::size_t size_max_;
};

}  // namespace pitwire::mold
