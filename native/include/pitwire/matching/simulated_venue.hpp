// The venue inside the daemon, for paper mode and backtests: orders are matched against the market
// data that the daemon receives (recorded_matcher.hpp has the rules).
//
// It is an edge, not a part of the core: requests are VENUE_TX payloads that the core has logged,
// reports are EXECUTION, CANCEL_REJECTED and position payloads that come back as VENUE_REPORT
// inputs. Time is passed in, so a backtest is deterministic: the same calls make the same reports.
//
//   on_request(now)  → way in (`latency_in`) → matched when poll(t >= due), at that moment's book
//                    → way out (`latency_out`) → given to the sink by poll(t >= due)
//
// Call order in a turn: on_book / on_trade as market data is applied (they may fill working
// orders), then poll. A daemon that restarts finds a venue that knows no order: a status question
// is answered so.
//
// Fees: where an instrument states rates, reports carry a fee in the instrument's money unit; else
// the lowest int64, and the daemon's own rule books it.
#pragma once

#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "pitwire/matching/delay_line.hpp"
#include "pitwire/matching/order_gateway.hpp"
#include "pitwire/matching/recorded_matcher.hpp"

namespace pitwire {

/// One instrument of the simulated venue; ids are dense from 0.
struct SimulatedInstrument {
  VenueInstrument rules;
  FeeSchedule fees;
  bool states_fees = false;
};

struct SimulatedVenueConfig {
  std::vector<SimulatedInstrument> instruments;
  Latency latency_in;
  Latency latency_out;
  std::uint64_t seed = 1;
  std::int64_t rejects_per_million = 0;  ///< of new orders, cancels and replaces
  std::uint32_t orders_max = 65'536;
  std::string exec_id_prefix = "SIM";  ///< at most 16 bytes: makes ExecIDs of two runs differ
};

/// Takes reports; `payload` is a whole rec::Execution, rec::CancelRejected, rec::PositionsAnswered
/// or rec::VenuePosition (in an answer: as many as that says), valid during the call.
class VenueReportSink {
 public:
  virtual ~VenueReportSink() = default;
  virtual void report(SessionId session, RecordType type, std::span<const std::byte> payload) = 0;
};

class SimulatedVenue {
 public:
  /// Throws std::invalid_argument with what is wrong.
  explicit SimulatedVenue(const SimulatedVenueConfig& config);
  ~SimulatedVenue();
  SimulatedVenue(const SimulatedVenue&) = delete;
  SimulatedVenue& operator=(const SimulatedVenue&) = delete;

  /// The book that orders are matched against; must outlive the venue and stay where it is.
  void attach(InstrumentId instrument, const DepthView* book) noexcept;

  /// A VENUE_TX payload's tail: ORDER_SUBMITTED, CANCEL_REQUESTED, REPLACE_REQUESTED,
  /// STATUS_REQUESTED, MASS_CANCEL_REQUESTED or POSITIONS_REQUESTED. False where the type is
  /// another or the bytes are too few.
  [[nodiscard]] bool on_request(Nanos now, RecordType type, std::span<const std::byte> payload);
  /// The attached book has changed. Two loads where nothing works on the instrument.
  void on_book(Nanos now, InstrumentId instrument);
  void on_trade(Nanos now, InstrumentId instrument, std::int64_t px, std::int64_t qty,
                Side aggressor);
  /// A trade of before this process: counts for positions.
  void remember(SessionId session, InstrumentId instrument, std::int64_t signed_qty,
                std::int64_t px);
  void on_trading(Nanos now, InstrumentId instrument, TradingState state);

  /// Matches what has arrived, then hands out the reports that are due; returns how many.
  std::size_t poll(Nanos now, VenueReportSink& sink);
  /// When poll must be called next; maximum int64 while nothing is under way.
  [[nodiscard]] Nanos next_deadline() const noexcept;
  [[nodiscard]] std::uint64_t reports_made() const noexcept;

 private:
  class Reports;
  void arrive(Nanos now, const VenueRequest& request);

  std::unique_ptr<Reports> reports_;
  RecordedMatcher matcher_;
  OrderGateway gateway_;
  Random random_;
  std::int64_t rejects_per_million_;
  DelayLine<VenueRequest> way_in_;
};

/// A report as the record that the log holds. `prefix` makes the ExecID unique over runs of the
/// venue.
[[nodiscard]] rec::Execution to_record(const VenueReport& report, std::string_view prefix) noexcept;
[[nodiscard]] rec::CancelRejected to_record(const VenueCancelReject& reject) noexcept;
[[nodiscard]] rec::PositionsAnswered to_record(const VenueHoldings& holdings) noexcept;
[[nodiscard]] rec::VenuePosition to_record(const VenueHoldings& holdings,
                                           const ClientPosition& position) noexcept;
/// The request that a VENUE_TX payload holds; false where it holds none.
[[nodiscard]] bool read_request(RecordType type, std::span<const std::byte> payload,
                                VenueRequest& out) noexcept;

}  // namespace pitwire
