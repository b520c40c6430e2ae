// What a feed line hands to the core.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "pitwire/base/types.hpp"

namespace pitwire {

/// Numbers of `line`: A and B as configured, then where recovered messages came from.
inline constexpr std::uint32_t kLineA = 0;
inline constexpr std::uint32_t kLineB = 1;
inline constexpr std::uint32_t kLineRetransmission = 2;
inline constexpr std::uint32_t kLineSnapshot = 3;

/// How far a session of a feed has been applied.
struct FeedPosition {
  std::string session;
  std::uint64_t next_sequence = 0;
};

/// Receives, on the polling thread, in the order in which the core shall apply. Spans are valid
/// during the call only.
class FeedSink {
 public:
  virtual ~FeedSink() = default;

  /// An accepted, whole MoldUDP64 packet with at least one message. Packets of one session follow
  /// each other without gap or overlap: the header's sequence is the one after the last message
  /// handed over before (or after a GAP_LOST, SNAPSHOT_END or SESSION_CHANGED, what that said).
  /// Where a packet began with messages already seen, it is handed over without them, its header
  /// rewritten (sequence raised, count lowered); otherwise it is the datagram byte for byte.
  /// Heartbeats and end-of-session packets are not handed over. `ts_recv` is the host clock's: the
  /// kernel's stamp where it gave one.
  virtual void datagram(FeedId feed, std::uint32_t line, Nanos ts_recv,
                        std::span<const std::byte> packet) = 0;

  /// Messages of a snapshot, between SNAPSHOT_BEGIN and SNAPSHOT_END, shaped as a MoldUDP64 packet
  /// (so that the same decoder walks it) whose sequence is 0. To be logged as MARKET_MESSAGE of
  /// kind SNAPSHOT. `ts_recv` is the poll's time.
  virtual void snapshot(FeedId feed, Nanos ts_recv, std::span<const std::byte> packet) = 0;

  /// A message of a stream or a REST answer, whole, to be logged as MARKET_MESSAGE; `instrument` is
  /// kNoId where the message names it. Of captures: what is received now comes by Python's edges.
  virtual void message(FeedId feed, Nanos ts_recv, MessageKind kind, std::uint32_t instrument,
                       std::span<const std::byte> bytes) = 0;

  /// | event           | line          | expected              | found                          |
  /// |-----------------|---------------|-----------------------|--------------------------------|
  /// | CONNECTED       | heard again   | next sequence         | sequence of the packet heard   |
  /// | DISCONNECTED    | silent        | next sequence         | silence in ns                  |
  /// | GAP             | where seen    | first missing         | first present after it         |
  /// | GAP_FILLED      | that filled   | first that was missing| next sequence                  |
  /// | GAP_LOST        | 0             | first missing, given up | next sequence from here on   |
  /// | SNAPSHOT_BEGIN  | 3             | next before           | 0; books are to be cleared     |
  /// | SNAPSHOT_END    | 3             | messages in snapshot  | next sequence from here on     |
  /// | SESSION_CHANGED | where seen    | next of the old one   | next of the new one            |
  /// | SESSION_ENDED   | where seen    | next sequence         | sequence of the end packet     |
  /// | MALFORMED       | where seen    | next sequence         | malformed on this line so far  |
  ///
  /// A next sequence of 0 (GAP_LOST before anything was heard): whatever comes next is taken.
  /// While a GAP is open only what fills it is handed over; it ends by GAP_FILLED, GAP_LOST or
  /// SNAPSHOT_END.
  /// MALFORMED is reported at most once a second and line, with the count.
  virtual void status(FeedId feed, FeedEvent event, std::uint32_t line, std::uint64_t expected,
                      std::uint64_t found) = 0;
};

}  // namespace pitwire
