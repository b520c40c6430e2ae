// The simulated exchange: order entry, matching, market data, in one thread and one call.
//
// Two kinds of market. *Agents*: seeded agents trade on the matching engine, the market is
// published as ITCH over MoldUDP64. *Capture*: a recorded Binance market is replayed, orders are
// matched against it by recorded_matcher.hpp, and its messages are handed to whoever serves
// WebSocket.
//
// poll(now) does everything that is due and returns; epoll fds and next_deadline() say when to call
// it again. Order of work in a poll: requests first, then the market, then what goes out, so that
// an order is acknowledged before the trades of the same poll are published.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pitwire/exchange/capture_market.hpp"
#include "pitwire/exchange/fix_acceptor.hpp"
#include "pitwire/exchange/itch_publisher.hpp"
#include "pitwire/exchange/mold_server.hpp"
#include "pitwire/matching/agents.hpp"

namespace pitwire {

struct ExchangeInstrument {
  std::string symbol;
  Decimal price_increment{1, 2};
  Decimal qty_increment{1, 0};
  VenueInstrument rules;
  FeeSchedule fees;
  AgentInstrument agent;
};

struct ExchangeConfig {
  std::vector<ExchangeInstrument> instruments;  ///< ids dense from 0
  FixAcceptorConfig fix;                        ///< its instruments are filled in from these
  std::string trades_path;                      ///< empty: no record is written
  std::string reports_path;                     ///< of every execution report; empty: none
  std::uint32_t orders_max = 1 << 20;           ///< live at once, agents' included
  std::uint32_t client_orders_max = 1 << 17;    ///< remembered
  std::uint64_t seed = 1;
  // Agents
  AgentMix mix;
  double actions_per_second = 2'000;
  std::optional<MoldServerConfig> mold;
  std::size_t history_messages = 1 << 20;
  // Capture, instead of agents, where it names symbols
  std::vector<CaptureSymbol> capture;  ///< symbol i is instrument i
  double capture_speed = 1;            ///< recorded seconds a second, 0: as fast as possible
  bool capture_align_start = false;    ///< see CaptureMarket
};

/// Totals since the start.
struct ExchangeCounts {
  std::uint64_t requests = 0;
  std::uint64_t reports = 0;
  std::uint64_t trades_recorded = 0;
  std::uint64_t actions = 0;
  std::uint64_t messages = 0;
  std::uint64_t matches = 0;
  std::uint64_t datagrams = 0;
  std::uint64_t datagrams_refused = 0;
  std::uint64_t retransmitted = 0;
  std::uint64_t capture_lines = 0;
  std::uint64_t capture_refused = 0;
};

class Exchange {
 public:
  /// Opens every socket; throws std::invalid_argument with key and reason.
  Exchange(const ExchangeConfig& config, Nanos now);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  /// Does what is due; returns how much (0: idle). Time does not fall: an earlier `now` counts as
  /// the last one.
  std::size_t poll(Nanos now);
  /// When poll must be called next at the latest.
  [[nodiscard]] Nanos next_deadline() const noexcept;
  /// What to watch for readability.
  [[nodiscard]] std::vector<int> fds() const;

  /// Announces the end: FIX logouts, end of the ITCH session. Poll on until `!anyone_connected()`.
  void shut_down(Nanos now);
  [[nodiscard]] bool anyone_connected() const noexcept { return fix_->anyone_connected(); }

  /// The state of every book as a snapshot server sends it, 'G' with the sequence to go on from at
  /// its end; empty without ITCH. First sends what is pending, so that the sequence is right.
  [[nodiscard]] std::string snapshot(Nanos now);
  /// Session name of the ITCH feed, 10 characters; empty where there is none.
  [[nodiscard]] std::string mold_session() const;
  [[nodiscard]] std::uint64_t next_sequence() const noexcept;
  [[nodiscard]] std::uint16_t retransmission_port() const noexcept;

  /// Capture only: applies recorded lines that are due, see CaptureMarket::advance. Orders that
  /// they fill are reported by the next poll.
  std::size_t advance_capture(Nanos now, std::size_t lines_max, std::vector<StreamMessage>& out);
  [[nodiscard]] CaptureMarket* capture() noexcept;

  /// False where the symbol is unknown.
  bool set_trading(Nanos now, const std::string& symbol, TradingState state);
  /// Drops a client's connection; false where the session is unknown.
  bool drop(const std::string& target_comp_id);

  /// What a venue does unasked, to the client with this CompID; the instrument by its symbol.
  bool provoke(Nanos now, const std::string& target_comp_id, const std::string& symbol,
               VenueProvocation what);
  /// The client is not told of its next `count` trades; false where the session is unknown.
  bool withhold(const std::string& target_comp_id, std::uint32_t count);

  [[nodiscard]] FixAcceptor& fix() noexcept { return *fix_; }
  [[nodiscard]] const MatchingEngine* engine() const noexcept;
  [[nodiscard]] ExchangeCounts counts() const noexcept;

 private:
  struct Recorded;
  struct Simulated;
  void publish();
  /// By its CompID; null where there is none.
  [[nodiscard]] const FixSessionConfig* session_of(
      const std::string& target_comp_id) const noexcept;

  ExchangeConfig config_;
  TradeJournal journal_;
  ReportJournal report_journal_;
  std::unique_ptr<FixAcceptor> fix_;
  std::unique_ptr<Recorded> recorded_;
  std::unique_ptr<Simulated> simulated_;
  OrderGateway* gateway_ = nullptr;  ///< of whichever market there is
  Nanos now_ = 0;
  bool closing_ = false;
};

}  // namespace pitwire
