// Everything a matcher says, as lines of text: tests compare and read them.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "pitwire/matching/venue_order.hpp"

namespace pitwire::testing {

/// References are written as the order's client number, so that expectations can be read.
class EventText final : public VenueSink {
 public:
  std::vector<std::string> lines;

  void accepted(Nanos, const VenueOrder& o) override { say("accepted", o); }
  void rejected(Nanos, const VenueOrder& o, VenueReject why) override {
    lines.push_back("rejected " + std::to_string(o.client) + ": " + std::string(to_text(why)));
  }
  void rested(Nanos, const VenueOrder& o) override { say("rested", o); }
  void traded(const VenueTrade& t) override {
    std::ostringstream out;
    out << "traded #" << t.match_number << " " << t.qty << "@" << t.price << " passive "
        << t.passive.client << " aggressor " << t.aggressor.client;
    lines.push_back(out.str());
  }
  void reduced(Nanos, const VenueOrder& o, std::int64_t qty) override {
    say("reduced by " + std::to_string(qty), o);
  }
  void replaced(Nanos, const VenueOrder& o, OrderRef) override { say("replaced", o); }
  void canceled(Nanos, const VenueOrder& o, CancelCause cause, bool) override {
    say("canceled (" + std::string(to_text(cause)) + ")", o);
  }
  void triggered(Nanos, const VenueOrder& o) override { say("triggered", o); }
  void trading(Nanos, InstrumentId, TradingState state) override {
    lines.push_back("trading " + std::to_string(static_cast<int>(state)));
  }

  /// All lines since the last call.
  std::vector<std::string> take() { return std::exchange(lines, {}); }

 private:
  void say(const std::string& what, const VenueOrder& o) {
    std::ostringstream out;
    out << what << " " << o.client << " " << o.leaves_qty << "@" << o.price;
    lines.push_back(out.str());
  }
};

}  // namespace pitwire::testing
