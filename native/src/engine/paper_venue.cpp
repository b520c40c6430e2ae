#include "pitwire/engine/paper_venue.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace pitwire {
namespace {

constexpr std::int64_t kPerMillion = 1'000'000;
constexpr std::uint32_t kUnknownOrder = 5;  // FIX tag 103
constexpr std::string_view kEndedText = "ended with the process that simulated it";
constexpr std::int64_t kPriceMax = std::int64_t{1} << 52;

VenueInstrument rules_of(const InstrumentRegistry& instruments, InstrumentId id, bool here) {
  const Instrument& instrument = instruments[id];
  VenueInstrument rules;
  rules.id = id;
  // Where steps differ by price, the gate has applied them already.
  rules.tick = std::max<std::int64_t>(1, instruments.row(id).step);
  rules.lot = instrument.lot;
  rules.price_max = kPriceMax;
  rules.price_min = instrument.allows_nonpositive_price ? -kPriceMax : 1;
  if (!here) rules.order_qty_max = 0;
  return rules;
}

SimulatedVenueConfig venue_config(const InstrumentRegistry& instruments,
                                  const PaperVenueConfig& config) {
  SimulatedVenueConfig out;
  for (std::uint32_t i = 0; i < instruments.size(); ++i) {
    const InstrumentId id{i};
    const bool here = std::ranges::find(config.instruments, id) != config.instruments.end();
    // No fee is stated: the daemon's own rule, which is the configured one, books it.
    out.instruments.push_back({rules_of(instruments, id, here), {}, false});
  }
  out.latency_in.base_ns = config.order_latency_ns;
  out.latency_out.base_ns = config.report_latency_ns;
  out.seed = config.seed;
  out.rejects_per_million = config.reject_one_in == 0 ? 0 : kPerMillion / config.reject_one_in;
  out.exec_id_prefix = config.exec_id_prefix;
  return out;
}

bool knows_no_such_order(const rec::Execution& record) noexcept {
  return static_cast<ExecType>(record.exec_type) == ExecType::ORDER_STATUS &&
         static_cast<OrdStatus>(record.ord_status) == OrdStatus::REJECTED &&
         record.reject_reason == kUnknownOrder;
}

/// The answer for an order of an earlier run of the venue.
void say_ended(rec::Execution& record, const Order& order) noexcept {
  record.ord_status = static_cast<std::uint8_t>(OrdStatus::CANCELED);
  record.reject_reason = 0;
  record.price = order.price;
  record.order_qty = order.qty_there();
  record.cum_qty = order.cum_there();
  record.leaves_qty = 0;
  record.text = {};
  kEndedText.copy(record.text.data(), record.text.size() - 1);
}

}  // namespace

std::int64_t PaperVenue::Book::qty_at(Side side, std::int64_t px) const noexcept {
  return desk_.qty_at(instrument_, side, px);
}

std::size_t PaperVenue::Book::levels(Side side, std::span<DepthLevel> out) const noexcept {
  Level found[kDepthMax];
  const auto wanted = std::min(out.size(), kDepthMax);
  const auto count = desk_.levels(instrument_, side, std::span(found, wanted));
  for (std::size_t i = 0; i < count; ++i) out[i] = {found[i].px, found[i].qty};
  return count;
}

PaperVenue::PaperVenue(Core& core, const PaperVenueConfig& config)
    : core_(core),
      session_(config.session),
      venue_(venue_config(core.instruments(), config)),
      traded_here_(core.instruments().size()) {
  if (config.order_latency_ns < 0 || config.report_latency_ns < 0) {
    throw std::invalid_argument("a latency is negative");
  }
  for (const InstrumentId instrument : config.instruments) {
    if (!core.instruments().known(instrument)) {
      throw std::invalid_argument("instrument " + std::to_string(index(instrument)) +
                                  " is not defined");
    }
    if (trades(instrument)) continue;
    traded_here_[index(instrument)] = true;
    books_.emplace_back(core.market(), instrument);
    venue_.attach(instrument, &books_.back());
  }
  remember_holdings();
}

// What was traded before this run of the venue only the log knows, so it is the daemon's word.
void PaperVenue::remember_holdings() {
  for (std::uint32_t i = 0; i < core_.instruments().size(); ++i) {
    const InstrumentId instrument{i};
    const std::int64_t net = core_.orders().net_at(session_, instrument);
    if (net != 0) venue_.remember(session_, instrument, net, 0);
  }
}

bool PaperVenue::request(Nanos now, RecordType type, std::span<const std::byte> payload) {
  return venue_.on_request(now, type, payload);
}

std::size_t PaperVenue::poll(Nanos now, VenueReportSink& sink) {
  sink_ = &sink;
  return venue_.poll(now, *this);
}

void PaperVenue::report(SessionId session, RecordType type, std::span<const std::byte> payload) {
  rec::Execution record;
  if (type == RecordType::EXECUTION) std::memcpy(&record, payload.data(), sizeof record);
  const Order* order = nullptr;
  if (type == RecordType::EXECUTION && knows_no_such_order(record)) {
    order = core_.orders().table().find(record.cl_ord_id);
  }
  if (order == nullptr) return sink_->report(session, type, payload);
  say_ended(record, *order);
  sink_->report(session, type, record_bytes(record));
}

void PaperVenue::market_changed(InstrumentId instrument) {
  if (!trades(instrument)) return;
  const auto state = static_cast<BookState>(core_.market().slot(instrument).state);
  if (state == BookState::LIVE) venue_.on_book(core_.now(), instrument);
}

void PaperVenue::traded(InstrumentId instrument, std::int64_t px, std::int64_t qty,
                        Side aggressor) {
  if (trades(instrument)) venue_.on_trade(core_.now(), instrument, px, qty, aggressor);
}

}  // namespace pitwire
