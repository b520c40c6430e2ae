#include "pitwire/matching/simulated_venue.hpp"

#include <stdexcept>
#include <variant>

namespace pitwire {
namespace {

constexpr std::size_t kPrefixMax = 16;
constexpr std::int64_t kNoFeeStated = std::numeric_limits<std::int64_t>::min();

std::vector<VenueInstrument> rules_of(const SimulatedVenueConfig& config) {
  std::vector<VenueInstrument> rules;
  for (const auto& instrument : config.instruments) rules.push_back(instrument.rules);
  return rules;
}

std::vector<FeeSchedule> fees_of(const SimulatedVenueConfig& config) {
  std::vector<FeeSchedule> fees;
  for (const auto& instrument : config.instruments) fees.push_back(instrument.fees);
  return fees;
}

}  // namespace

/// Reports on their way out.
class SimulatedVenue::Reports final : public ReportSink {
 public:
  explicit Reports(const SimulatedVenueConfig& config)
      : way_out(config.latency_out, config.seed + 1), prefix_(config.exec_id_prefix) {
    if (prefix_.size() > kPrefixMax) {
      throw std::invalid_argument("exec_id_prefix longer than 16 bytes: " + prefix_);
    }
    for (const auto& instrument : config.instruments)
      states_fees_.push_back(instrument.states_fees);
  }

  using Report =
      std::variant<rec::Execution, rec::CancelRejected, rec::PositionsAnswered, rec::VenuePosition>;
  Nanos now = 0;  ///< of the requests being handled
  DelayLine<Report> way_out;

  void execution(const VenueReport& report) override {
    auto record = to_record(report, prefix_);
    const bool states = record.instrument < states_fees_.size() && states_fees_[record.instrument];
    if (!states) record.fee = kNoFeeStated;
    way_out.push(report.transact_time, record);
  }
  void cancel_rejected(const VenueCancelReject& reject) override {
    way_out.push(reject.transact_time, to_record(reject));
  }
  void mass_cancel_done(const VenueMassCancelReport&) override {}  // each order has its own report
  void positions(const VenueHoldings& holdings) override {
    way_out.push(now, to_record(holdings));
    for (const auto& position : holdings.positions) {
      way_out.push(now, to_record(holdings, position));
    }
  }

 private:
  std::string prefix_;
  std::vector<bool> states_fees_;
};

SimulatedVenue::SimulatedVenue(const SimulatedVenueConfig& config)
    : reports_(std::make_unique<Reports>(config)),
      matcher_(rules_of(config), config.orders_max),
      gateway_(matcher_, fees_of(config), config.orders_max, *reports_),
      random_(config.seed),
      rejects_per_million_(config.rejects_per_million),
      way_in_(config.latency_in, config.seed + 2) {}

SimulatedVenue::~SimulatedVenue() = default;

void SimulatedVenue::attach(InstrumentId instrument, const DepthView* book) noexcept {
  matcher_.attach(instrument, book);
}

bool SimulatedVenue::on_request(Nanos now, RecordType type, std::span<const std::byte> payload) {
  VenueRequest request;
  if (!read_request(type, payload, request)) return false;
  way_in_.push(now, request);
  return true;
}

void SimulatedVenue::on_book(Nanos now, InstrumentId instrument) {
  matcher_.on_book(now, instrument, gateway_);
}

void SimulatedVenue::on_trade(Nanos now, InstrumentId instrument, std::int64_t px, std::int64_t qty,
                              Side aggressor) {
  matcher_.on_trade(now, instrument, px, qty, aggressor, gateway_);
}

void SimulatedVenue::on_trading(Nanos now, InstrumentId instrument, TradingState state) {
  matcher_.set_trading(now, instrument, state, gateway_);
}

void SimulatedVenue::arrive(Nanos now, const VenueRequest& request) {
  reports_->now = now;
  if (refusable(request.kind) && random_.happens(rejects_per_million_)) {
    gateway_.refuse(now, request, VenueReject::RANDOM);
  } else {
    gateway_.handle(now, request);
  }
}

std::size_t SimulatedVenue::poll(Nanos now, VenueReportSink& sink) {
  matcher_.expire(now, gateway_);
  way_in_.drain(now, [this](Nanos due, const VenueRequest& request) { arrive(due, request); });
  return reports_->way_out.drain(now, [&sink](Nanos, const Reports::Report& report) {
    std::visit(
        [&sink](const auto& record) {
          sink.report(SessionId{record.session}, record.kType,
                      std::as_bytes(std::span(&record, 1)));
        },
        report);
  });
}

Nanos SimulatedVenue::next_deadline() const noexcept {
  return std::min(way_in_.next_due(), reports_->way_out.next_due());
}

void SimulatedVenue::remember(SessionId session, InstrumentId instrument, std::int64_t signed_qty,
                              std::int64_t px) {
  gateway_.remember(session, instrument, signed_qty, px);
}

std::uint64_t SimulatedVenue::reports_made() const noexcept { return gateway_.reports_made(); }

}  // namespace pitwire
