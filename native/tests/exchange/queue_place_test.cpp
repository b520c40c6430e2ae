// The place that a reader's book keeps of its own orders is the one in the exchange's own queue,
// all day long: orders found by the reference in their reports, after every action of the market.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "../rounds.hpp"
#include "pitwire/exchange/itch_publisher.hpp"
#include "pitwire/market/itch_market.hpp"
#include "pitwire/matching/agents.hpp"
#include "pitwire/matching/order_gateway.hpp"

namespace pitwire {
namespace {

constexpr InstrumentId kStock{0};

struct Client final : ReportSink {
  explicit Client(ItchMarket& followed) : market(followed) {}

  void execution(const VenueReport& report) override {
    auto& id = names[report.cl_ord_id];
    if (id == 0) id = report.orig_cl_ord_id != 0 ? names[report.orig_cl_ord_id] : report.cl_ord_id;
    if (report.leaves_qty == 0) {
      working.erase(id);
      return market.forget(kStock, id);
    }
    working[id] = report.cl_ord_id;
    references[id] = report.order_id;
    market.follow({.id = id,
                   .instrument = kStock,
                   .side = report.side,
                   .px = report.price,
                   .qty = report.leaves_qty,
                   .reference = report.order_id});
  }
  void cancel_rejected(const VenueCancelReject&) override {}
  void mass_cancel_done(const VenueMassCancelReport&) override {}
  void positions(const VenueHoldings&) override {}

  ItchMarket& market;
  std::map<ClOrdId, ClOrdId> names;             ///< first ClOrdID by any
  std::map<ClOrdId, ClOrdId> working;           ///< newest ClOrdID by the first
  std::map<ClOrdId, std::uint64_t> references;  ///< by the first
};

class Day {
 public:
  explicit Day(std::uint64_t seed) : random_(seed), client_(market_) {
    market_.map_symbol("ABCD", kStock, 100);
    publisher_.open(0, engine_);
    agents_.open(0);
    heard();
  }

  void act() {
    now_ = std::max(now_, agents_.next_due());
    agents_.advance(now_, 1);
    if (random_() % 4 == 0) request();
    heard();
  }
  /// How many places were compared; -1 where one differed.
  int compare() {
    int compared = 0;
    std::map<std::pair<Side, std::int64_t>, std::pair<std::int64_t, std::int64_t>> ahead;
    for (const auto side : {Side::BUY, Side::SELL}) {
      engine_.for_each_resting(kStock, side, [&](const VenueOrder& order) {
        auto& [qty, orders] = ahead[{side, order.price}];
        if (order.owner == kOwner) {
          const auto place = market_.book(kStock).place(client_.names[names_by_slot(order)]);
          const QueuePlace expected{QueueState::EXACT, qty, orders};
          if (place != expected) compared = -1'000'000;
          ++compared;
        }
        qty += order.leaves_qty;
        ++orders;
      });
    }
    return compared;
  }
  std::size_t orders() const { return client_.names.size(); }

 private:
  static constexpr OwnerId kOwner = 1;

  /// The client's name for an order in the engine's book.
  ClOrdId names_by_slot(const VenueOrder& order) {
    for (const auto& [first, newest] : client_.working) {
      if (in_engine(first, order)) return newest;
    }
    return 0;
  }
  bool in_engine(ClOrdId first, const VenueOrder& order) {
    return of_client_[first] == order.client;
  }
  void request() {
    VenueRequest request;
    request.instrument = kStock;
    const auto kind = random_() % 10;
    if (kind < 5 || client_.working.empty()) {
      if (client_.working.size() >= 12) return;
      request.cl_ord_id = ++last_;
      request.side = random_() % 2 == 0 ? Side::BUY : Side::SELL;
      request.order_qty = 1 + static_cast<std::int64_t>(random_() % 300);
      request.price = near(request.side);
      gateway_.handle(now_, request);
      const auto* made = engine_.find(client_.references[last_]);
      if (made != nullptr) of_client_[last_] = made->client;
      return;
    }
    const auto each = std::next(client_.working.begin(),
                                static_cast<std::ptrdiff_t>(random_() % client_.working.size()));
    request.orig_cl_ord_id = each->second;
    request.cl_ord_id = ++last_;
    request.kind = kind < 8 ? RequestKind::REPLACE : RequestKind::CANCEL;
    for (const auto side : {Side::BUY, Side::SELL}) {
      engine_.for_each_resting(kStock, side, [&](const VenueOrder& order) {
        if (order.owner == kOwner && in_engine(each->first, order)) request.side = side;
      });
    }
    request.price = near(request.side);
    request.order_qty = 1 + static_cast<std::int64_t>(random_() % 300);
    gateway_.handle(now_, request);
  }
  std::int64_t near(Side side) {
    Top top = market_.book(kStock).top();
    const auto away = static_cast<std::int64_t>(random_() % 4);
    return side == Side::BUY ? top.bid_px - away : top.ask_px + away;
  }
  void heard() {
    publisher_.settle(now_);
    for (; read_ < history_.next_sequence(); ++read_) {
      (void)market_.apply_message(history_.at(read_), listener_);
    }
  }
  static AgentMarketConfig agents_config() {
    AgentMarketConfig made;
    made.instruments.resize(1);
    made.seed = 42;
    return made;
  }

  std::mt19937_64 random_;
  ItchMarket market_;
  MarketListener listener_;
  Client client_;
  MessageHistory history_{1 << 17};
  MatchingEngine engine_{{VenueInstrument{}}, 10'000};
  ItchPublisher publisher_{{ItchInstrument{"ABCD"}}, history_};
  OrderGateway gateway_{engine_, {FeeSchedule{}}, 100'000, client_, &publisher_};
  AgentMarket agents_{agents_config(), engine_, gateway_};
  Nanos now_ = 0;
  std::uint64_t read_ = 1;
  ClOrdId last_ = 0;
  std::map<ClOrdId, std::uint64_t> of_client_;  ///< the gateway's place by the first name
};

TEST(QueuePlace, Of_a_readers_orders_is_that_in_the_exchanges_own_queue_after_every_event) {
  testing::in_rounds(40'000, 20'000, [](std::uint64_t seed, std::uint64_t events) {
    Day day(seed);
    std::uint64_t compared = 0;
    for (std::uint64_t i = 0; i < events; ++i) {
      day.act();
      const int places = day.compare();
      ASSERT_GE(places, 0) << "event " << i;
      compared += static_cast<std::uint64_t>(places);
    }
    EXPECT_GT(compared, events);
    EXPECT_GT(day.orders(), events / 20);
  });
}

}  // namespace
}  // namespace pitwire
