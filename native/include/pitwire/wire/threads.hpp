// Feeds and FIX connections on threads of their own: `placement = "thread"`.
#pragma once

#include <cstdlib>
#include <deque>
#include <mutex>
#include <string>

#include "pitwire/wire/feed_line.hpp"
#include "pitwire/wire/fix_connection.hpp"
#include "pitwire/wire/line_thread.hpp"

namespace pitwire {

/// Everything but construction is the core's thread's; the FeedLine inside is the other's.
class FeedThread final : public FeedPort, private ThreadedLine, private FeedSink {
 public:
  /// Throws as FeedLine and LineThread.
  FeedThread(const FeedLineConfig& config, LineThreadConfig thread);

  int poll(Nanos now, int budget, FeedSink& sink) override;
  [[nodiscard]] Nanos next_deadline() const noexcept override { return FeedLine::kNever; }
  void watch(Waiter& waiter) override { waiter.add(thread_); }
  void unwatch(Waiter& waiter) override { waiter.remove(thread_); }
  /// As of the thread's last poll that found nothing, or of some polls ago while it is busy.
  [[nodiscard]] FeedLineStats stats() const noexcept override;
  [[nodiscard]] std::uint16_t port(std::uint32_t line) const { return line_.port(line); }

 private:
  // ---- the thread's
  int work(Nanos now) override;
  void told(const ByteRing::Entry&) override {}
  [[nodiscard]] Nanos due() const noexcept override { return line_.next_deadline(); }
  [[nodiscard]] int descriptor() const noexcept override { return line_.epoll_fd(); }
  void datagram(FeedId feed, std::uint32_t line, Nanos ts_recv,
                std::span<const std::byte> packet) override;
  void snapshot(FeedId feed, Nanos ts_recv, std::span<const std::byte> packet) override;
  void message(FeedId, Nanos, MessageKind, std::uint32_t, std::span<const std::byte>) override {
    std::abort();  // a FeedLine has none
  }
  void status(FeedId feed, FeedEvent event, std::uint32_t line, std::uint64_t expected,
              std::uint64_t found) override;

  FeedId id_;
  FeedLine line_;
  int busy_polls_ = 0;
  mutable std::mutex mutex_;  // of stats_; taken once in some polls
  FeedLineStats stats_;
  LineThread thread_;  // last: it runs while the rest is there
};

/// Everything but construction is the core's thread's; the FixConnection inside is the other's.
///
/// Connections are numbered, by CONNECTED, on both sides: what the core writes to one that has
/// ended at the thread is dropped there, and the DISCONNECTED that is on its way says that it was
/// not sent.
class FixThread final : public FixPort, private ThreadedLine, private ConnectionSink {
 public:
  /// Throws as FixConnection and LineThread.
  FixThread(const ConnectionConfig& config, LineThreadConfig thread);

  int poll(Nanos now, int budget, ConnectionSink& sink) override;
  bool write(const Outbound& entry, std::string_view message) override;
  void close(std::string_view reason) override;
  void enable(bool enabled) noexcept override;
  /// The thread says it in its own time, by written().
  [[nodiscard]] Sequence last_written() const noexcept override { return 0; }
  void watch(Waiter& waiter) override { waiter.add(thread_); }
  void unwatch(Waiter& waiter) override { waiter.remove(thread_); }
  [[nodiscard]] Nanos next_deadline() const noexcept override;
  /// Rung when the log is durable up to an entry that waits here.
  [[nodiscard]] Doorbell& bell() noexcept { return thread_.bell(); }

 private:
  struct Command {
    std::uint32_t kind;
    std::uint32_t connection;
    std::string text;
  };
  void command(std::uint32_t kind, std::uint32_t connection, std::string_view text);
  bool tell_commands();
  void deliver(const ByteRing::Entry& entry, ConnectionSink& sink);

  // ---- the thread's
  int work(Nanos now) override;
  void told(const ByteRing::Entry& entry) override;
  void told_write(const ByteRing::Entry& entry);
  [[nodiscard]] bool pressing() const noexcept override { return watch_.moved(); }
  [[nodiscard]] Nanos due() const noexcept override { return line_.next_deadline(); }
  [[nodiscard]] int descriptor() const noexcept override { return line_.epoll_fd(); }
  void message(SessionId session, Nanos ts_recv, std::string_view message) override;
  void event(SessionId session, ConnectionEvent event, std::string_view reason,
             Sequence last_written) override;
  void written(SessionId session, Sequence sequence, std::uint64_t bytes,
               Nanos ts_written) override;
  void withheld(SessionId session, const Outbound& entry, WithheldReason reason) override;

  // The core's.
  SessionId id_;
  bool connected_ = false;
  std::uint32_t connection_ = 0;  ///< the number of the one that the core knows
  std::deque<Command> commands_;  ///< what the ring had no room for
  // The thread's.
  std::uint32_t line_connection_ = 0;
  DurableWatch watch_;
  FixConnection line_;
  LineThread thread_;  // last: it runs while the rest is there
};

}  // namespace pitwire
