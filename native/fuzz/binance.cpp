// Binance's JSON: a line a message, snapshots known by what they look like, to two books; the first
// byte says what kind of market they are of.
#include "pitwire/market/binance.hpp"

#include "market_checks.hpp"

namespace pitwire::fuzz {
namespace {

constexpr InstrumentId kSpot{0}, kOther{1};

struct Listener : MarketListener {
  void on_trade(InstrumentId, std::int64_t, std::int64_t qty, Side, Nanos) {
    require(qty >= 0, "a trade is of something");
  }
};

BinanceMarket market_of(BinanceKind kind) {
  BinanceMarket market;
  market.map_symbol("btcusdt", kSpot, {1, 2}, {1, 3}, kind);
  market.map_symbol("ethusdt", kOther, {5, 1}, {1, 0}, kind);
  return market;
}

}  // namespace

void run(Bytes input) {
  if (input.empty()) return;
  const auto kind = static_cast<BinanceKind>(std::to_integer<unsigned>(input[0]) % 3);
  input = input.subspan(1);
  auto market = market_of(kind);
  Listener listener;
  while (!input.empty()) {
    const auto line = take_until(input, '\n');
    if (BinanceMarket::is_snapshot(line)) {
      (void)market.on_snapshot(kSpot, line, listener);
    } else {
      (void)market.on_message(line, listener);
    }
    require(market.buffered(kSpot) <= kBufferedMax, "the buffer has a limit");
  }
  for (const auto id : {kSpot, kOther}) {
    if (market.state(id) == BookState::LIVE) check_book(market.book(id));
  }
  auto fresh = market_of(kind);
  check_saved(market, fresh);
}

}  // namespace pitwire::fuzz
