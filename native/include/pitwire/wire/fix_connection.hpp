// The wire under a FIX session: a polled, non-blocking TCP or TLS connection that frames messages
// in and writes log entries out.
//
// Threading: one thread, the one that polls. Nothing blocks; names are resolved at construction.
//
// Out. Each entry carries its log sequence. It is written when EgressRules let it (the fence is
// ours, an awaited entry is durable); in order, as much as the kernel takes. An order that may not
// leave any more is withheld: a gap fill takes its number, and the sink is told. What was written
// whole is reported (credits return), and when the connection ends, the last entry of which any
// byte reached the kernel (under TLS: of which any byte was encrypted): later ones were NOT_SENT.
//
// In. Messages are framed, secrets masked, stamped with the host clock: as the kernel received the
// last bytes of the read, where it says so, else as they were read. A garbled stretch is reported
// and skipped; a message longer than message_bytes_max ends the connection.
//
// Reconnection (clients): after the end of a connection, wait backoff, doubled up to its maximum,
// reset after a connection that lived longer than that; driven by poll(now).
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pitwire/base/types.hpp"
#include "pitwire/wire/egress_rules.hpp"
#include "pitwire/wire/fix_secrets.hpp"
#include "pitwire/wire/fix_tls.hpp"
#include "pitwire/wire/waiter.hpp"

namespace pitwire {

/// Implemented by the engine's inbox and by the exchange. Text is valid during the call. From
/// inside a callback write() and close() may be called, poll() not.
class ConnectionSink {
 public:
  virtual ~ConnectionSink() = default;
  virtual void message(SessionId session, Nanos ts_recv, std::string_view message) = 0;
  /// CONNECTED: ready to carry messages (after the TLS handshake). DISCONNECTED, REFUSED and
  /// TLS_FAILED end it: `last_written` is the last entry of which any byte left, 0 for none on this
  /// connection; entries not written are gone. GARBLED: bytes were skipped, the connection goes on.
  virtual void event(SessionId session, ConnectionEvent event, std::string_view reason,
                     Sequence last_written) = 0;
  /// Everything up to this entry is written whole; `bytes` on this connection. At most once a poll.
  /// `ts_written` is the host clock's, when that was seen.
  virtual void written(SessionId session, Sequence sequence, std::uint64_t bytes,
                       Nanos ts_written) = 0;
  /// An order did not leave and never will; said before the written() or event() that covers it.
  /// Only where EgressRules are given.
  virtual void withheld(SessionId, const Outbound&, WithheldReason) {}
};

/// What client and accepted connections share.
struct ConnectionLimits {
  std::size_t message_bytes_max = 64 << 10;
  std::size_t outbound_bytes_max = 4 << 20;  ///< write() refuses beyond
  Nanos close_timeout = kSecond;             ///< to flush after close()
  Nanos handshake_timeout = 5 * kSecond;     ///< TCP connect plus TLS
};

/// What a client's socket asks of the kernel, beside TCP_NODELAY, which it always has.
struct StreamOptions {
  int busy_poll_us = 0;       ///< SO_BUSY_POLL, 0 is off
  bool quick_ack = false;     ///< TCP_QUICKACK, set anew behind each read: a system call more
  bool kernel_stamps = true;  ///< SO_TIMESTAMPNS, of what is not under TLS
};

struct ConnectionConfig {
  SessionId id{};
  std::string
      host;  ///< name or address, IPv4 or IPv6, or a socket's path; resolved at construction
  std::uint16_t port = 0;
  std::optional<TlsConfig> tls;
  std::vector<FixSecret> secrets;
  ConnectionLimits limits;
  StreamOptions socket;
  Nanos backoff_min = 500 * kMillisecond;
  Nanos backoff_max = 30 * kSecond;
  EgressRules rules;
};

/// A FIX connection as the core's thread uses it, wherever it is polled: here (FixConnection), or
/// on a thread of its own (FixThread).
class FixPort {
 public:
  virtual ~FixPort() = default;
  /// Connects, reads, writes, times out; at most `budget` messages in. Returns what it did
  /// (messages in and entries out): 0 is idle.
  virtual int poll(Nanos now, int budget, ConnectionSink& sink) = 0;
  /// Takes an entry. False when not connected or above outbound_bytes_max: nothing taken. Tries the
  /// socket at once when nothing waits before it.
  virtual bool write(const Outbound& entry, std::string_view message) = 0;
  /// The last entry that is known to have been written whole, before written() says so.
  [[nodiscard]] virtual Sequence last_written() const noexcept = 0;
  /// Ends the connection after what was taken is written, or close_timeout; then, a client,
  /// reconnects.
  virtual void close(std::string_view reason) = 0;
  /// No connection is wanted (outside session hours), or it is wanted again.
  virtual void enable(bool enabled) noexcept = 0;
  /// The waiter wakes when poll() has something to do (but for time: next_deadline()).
  virtual void watch(Waiter& waiter) = 0;
  virtual void unwatch(Waiter& waiter) = 0;
  /// When poll() must be called next at the latest.
  [[nodiscard]] virtual Nanos next_deadline() const noexcept = 0;
};

class FixConnection final : public FixPort {
 public:
  /// A client; connects at the first poll(). Throws std::invalid_argument with key and reason.
  explicit FixConnection(const ConnectionConfig& config);
  ~FixConnection() override;
  FixConnection(const FixConnection&) = delete;
  FixConnection& operator=(const FixConnection&) = delete;

  int poll(Nanos now, int budget, ConnectionSink& sink) override;
  bool write(const Outbound& entry, std::string_view message) override;
  void close(std::string_view reason) override;
  void enable(bool enabled) noexcept override;
  [[nodiscard]] Sequence last_written() const noexcept override;
  void watch(Waiter& waiter) override { waiter.add(epoll_fd()); }
  void unwatch(Waiter& waiter) override { waiter.remove(epoll_fd()); }
  [[nodiscard]] Nanos next_deadline() const noexcept override;

  /// Readable when poll() has something to do (a timerless edge: time is poll's argument).
  [[nodiscard]] int epoll_fd() const noexcept;
  [[nodiscard]] bool connected() const noexcept;
  [[nodiscard]] std::size_t outbound_bytes() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// A session that may log on at a listener, by the CompIDs of its first Logon.
struct AcceptedSession {
  SessionId id{};
  std::string begin_string;
  std::string sender_comp_id;  ///< ours: the Logon's TargetCompID
  std::string target_comp_id;  ///< theirs: the Logon's SenderCompID
};

/// What a connection's first message makes of it: a session, or the reason why it is refused.
struct Recognition {
  const AcceptedSession* session = nullptr;
  std::string_view refusal;
};
/// The first message must be a Logon of a listed session that has no connection.
[[nodiscard]] Recognition recognise(std::span<const AcceptedSession> sessions,
                                    std::string_view first_message,
                                    const std::function<bool(SessionId)>& is_connected);

struct ListenerConfig {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: a free one, see FixListener::port
  std::optional<TlsConfig> tls;
  std::vector<AcceptedSession> sessions;
  std::vector<FixSecret> secrets;
  ConnectionLimits limits;
  Nanos logon_timeout = 10 * kSecond;  ///< until the first message
  std::size_t pending_max = 64;        ///< accepted connections that have not logged on
};

/// A server of FIX sessions. A connection is nameless until its first message, which must be one
/// that `recognise` takes: then CONNECTED and that message are reported.
/// Any other is closed and reported REFUSED with the session kNoId.
class FixListener {
 public:
  /// Binds and listens. Throws std::invalid_argument with key and reason.
  explicit FixListener(const ListenerConfig& config);
  ~FixListener();
  FixListener(const FixListener&) = delete;
  FixListener& operator=(const FixListener&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept;
  /// As FixConnection, for each connection; the budget is each one's.
  int poll(Nanos now, int budget, ConnectionSink& sink);
  bool write(SessionId session, Sequence sequence, std::string_view message);
  void close(SessionId session, std::string_view reason);
  /// No more connections are accepted.
  void stop_accepting() noexcept;
  [[nodiscard]] bool connected(SessionId session) const noexcept;
  [[nodiscard]] std::size_t outbound_bytes(SessionId session) const noexcept;
  [[nodiscard]] int epoll_fd() const noexcept;
  [[nodiscard]] Nanos next_deadline() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pitwire
