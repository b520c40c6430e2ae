// The prices of a side against a map, and the lookahead against messages applied one by one.
#include "pitwire/market/side_levels.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

#include "pitwire/market/itch_market.hpp"

namespace pitwire {
namespace {

class SideLevelsTest : public ::testing::TestWithParam<Side> {
 protected:
  /// Places count from the worst price.
  struct Better {
    Side side;
    bool operator()(std::int64_t a, std::int64_t b) const {
      return side == Side::BUY ? a < b : a > b;
    }
  };
  using Plain = std::map<std::int64_t, std::uint32_t, Better>;

  static void expect_same(const SideLevels& levels, const Plain& plain) {
    ASSERT_EQ(levels.size(), plain.size());
    std::uint32_t at = 0;
    for (const auto& [px, level] : plain) {
      ASSERT_EQ(levels.px(at), px);
      ASSERT_EQ(levels.level(at), level);
      ++at;
    }
  }
};

TEST_P(SideLevelsTest, EqualAMapThroughRandomInsertionsAndRemovals) {
  constexpr int kSeed = 5;
  SCOPED_TRACE(kSeed);
  std::mt19937_64 random(kSeed);
  SideLevels levels(GetParam());
  Plain plain(Better{GetParam()});
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    const auto width = i % 4'000 < 2'000 ? 400U : 12U;  // deep, then shallow
    const auto px = static_cast<std::int64_t>(random() % width) - 6;
    const auto place = levels.place(px);
    ASSERT_EQ(place, std::distance(plain.begin(), plain.lower_bound(px)));
    ASSERT_EQ(levels.has(place, px), plain.contains(px));
    const bool near = levels.size() - place < 16;
    ASSERT_EQ(levels.place_near(px), near ? place : levels.size());
    if (!plain.contains(px)) {
      levels.insert(place, px, i);
      plain.emplace(px, i);
    } else if (random() % 2 == 0) {
      levels.erase(place);
      plain.erase(px);
    }
    if (i % 100 == 0) expect_same(levels, plain);
    if (!plain.empty()) {
      ASSERT_EQ(levels.best_px(), plain.rbegin()->first);
      ASSERT_EQ(levels.best_level(), plain.rbegin()->second);
    }
  }
  SideLevels moved(std::move(levels));
  expect_same(moved, plain);
}

INSTANTIATE_TEST_SUITE_P(Sides, SideLevelsTest, ::testing::Values(Side::BUY, Side::SELL));

struct Touches : MarketListener {
  std::uint64_t seen = 0;
  void on_book(InstrumentId instrument, bool changed) noexcept {
    seen = seen * 31 + index(instrument) * 2 + (changed ? 1 : 0);
  }
};

/// Messages in blocks: sound ones, and here and there one that is cut, unknown or of nobody.
std::vector<std::byte> stream(int messages) {
  constexpr int kSeed = 6;
  std::mt19937_64 random(kSeed);
  std::vector<std::byte> out;
  const auto put = [&](auto message, std::size_t size) {
    message.header.stock_locate = static_cast<std::uint16_t>(1 + random() % 5);
    std::array<std::byte, itch::kMessageSizeMax> bytes{};
    itch::encode(message, bytes.data());
    if (random() % 500 == 0) bytes[0] = static_cast<std::byte>(random());
    if (random() % 500 == 0) size = random() % size;
    out.push_back(std::byte{0});
    out.push_back(static_cast<std::byte>(size));
    out.insert(out.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
  };
  std::uint64_t ref = 1;
  for (int i = 0; i < messages; ++i) {
    const auto kind = random() % 10;
    const auto known = ref - 1 - random() % std::min<std::uint64_t>(ref, 400'000);
    if (kind < 7) {
      itch::AddOrder add;
      add.order_ref = ref++;
      add.side = random() % 2 == 0 ? 'B' : 'S';
      add.shares = 100;
      add.price = static_cast<std::uint32_t>(100 * (1'000 + random() % 60));
      (void)itch::make_symbol("S" + std::to_string(random() % 4), add.stock);
      put(add, itch::AddOrder::kSize);
    } else if (kind == 7) {
      itch::OrderDelete gone;
      gone.order_ref = known;
      put(gone, itch::OrderDelete::kSize);
    } else if (kind == 8) {
      itch::OrderReplace replace;
      replace.order_ref = known;
      replace.new_order_ref = ref++;
      replace.shares = 50;
      replace.price = static_cast<std::uint32_t>(100 * (1'000 + random() % 60));
      put(replace, itch::OrderReplace::kSize);
    } else {
      itch::OrderExecuted executed;
      executed.order_ref = known;
      executed.shares = 60;
      put(executed, itch::OrderExecuted::kSize);
    }
  }
  return out;
}

/// More orders than ItchLookahead takes for cached, so that every step of it runs.
TEST(ItchLookahead, ChangesNothingInWhatMessagesDo) {
  const auto bytes = stream(500'000);
  ItchMarket with(1 << 20);
  ItchMarket without(1 << 20);
  for (std::uint32_t i = 0; i < 3; ++i) {
    with.map_symbol("S" + std::to_string(i), InstrumentId{i}, 100);
    without.map_symbol("S" + std::to_string(i), InstrumentId{i}, 100);
  }
  Touches seen_with;
  Touches seen_without;
  const std::span all(bytes);
  std::mt19937_64 random(7);
  for (std::size_t at = 0; at < bytes.size();) {
    // Packets end anywhere, also inside a message, whose bytes the lookahead must not pass.
    const auto size = std::min<std::size_t>(bytes.size() - at, 2 + random() % 900);
    const std::vector<std::byte> packet(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                                        bytes.begin() + static_cast<std::ptrdiff_t>(at + size));
    mold::Messages messages(packet);
    std::span<const std::byte> message;
    std::size_t used = 0;
    std::size_t count = 0;
    for (; messages.next(message); ++count) {
      used += 2 + message.size();
      (void)without.apply_message(message, seen_without);
    }
    ASSERT_EQ(with.apply_messages(packet, seen_with), count);
    at += used == 0 ? 2 + itch::load<std::uint16_t>(bytes.data() + at) : used;
  }
  EXPECT_GT(with.store().size(), 250'000U);
  EXPECT_EQ(seen_with.seen, seen_without.seen);
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(with.book(InstrumentId{i}).top(), without.book(InstrumentId{i}).top());
    EXPECT_EQ(with.book(InstrumentId{i}).order_count(),
              without.book(InstrumentId{i}).order_count());
  }
  for (std::size_t i = 0; i < kDecodeStatuses; ++i) {
    const auto status = static_cast<DecodeStatus>(i);
    EXPECT_EQ(with.count(status), without.count(status)) << i;
  }
}

}  // namespace
}  // namespace pitwire
