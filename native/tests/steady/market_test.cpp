// Feeds into books.
#include <string>
#include <vector>

#include "../../bench/itch_day.hpp"
#include "hook.hpp"
#include "pitwire/market/binance.hpp"
#include "pitwire/market/itch_market.hpp"

namespace pitwire::testing {
namespace {

TEST(Steady, ItchIntoBooks) {
  const auto made = bench::DayMaker({100'000, 50, 10'000}).make();
  ItchMarket market(1 << 15);
  for (std::uint32_t i = 0; i < made.symbols.size(); ++i) {
    market.map_symbol(made.symbols[i], InstrumentId{i}, 100);
  }
  MarketListener nobody;
  const auto day = [&] { (void)market.apply_messages(made.bytes, nobody); };
  day();  // the sides' arrays grow to what the day needs
  market.clear_all(0);
  EXPECT_TRUE(is_steady([&] {
    market.clear_all(0);
    day();
  }));
  EXPECT_GT(market.store().size(), 5'000U);
  EXPECT_EQ(market.count(DecodeStatus::OK) + market.count(DecodeStatus::SKIPPED),
            2 * made.messages);
}

/// Diffs that follow each other, now and then a trade and the venue's own best prices.
std::vector<std::string> messages_of_a_day(std::uint64_t count) {
  std::vector<std::string> out;
  for (std::uint64_t id = 101; id < 101 + count; ++id) {
    const auto number = std::to_string(id);
    const auto price = std::to_string(90 + id % 10);
    const auto qty = std::to_string(id % 3);
    out.push_back(R"({"e":"depthUpdate","E":1700000000001,"s":"BTCUSDT","U":)" + number +
                  ",\"u\":" + number + ",\"b\":[[\"" + price + ".5\",\"" + qty +
                  "\"]],\"a\":[[\"101.0\",\"2.5\"],[\"1" + price + ".0\",\"" + qty + "\"]]}");
    if (id % 5 == 0) {
      out.push_back(R"({"e":"trade","E":1,"s":"BTCUSDT","t":)" + number +
                    R"(,"p":"100.5","q":"0.1","T":1700000000001,"m":true})");
    }
    if (id % 7 == 0) {
      out.push_back(R"({"e":"bookTicker","u":)" + number +
                    R"(,"s":"BTCUSDT","b":"1.0","B":"1","a":"2.0","A":"1"})");
    }
  }
  return out;
}

TEST(Steady, BinanceJsonIntoABook) {
  constexpr InstrumentId kId{0};
  BinanceMarket market;
  market.map_symbol("btcusdt", kId, {1, 1}, {1, 3}, BinanceKind::SPOT);
  MarketListener nobody;
  const std::string snapshot = R"({"lastUpdateId":100,"bids":[["90.0","1"]],"asks":[["120","1"]]})";
  const auto bytes_of = [](const std::string& text) { return std::as_bytes(std::span(text)); };
  ASSERT_EQ(market.on_snapshot(kId, bytes_of(snapshot), nobody), DecodeStatus::OK);
  const auto messages = messages_of_a_day(3'000);
  std::size_t next = 0;
  const auto some = [&] {
    for (const auto end = next + messages.size() / 3; next < end; ++next) {
      (void)market.on_message(bytes_of(messages[next]), nobody);
    }
  };
  some();
  EXPECT_TRUE(is_steady(some));
  EXPECT_EQ(market.state(kId), BookState::LIVE);
  EXPECT_GT(market.update_id(kId), 1'500U);
}

}  // namespace
}  // namespace pitwire::testing
