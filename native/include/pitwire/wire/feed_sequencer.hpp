// One sequence out of two lines: arbitration, gaps, retransmission, snapshot. No socket, no clock.
//
// Decisions as a table; `next` is the sequence expected, `s` the packet's first, `e` its next:
//
// | state       | packet         | then |
// |-------------|----------------|------------------------------------------------------------------|
// | any         | e <= next      | duplicate: counted, dropped | | LIVE        | s <= next < e  |
// handed over (trimmed if s < next), then what is held follows     | | LIVE        | s > next |
// held; grace period begins -> GRACE                               | | GRACE       | fills | as
// LIVE; when nothing is missing -> LIVE, no GAP was said        | | GRACE       | grace is over  |
// GAP; request -> GAP                                              | | GAP         | fills | handed
// over; when nothing is missing GAP_FILLED -> LIVE          | | GAP         | answer is late |
// requested again; after `attempts_max` without progress:          | |             | | snapshot
// where there is one -> SNAPSHOT, else GAP_LOST -> LIVE   | | SNAPSHOT    | any            | held;
// at its end SNAPSHOT_END, then as LIVE from its sequence    | | SNAPSHOT    | failed         |
// again after a delay; after `attempts_max` GAP_LOST -> LIVE       |
//
// Holding. Packets are held whole, in order of their sequence, in a slab of `held_max` slots made
// at construction. Insertion is a binary search and a move of at most `held_max` 16-byte entries.
// When it is full the highest are dropped (they can be asked for again), or while waiting for a
// snapshot the lowest (the snapshot will cover them); both are counted.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "pitwire/base/types.hpp"
#include "pitwire/wire/feed_sink.hpp"
#include "pitwire/wire/mold_packet.hpp"

namespace pitwire {

struct FeedSequencerConfig {
  std::string session = {};          // empty: the first one seen, and later ones as they come
  std::uint64_t first_sequence = 1;  // expected at the start of a session; 0: whatever comes first
  bool snapshot_first = false;       // begin with a snapshot instead of asking from the start
  std::uint32_t held_max = 1024;     // datagrams
  Nanos grace_ns = kMillisecond;     // for the other line or a late datagram to close a gap
  Nanos request_timeout_ns = 100 * kMillisecond;
  std::uint32_t attempts_max = 5;              // requests, or snapshots, without progress
  std::uint16_t request_messages_max = 1000;   // per request
  std::uint64_t gap_messages_max = 1'000'000;  // longer gaps go to the snapshot at once
  Nanos snapshot_retry_ns = kSecond;
  Nanos silence_ns = 3 * kSecond;  // without any packet: DISCONNECTED
};

struct FeedSequencerStats {
  std::uint64_t accepted_datagrams = 0;
  std::uint64_t accepted_messages = 0;
  std::uint64_t duplicate_datagrams = 0;
  std::uint64_t trimmed_datagrams = 0;
  std::uint64_t held_datagrams = 0;
  std::uint64_t held_peak = 0;
  std::uint64_t held_dropped = 0;
  std::uint64_t foreign_session = 0;
  std::uint64_t malformed[3] = {};
  std::uint64_t gaps = 0;
  std::uint64_t gaps_filled = 0;
  std::uint64_t gaps_lost = 0;
  std::uint64_t requests = 0;
  std::uint64_t first_on[3] = {};  // datagrams accepted by the line that brought them first
};

/// What the sequencer wants done by whoever owns the sockets, taken by take_request().
struct FeedRequest {
  enum class Kind : std::uint8_t { NONE, RETRANSMIT, SNAPSHOT };
  Kind kind = Kind::NONE;
  mold::Session session{};
  std::uint64_t sequence = 0;
  std::uint16_t count = 0;
};

class FeedSequencer {
 public:
  static constexpr Nanos kNever = std::numeric_limits<Nanos>::max();
  enum class State : std::uint8_t { LIVE, GRACE, GAP, SNAPSHOT };

  FeedSequencer(FeedId feed, const FeedSequencerConfig& config, bool has_retransmission,
                bool has_snapshot, std::uint32_t datagram_bytes_max);

  /// A datagram as received. `now` is the poll's time, `ts_recv` the packet's stamp.
  void packet(Nanos now, std::uint32_t line, Nanos ts_recv, std::span<const std::byte> bytes,
              FeedSink& sink);
  /// Counts what could not even be received whole.
  void malformed(Nanos now, std::uint32_t line, FeedSink& sink);
  /// What time asks for: end of grace, repeated requests, silence.
  void time(Nanos now, FeedSink& sink);
  /// The earliest time() that would do something.
  [[nodiscard]] Nanos next_deadline() const noexcept;
  /// What is to be sent now; once per decision.
  [[nodiscard]] FeedRequest take_request() noexcept;

  // ---- the snapshot, as its client reports it
  void snapshot_begin(FeedSink& sink);
  void snapshot_message(Nanos now, std::span<const std::byte> message, FeedSink& sink);
  void snapshot_end(Nanos now, const std::string& session, std::uint64_t next_sequence,
                    FeedSink& sink);
  void snapshot_failed(Nanos now, FeedSink& sink);

  void resume(const std::string& session, std::uint64_t next_sequence) noexcept;
  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] std::uint64_t next_sequence() const noexcept { return next_; }
  [[nodiscard]] const mold::Session& session() const noexcept { return session_; }
  [[nodiscard]] bool has_session() const noexcept { return has_session_; }
  [[nodiscard]] const FeedSequencerStats& stats() const noexcept { return stats_; }

 private:
  struct Held {
    std::uint64_t sequence;
    std::uint32_t slot;
    std::uint16_t count;
    std::uint16_t line;
  };
  struct Slot {
    Nanos ts_recv;
    std::uint32_t size_bytes;
  };

  [[nodiscard]] bool check_session(const mold::Header& header, std::uint32_t line, FeedSink& sink);
  void heard(Nanos now, std::uint32_t line, std::uint64_t sequence, FeedSink& sink);
  void accept(std::uint32_t line, Nanos ts_recv, const mold::Header& header,
              std::span<const std::byte> bytes, FeedSink& sink);
  void hold(std::uint32_t line, Nanos ts_recv, const mold::Header& header,
            std::span<const std::byte> bytes);
  void drop_held(std::size_t position);
  void drop_all_held();
  void drain(FeedSink& sink);
  void progressed(Nanos now, std::uint32_t line, FeedSink& sink);
  void open_gap(Nanos now, FeedSink& sink);
  void request(Nanos now);
  void give_up(Nanos now, FeedSink& sink);
  void ask_snapshot();
  void lose(Nanos now, FeedSink& sink);
  void flush_snapshot(Nanos now, FeedSink& sink);
  void look_for_gap(Nanos now, std::uint32_t line, FeedSink& sink);
  void change_session(const mold::Header& header, std::uint32_t line, FeedSink& sink);
  void mark(Nanos now, const mold::Header& header, std::uint32_t line, FeedSink& sink);
  void say(FeedEvent event, std::uint32_t line, std::uint64_t expected, std::uint64_t found,
           FeedSink& sink);
  [[nodiscard]] std::uint64_t gap_end() const noexcept;
  [[nodiscard]] std::span<std::byte> slot_bytes(std::uint32_t slot) noexcept;

  FeedId feed_;
  FeedSequencerConfig config_;
  bool has_retransmission_;
  bool has_snapshot_;
  std::uint32_t datagram_bytes_max_;

  State state_ = State::LIVE;
  bool has_session_ = false;
  bool started_ = false;
  mold::Session session_{};
  mold::Session previous_session_{};
  std::uint64_t next_ = 0;
  std::uint64_t highest_ = 0;    // highest `next` that any packet or heartbeat spoke of
  std::uint64_t gap_begin_ = 0;  // first missing of the open gap
  std::uint32_t gap_line_ = 0;
  Nanos deadline_ = kNever;
  std::uint32_t attempts_ = 0;
  std::uint64_t request_end_ = 0;  // sequence after the last one asked for
  std::uint64_t progress_ = 0;     // next_ when it was asked for
  FeedRequest request_;
  bool ended_ = false;     // end of session seen
  bool finished_ = false;  // and said
  std::uint64_t end_sequence_ = 0;
  std::uint32_t end_line_ = 0;
  std::uint64_t snapshot_messages_ = 0;

  std::vector<Held> held_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::unique_ptr<std::byte[]> slab_;  // not zeroed: untouched slots cost no memory
  std::vector<std::byte> scratch_;     // a trimmed packet, or a snapshot's messages
  std::size_t scratch_bytes_ = 0;
  std::uint16_t scratch_count_ = 0;
  Nanos heard_ts_[3] = {};
  bool connected_[3] = {};
  Nanos malformed_ts_[3] = {};
  FeedSequencerStats stats_;
};

}  // namespace pitwire
