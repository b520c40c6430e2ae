// The deterministic core: a function of its inputs.
//
// Every input is a record with a sequence and a time. `apply` does all of its native consequences
// before it returns: decode, book, signals, native rules, risk, order table, sessions, outputs in
// the log. What strategies and actors are to hear is left as events, for the Python phase.
//
//   live     Edge polls the world, appends each input to the log and calls apply.
//   replay   the log's inputs are applied again and every output is compared with the log.
//   recovery as replay up to the last turn that ended; behind it the log's facts are applied.
//
// A turn. `begin_turn`, inputs, `end_native_phase` (logs TURN when the Python phase has something
// to do), the Python phase, `end_turn` (logs TURN_END with a hash of all outputs so far).
// One thread. Nothing here reads a clock or touches a descriptor.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pitwire/base/shared_object.hpp"
#include "pitwire/engine/emitter.hpp"
#include "pitwire/engine/fix_desk.hpp"
#include "pitwire/engine/market_desk.hpp"
#include "pitwire/engine/native_rules.hpp"
#include "pitwire/engine/order_desk.hpp"
#include "pitwire/engine/position_desk.hpp"
#include "pitwire/engine/timers.hpp"

namespace pitwire {

struct CoreConfig {
  std::size_t instruments_max = 8192;
  OrderDeskConfig orders;
};

/// A session inside the daemon: orders go to the simulated venue through the egress.
class VenueRoute;

class Core final : public MarketObserver {
 public:
  Core(Journal& journal, Egress& egress, const CoreConfig& config);
  ~Core() override;

  // ---- definitions, before the first input; ids dense and in order
  void define_feed(FeedId feed, FeedKind kind, Nanos midnight_offset_ns);
  void define_instrument(const Instrument& instrument, FeedId feed, std::string_view feed_symbol,
                         const SignalConfig& signals);
  void define_strategy(StrategyId strategy, std::string_view name);
  /// Machine code of a strategy's: a shared object with the function kKernelEntry. Throws
  /// std::runtime_error where it cannot be loaded, std::invalid_argument as KernelTable::define.
  void define_kernel(StrategyId strategy, const std::string& name, std::size_t state_size,
                     std::size_t parameters_size, std::span<const std::byte> object);
  static constexpr const char* kKernelEntry = "pitwire_kernel";
  /// `symbology` names the instruments as the venue does.
  void define_fix_session(const FixSessionConfig& config, std::unique_ptr<FixSymbology> symbology,
                          const SessionRules& rules);
  void define_venue_session(SessionId session, const SessionRules& rules);

  // ---- the turn
  void begin_turn() noexcept;
  /// Applies one INPUT. True when the native phase must end here.
  bool apply(const Frame& frame);
  /// Goes on with what the last turn left of a datagram; true as apply().
  bool resume();
  /// f(rule, its market) for each rule that may send orders.
  template <class F>
  void for_each_armed_rule(F&& f) const {
    for (const NativeRule& rule : rules_) {
      if (rule.armed && !rule.is_trigger()) f(rule, market_->slot(rule.instrument));
    }
  }
  [[nodiscard]] bool pending() const noexcept { return market_->pending(); }
  /// True when the Python phase has something to do: the caller then logs TURN and runs it.
  [[nodiscard]] bool python_wanted() const noexcept;
  /// Wakes conflated subscribers: their events are those of the newest state.
  void begin_python_phase(bool ended_early);
  [[nodiscard]] std::vector<Event> take_events();
  /// The same into memory that is used again.
  void take_events(std::vector<Event>& out);
  [[nodiscard]] bool has_events() const noexcept { return emitter_.has_events(); }
  /// There are events, and all of them tell strategies of books, trades, timers or own orders.
  [[nodiscard]] bool tells_only_strategies() const noexcept;
  void end_turn();
  [[nodiscard]] std::uint64_t turn() const noexcept { return turn_; }
  [[nodiscard]] Nanos now() const noexcept { return emitter_.now(); }

  /// When a TIME input is due though nothing happens: timers, bars, sessions.
  [[nodiscard]] Nanos next_deadline() const noexcept;
  /// Tells an edge (the simulated venue) of the market as the core applies it; may not call back.
  void set_market_tap(MarketObserver* tap) noexcept { tap_ = tap; }

  // ---- what actors ask for; inside the Python phase
  [[nodiscard]] OrderDesk& orders() noexcept { return *orders_; }
  [[nodiscard]] PositionDesk& positions() noexcept { return *positions_; }
  [[nodiscard]] const PositionDesk& positions() const noexcept { return *positions_; }
  [[nodiscard]] MarketDesk& market() noexcept { return *market_; }
  [[nodiscard]] FixDesk& fix() noexcept { return *fix_; }
  [[nodiscard]] Subscriptions& subscriptions() noexcept { return subscriptions_; }
  [[nodiscard]] TimerQueue& timers() noexcept { return timers_; }
  [[nodiscard]] const InstrumentRegistry& instruments() const noexcept { return instruments_; }
  void subscribe_bars(StrategyId strategy, InstrumentId instrument, std::uint32_t seconds);
  /// Subscriptions, bars, timers and rules of a strategy that stopped.
  void forget_strategy(StrategyId strategy);
  void arm_rule(NativeRule rule);
  bool disarm_rule(StrategyId strategy, std::string_view name);
  /// As KernelTable::run, with its record in the log.
  void run_kernel(std::uint32_t slot, std::span<const double> parameters);
  void set_risk_state(std::uint32_t strategy, RiskState state, bool armed, std::string_view reason);
  /// False where the limit does not exist or not at this scope.
  LimitStatus set_limit(std::string_view name, std::uint32_t strategy, std::uint32_t instrument,
                        std::int64_t value);
  void strategy_state(StrategyId strategy, StrategyStatus status, std::string_view json);
  void worker_request(std::uint64_t request_id, StrategyId strategy, std::string_view json);
  void operator_reply(std::uint64_t command_id, std::uint32_t status, std::string_view json);
  void reconciliation(SessionId session, std::uint32_t differences, bool accepted,
                      std::string_view json);
  void note(std::uint32_t strategy, std::uint32_t severity, std::string_view text);
  [[nodiscard]] bool session_logged_on(SessionId session) const;
  /// A simulated session speaks no protocol: while it is connected, these open and close it.
  void session_logon(SessionId session);
  void session_logout(SessionId session, std::string_view reason);

  // ---- recovery and checkpoints
  /// Behind the last turn that ended: market inputs are applied, outputs are taken as facts, and
  /// nothing is emitted. What became of orders is told in the first turn of the next epoch.
  void apply_fact(const Frame& frame);
  /// Forget what the facts would have told: no strategy that knows these orders will run.
  void forget_events() noexcept { emitter_.events().clear(); }
  /// Only between turns, with nothing pending.
  void save(std::vector<std::byte>& out) const;
  [[nodiscard]] bool restore(std::span<const std::byte> in);
  /// Of the same bytes, also of another build: orders, positions, what the gate knows beside its
  /// configuration, and FIX numbers, for a process under another configuration or other code that
  /// takes what was logged behind them as facts. False, and nothing usable, where they do not fit.
  [[nodiscard]] bool restore_facts(std::span<const std::byte> in);
  /// Nothing waits for a next turn, and no session is in the middle of something: `save` holds all.
  [[nodiscard]] bool settled() const noexcept {
    return !pending() && !python_wanted() && fix_->settled();
  }

 private:
  void market_changed(InstrumentId instrument) override;
  void state_changed(InstrumentId instrument) override;
  void traded(InstrumentId instrument, std::int64_t px, std::int64_t qty, Side aggressor) override;
  void kernel_failed(std::uint32_t slot) override;
  void look_at_rules(InstrumentId instrument);
  [[nodiscard]] double value_of(const NativeRule& rule) const noexcept;
  void log_kernel(std::uint32_t slot, std::string_view reason);
  void advance(Nanos now);
  void bar_closed(const rec::Bar& bar);
  void fire(NativeRule& rule);
  void trigger(NativeRule& rule);
  void log_rule(const NativeRule& rule, std::string_view reason);
  void killed(const rec::Kill& record);
  void begin_epoch(const rec::Epoch& record);
  void save_facts(ByteWriter& out) const;
  [[nodiscard]] std::optional<ByteReader> begin_restored(ByteReader& in);
  void save_reactions(ByteWriter& out) const;
  [[nodiscard]] bool restore_reactions(ByteReader& in);
  bool apply_input(const Frame& frame);
  [[nodiscard]] VenueRoute* venue_at(SessionId session) const noexcept;
  void open_venue(SessionId session, bool open);
  void venue_connection(SessionId session, const rec::FixConnection& record);
  void venue_report(const rec::VenueReport& record, std::span<const std::byte> payload);

  std::vector<SharedObject> objects_;  ///< outlives what calls into them
  Emitter emitter_;
  MarketObserver* tap_ = nullptr;
  InstrumentRegistry instruments_;
  Subscriptions subscriptions_;
  BarBuilder bars_;
  TimerQueue timers_;
  std::unique_ptr<MarketDesk> market_;
  std::unique_ptr<OrderDesk> orders_;
  std::unique_ptr<PositionDesk> positions_;
  std::unique_ptr<FixDesk> fix_;
  std::vector<std::unique_ptr<VenueRoute>> venues_;  ///< by session id, null for FIX
  std::vector<NativeRule> rules_;
  struct BarSubscription {
    StrategyId strategy{};
    InstrumentId instrument{};
    std::uint32_t seconds{};
    auto operator<=>(const BarSubscription&) const = default;
  };
  std::vector<BarSubscription> bar_subscriptions_;
  std::vector<std::string> strategies_;
  std::uint64_t turn_ = 0;
  bool inputs_in_turn_ = false;
};

}  // namespace pitwire
