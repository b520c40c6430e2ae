// Asks a snapshot server for the whole book, over TCP, driven by poll(now).
//
// Framing (SoupBinTCP's): u16 big-endian length of what follows, then one type byte, then the
// payload. All numbers in text are ASCII, right-justified, padded with spaces on the left.
//
//   client -> server
//     'L'  login: username[6] password[10] session[10] sequence[20]. The first three are padded
//          on the right; session of spaces means "the current one"; the sequence is what the client
//          expects next (for the server's record; it may ignore it). 46 bytes of payload.
//   server -> client
//     'A'  accepted: session[10] sequence[20]. The session that the snapshot belongs to; the
//          sequence is the one that 'G' will carry, or 0 if not known yet. Must come first.
//     'J'  rejected: reason[1] ('A' not authorised, 'S' no such session). The client gives up.
//     'S'  one message of the snapshot (an ITCH 5.0 message, without a length of its own):
//          directory, trading state, then an Add Order for each order of each book in priority.
//     'G'  end of snapshot: sequence[20], the number of the next message on the feed, the first
//          one that is not in the snapshot. The server closes after it.
//     'H'  heartbeat, no payload; '+' debug text. Both are ignored.
//
// A connection that says anything else, ends before 'G', or is silent for `timeout_ns` has failed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "pitwire/base/types.hpp"
#include "pitwire/wire/endpoint.hpp"

namespace pitwire {

struct SnapshotConfig {
  Endpoint server = {};
  std::string username = {};
  std::string password = {};
  Nanos timeout_ns = 5 * kSecond;  // without progress
};

/// One attempt at a time; restartable. Nothing throws after construction.
class SnapshotClient {
 public:
  enum class State : std::uint8_t { IDLE, CONNECTING, RECEIVING, DONE, FAILED };
  static constexpr std::size_t kPacketBytesMax = 65537;

  /// Throws std::invalid_argument when the address is not one.
  explicit SnapshotClient(SnapshotConfig config);
  ~SnapshotClient();
  SnapshotClient(const SnapshotClient&) = delete;
  SnapshotClient& operator=(const SnapshotClient&) = delete;

  /// Connects and asks for `session` (empty: the current one).
  void start(Nanos now, const std::string& session, std::uint64_t expected);
  void stop() noexcept;

  /// Reads what there is, at most `budget` messages, each handed to `message(span)`.
  template <class F>
  State poll(Nanos now, int budget, F&& message) {
    receive(now);
    std::span<const std::byte> payload;
    while (budget-- > 0 && next(payload)) message(payload);
    return state_;
  }

  [[nodiscard]] State state() const noexcept { return state_; }
  /// -1 when not connected; changes with each start().
  [[nodiscard]] int fd() const noexcept { return fd_; }
  /// True while it waits to write (connecting or the login not sent).
  [[nodiscard]] bool wants_output() const noexcept { return !to_send_.empty(); }
  /// Valid when DONE.
  [[nodiscard]] std::uint64_t next_sequence() const noexcept { return next_sequence_; }
  /// The 10 bytes of 'A'; empty before.
  [[nodiscard]] const std::string& session() const noexcept { return session_; }
  /// When silence becomes failure; the largest Nanos while idle.
  [[nodiscard]] Nanos deadline() const noexcept;
  /// Why it FAILED.
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

 private:
  void receive(Nanos now) noexcept;
  [[nodiscard]] bool flush_login() noexcept;
  [[nodiscard]] bool next(std::span<const std::byte>& payload) noexcept;
  [[nodiscard]] bool handle(std::byte type, std::span<const std::byte> payload) noexcept;
  void finish(std::span<const std::byte> payload) noexcept;
  void fail(const std::string& reason) noexcept;

  SnapshotConfig config_;
  sockaddr_in address_;
  State state_ = State::IDLE;
  int fd_ = -1;
  Nanos progress_ts_ = 0;
  std::string to_send_;
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool ended_ = false;     // the server has closed
  bool accepted_ = false;  // 'A' came
  std::uint64_t next_sequence_ = 0;
  std::string session_;
  std::string reason_;
};

}  // namespace pitwire
