// One connected socket, in the clear or under TLS, with its framer and its entries out. What client
// and accepted connections share; who it belongs to and what comes after it is theirs.
#pragma once

#include <deque>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fix_socket.hpp"
#include "pitwire/wire/fix_connection.hpp"
#include "pitwire/wire/fix_framer.hpp"

struct ssl_st;  // OpenSSL's SSL

namespace pitwire {

class FixLink;

/// Who owns a link. From inside these, write() and close() of the link may be called.
class FixLinkOwner {
 public:
  virtual ~FixLinkOwner() = default;
  virtual void opened(FixLink& link) = 0;
  virtual void message(FixLink& link, Nanos ts_recv, std::string_view message) = 0;
  virtual void garbled(FixLink& link, std::string_view reason) = 0;
  virtual void written(FixLink& link, Sequence sequence, std::uint64_t bytes) = 0;
  virtual void withheld(FixLink&, const Outbound&, WithheldReason) {}
};

struct FixLinkOptions {
  ConnectionLimits limits;
  std::shared_ptr<TlsContext> tls;  // null: in the clear
  bool server = false;
  std::string host_name;  // client under TLS: checked
  EgressRules rules;
  StreamOptions socket = {0, false, false};
};

class FixLink {
 public:
  enum class State : std::uint8_t { CONNECTING, HANDSHAKE, OPEN, CLOSED };

  /// `fd` is connecting (client) or connected (server). Watched in `epoll` until it is destroyed.
  FixLink(OwnedFd fd, int epoll, const FixLinkOptions& options, const FixSecrets& secrets,
          Nanos now);
  ~FixLink();
  FixLink(const FixLink&) = delete;
  FixLink& operator=(const FixLink&) = delete;

  int poll(Nanos now, int budget, FixLinkOwner& owner);
  bool write(const Outbound& entry, std::string_view message);
  void close(std::string_view reason);

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] bool open() const noexcept { return state_ == State::OPEN && !closing_; }
  [[nodiscard]] bool tls_failed() const noexcept { return tls_failed_; }
  [[nodiscard]] bool was_open() const noexcept { return was_open_; }
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }
  [[nodiscard]] Sequence last_touched() const noexcept;
  /// The last entry that was written whole.
  [[nodiscard]] Sequence last_whole() const noexcept { return last_whole_; }
  [[nodiscard]] std::size_t outbound_bytes() const noexcept {
    return end_offset_ - written_offset_;
  }
  [[nodiscard]] Nanos next_deadline() const noexcept;

 private:
  struct Entry {
    Outbound what;
    std::uint64_t begin, end;  // offsets in all that was taken for this connection
  };
  struct Withheld {
    Outbound what;
    WithheldReason reason;
  };
  enum class Io : std::uint8_t { DONE, BLOCKED, ENDED };

  void fail(std::string_view reason);
  void check_connected(Nanos now);
  void handshake(FixLinkOwner& owner);
  void become_open(FixLinkOwner& owner);
  void check_deadlines(Nanos now);
  [[nodiscard]] std::string tls_reason() const;

  Io read_some(std::size_t& bytes);
  [[nodiscard]] ssize_t receive_stamped(std::span<char> space);
  Io write_some(std::string_view bytes, std::size_t& count);
  int deliver(int budget, FixLinkOwner& owner);
  int receive(int budget, FixLinkOwner& owner);
  void discard_input();
  int flush();
  [[nodiscard]] std::uint64_t releasable_end() const noexcept;
  void withhold_orders();
  void replace_by_gap_fill(std::size_t at);
  void report_out(FixLinkOwner& owner);
  void retire_written(int& count);
  void want_writable(bool wanted);

  OwnedFd fd_;
  int epoll_;
  FixLinkOptions options_;
  const FixSecrets& secrets_;
  ssl_st* ssl_ = nullptr;
  State state_;
  FixFramer framer_;
  std::string reason_;
  bool closing_ = false;
  bool shut_down_ = false;
  bool tls_failed_ = false;
  bool was_open_ = false;
  bool writable_wanted_ = false;
  bool more_framed_ = false;  // the budget ended before what was received
  Nanos now_;
  Nanos ts_read_ = 0;  // of the last bytes read, by the host clock
  Nanos deadline_;     // of connect and handshake, then of close

  std::string buffer_;  // from buffer_offset_ to end_offset_
  std::uint64_t buffer_offset_ = 0;
  std::uint64_t end_offset_ = 0;
  std::uint64_t written_offset_ = 0;
  std::uint64_t touched_offset_ = 0;  // no byte at or after it can have left
  std::deque<Entry> entries_;         // not yet written whole
  std::vector<Withheld> withheld_;    // not yet reported
  Sequence last_whole_ = 0;
  Sequence reported_whole_ = 0;
  std::string revealed_, masked_;
};

}  // namespace pitwire
