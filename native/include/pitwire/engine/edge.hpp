// The live daemon's non-deterministic edge: polls the world in a fixed order, puts each input into
// the log and applies it, and writes what the core sends.
//
// Order within a turn: what was left of a datagram, kill, operator and workers, FIX connections
// and the simulated venue, time, market data; each with a quota, so that none starves. The native
// phase ends early where a strategy must see one update by itself.
//
// Lines may be polled on threads of their own (threads.hpp); what they received is taken from their
// rings here, at the same places in the turn.
//
// One thread: the core's. What Python's edges receive (operator commands, workers' results,
// WebSocket messages) is queued by push_* and becomes an input in the next turn.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pitwire/base/clock.hpp"
#include "pitwire/base/histogram.hpp"
#include "pitwire/engine/core.hpp"
#include "pitwire/engine/latency_ledger.hpp"
#include "pitwire/engine/paper_venue.hpp"
#include "pitwire/engine/rehearsal.hpp"
#include "pitwire/wire/rehearsal_line.hpp"
#include "pitwire/wire/shared_status.hpp"
#include "pitwire/wire/threads.hpp"
#include "pitwire/wire/waiter.hpp"

namespace pitwire {

struct EdgeConfig {
  int turn_records_max = 2048;       ///< inputs a turn, of all sources
  int operator_quota = 16;           ///< inputs a turn
  int session_quota = 64;            ///< FIX messages a turn and connection
  int market_quota = 64;             ///< datagrams or messages a turn and feed
  Nanos time_interval_ns = kSecond;  ///< a TIME input at least this often
  /// While wait() spins, an order is rehearsed at least this often (rehearsal.hpp, and a line with
  /// ourselves for the kernel's part); 0 never.
  Nanos rehearse_every_ns = 0;
  std::uint64_t inbox_bytes = 1ULL << 24;  ///< waiting of Python's edges: commands, and market
  LineThreadConfig threads = {};  ///< of lines that have one; names are given by what they are
};

/// Counts since construction.
struct EdgeStats {
  std::uint64_t turns = 0;
  std::uint64_t inputs = 0;
  std::uint64_t market_inputs = 0;
  std::uint64_t fix_inputs = 0;
  std::uint64_t fix_refused = 0;    ///< outbound messages that the connection did not take
  std::uint64_t withheld = 0;       ///< orders that were logged and did not leave
  std::uint64_t inbox_refused = 0;  ///< pushes that inbox_bytes had no room for
  std::uint64_t looks = 0;          ///< calls of keep_looking()
  std::uint64_t rehearsals = 0;
  std::uint64_t venue_reports = 0;
  std::uint64_t venue_refused = 0;  ///< requests to a simulated venue that has no such session
};

/// Who polls a line: the core's thread in its turns, or a thread of the line's own.
enum class Placement : std::uint8_t { INLINE, THREAD };

/// Which entries of a session wait until the log is durable up to them.
enum class Awaits : std::uint8_t { NONE, ORDERS, ALL };

/// Wakes the core's thread when the log is durable up to an entry that waits.
class DurableBell final : public WakeSource {
 public:
  explicit DurableBell(const EgressRules& rules) noexcept : watch(rules) {}
  [[nodiscard]] bool ready() const noexcept override { return watch.moved(); }
  [[nodiscard]] Doorbell& doorbell() noexcept override { return bell_; }
  DurableWatch watch;

 private:
  Doorbell bell_;
};

class Edge final : public Egress,
                   private FeedSink,
                   private ConnectionSink,
                   private VenueReportSink,
                   private MarketObserver {
 public:
  /// `journal`, `clock` and `status` must outlive the edge; `status` may be null.
  Edge(LiveJournal& journal, TscClock& clock, SharedStatus* status, const EdgeConfig& config);
  ~Edge() override;

  /// The core that inputs are applied to; before the first drain.
  void attach(Core& core);
  /// Polled by the core's thread, or on one of its own. It goes on where the core's books stand,
  /// where they are whole.
  void add_feed(FeedLineConfig config, Placement placement = Placement::INLINE);
  /// One that is made already: captures.
  void add_feed(std::unique_ptr<FeedPort> feed);
  /// Its rules are the edge's own.
  void add_connection(ConnectionConfig config, Awaits awaits = Awaits::NONE,
                      Placement placement = Placement::INLINE);
  /// Of the native feeds, in the order in which they were added. Throws std::out_of_range.
  [[nodiscard]] const FeedPort& feed(std::size_t at) { return *feeds_.at(at); }
  /// A venue inside the daemon, for a session defined by `define_venue_session`; after the EPOCH
  /// input. Its ExecIDs are made unique in the log. Throws std::invalid_argument with the reason.
  void add_venue(PaperVenueConfig config);
  void enable_connection(SessionId session, bool enabled);
  /// Takes the right to send, from whoever had it; before the first connection. Without a status
  /// page there is no fence.
  void claim_fence() noexcept;
  /// Another process has taken it since: nothing leaves any more.
  [[nodiscard]] bool fenced() const noexcept { return rules_.fenced(); }

  // ---- from Python's edges. False: inbox_bytes are waiting already, and it was not taken. What is
  // longer than all of it is taken when nothing waits.
  [[nodiscard]] bool push_operator(std::uint32_t uid, std::uint32_t pid, std::uint64_t command_id,
                                   std::string json);
  [[nodiscard]] bool push_worker_result(std::uint64_t request_id, StrategyId strategy,
                                        std::uint32_t status, std::string json);
  bool push_market_message(FeedId feed, Nanos ts_recv, MessageKind kind, std::uint32_t instrument,
                           std::string bytes);
  /// A datagram that came another way than by a feed's own sockets.
  bool push_datagram(FeedId feed, Nanos ts_recv, std::string packet);
  /// Always taken: it tells the books that the feed is gone.
  void push_feed_status(FeedId feed, FeedEvent event);

  /// An input that the daemon itself makes at start: EPOCH, DEFINITION, SOURCE, ABANDONED.
  template <class R>
  Sequence append_input(const R& record, Origin origin, std::uint16_t source,
                        std::string_view tail) {
    return input(record, origin, source, text_bytes(tail));
  }

  /// One native phase. True when the Python phase is to run; TURN is then logged.
  bool drain();
  /// More inputs are known to wait: drain again without waiting.
  [[nodiscard]] bool busy() const noexcept { return busy_; }
  /// Descriptor that is readable when a drain has something to do.
  [[nodiscard]] int epoll_fd() const noexcept { return waiter_.epoll_fd(); }
  [[nodiscard]] Waiter& waiter() noexcept { return waiter_; }
  /// For a core that spins, between two drains: true where it may drain again, which is how it
  /// looks at its own sockets; false where the loop has something of its own to do. Orders are
  /// rehearsed here. `now` is of a steady clock.
  [[nodiscard]] bool keep_looking(Nanos now);
  /// ns until the next drain is due though nothing arrives.
  [[nodiscard]] Nanos until_due();
  [[nodiscard]] const EdgeStats& stats() const noexcept { return stats_; }
  /// What every request cost.
  [[nodiscard]] LatencyLedger& ledger() noexcept { return ledger_; }
  /// Into the log, what is known of requests that no venue has answered: before the log is closed.
  void log_unanswered();
  [[nodiscard]] std::size_t queued() const noexcept {
    return commands_.waiting.size() + market_.waiting.size() + held_.waiting.size();
  }
  /// The most that was queued at the beginning of a turn, since this was last asked.
  [[nodiscard]] std::size_t take_queued_max() noexcept { return std::exchange(queued_max_, 0); }

  // ---- Egress
  void fix_tx(SessionId session, Sequence sequence, ClOrdId cl_ord_id,
              std::string_view message) override;
  void venue_tx(SessionId session, Sequence sequence, RecordType type,
                std::span<const std::byte> payload) override;
  void disconnect(SessionId session, std::string_view reason) override;
  void reached(OrderStage stage) noexcept override;
  void acknowledged(ClOrdId cl_ord_id) noexcept override;

 private:
  struct Queue {
    struct Item {
      std::function<void()> apply;
      std::size_t size_bytes;
    };
    std::deque<Item> waiting;
    std::size_t size_bytes = 0;
  };

  void put(Queue& queue, std::size_t size_bytes, std::function<void()> apply);
  [[nodiscard]] bool has_room(const Queue& queue, std::size_t size_bytes);
  /// When an input is applied, and when its bytes came to this host; both by the log's clock.
  struct Arrival {
    Nanos now, received;
  };
  /// Of something that was stamped by the host's clock.
  [[nodiscard]] Arrival arrived(Nanos host) noexcept;
  template <class R>
  Sequence input(const R& record, Origin origin, std::uint16_t source,
                 std::span<const std::byte> tail = {}) {
    const Nanos now = clock_.now();
    return input(record, origin, source, tail, {now, now});
  }
  template <class R>
  Sequence input(const R& record, Origin origin, std::uint16_t source,
                 std::span<const std::byte> tail, Arrival arrival) {
    const auto fixed = record_bytes(record);
    payload_.assign(fixed.begin(), fixed.end());
    payload_.insert(payload_.end(), tail.begin(), tail.end());
    return apply(R::kType, origin, source, arrival);
  }
  Sequence apply(RecordType type, Origin origin, std::uint16_t source, Arrival arrival);
  void observe(const LatencyLedger::Answer& complete) noexcept;
  [[nodiscard]] static ClOrdId cl_ord_id_of(std::span<const std::byte> payload) noexcept;
  /// How many inputs a source may still bring in this turn.
  [[nodiscard]] int room(int quota) const noexcept;
  [[nodiscard]] std::size_t turn_of(std::size_t place, std::size_t sources) const noexcept;
  /// While a log is recovered no connection is there yet, and none for a session that the log knows
  /// and the configuration of today does not.
  [[nodiscard]] bool has_connection(SessionId session) const noexcept {
    return index(session) < by_session_.size() && by_session_[index(session)].connection != nullptr;
  }
  void poll_queue(Queue& queue, int quota);
  void poll_sessions();
  void poll_venues();
  void poll_time();
  void poll_market();
  void poll_kill();
  void rehearse();

  // ---- FeedSink
  void datagram(FeedId feed, std::uint32_t line, Nanos ts_recv,
                std::span<const std::byte> packet) override;
  void snapshot(FeedId feed, Nanos ts_recv, std::span<const std::byte> packet) override;
  void message(FeedId feed, Nanos ts_recv, MessageKind kind, std::uint32_t instrument,
               std::span<const std::byte> bytes) override;
  void status(FeedId feed, FeedEvent event, std::uint32_t line, std::uint64_t expected,
              std::uint64_t found) override;
  // ---- ConnectionSink
  void message(SessionId session, Nanos ts_recv, std::string_view message) override;
  void event(SessionId session, ConnectionEvent event, std::string_view reason,
             Sequence last_written) override;
  void written(SessionId session, Sequence sequence, std::uint64_t bytes,
               Nanos ts_written) override;
  void withheld(SessionId session, const Outbound& entry, WithheldReason reason) override;
  // ---- VenueReportSink
  void report(SessionId session, RecordType type, std::span<const std::byte> payload) override;
  // ---- MarketObserver: the core's tap
  void market_changed(InstrumentId instrument) override;
  void traded(InstrumentId instrument, std::int64_t px, std::int64_t qty, Side aggressor) override;

  [[nodiscard]] PaperVenue* venue_of(SessionId session) noexcept;
  [[nodiscard]] LineThreadConfig thread_of(const char* kind, std::uint32_t id) const;
  void withhold(SessionId session, Sequence sequence, RecordType type,
                std::span<const std::byte> payload);
  [[nodiscard]] Outbound outbound(SessionId session, Sequence sequence, ClOrdId cl_ord_id,
                                  OrderAction action) const;

  LiveJournal& journal_;
  TscClock& clock_;
  SharedStatus* status_;
  EdgeConfig config_;
  EgressRules rules_;
  Core* core_ = nullptr;
  Waiter waiter_;
  std::unique_ptr<Rehearsal> rehearsal_;
  std::unique_ptr<RehearsalLine> rehearsal_line_;
  Nanos rehearsed_at_ = 0;  ///< of a steady clock, as the next
  Nanos looked_at_loop_at_ = 0;
  bool real_time_ = false;  ///< this thread, as it was then
  DurableBell durable_;
  std::vector<std::unique_ptr<FeedPort>> feeds_;
  std::vector<std::unique_ptr<FixPort>> connections_;
  std::vector<Doorbell*> thread_bells_;  ///< of connections on threads; the log rings them
  struct Session {
    FixPort* connection = nullptr;
    Awaits awaits = Awaits::NONE;
  };
  std::vector<Session> by_session_;
  std::vector<std::unique_ptr<PaperVenue>> venues_;
  Queue commands_;  ///< operator, workers
  Queue market_;    ///< messages of Python's feeds
  Queue held_;      ///< what one poll of a feed said behind the update that ended the turn
  std::vector<std::byte> payload_;
  Nanos last_input_ = 0;
  Nanos last_received_ = 0;  ///< Arrival::received of the last input
  bool stop_ = false;
  bool busy_ = false;
  std::size_t queued_max_ = 0;
  int inputs_ = 0;
  EdgeStats stats_;
  LatencyLedger ledger_;
};

}  // namespace pitwire
