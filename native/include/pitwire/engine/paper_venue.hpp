// Paper mode: a session whose venue is inside the daemon and fills from the market that the core
// has applied.
//
//   core ── venue_tx ──► request ──► SimulatedVenue ──► poll: reports ──► VENUE_REPORT inputs
//   core ── market tap ─────────────────▲ (its books are the core's own, read where they stand)
//
// It belongs to the edge: what it answers is logged as input, so that replay needs no venue at all.
// Nothing of it calls the core: a change of the market only makes reports, which wait to be polled.
//
// A book that is not whole fills nobody: changes are passed on only while its state is LIVE, or a
// rebuilt book would be taken for a market that left and came back. Trades always count.
//
// The venue ends with the process. Asked for an order of an earlier run it says what is true: that
// the order ended there, with the fills that the log has, because nobody else can have had others.
// So positions go on from those of the log, and its own trades come on top.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "pitwire/engine/core.hpp"
#include "pitwire/matching/simulated_venue.hpp"

namespace pitwire {

struct PaperVenueConfig {
  SessionId session{};
  std::vector<InstrumentId> instruments;  ///< what trades there; orders in others are rejected
  Nanos order_latency_ns = 0;
  Nanos report_latency_ns = 0;
  std::uint32_t reject_one_in = 0;  ///< of new orders, cancels and replaces; 0: none
  std::uint64_t seed = 1;
  std::string exec_id_prefix = "P";  ///< at most 16 bytes, another one in each run on a log
};

class PaperVenue final : private VenueReportSink {
 public:
  /// `core` must outlive it and know the instruments. Throws std::invalid_argument with the reason.
  PaperVenue(Core& core, const PaperVenueConfig& config);
  PaperVenue(const PaperVenue&) = delete;
  PaperVenue& operator=(const PaperVenue&) = delete;

  [[nodiscard]] SessionId session() const noexcept { return session_; }
  /// What the edge has told the core of this session, and what it is to tell.
  [[nodiscard]] bool connected() const noexcept { return connected_; }
  void set_connected(bool connected) noexcept { connected_ = connected; }
  [[nodiscard]] bool enabled() const noexcept { return enabled_; }
  void enable(bool enabled) noexcept { enabled_ = enabled; }

  /// A VENUE_TX payload that the core has logged. False where it holds no request.
  [[nodiscard]] bool request(Nanos now, RecordType type, std::span<const std::byte> payload);
  void market_changed(InstrumentId instrument);
  void traded(InstrumentId instrument, std::int64_t px, std::int64_t qty, Side aggressor);
  /// Hands out the reports that are due; returns how many.
  std::size_t poll(Nanos now, VenueReportSink& sink);
  [[nodiscard]] Nanos next_deadline() const noexcept { return venue_.next_deadline(); }

 private:
  /// One of the core's books.
  class Book final : public DepthView {
   public:
    Book(const MarketDesk& desk, InstrumentId instrument) : desk_(desk), instrument_(instrument) {}
    [[nodiscard]] std::int64_t qty_at(Side side, std::int64_t px) const noexcept override;
    std::size_t levels(Side side, std::span<DepthLevel> out) const noexcept override;

   private:
    const MarketDesk& desk_;
    InstrumentId instrument_;
  };

  void report(SessionId session, RecordType type, std::span<const std::byte> payload) override;
  void remember_holdings();
  [[nodiscard]] bool trades(InstrumentId instrument) const noexcept {
    return index(instrument) < traded_here_.size() && traded_here_[index(instrument)];
  }

  Core& core_;
  SessionId session_;
  SimulatedVenue venue_;
  std::vector<bool> traded_here_;    ///< by instrument
  std::deque<Book> books_;           ///< stay where they are
  VenueReportSink* sink_ = nullptr;  ///< of the poll that runs
  bool connected_ = false;
  bool enabled_ = true;
};

}  // namespace pitwire
