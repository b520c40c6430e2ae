// A MoldUDP64 feed as the core polls it: two lines, one sequence, gaps filled.
//
// It owns the sockets and moves packets to the FeedSequencer, which decides. What leaves through
// the sink is all that is logged: in replay there is no feed line.
//
// Cost. One recvmmsg reads up to 32 datagrams of a line; they are handed over one by one, as polls
// ask for them, and only then is the kernel asked again. An in-sequence packet is handed over where
// it was received, without copy. Out-of-order packets are copied to a preallocated slab.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pitwire/wire/endpoint.hpp"
#include "pitwire/wire/feed_sequencer.hpp"
#include "pitwire/wire/feed_sink.hpp"
#include "pitwire/wire/snapshot_client.hpp"
#include "pitwire/wire/waiter.hpp"

namespace pitwire {

/// A socket to listen on. Port 0 takes a free one (FeedLine::port tells which).
struct FeedLineSocket {
  Endpoint endpoint = {};      // address to bind, or the multicast group
  std::string interface = {};  // multicast: numeric address of the interface, empty for any
};

struct FeedLineConfig {
  FeedId id{};
  std::vector<FeedLineSocket> lines = {};       // A, and B where there is one
  std::optional<Endpoint> retransmission = {};  // UDP request server
  std::optional<SnapshotConfig> snapshot = {};
  FeedSequencerConfig sequencing = {};
  std::optional<FeedPosition> resume = {};  // goes on there instead of at the session's beginning
  int receive_buffer_bytes = 8 << 20;       // SO_RCVBUF; the kernel may give less, see stats()
  int busy_poll_us = 0;                     // SO_BUSY_POLL, 0 is off
  bool kernel_stamps = true;                // SO_TIMESTAMPNS; else the host clock as it is read
  std::uint32_t datagram_bytes_max = 9216;
};

/// Since construction.
struct FeedLineStats {
  std::uint64_t next_sequence = 0;
  std::uint64_t datagrams[3] = {};       // per line, retransmissions last
  std::uint64_t kernel_drops[3] = {};    // SO_RXQ_OVFL: the socket's buffer was full
  std::uint64_t receive_errors[3] = {};  // of the socket
  int receive_buffer_bytes[3] = {};      // as granted
  std::uint64_t snapshots = 0;
  std::uint64_t snapshot_failures = 0;
  FeedSequencerStats sequencing;
};

/// A feed as the core's thread uses it, wherever it is polled: here (FeedLine), or on a thread of
/// its own (FeedThread).
class FeedPort {
 public:
  virtual ~FeedPort() = default;
  /// Hands over at most about `budget` datagrams, in sequence, and does what time asks for. Returns
  /// how much it did: 0 is idle.
  virtual int poll(Nanos now, int budget, FeedSink& sink) = 0;
  /// When the next poll is due though nothing arrives; FeedLine::kNever without one.
  [[nodiscard]] virtual Nanos next_deadline() const noexcept = 0;
  /// The waiter wakes when poll() has something to do (but for time: next_deadline()).
  virtual void watch(Waiter& waiter) = 0;
  virtual void unwatch(Waiter& waiter) = 0;
  [[nodiscard]] virtual FeedLineStats stats() const noexcept = 0;
};

class FeedLine final : public FeedPort {
 public:
  /// Throws std::invalid_argument naming feed, key and reason.
  explicit FeedLine(const FeedLineConfig& config);
  ~FeedLine() override;
  FeedLine(const FeedLine&) = delete;
  FeedLine& operator=(const FeedLine&) = delete;

  /// Reads at most `budget` datagrams, hands over what is in sequence, and does what time asks for
  /// (requests, timeouts). Returns how many datagrams and snapshot messages were read: 0 is idle.
  int poll(Nanos now, int budget, FeedSink& sink) override;
  /// When the next poll is due though nothing arrives; kNever without one, 0 while datagrams that
  /// were received wait to be handed over.
  [[nodiscard]] Nanos next_deadline() const noexcept override;
  void watch(Waiter& waiter) override { waiter.add(epoll_fd()); }
  void unwatch(Waiter& waiter) override { waiter.remove(epoll_fd()); }
  static constexpr Nanos kNever = FeedSequencer::kNever;

  /// Readable when a poll would read something.
  [[nodiscard]] int epoll_fd() const noexcept;
  [[nodiscard]] std::uint64_t next_sequence() const noexcept;
  [[nodiscard]] std::string session() const;
  [[nodiscard]] FeedId id() const noexcept;
  /// Port that line `line` is bound to.
  [[nodiscard]] std::uint16_t port(std::uint32_t line) const;
  [[nodiscard]] FeedLineStats stats() const noexcept override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pitwire
