#include "pitwire/engine/core.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>
#include <stdexcept>

#include "venue_route.hpp"

namespace pitwire {

Core::Core(Journal& journal, Egress& egress, const CoreConfig& config) : emitter_(journal, egress) {
  market_ =
      std::make_unique<MarketDesk>(emitter_, subscriptions_, bars_, *this, config.instruments_max);
  orders_ = std::make_unique<OrderDesk>(emitter_, instruments_, *market_, config.orders);
  positions_ = std::make_unique<PositionDesk>(emitter_, *orders_);
  fix_ = std::make_unique<FixDesk>(emitter_, *orders_, *positions_);
  orders_->on_kill([this](const rec::Kill& record) { killed(record); });
}

Core::~Core() = default;

// ------------------------------------------------------------------ definitions

void Core::define_feed(FeedId feed, FeedKind kind, Nanos midnight_offset_ns) {
  market_->define_feed(feed, kind, midnight_offset_ns);
}

void Core::define_instrument(const Instrument& instrument, FeedId feed,
                             std::string_view feed_symbol, const SignalConfig& signals) {
  const auto decimal = [](ExactDecimal value) {
    if (value.exponent > 0) throw std::invalid_argument("increments are at most 1 for a feed");
    return Decimal{value.mantissa, -value.exponent};
  };
  instruments_.add(instrument);
  market_->define_instrument(instrument.id, feed, feed_symbol, decimal(instrument.price_increment),
                             decimal(instrument.qty_increment), signals);
}

void Core::define_strategy(StrategyId strategy, std::string_view name) {
  if (index(strategy) != strategies_.size()) {
    throw std::invalid_argument("strategies must be defined in the order of their ids");
  }
  strategies_.emplace_back(name);
}

void Core::define_kernel(StrategyId strategy, const std::string& name, std::size_t state_size,
                         std::size_t parameters_size, std::span<const std::byte> object) {
  SharedObject loaded(name, object);
  const auto entry = reinterpret_cast<KernelFunction>(loaded.symbol(kKernelEntry));
  market_->kernels().define({strategy, name, entry, state_size, parameters_size});
  objects_.push_back(std::move(loaded));
}

void Core::define_fix_session(const FixSessionConfig& config,
                              std::unique_ptr<FixSymbology> symbology, const SessionRules& rules) {
  orders_->define_session(config.id, fix_->define(config, std::move(symbology)), rules);
  venues_.push_back(nullptr);
}

void Core::define_venue_session(SessionId session, const SessionRules& rules) {
  auto route = std::make_unique<VenueRoute>(emitter_, session);
  orders_->define_session(session, *route, rules);
  venues_.push_back(std::move(route));
}

bool Core::session_logged_on(SessionId session) const {
  const auto at = index(session);
  if (at >= venues_.size()) return false;
  return venues_[at] ? venues_[at]->logged_on() : fix_->state(session).logged_on;
}

VenueRoute* Core::venue_at(SessionId session) const noexcept {
  return index(session) < venues_.size() ? venues_[index(session)].get() : nullptr;
}

void Core::session_logon(SessionId session) {
  if (venue_at(session) == nullptr) return fix_->logon(session);
  open_venue(session, true);
}

void Core::session_logout(SessionId session, std::string_view reason) {
  if (venue_at(session) == nullptr) return fix_->logout(session, reason);
  open_venue(session, false);
}

void Core::open_venue(SessionId session, bool open) {
  VenueRoute& venue = *venue_at(session);
  if (!venue.connected() || venue.logged_on() == open) return;
  venue.set_logged_on(open);
  emitter_.event(EventKind::SESSION).values = {index(session), true, open, now()};
}

// ------------------------------------------------------------------ the turn

void Core::begin_turn() noexcept { inputs_in_turn_ = false; }

bool Core::apply(const Frame& frame) {
  emitter_.begin(frame.ts_core(), frame.sequence());
  inputs_in_turn_ = true;
  // The sessions of a process that is gone have nobody to speak to: first of all they end, or the
  // time that passed would have them send heartbeats and use up numbers that never reach a venue.
  if (frame.type() == RecordType::ABANDONED) fix_->after_recovery();
  advance(frame.ts_core());
  const bool stop = apply_input(frame);
  orders_->settle();
  return stop;
}

bool Core::resume() {
  if (!market_->pending()) return false;
  // Not earlier than what was logged since: time in a log never goes back.
  emitter_.begin(std::max(emitter_.now(), market_->pending_now()), market_->pending_cause());
  return market_->resume();
}

Nanos Core::next_deadline() const noexcept {
  return std::min({fix_->next_deadline(), bars_.next_close(), timers_.next_deadline(),
                   orders_->keeper().next_expiry()});
}

bool Core::python_wanted() const noexcept {
  return subscriptions_.any_dirty() || emitter_.has_events();
}

void Core::begin_python_phase(bool ended_early) {
  ++turn_;
  subscriptions_.drain(ended_early, [this](StrategyId strategy, InstrumentId instrument) {
    const MarketSlot& slot = market_->slot(instrument);
    Event& event = emitter_.event(EventKind::BOOK, index(strategy), index(instrument));
    event.values = {slot.ts_event, slot.ts_core};
  });
}

std::vector<Event> Core::take_events() { return std::exchange(emitter_.events(), {}); }

void Core::take_events(std::vector<Event>& out) {
  out.clear();
  out.swap(emitter_.events());
}

bool Core::tells_only_strategies() const noexcept {
  const auto is_strategys = [](const Event& event) {
    switch (event.kind) {
      case EventKind::BOOK:
      case EventKind::TRADE:
      case EventKind::TIMER:
      case EventKind::ORDER:
      case EventKind::FILL:
        return event.strategy != kNoId;
      default:
        return false;
    }
  };
  return has_events() && std::ranges::all_of(emitter_.events(), is_strategys);
}

void Core::end_turn() {
  rec::TurnEnd record;
  record.turn = turn_;
  record.outputs_crc = emitter_.outputs_crc();
  record.outputs = emitter_.outputs();
  emitter_.emit(record);
  emitter_.reset_outputs();
}

bool Core::apply_input(const Frame& frame) {
  const auto source = frame.header->source;
  switch (frame.type()) {
    case RecordType::MARKET_DATAGRAM: {
      const auto& record = *frame.as<rec::MarketDatagram>();
      const auto bytes = frame.tail<rec::MarketDatagram>().first(record.size_bytes);
      return market_->apply_datagram(FeedId{source}, bytes);
    }
    case RecordType::MARKET_MESSAGE: {
      const auto& record = *frame.as<rec::MarketMessage>();
      const auto bytes = frame.tail<rec::MarketMessage>().first(record.size_bytes);
      return market_->apply_message(FeedId{source}, record, bytes);
    }
    case RecordType::FEED_STATUS:
      market_->feed_status(FeedId{source}, *frame.as<rec::FeedStatus>());
      return false;
    case RecordType::FIX_RX: {
      const auto& record = *frame.as<rec::FixRx>();
      const auto bytes = frame.tail<rec::FixRx>().first(record.size_bytes);
      fix_->received(SessionId{source}, frame.sequence(), text_view(bytes));
      return false;
    }
    case RecordType::FIX_CONNECTION: {
      const auto& record = *frame.as<rec::FixConnection>();
      const auto reason = frame.tail<rec::FixConnection>().first(record.size_bytes);
      if (fix_->is_fix(SessionId{source})) {
        fix_->connection(SessionId{source}, record, text_view(reason));
      } else {
        venue_connection(SessionId{source}, record);
      }
      return false;
    }
    case RecordType::TX_WRITTEN:
      orders_->on_written(SessionId{source}, frame.as<rec::TxWritten>()->written_sequence);
      return false;
    case RecordType::TX_WITHHELD: {
      const auto& record = *frame.as<rec::TxWithheld>();
      orders_->on_withheld(SessionId{source}, record.withheld_sequence, record.cl_ord_id);
      return false;
    }
    case RecordType::VENUE_REPORT:
      venue_report(*frame.as<rec::VenueReport>(), frame.tail<rec::VenueReport>());
      return false;
    case RecordType::OPERATOR: {
      const auto& record = *frame.as<rec::Operator>();
      Event& event = emitter_.event(EventKind::OPERATOR);
      event.values = {record.uid, record.pid, static_cast<std::int64_t>(record.command_id), now()};
      event.text = text_view(frame.tail<rec::Operator>().first(record.size_bytes));
      return false;
    }
    case RecordType::KILL:
      killed(*frame.as<rec::Kill>());
      return false;
    case RecordType::WORKER_RESULT: {
      const auto& record = *frame.as<rec::WorkerResult>();
      Event& event = emitter_.event(EventKind::WORKER_RESULT, record.strategy);
      event.values = {static_cast<std::int64_t>(record.request_id), record.status};
      event.text = text_view(frame.tail<rec::WorkerResult>().first(record.size_bytes));
      return false;
    }
    case RecordType::EPOCH:
      begin_epoch(*frame.as<rec::Epoch>());
      return false;
    default:  // TIME has done its work in advance(); definitions and marks are read by others
      return false;
  }
}

void Core::venue_connection(SessionId session, const rec::FixConnection& record) {
  const bool up = static_cast<ConnectionEvent>(record.event) == ConnectionEvent::CONNECTED;
  venues_[index(session)]->set_connected(up);
  if (!up) orders_->on_connection_lost(session, record.last_written);
  emitter_.event(EventKind::SESSION).values = {index(session), up, up, now()};
}

void Core::venue_report(const rec::VenueReport& record, std::span<const std::byte> payload) {
  const auto read = [&](auto report) {
    std::memcpy(&report, payload.data(), sizeof report);
    report.raw_sequence = emitter_.cause();
    return report;
  };
  switch (static_cast<RecordType>(record.type)) {
    case RecordType::EXECUTION:
      return orders_->on_execution(read(rec::Execution{}));
    case RecordType::POSITIONS_ANSWERED: {
      const auto answer = read(rec::PositionsAnswered{});
      positions_->acknowledged(SessionId{record.session},
                               {answer.request,
                                answer.result,
                                answer.status,
                                static_cast<std::int64_t>(answer.reports),
                                {}});
      return;
    }
    case RecordType::VENUE_POSITION:
      positions_->reported(read(rec::VenuePosition{}), -1, {});
      return;
    default:
      return orders_->on_cancel_rejected(read(rec::CancelRejected{}));
  }
}

void Core::advance(Nanos now) {
  if (fix_->next_deadline() <= now) fix_->time();
  if (bars_.next_close() <= now)
    bars_.advance(now, [this](const rec::Bar& bar) { bar_closed(bar); });
  if (timers_.next_deadline() <= now) {
    timers_.advance(now, [&](const TimerFire& fire) {
      Event& event = emitter_.event(EventKind::TIMER, index(fire.strategy));
      event.values = {static_cast<std::int64_t>(fire.id), fire.deadline, now};
    });
  }
}

void Core::bar_closed(const rec::Bar& bar) {
  emitter_.emit(bar);
  for (const BarSubscription& wanted : bar_subscriptions_) {
    if (index(wanted.instrument) != bar.instrument || wanted.seconds != bar.interval_seconds) {
      continue;
    }
    Event& event = emitter_.event(EventKind::BAR, index(wanted.strategy), bar.instrument);
    event.values = {bar.interval_seconds,
                    bar.ts_open,
                    bar.open,
                    bar.high,
                    bar.low,
                    bar.close,
                    bar.volume,
                    static_cast<std::int64_t>(bar.trades),
                    std::bit_cast<std::int64_t>(bar.notional)};
  }
}

void Core::killed(const rec::Kill& record) {
  orders_->gate().apply(record);
  orders_->cancel_all({}, CancelReason::KILL);
  emitter_.event(EventKind::KILLED).values = {record.uid, now()};
}

// ------------------------------------------------------------------ what actors ask for

void Core::subscribe_bars(StrategyId strategy, InstrumentId instrument, std::uint32_t seconds) {
  bars_.subscribe(instrument, seconds);
  const BarSubscription wanted{strategy, instrument, seconds};
  const auto at = std::lower_bound(bar_subscriptions_.begin(), bar_subscriptions_.end(), wanted);
  if (at == bar_subscriptions_.end() || *at != wanted) bar_subscriptions_.insert(at, wanted);
}

void Core::forget_strategy(StrategyId strategy) {
  subscriptions_.unsubscribe_all(strategy);
  timers_.cancel_all(strategy);
  std::erase_if(bar_subscriptions_,
                [&](const auto& wanted) { return wanted.strategy == strategy; });
  for (NativeRule& rule : rules_) {
    if (rule.strategy == strategy && rule.armed) disarm_rule(strategy, rule.name);
  }
  KernelTable& kernels = market_->kernels();
  for (std::uint32_t slot = 0; slot < kernels.slots().size(); ++slot) {
    if (kernels.slots()[slot].strategy == strategy && kernels.stop(slot)) {
      log_kernel(slot, "stopped");
    }
  }
}

void Core::set_risk_state(std::uint32_t strategy, RiskState state, bool armed,
                          std::string_view reason) {
  rec::RiskState record;
  record.strategy = strategy;
  record.state = static_cast<std::uint8_t>(state);
  record.armed = armed ? 1 : 0;
  record.size_bytes = static_cast<std::uint32_t>(reason.size());
  emitter_.emit(record, 0, text_bytes(reason));
  orders_->gate().apply(record);
  Event& event = emitter_.event(EventKind::RISK_STATE, strategy);
  event.values = {record.state, record.armed, now()};
  event.text = reason;
  orders_->settle();
}

LimitStatus Core::set_limit(std::string_view name, std::uint32_t strategy, std::uint32_t instrument,
                            std::int64_t value) {
  rec::LimitChanged record;
  record.strategy = strategy;
  record.instrument = instrument;
  record.value = value;
  record.size_bytes = static_cast<std::uint32_t>(name.size());
  const LimitStatus status = orders_->gate().apply(record, name);
  if (status == LimitStatus::OK) emitter_.emit(record, 0, text_bytes(name));
  return status;
}

void Core::strategy_state(StrategyId strategy, StrategyStatus status, std::string_view json) {
  rec::StrategyState record;
  record.strategy = index(strategy);
  record.status = static_cast<std::uint32_t>(status);
  record.size_bytes = static_cast<std::uint32_t>(json.size());
  emitter_.emit(record, 0, text_bytes(json));
  orders_->gate().apply(record);
  orders_->settle();
}

void Core::worker_request(std::uint64_t request_id, StrategyId strategy, std::string_view json) {
  rec::WorkerRequest record;
  record.request_id = request_id;
  record.strategy = index(strategy);
  record.size_bytes = static_cast<std::uint32_t>(json.size());
  emitter_.emit(record, 0, text_bytes(json));
}

void Core::operator_reply(std::uint64_t command_id, std::uint32_t status, std::string_view json) {
  rec::OperatorReply record;
  record.command_id = command_id;
  record.status = status;
  record.size_bytes = static_cast<std::uint32_t>(json.size());
  emitter_.emit(record, 0, text_bytes(json));
}

void Core::reconciliation(SessionId session, std::uint32_t differences, bool accepted,
                          std::string_view json) {
  rec::Reconciliation record;
  record.session = index(session);
  record.differences = differences;
  record.size_bytes = static_cast<std::uint32_t>(json.size());
  record.accepted = accepted ? 1 : 0;
  emitter_.emit(record, 0, text_bytes(json));
  if (!accepted) return;
  orders_->accept(session);
  fix_->accept(session);
}

void Core::note(std::uint32_t strategy, std::uint32_t severity, std::string_view text) {
  rec::Note record;
  record.strategy = strategy;
  record.severity = severity;
  record.size_bytes = static_cast<std::uint32_t>(text.size());
  emitter_.emit(record, 0, text_bytes(text));
}

// ------------------------------------------------------------------ recovery

void Core::apply_fact(const Frame& frame) {
  emitter_.mute(true);
  // The turn began with what the one before had left of its datagram.
  while (market_->pending()) (void)market_->resume();
  emitter_.begin(frame.ts_core(), frame.sequence());
  switch (frame.type()) {
    case RecordType::MARKET_DATAGRAM:
    case RecordType::MARKET_MESSAGE:
    case RecordType::FEED_STATUS:
    case RecordType::EPOCH:
    case RecordType::TX_WRITTEN:
      if (apply_input(frame)) {
        while (market_->resume()) {
        }
      }
      break;
    case RecordType::KILL:
      orders_->gate().apply(*frame.as<rec::Kill>());
      break;
    case RecordType::RISK_STATE:
      orders_->gate().apply(*frame.as<rec::RiskState>());
      break;
    case RecordType::LIMIT_CHANGED: {
      const auto& record = *frame.as<rec::LimitChanged>();
      const auto name = frame.tail<rec::LimitChanged>().first(record.size_bytes);
      (void)orders_->gate().apply(record, text_view(name));
      break;
    }
    case RecordType::TURN:
      turn_ = frame.as<rec::Turn>()->turn;
      break;
    default:
      orders_->apply_fact(frame);
      fix_->apply_fact(frame);
  }
  emitter_.mute(false);
  std::erase_if(emitter_.events(), [](const Event& event) {
    return event.kind != EventKind::ORDER && event.kind != EventKind::FILL &&
           event.kind != EventKind::CANCEL_REJECTED && event.kind != EventKind::DENIED;
  });
}

void Core::begin_epoch(const rec::Epoch& record) {
  orders_->begin_epoch(record.start_number);
  // Connections and feeds of the process before are gone.
  market_->begin_epoch();
  if (emitter_.muted()) return;
  positions_->begin_epoch();
  for (const auto& venue : venues_) {
    if (venue) venue->set_connected(false);
  }
  orders_->after_recovery();
  emitter_.event(EventKind::EPOCH).values = {record.epoch, now()};
}

}  // namespace pitwire
