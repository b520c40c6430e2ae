#include "pitwire/engine/edge.hpp"

#include <algorithm>

#include "pitwire/base/tuning.hpp"

namespace pitwire {
namespace {

constexpr Nanos kLoopLookEvery = 10 * kMillisecond / 1'000;  // of a core that spins

EgressRules rules_of(const LogWriter& log, const SharedStatus* status) {
  EgressRules rules;
  rules.durable = &log.durable_word();
  rules.log_failed = &log.failed_word();
  if (status != nullptr) rules.kill_word = &status->kill_word();
  return rules;
}

}  // namespace

Edge::Edge(LiveJournal& journal, TscClock& clock, SharedStatus* status, const EdgeConfig& config)
    : journal_(journal),
      clock_(clock),
      status_(status),
      config_(config),
      rules_(rules_of(journal.log(), status)),
      durable_(rules_) {
  journal_.log().ring_when_durable(durable_.doorbell());
  waiter_.add(durable_);
  if (status_ == nullptr) return;
  journal_.set_kill_source([this] {
    const StatusPage& page = status_->page();
    return rec::Kill{page.kill_uid.load(std::memory_order_relaxed),
                     page.kill_word.load(std::memory_order_relaxed)};
  });
}

Edge::~Edge() {
  waiter_.remove(durable_);
  journal_.log().forget_bell(durable_.doorbell());
  for (Doorbell* bell : thread_bells_) journal_.log().forget_bell(*bell);
  for (const auto& feed : feeds_) feed->unwatch(waiter_);
  for (const auto& connection : connections_) connection->unwatch(waiter_);
}

void Edge::attach(Core& core) {
  core_ = &core;
  if (status_ != nullptr) core.orders().gate().set_kill_word(&status_->kill_word());
}

LineThreadConfig Edge::thread_of(const char* kind, std::uint32_t id) const {
  LineThreadConfig thread = config_.threads;
  thread.name = std::string("pitwire-") + kind + std::to_string(id);
  return thread;
}

void Edge::add_feed(FeedLineConfig config, Placement placement) {
  config.resume = core_->market().position(config.id);
  if (placement == Placement::THREAD) {
    const auto thread = thread_of("md", index(config.id));
    add_feed(std::make_unique<FeedThread>(config, thread));
  } else {
    add_feed(std::make_unique<FeedLine>(config));
  }
}

void Edge::add_feed(std::unique_ptr<FeedPort> feed) {
  feeds_.push_back(std::move(feed));
  feeds_.back()->watch(waiter_);
}

void Edge::add_connection(ConnectionConfig config, Awaits awaits, Placement placement) {
  config.rules = rules_;
  if (placement == Placement::THREAD) {
    const auto thread = thread_of("fix", index(config.id));
    auto port = std::make_unique<FixThread>(config, thread);
    thread_bells_.push_back(&port->bell());
    journal_.log().ring_when_durable(port->bell());
    connections_.push_back(std::move(port));
  } else {
    connections_.push_back(std::make_unique<FixConnection>(config));
  }
  connections_.back()->watch(waiter_);
  if (by_session_.size() <= index(config.id)) by_session_.resize(index(config.id) + 1);
  by_session_[index(config.id)] = {connections_.back().get(), awaits};
}

void Edge::claim_fence() noexcept {
  if (status_ == nullptr) return;
  rules_.fence_token = status_->acquire_fence();
  rules_.fence = &status_->page().fence;
}

void Edge::enable_connection(SessionId session, bool enabled) {
  if (has_connection(session)) by_session_[index(session)].connection->enable(enabled);
  if (PaperVenue* venue = venue_of(session)) venue->enable(enabled);
}

// ------------------------------------------------------------------ queued by Python's edges

bool Edge::has_room(const Queue& queue, std::size_t size_bytes) {
  if (queue.waiting.empty() || queue.size_bytes + size_bytes <= config_.inbox_bytes) return true;
  ++stats_.inbox_refused;
  return false;
}

void Edge::put(Queue& queue, std::size_t size_bytes, std::function<void()> apply) {
  queue.size_bytes += size_bytes;
  queue.waiting.push_back({std::move(apply), size_bytes});
}

bool Edge::push_operator(std::uint32_t uid, std::uint32_t pid, std::uint64_t command_id,
                         std::string json) {
  const std::size_t size_bytes = json.size();
  if (!has_room(commands_, size_bytes)) return false;
  put(commands_, size_bytes, [this, uid, pid, command_id, json = std::move(json)] {
    rec::Operator record;
    record.uid = uid;
    record.pid = pid;
    record.command_id = command_id;
    record.size_bytes = static_cast<std::uint32_t>(json.size());
    input(record, Origin::OPERATOR, 0, text_bytes(json));
  });
  return true;
}

bool Edge::push_worker_result(std::uint64_t request_id, StrategyId strategy, std::uint32_t status,
                              std::string json) {
  const std::size_t size_bytes = json.size();
  if (!has_room(commands_, size_bytes)) return false;
  put(commands_, size_bytes, [this, request_id, strategy, status, json = std::move(json)] {
    rec::WorkerResult record;
    record.request_id = request_id;
    record.strategy = index(strategy);
    record.status = status;
    record.size_bytes = static_cast<std::uint32_t>(json.size());
    input(record, Origin::OURS, 0, text_bytes(json));
  });
  return true;
}

bool Edge::push_market_message(FeedId feed, Nanos ts_recv, MessageKind kind,
                               std::uint32_t instrument, std::string bytes) {
  const std::size_t size_bytes = bytes.size();
  if (!has_room(market_, size_bytes)) return false;
  put(market_, size_bytes, [this, feed, ts_recv, kind, instrument, bytes = std::move(bytes)] {
    message(feed, ts_recv, kind, instrument, text_bytes(bytes));
  });
  return true;
}

bool Edge::push_datagram(FeedId feed, Nanos ts_recv, std::string packet) {
  const std::size_t size_bytes = packet.size();
  if (!has_room(market_, size_bytes)) return false;
  put(market_, size_bytes, [this, feed, ts_recv, packet = std::move(packet)] {
    datagram(feed, 0, ts_recv, std::as_bytes(std::span(packet)));
  });
  return true;
}

void Edge::push_feed_status(FeedId feed, FeedEvent event) {
  put(market_, 0, [this, feed, event] { status(feed, event, 0, 0, 0); });
}

// ------------------------------------------------------------------ the native phase

bool Edge::drain() {
  core_->begin_turn();
  ledger_.native_phase(true, 0);
  stop_ = false;
  busy_ = false;
  inputs_ = 0;
  queued_max_ = std::max(queued_max_, queued());
  ++stats_.turns;
  if (core_->pending()) stop_ = core_->resume();
  if (!stop_) poll_kill();
  if (!stop_) poll_queue(commands_, config_.operator_quota);
  if (!stop_) poll_sessions();
  if (!stop_) poll_time();
  if (!stop_) poll_market();
  stats_.inputs += static_cast<std::uint64_t>(inputs_);
  busy_ = stop_ || busy_ || core_->pending() || queued() != 0;
  if (status_ != nullptr) {
    status_->heartbeat(stats_.turns, core_->now());
    status_->set_positions(journal_.log().last_sequence(), journal_.log().durable_sequence());
  }
  ledger_.native_phase(false, core_->python_wanted() ? clock_.now() : 0);
  if (!core_->python_wanted()) return false;
  rec::Turn record;
  record.turn = core_->turn() + 1;
  record.inputs = static_cast<std::uint32_t>(inputs_);
  record.flags = stop_ ? 1 : 0;
  journal_.input(core_->now(), {rec::Turn::kType, Origin::NONE, 0, record_bytes(record), {}});
  core_->begin_python_phase(stop_);
  return true;
}

Edge::Arrival Edge::arrived(Nanos host) noexcept {
  const Nanos now = clock_.now();
  return {now, std::min(clock_.of_host(host), now)};
}

Sequence Edge::apply(RecordType type, Origin origin, std::uint16_t source, Arrival arrival) {
  const Nanos now = last_input_ = arrival.now;
  last_received_ = arrival.received;
  ++inputs_;
  const Sequence sequence = journal_.input(now, {type, origin, source, payload_, {}});
  const FrameHeader header{0,      0, sequence, now, type, FrameClass::INPUT, kRecordVersion,
                           origin, 0, source};
  stop_ |= core_->apply(Frame{&header, payload_});
  return sequence;
}

void Edge::poll_kill() {
  if (const auto kill = journal_.kill_here(core_->orders().gate().kill_pending(), clock_.now())) {
    ++inputs_;
    last_received_ = journal_.log().last_ts_core();
    const FrameHeader header{0,
                             0,
                             journal_.log().last_sequence(),
                             journal_.log().last_ts_core(),
                             RecordType::KILL,
                             FrameClass::INPUT,
                             kRecordVersion,
                             Origin::OPERATOR,
                             0,
                             0};
    stop_ |= core_->apply(Frame{&header, record_bytes(*kill)});
  }
}

/// Of equal sources another is the first in each turn, so that a full turn leaves none out forever.
std::size_t Edge::turn_of(std::size_t place, std::size_t sources) const noexcept {
  return (stats_.turns + place) % sources;
}

int Edge::room(int quota) const noexcept {
  return std::clamp(config_.turn_records_max - inputs_, 0, quota);
}

void Edge::poll_queue(Queue& queue, int quota) {
  for (int left = room(quota); left > 0 && !queue.waiting.empty() && !stop_; --left) {
    const Queue::Item next = std::move(queue.waiting.front());
    queue.waiting.pop_front();
    queue.size_bytes -= next.size_bytes;
    next.apply();
  }
}

void Edge::poll_sessions() {
  const Nanos now = clock_.now();
  durable_.watch.look();
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    const int quota = room(config_.session_quota);
    if (quota == 0 ||
        connections_[turn_of(i, connections_.size())]->poll(now, quota, *this) >= quota) {
      busy_ = true;
    }
  }
  poll_venues();
}

void Edge::poll_time() {
  const Nanos now = clock_.now();
  if (now - last_input_ >= config_.time_interval_ns || now >= core_->next_deadline()) {
    input(rec::Time{}, Origin::NONE, 0);
  }
}

void Edge::poll_market() {
  poll_queue(market_, config_.market_quota);
  poll_queue(held_, config_.market_quota);
  if (!held_.waiting.empty()) return;
  for (std::size_t i = 0; i < feeds_.size(); ++i) {
    auto& feed = *feeds_[turn_of(i, feeds_.size())];
    // One datagram at a time, so that the native phase can end at any of them.
    int left = room(config_.market_quota);
    while (left > 0 && !stop_ && feed.poll(clock_.now(), 1, *this) != 0) --left;
    if (left == 0) busy_ = true;
  }
}

bool Edge::keep_looking(Nanos now) {
  ++stats_.looks;
  if (config_.rehearse_every_ns > 0 && now - rehearsed_at_ >= config_.rehearse_every_ns) {
    rehearsed_at_ = now;
    rehearse();
  }
  // Two reads that find nothing cost less than epoll and then the same two: that is for the loop,
  // and for a thread that must not spin.
  if (now - looked_at_loop_at_ < kLoopLookEvery && !real_time_) return true;
  looked_at_loop_at_ = now;
  real_time_ = is_real_time();
  return waiter_.wait(WaitMode::SPIN, 0, kLoopLookEvery) != WAIT_LOOP;
}

void Edge::rehearse() {
  ++stats_.rehearsals;
  if (!rehearsal_) {
    rehearsal_ = std::make_unique<Rehearsal>(*core_);
    rehearsal_line_ = std::make_unique<RehearsalLine>();
  }
  rehearsal_->run();
  (void)rehearsal_line_->pass();
}

Nanos Edge::until_due() {
  if (busy_) return 0;
  Nanos due = std::min(core_->next_deadline(), last_input_ + config_.time_interval_ns);
  for (const auto& connection : connections_) due = std::min(due, connection->next_deadline());
  for (const auto& feed : feeds_) due = std::min(due, feed->next_deadline());
  for (const auto& venue : venues_) {
    due = std::min(due, venue->connected() == venue->enabled() ? venue->next_deadline() : 0);
  }
  return std::max<Nanos>(0, due - clock_.now());
}

// ------------------------------------------------------------------ feeds

// A packet that closes a gap brings those behind it in the same poll. When one of them ends the
// turn, with the rest of it pending, the others wait their turn.

void Edge::datagram(FeedId feed, std::uint32_t line, Nanos ts_recv,
                    std::span<const std::byte> packet) {
  if (stop_) {
    std::vector<std::byte> kept(packet.begin(), packet.end());
    const std::size_t size_bytes = kept.size();
    return put(held_, size_bytes, [this, feed, line, ts_recv, kept = std::move(kept)] {
      datagram(feed, line, ts_recv, kept);
    });
  }
  const Arrival arrival = arrived(ts_recv);
  rec::MarketDatagram record;
  record.ts_recv = arrival.received;
  record.line = line;
  record.size_bytes = static_cast<std::uint32_t>(packet.size());
  ++stats_.market_inputs;
  input(record, Origin::MARKET, static_cast<std::uint16_t>(index(feed)), packet, arrival);
}

void Edge::snapshot(FeedId feed, Nanos ts_recv, std::span<const std::byte> packet) {
  if (stop_) {
    std::vector<std::byte> kept(packet.begin(), packet.end());
    return put(held_, packet.size(),
               [this, feed, ts_recv, kept = std::move(kept)] { snapshot(feed, ts_recv, kept); });
  }
  rec::MarketMessage record;
  record.ts_recv = ts_recv;
  record.kind = static_cast<std::uint32_t>(MessageKind::SNAPSHOT);
  record.size_bytes = static_cast<std::uint32_t>(packet.size());
  record.instrument = kNoId;
  input(record, Origin::MARKET, static_cast<std::uint16_t>(index(feed)), packet);
}

void Edge::message(FeedId feed, Nanos ts_recv, MessageKind kind, std::uint32_t instrument,
                   std::span<const std::byte> bytes) {
  if (stop_) {
    std::vector<std::byte> kept(bytes.begin(), bytes.end());
    const std::size_t size_bytes = kept.size();
    return put(held_, size_bytes, [this, feed, ts_recv, kind, instrument, kept = std::move(kept)] {
      message(feed, ts_recv, kind, instrument, kept);
    });
  }
  const Arrival arrival = arrived(ts_recv);
  rec::MarketMessage record;
  record.ts_recv = arrival.received;
  record.kind = static_cast<std::uint32_t>(kind);
  record.size_bytes = static_cast<std::uint32_t>(bytes.size());
  record.instrument = instrument;
  ++stats_.market_inputs;
  input(record, Origin::MARKET, static_cast<std::uint16_t>(index(feed)), bytes, arrival);
}

void Edge::status(FeedId feed, FeedEvent event, std::uint32_t line, std::uint64_t expected,
                  std::uint64_t found) {
  if (stop_) {
    return put(held_, 0, [this, feed, event, line, expected, found] {
      status(feed, event, line, expected, found);
    });
  }
  rec::FeedStatus record;
  record.event = static_cast<std::uint32_t>(event);
  record.line = line;
  record.expected = expected;
  record.found = found;
  input(record, Origin::MARKET, static_cast<std::uint16_t>(index(feed)));
}

// ------------------------------------------------------------------ FIX connections

void Edge::message(SessionId session, Nanos ts_recv, std::string_view message) {
  const Arrival arrival = arrived(ts_recv);
  rec::FixRx record;
  record.ts_recv = arrival.received;
  record.size_bytes = static_cast<std::uint32_t>(message.size());
  ++stats_.fix_inputs;
  input(record, Origin::OURS, static_cast<std::uint16_t>(index(session)), text_bytes(message),
        arrival);
}

void Edge::event(SessionId session, ConnectionEvent event, std::string_view reason,
                 Sequence last_written) {
  rec::FixConnection record;
  record.event = static_cast<std::uint32_t>(event);
  record.size_bytes = static_cast<std::uint32_t>(reason.size());
  record.last_written = last_written;
  if (event == ConnectionEvent::DISCONNECTED) ledger_.forget_waiting(session);
  input(record, Origin::OURS, static_cast<std::uint16_t>(index(session)), text_bytes(reason));
}

void Edge::written(SessionId session, Sequence sequence, std::uint64_t bytes, Nanos ts_written) {
  ledger_.written(session, sequence, clock_.of_host(ts_written));
  rec::TxWritten record;
  record.written_sequence = sequence;
  record.written_bytes = bytes;
  input(record, Origin::OURS, static_cast<std::uint16_t>(index(session)));
}

void Edge::withheld(SessionId session, const Outbound& entry, WithheldReason reason) {
  rec::TxWithheld record;
  record.withheld_sequence = entry.sequence;
  record.cl_ord_id = entry.request;
  record.reason = static_cast<std::uint32_t>(reason);
  ++stats_.withheld;
  observe(ledger_.give_up(entry.request));
  input(record, Origin::OURS, static_cast<std::uint16_t>(index(session)));
}

}  // namespace pitwire
