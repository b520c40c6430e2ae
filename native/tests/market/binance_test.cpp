#include "pitwire/market/binance.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace pitwire {
namespace {

constexpr InstrumentId kId{2};

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string diff(std::uint64_t first, std::uint64_t last, std::int64_t previous, const char* bids,
                 const char* asks = "") {
  auto text = std::string(R"({"e":"depthUpdate","E":1700000000001,"s":"BTCUSDT","U":)") +
              std::to_string(first) + ",\"u\":" + std::to_string(last);
  if (previous >= 0) text += ",\"pu\":" + std::to_string(previous);
  return text + ",\"b\":[" + bids + "],\"a\":[" + asks + "]}";
}

std::string snapshot(std::uint64_t last) {
  return "{\"lastUpdateId\":" + std::to_string(last) +
         R"(,"bids":[["100.0","1.000"]],"asks":[["101.0","2.000"]]})";
}

std::string ticker(std::uint64_t id, const char* bid_qty) {
  return R"({"e":"bookTicker","E":1700000000001,"s":"BTCUSDT","u":)" + std::to_string(id) +
         R"(,"b":"100.0","B":")" + bid_qty + R"(","a":"101.0","A":"2.000"})";
}

struct Told : MarketListener {
  void on_book(InstrumentId, bool) { ++books; }
  void on_gap(InstrumentId) { ++gaps; }
  void on_ticker(InstrumentId, const BookTicker& t) { ticker = t; }
  void on_trade(InstrumentId, std::int64_t p, std::int64_t q, Side side, Nanos ts) {
    px = p, qty = q, aggressor = side, at = ts;
  }
  int books = 0, gaps = 0;
  void on_comparison(InstrumentId, const TopComparison& found) { compared.push_back(found); }
  std::vector<TopComparison> compared;
  BookTicker ticker;
  std::int64_t px = 0, qty = 0;
  Side aggressor = Side::NONE;
  Nanos at = 0;
};

class Binance : public ::testing::TestWithParam<BinanceKind> {
 protected:
  explicit Binance(BinanceKind kind = BinanceKind::SPOT) : market_(make(kind)) {}
  static BinanceMarket make(BinanceKind kind) {
    BinanceMarket market;
    market.map_symbol("btcusdt", kId, {1, 1}, {1, 3}, kind);
    return market;
  }
  DecodeStatus send(const std::string& text) { return market_.on_message(bytes_of(text), told_); }
  DecodeStatus snap(std::uint64_t last) {
    return market_.on_snapshot(kId, bytes_of(snapshot(last)), told_);
  }
  const Top& top() { return market_.book(kId).top(); }
  BinanceMarket market_;
  Told told_;
};

class Spot : public Binance {};
class Futures : public Binance {
 protected:
  Futures() : Binance(BinanceKind::USDM) {}
};

TEST_F(Spot, TheDiffThatStraddlesTheSnapshotMayComeBeforeIt) {
  EXPECT_EQ(send(diff(1, 9, -1, R"(["99.0","5"])")), DecodeStatus::BUFFERED);
  EXPECT_EQ(send(diff(10, 12, -1, R"(["100.0","0"],["99.5","3"])")), DecodeStatus::BUFFERED);
  EXPECT_EQ(market_.state(kId), BookState::RECOVERING);
  EXPECT_EQ(snap(10), DecodeStatus::OK);
  EXPECT_EQ(market_.state(kId), BookState::LIVE);
  EXPECT_EQ(market_.update_id(kId), 12U);
  EXPECT_EQ(top().bid_px, 995) << "without the straddling diff 100.0 would be a phantom";
  EXPECT_EQ(market_.book(kId).level_count(Side::BUY), 1U) << "the older diff does not count";
}

TEST_F(Spot, ContinuityIsByUpdateIdAndABreakNeedsASnapshot) {
  EXPECT_EQ(snap(10), DecodeStatus::OK);
  EXPECT_EQ(send(diff(8, 10, -1, R"(["90.0","1"])")), DecodeStatus::STALE);
  EXPECT_EQ(send(diff(11, 12, -1, R"(["100.5","1"])")), DecodeStatus::OK);
  EXPECT_EQ(top().bid_px, 1005);
  EXPECT_EQ(send(diff(14, 15, -1, R"(["100.6","1"])")), DecodeStatus::GAP);
  EXPECT_EQ(told_.gaps, 1);
  EXPECT_EQ(market_.state(kId), BookState::RECOVERING);
  EXPECT_EQ(top().bid_px, 1005) << "nothing of the broken chain was applied";
  EXPECT_EQ(send(diff(16, 17, -1, R"(["100.7","1"])")), DecodeStatus::BUFFERED);
  EXPECT_EQ(snap(12), DecodeStatus::GAP) << "that snapshot is older than the break";
  EXPECT_EQ(snap(13), DecodeStatus::OK);
  EXPECT_EQ(top().bid_px, 1007);
  EXPECT_EQ(market_.gaps(kId), 2U);
}

TEST_F(Spot, AnOlderSnapshotNeverTakesALiveBookBack) {
  snap(10);
  send(diff(11, 12, -1, R"(["100.5","1"])"));
  EXPECT_EQ(snap(11), DecodeStatus::STALE);
  EXPECT_EQ(top().bid_px, 1005);
}

TEST_F(Futures, BookAndTickerAreComparedAtTheSameUpdateIdWhicheverComesFirst) {
  snap(10);
  send(ticker(13, "7.000"));  // inside 11..15: a book that we never have
  send(ticker(15, "3.000"));
  EXPECT_TRUE(told_.compared.empty()) << "the book has not come so far";
  send(diff(11, 15, 9, R"(["100.0","3"])"));
  ASSERT_EQ(told_.compared.size(), 1U);
  EXPECT_EQ(told_.compared[0].update_id, 15U);
  send(diff(20, 25, 15, R"(["100.0","4"])"));
  send(ticker(25, "4.000"));
  EXPECT_EQ(told_.compared.size(), 2U);
  send(diff(26, 30, 25, R"(["100.0","5"])"));
  send(diff(31, 35, 30, R"(["100.0","6"])"));
  send(ticker(30, "5.000"));  // late: the book has gone on
  EXPECT_EQ(told_.compared.size(), 3U);
  EXPECT_EQ(market_.check(kId).compared(), 3U);
  EXPECT_EQ(market_.check(kId).different(), 0U);
}

TEST_F(Futures, ADifferenceIsToldWithBothSidesAndADistrustedBookWaitsForASnapshot) {
  snap(10);
  send(diff(11, 15, 9, R"(["100.0","3"])"));
  send(ticker(15, "3.001"));
  ASSERT_EQ(told_.compared.size(), 1U);
  EXPECT_TRUE(told_.compared[0].different());
  EXPECT_EQ(told_.compared[0].book, (Touch{1000, 3000, 1010, 2000}));
  EXPECT_EQ(told_.compared[0].announced, (Touch{1000, 3001, 1010, 2000}));
  EXPECT_EQ(market_.check(kId).different(), 1U);
  EXPECT_EQ(market_.state(kId), BookState::LIVE) << "what to do about it is the listener's";
  market_.distrust(kId);
  EXPECT_EQ(market_.state(kId), BookState::RECOVERING);
  EXPECT_EQ(send(diff(16, 20, 15, R"(["100.0","4"])")), DecodeStatus::BUFFERED);
  EXPECT_EQ(snap(18), DecodeStatus::OK);
  EXPECT_EQ(market_.state(kId), BookState::LIVE);
}

TEST_F(Futures, TickersThatWaitForASnapshotAreComparedWithEachBookThatItBridges) {
  send(diff(11, 15, 9, R"(["100.0","3"])"));
  send(ticker(12, "1.000"));
  send(ticker(15, "3.000"));
  send(diff(16, 20, 15, R"(["100.0","4"])"));
  send(ticker(20, "4.000"));
  snap(12);
  EXPECT_EQ(told_.compared.size(), 3U) << "the snapshot, and both differences";
  EXPECT_EQ(market_.check(kId).different(), 0U);
}

TEST_F(Futures, AnotherConnectionsTickersMayBeginLower) {
  snap(1000);
  send(ticker(1005, "1.000"));
  market_.disconnected();
  EXPECT_EQ(send(ticker(12, "1.000")), DecodeStatus::OK);
  snap(12);
  EXPECT_EQ(told_.compared.size(), 1U);
}

TEST_F(Futures, TickersBeyondTheLimitGoUncomparedOldestFirst) {
  snap(1);
  constexpr auto kMore = TickerCheck::kWaitingMax + 2;
  for (std::uint64_t id = 2; id < 2 + kMore; ++id) send(ticker(id, "1.000"));
  for (std::uint64_t id = 2; id < 2 + kMore; ++id)
    send(diff(id, id, static_cast<std::int64_t>(id) - 1, ""));
  EXPECT_EQ(told_.compared.size(), TickerCheck::kWaitingMax);
  EXPECT_EQ(told_.compared[0].update_id, 4U);
}

TEST_F(Futures, WhatWaitsAndTheCountsAreSaved) {
  snap(10);
  send(diff(11, 15, 9, R"(["100.0","3"])"));
  send(ticker(15, "3.001"));
  send(ticker(20, "4.000"));
  std::vector<std::byte> bytes;
  ByteWriter out(bytes);
  market_.save(out);
  market_ = make(BinanceKind::USDM);
  ByteReader in(bytes);
  ASSERT_TRUE(market_.restore(in));
  EXPECT_EQ(in.left(), 0U);
  send(diff(16, 20, 15, R"(["100.0","4"])"));
  EXPECT_EQ(market_.check(kId).compared(), 2U);
  EXPECT_EQ(market_.check(kId).different(), 1U);
}

TEST_F(Futures, ContinuityIsByPreviousUpdateId) {
  EXPECT_EQ(send(diff(5, 9, 4, R"(["99.0","5"])")), DecodeStatus::BUFFERED);
  EXPECT_EQ(send(diff(11, 15, 9, R"(["100.0","0"],["99.5","3"])")), DecodeStatus::BUFFERED);
  EXPECT_EQ(snap(12), DecodeStatus::OK);
  EXPECT_EQ(top().bid_px, 995);
  EXPECT_EQ(send(diff(20, 25, 15, R"(["99.6","1"])")), DecodeStatus::OK) << "ids may skip, pu not";
  EXPECT_EQ(send(diff(30, 35, 26, R"(["99.7","1"])")), DecodeStatus::GAP);
  EXPECT_EQ(told_.gaps, 1);
}

TEST_F(Futures, ASnapshotThatDoesNotBridgeIsAGap) {
  EXPECT_EQ(send(diff(20, 25, 19, R"(["99.6","1"])")), DecodeStatus::BUFFERED);
  EXPECT_EQ(snap(12), DecodeStatus::GAP);
  EXPECT_EQ(market_.buffered(kId), 1U) << "kept for the next snapshot";
  EXPECT_EQ(snap(22), DecodeStatus::OK);
  EXPECT_EQ(top().bid_px, 1000);
}

TEST_F(Spot, WhatIsInexactIsRefusedWholeWithItsReason) {
  snap(10);
  const Top before = top();
  EXPECT_EQ(send(diff(11, 12, -1, R"(["100.5","1"],["100.55","1"])")), DecodeStatus::INEXACT);
  EXPECT_EQ(market_.reason(), "price \"100.55\": INEXACT");
  EXPECT_EQ(top(), before);
  EXPECT_EQ(send(diff(11, 12, -1, R"(["100.5","-1"])")), DecodeStatus::OUT_OF_RANGE);
  EXPECT_EQ(send(diff(11, 12, -1, R"(["100.5","1"])")), DecodeStatus::OK) << "and can come again";
}

TEST_F(Spot, TradesAndTickersAreTold) {
  send(R"({"stream":"x","data":{"e":"trade","E":5,"s":"BTCUSDT","t":1,"p":"100.50000000",)"
       R"("q":"0.00200000","T":7,"m":true,"M":true}})");
  EXPECT_EQ(told_.px, 1005);
  EXPECT_EQ(told_.qty, 2);
  EXPECT_EQ(told_.aggressor, Side::SELL) << "the buyer was the maker";
  EXPECT_EQ(told_.at, 7 * kMillisecond);
  send(R"({"u":400,"s":"BTCUSDT","b":"25.3","B":"31.21","a":"25.4","A":"40.66"})");
  EXPECT_EQ(told_.ticker.update_id, 400U);
  EXPECT_EQ(told_.ticker.bid_px, 253);
  EXPECT_EQ(told_.ticker.ask_qty, 40660);
  EXPECT_EQ(send(R"({"e":"trade","s":"BTCUSDT","p":"1","q":"1","m":true,"X":"INSURANCE_FUND"})"),
            DecodeStatus::SKIPPED);
}

TEST_F(Spot, OtherSymbolsEventsAndAnswersAreSkipped) {
  EXPECT_EQ(send(R"({"result":null,"id":1})"), DecodeStatus::SKIPPED);
  EXPECT_EQ(send(R"({"e":"24hrTicker","s":"BTCUSDT","p":{"x":[1,2,{}]},"b":"1"})"),
            DecodeStatus::MALFORMED)
      << "p is a value in every event that Binance documents";
  EXPECT_EQ(send(R"({"e":"kline","s":"BTCUSDT","k":{"x":[1,2,{}]}})"), DecodeStatus::SKIPPED);
  EXPECT_EQ(send(R"({"e":"trade","s":"OTHER","p":"1"})"), DecodeStatus::SKIPPED);
  EXPECT_EQ(send(snapshot(3)), DecodeStatus::SKIPPED);
}

TEST_F(Spot, MalformedTextIsRefusedWithItsPlace) {
  for (const char* text : {"", "x", "{", "[]", "{\"e\"", "{\"e\":}", "{\"e\":\"depthUpdate\"",
                           "{}x", R"({"e":"depthUpdate","s":"BTCUSDT","b":[["1"]],"a":[]})",
                           R"({"b":[[["1","2"]]]})", R"({"data":{"data":{"e":"trade"}}})"}) {
    EXPECT_EQ(send(text), DecodeStatus::MALFORMED) << text;
    EXPECT_NE(market_.reason().find("at byte"), std::string::npos) << market_.reason();
  }
  EXPECT_EQ(send(R"({"e":"depthUpdate","s":"BTCUSDT","U":3,"u":2,"b":[],"a":[]})"),
            DecodeStatus::MALFORMED);
  std::string deep(5000, '[');
  EXPECT_EQ(send("{\"k\":" + deep), DecodeStatus::MALFORMED);
  EXPECT_EQ(market_.reason().find("nested too deeply"), 0U);
}

TEST_F(Spot, DamagedMessagesNeverCrashAndNeverBreakTheBook) {
  std::mt19937_64 random(17);
  snap(10);
  const auto good = diff(11, 12, -1, R"(["100.5","1"],["99.1","2"])", R"(["101.5","1"])");
  for (int i = 0; i < 50'000; ++i) {
    auto text = good.substr(0, random() % (good.size() + 1));
    for (auto n = random() % 4; n > 0 && !text.empty(); --n) {
      text[random() % text.size()] = static_cast<char>(random() % 256);
    }
    (void)send(text);
    (void)market_.on_snapshot(kId, bytes_of(text), told_);
  }
  const auto& book = market_.book(kId);
  std::vector<Level> bids(64);
  bids.resize(book.levels(Side::BUY, bids));
  for (std::size_t i = 1; i < bids.size(); ++i) EXPECT_LT(bids[i].px, bids[i - 1].px);
}

TEST_F(Futures, SavedStateRestoresBooksAndBuffers) {
  snap(10);
  send(diff(9, 12, 8, R"(["100.5","1"])"));
  send(diff(30, 35, 26, R"(["99.7","1"])"));  // a gap: now recovering with one diff kept
  std::vector<std::byte> saved;
  ByteWriter writer(saved);
  market_.save(writer);
  auto other = make(BinanceKind::USDM);
  ByteReader reader(saved);
  ASSERT_TRUE(other.restore(reader));
  EXPECT_EQ(other.book(kId).top(), top());
  EXPECT_EQ(other.state(kId), BookState::RECOVERING);
  EXPECT_EQ(other.on_snapshot(kId, bytes_of(snapshot(31)), told_), DecodeStatus::OK);
  EXPECT_EQ(other.update_id(kId), 35U);
  for (std::size_t size = 0; size < saved.size(); size += 7) {
    ByteReader cut{std::span(saved).first(size)};
    EXPECT_FALSE(other.restore(cut));
    EXPECT_EQ(other.state(kId), BookState::EMPTY);
  }
}

TEST_F(Futures, ALostConnectionWaitsForASnapshot) {
  snap(10);
  market_.disconnected();
  EXPECT_EQ(market_.state(kId), BookState::RECOVERING);
  EXPECT_EQ(send(diff(9, 12, 8, R"(["100.5","1"])")), DecodeStatus::BUFFERED);
  EXPECT_EQ(snap(11), DecodeStatus::OK);
}

TEST_F(Futures, TheBufferIsBounded) {
  for (std::uint64_t i = 0; i < kBufferedMax + 5; ++i) {
    send(diff(2 * i + 2, 2 * i + 2, static_cast<std::int64_t>(2 * i), R"(["99.0","5"])"));
  }
  EXPECT_EQ(market_.buffered(kId), kBufferedMax);
}

TEST(BinanceMapping, MistakesAreRefused) {
  BinanceMarket market;
  market.map_symbol("A", InstrumentId{0}, {1, 2}, {1, 0}, BinanceKind::SPOT);
  EXPECT_THROW(market.map_symbol("a", InstrumentId{1}, {1, 2}, {1, 0}, BinanceKind::SPOT),
               std::invalid_argument);
  EXPECT_THROW(market.map_symbol("B", InstrumentId{0}, {1, 2}, {1, 0}, BinanceKind::SPOT),
               std::invalid_argument);
  EXPECT_THROW(market.map_symbol("", InstrumentId{2}, {1, 2}, {1, 0}, BinanceKind::SPOT),
               std::invalid_argument);
  Told told;
  EXPECT_EQ(market.on_snapshot(InstrumentId{9}, bytes_of("{}"), told), DecodeStatus::NO_INSTRUMENT);
}

}  // namespace
}  // namespace pitwire
