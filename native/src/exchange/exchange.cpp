#include "pitwire/exchange/exchange.hpp"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <stdexcept>
#include <utility>

namespace pitwire {
namespace {

constexpr std::uint32_t kActionsPerPoll = 20'000;
constexpr std::size_t kSequenceDigits = 20;
constexpr std::int64_t kItchIncrementScale = 4;

std::int64_t power_of_ten(int exponent) noexcept {
  std::int64_t power = 1;
  for (; exponent > 0; --exponent) power *= 10;
  return power;
}

/// The increment in units of 0.0001; 0 where it is no multiple of that.
std::int64_t increment_e4(const Decimal& increment) noexcept {
  if (increment.scale <= kItchIncrementScale) {
    return increment.coefficient * power_of_ten(kItchIncrementScale - increment.scale);
  }
  const auto divisor = power_of_ten(increment.scale - static_cast<int>(kItchIncrementScale));
  return increment.coefficient % divisor == 0 ? increment.coefficient / divisor : 0;
}

DecimalStep step_of(const Decimal& increment) noexcept {
  return {increment.coefficient, static_cast<std::int8_t>(-increment.scale)};
}

std::vector<std::string> names_of(const std::vector<FixSessionConfig>& sessions) {
  std::vector<std::string> names;
  for (const auto& session : sessions) names.push_back(session.target_comp_id);
  return names;
}

ReportJournal report_journal_of(const ExchangeConfig& config) {
  std::vector<JournalInstrument> instruments;
  for (const auto& made : config.instruments) {
    instruments.push_back({made.symbol, IncrementScale(made.price_increment),
                           IncrementScale(made.qty_increment), IncrementScale({1, 0})});
  }
  return ReportJournal(config.reports_path, std::move(instruments), names_of(config.fix.sessions),
                       config.fix.exec_id_prefix);
}

TradeJournal journal_of(const ExchangeConfig& config) {
  std::vector<JournalInstrument> instruments;
  for (const auto& made : config.instruments) {
    if (made.fees.fee_exponent > 0 || made.fees.fee_exponent < -kDecimalScaleMax) {
      throw std::invalid_argument("instrument " + made.symbol +
                                  ": fee_exponent must be in [-18, 0]");
    }
    instruments.push_back({made.symbol, IncrementScale(made.price_increment),
                           IncrementScale(made.qty_increment),
                           IncrementScale({1, -made.fees.fee_exponent})});
  }
  return TradeJournal(config.trades_path, std::move(instruments), names_of(config.fix.sessions),
                      config.fix.exec_id_prefix);
}

FixAcceptorConfig fix_of(const ExchangeConfig& config) {
  auto fix = config.fix;
  fix.seed = config.seed;
  if (!fix.instruments.empty()) return fix;
  std::vector<FixInstrument> plain;
  for (const auto& made : config.instruments) {
    plain.push_back({made.rules.id,
                     made.symbol,
                     step_of(made.price_increment),
                     step_of(made.qty_increment),
                     {1, static_cast<std::int8_t>(made.fees.fee_exponent)}});
  }
  fix.instruments.assign(fix.sessions.size(), plain);
  return fix;
}

std::vector<VenueInstrument> rules_of(const ExchangeConfig& config) {
  std::vector<VenueInstrument> rules;
  for (const auto& made : config.instruments) rules.push_back(made.rules);
  return rules;
}

std::vector<FeeSchedule> fees_of(const ExchangeConfig& config) {
  std::vector<FeeSchedule> fees;
  for (const auto& made : config.instruments) fees.push_back(made.fees);
  return fees;
}

std::vector<ItchInstrument> itch_of(const ExchangeConfig& config) {
  std::vector<ItchInstrument> stocks;
  for (const auto& made : config.instruments) {
    stocks.push_back({made.symbol, increment_e4(made.price_increment), made.rules.lot});
  }
  return stocks;
}

AgentMarketConfig agents_of(const ExchangeConfig& config) {
  AgentMarketConfig agents;
  agents.mix = config.mix;
  agents.actions_per_second = config.actions_per_second;
  agents.seed = config.seed;
  for (const auto& made : config.instruments) agents.instruments.push_back(made.agent);
  return agents;
}

}  // namespace

/// The market of a capture: what is matched against it.
struct Exchange::Recorded {
  Recorded(const ExchangeConfig& config, ReportSink& reports)
      : matcher(rules_of(config), config.orders_max),
        gateway(matcher, fees_of(config), config.client_orders_max, reports),
        market(config.capture, config.capture_speed, config.capture_align_start, matcher, gateway) {
  }
  RecordedMatcher matcher;
  OrderGateway gateway;
  CaptureMarket market;
};

/// The market of agents: a matching engine, those who trade on it, and its feed.
struct Exchange::Simulated {
  Simulated(const ExchangeConfig& config, ReportSink& reports)
      : history(config.history_messages),
        engine(rules_of(config), config.orders_max),
        itch(itch_of(config), history),
        gateway(engine, fees_of(config), config.client_orders_max, reports, &itch),
        agents(agents_of(config), engine, gateway) {
    if (config.mold) mold.emplace(*config.mold, history);
  }
  MessageHistory history;
  MatchingEngine engine;
  ItchPublisher itch;
  OrderGateway gateway;
  AgentMarket agents;
  std::optional<MoldServer> mold;
  bool more_to_send = false;
};

Exchange::Exchange(const ExchangeConfig& config, Nanos now)
    : config_(config),
      journal_(journal_of(config)),
      report_journal_(report_journal_of(config)),
      fix_(std::make_unique<FixAcceptor>(fix_of(config), journal_, report_journal_, now)),
      now_(now) {
  if (!config.capture.empty()) {
    if (config.capture.size() != config.instruments.size()) {
      throw std::invalid_argument("capture: one symbol an instrument is needed");
    }
    recorded_ = std::make_unique<Recorded>(config, *fix_);
    gateway_ = &recorded_->gateway;
  } else {
    simulated_ = std::make_unique<Simulated>(config, *fix_);
    gateway_ = &simulated_->gateway;
    simulated_->itch.open(now, simulated_->engine);
    simulated_->agents.open(now);
    simulated_->itch.settle(now);
  }
  for (const auto& trade : journal_.earlier()) {
    gateway_->remember(trade.session, trade.instrument, trade.signed_qty, trade.px);
  }
  fix_->attach(*gateway_);
}

Exchange::~Exchange() = default;

// ---------------------------------------------------------------- driving

std::size_t Exchange::poll(Nanos now) {
  now_ = std::max(now_, now);
  auto done = fix_->poll(now_);
  if (simulated_ && !closing_) {
    simulated_->engine.expire(now_, *gateway_);
    done += simulated_->agents.advance(now_, kActionsPerPoll);
  }
  if (recorded_) recorded_->matcher.expire(now_, *gateway_);
  done += fix_->send_due(now_);
  publish();
  return done;
}

void Exchange::publish() {
  if (!simulated_) return;
  simulated_->itch.settle(now_);
  if (simulated_->mold && !closing_) simulated_->more_to_send = simulated_->mold->poll(now_);
}

std::size_t Exchange::advance_capture(Nanos now, std::size_t lines_max,
                                      std::vector<StreamMessage>& out) {
  now_ = std::max(now_, now);
  return recorded_ ? recorded_->market.advance(now_, lines_max, out) : 0;
}

Nanos Exchange::next_deadline() const noexcept {
  auto soonest = fix_->next_deadline();
  if (recorded_) soonest = std::min(soonest, recorded_->market.next_due());
  if (!simulated_ || closing_) return soonest;
  if (simulated_->more_to_send) return now_;
  soonest = std::min(soonest, simulated_->agents.next_due());
  if (simulated_->mold) soonest = std::min(soonest, now_ + config_.mold->heartbeat_ns);
  return soonest;
}

std::vector<int> Exchange::fds() const {
  std::vector<int> fds{fix_->epoll_fd()};
  if (simulated_ && simulated_->mold) fds.push_back(simulated_->mold->fd());
  return fds;
}

void Exchange::shut_down(Nanos now) {
  if (std::exchange(closing_, true)) return;
  now_ = std::max(now_, now);
  fix_->logout(now_, "exchange is closing");
  if (!simulated_) return;
  simulated_->itch.close(now_);
  if (simulated_->mold) simulated_->mold->close(now_);
}

// ---------------------------------------------------------------- services

std::string Exchange::snapshot(Nanos now) {
  if (!simulated_) return {};
  now_ = std::max(now_, now);
  simulated_->itch.settle(now_);
  std::string out;
  simulated_->itch.snapshot(now_, simulated_->engine, out);
  char sequence[kSequenceDigits + 1];
  std::snprintf(sequence, sizeof sequence, "%20llu",
                static_cast<unsigned long long>(simulated_->history.next_sequence()));
  out += '\0';
  out += static_cast<char>(kSequenceDigits + 1);
  out += 'G';
  out.append(sequence, kSequenceDigits);
  return out;
}

std::string Exchange::mold_session() const {
  if (!simulated_ || !simulated_->mold) return {};
  const auto& session = simulated_->mold->session();
  return {session.begin(), session.end()};
}

std::uint64_t Exchange::next_sequence() const noexcept {
  return simulated_ ? simulated_->history.next_sequence() : 0;
}

std::uint16_t Exchange::retransmission_port() const noexcept {
  return simulated_ && simulated_->mold ? simulated_->mold->retransmission_port()
                                        : std::uint16_t{0};
}

bool Exchange::set_trading(Nanos now, const std::string& symbol, TradingState state) {
  now_ = std::max(now_, now);
  for (const auto& made : config_.instruments) {
    if (made.symbol != symbol) continue;
    if (simulated_) simulated_->engine.set_trading(now_, made.rules.id, state, *gateway_);
    if (recorded_) recorded_->matcher.set_trading(now_, made.rules.id, state, *gateway_);
    return true;
  }
  return false;
}

const FixSessionConfig* Exchange::session_of(const std::string& target_comp_id) const noexcept {
  const auto is = [&](const auto& each) { return each.target_comp_id == target_comp_id; };
  const auto found = std::ranges::find_if(config_.fix.sessions, is);
  return found == config_.fix.sessions.end() ? nullptr : &*found;
}

bool Exchange::drop(const std::string& target_comp_id) {
  const auto* session = session_of(target_comp_id);
  if (session != nullptr) fix_->drop(session->id, "asked for");
  return session != nullptr;
}

bool Exchange::withhold(const std::string& target_comp_id, std::uint32_t count) {
  const auto* session = session_of(target_comp_id);
  if (session != nullptr) fix_->withhold(session->id, count);
  return session != nullptr;
}

bool Exchange::provoke(Nanos now, const std::string& target_comp_id, const std::string& symbol,
                       VenueProvocation what) {
  now_ = std::max(now_, now);
  const auto* session = session_of(target_comp_id);
  if (session == nullptr) return false;
  what.session = session->id;
  what.instrument = InstrumentId{kNoId};
  for (const auto& made : config_.instruments) {
    if (made.symbol == symbol) what.instrument = made.rules.id;
  }
  const bool trades = what.kind == Provocation::TRADE;
  if (trades && (index(what.instrument) == kNoId || what.side == Side::NONE)) return false;
  return gateway_->provoke(now_, what);
}

CaptureMarket* Exchange::capture() noexcept { return recorded_ ? &recorded_->market : nullptr; }

const MatchingEngine* Exchange::engine() const noexcept {
  return simulated_ ? &simulated_->engine : nullptr;
}

ExchangeCounts Exchange::counts() const noexcept {
  ExchangeCounts counts;
  counts.requests = fix_->requests();
  counts.reports = fix_->reports();
  counts.trades_recorded = journal_.lines();
  if (recorded_) {
    counts.capture_lines = recorded_->market.lines();
    counts.capture_refused = recorded_->market.refused();
  }
  if (!simulated_) return counts;
  counts.actions = simulated_->agents.actions();
  counts.messages = simulated_->history.next_sequence() - 1;
  counts.matches = simulated_->engine.last_match_number();
  if (!simulated_->mold) return counts;
  counts.datagrams = simulated_->mold->datagrams();
  counts.datagrams_refused = simulated_->mold->refused();
  counts.retransmitted = simulated_->mold->retransmitted();
  return counts;
}

}  // namespace pitwire
