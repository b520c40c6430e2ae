// Books against the obvious ones: maps and lists, driven by the same random events.
//   PITWIRE_SEED=N PITWIRE_RANDOM_EVENTS=10000000 pitwire_market_tests --gtest_filter='*Agrees*'
#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <map>
#include <random>
#include <vector>

#include "../rounds.hpp"
#include "pitwire/market/l2_book.hpp"
#include "pitwire/market/l3_book.hpp"

namespace pitwire {
namespace {

/// What L3Book promises, in the slowest and plainest way.
class PlainBook {
 public:
  struct Order {
    std::uint64_t ref;
    std::int64_t qty;
  };
  void add(std::uint64_t ref, Side side, std::int64_t px, std::int64_t qty) {
    sides_[side][px].push_back({ref, qty});
    where_[ref] = {side, px};
  }
  void take(std::uint64_t ref, std::int64_t qty) {
    auto& queue = queue_of(ref);
    for (auto order = queue.begin(); order != queue.end(); ++order) {
      if (order->ref != ref) continue;
      order->qty -= qty;
      if (order->qty <= 0) queue.erase(order);
      break;
    }
    const auto [side, px] = where_[ref];
    if (queue.empty()) sides_[side].erase(px);
    if (!alive(ref)) where_.erase(ref);
  }
  [[nodiscard]] bool alive(std::uint64_t ref) {
    if (!where_.contains(ref)) return false;
    const auto [side, px] = where_[ref];
    if (!sides_[side].contains(px)) return false;
    for (const auto& order : sides_[side][px]) {
      if (order.ref == ref) return true;
    }
    return false;
  }
  [[nodiscard]] std::int64_t qty_ahead(std::uint64_t ref) {
    std::int64_t ahead = 0;
    for (const auto& order : queue_of(ref)) {
      if (order.ref == ref) break;
      ahead += order.qty;
    }
    return ahead;
  }
  [[nodiscard]] std::int64_t qty(std::uint64_t ref) {
    for (const auto& order : queue_of(ref)) {
      if (order.ref == ref) return order.qty;
    }
    return 0;
  }
  [[nodiscard]] Side side(std::uint64_t ref) { return where_[ref].first; }
  [[nodiscard]] std::vector<Level> levels(Side side) {
    std::vector<Level> out;
    for (const auto& [px, queue] : sides_[side]) {
      Level level{px, 0, static_cast<std::uint32_t>(queue.size())};
      for (const auto& order : queue) level.qty += order.qty;
      out.push_back(level);
    }
    if (side == Side::BUY) std::reverse(out.begin(), out.end());
    return out;
  }
  std::map<std::uint64_t, std::pair<Side, std::int64_t>> where_;

 private:
  std::list<Order>& queue_of(std::uint64_t ref) {
    const auto [side, px] = where_[ref];
    return sides_[side][px];
  }
  std::map<Side, std::map<std::int64_t, std::list<Order>>> sides_;
};

template <class Book>
std::vector<Level> levels_of(const Book& book, Side side) {
  std::vector<Level> out(book.level_count(side) + 1);
  out.resize(book.levels(side, out));
  return out;
}

void expect_same(const L3Book& book, PlainBook& plain) {
  const auto bids = plain.levels(Side::BUY);
  const auto asks = plain.levels(Side::SELL);
  ASSERT_EQ(levels_of(book, Side::BUY), bids);
  ASSERT_EQ(levels_of(book, Side::SELL), asks);
  ASSERT_EQ(book.order_count(), plain.where_.size());
}

void expect_top(const L3Book& book, PlainBook& plain) {
  const auto bids = plain.levels(Side::BUY);
  const auto asks = plain.levels(Side::SELL);
  ASSERT_EQ(book.top().bid_px, bids.empty() ? kNoPrice : bids[0].px);
  ASSERT_EQ(book.top().bid_qty, bids.empty() ? 0 : bids[0].qty);
  ASSERT_EQ(book.top().ask_px, asks.empty() ? kNoPrice : asks[0].px);
  ASSERT_EQ(book.top().ask_qty, asks.empty() ? 0 : asks[0].qty);
}

/// One random event to both; some touch references that are not there.
void step(L3Book& book, PlainBook& plain, std::mt19937_64& random,
          std::vector<std::uint64_t>& refs) {
  const auto fresh = random() % (std::uint64_t{1} << 40);
  const auto px = static_cast<std::int64_t>(random() % 400) - 100;
  const auto qty = static_cast<std::int64_t>(random() % 50) + 1;
  const Top before = book.top();
  L3Result result;
  if (refs.empty() || random() % 100 < 45) {
    const auto side = random() % 2 == 0 ? Side::BUY : Side::SELL;
    result = book.add(fresh, side, px, qty, 7);
    ASSERT_EQ(result.status, DecodeStatus::OK);
    plain.add(fresh, side, px, qty);
    refs.push_back(fresh);
    ASSERT_EQ(book.add(fresh, side, px, qty, 7).status, DecodeStatus::DUPLICATE_ORDER);
  } else {
    const auto ref = refs[random() % refs.size()];
    if (!plain.alive(ref)) {
      ASSERT_EQ(book.remove(ref, 7).status, DecodeStatus::UNKNOWN_ORDER);
      ASSERT_EQ(book.qty_ahead(ref), -1);
      return;
    }
    ASSERT_EQ(book.qty_ahead(ref), plain.qty_ahead(ref));
    const auto side = plain.side(ref);
    switch (random() % 4) {
      case 0:
        result = book.remove(ref, 7);
        plain.take(ref, plain.qty(ref));
        break;
      case 1:
        result = book.replace(ref, fresh, px, qty, 7);
        plain.take(ref, plain.qty(ref));
        plain.add(fresh, side, px, qty);
        refs.push_back(fresh);
        break;
      default: {
        const auto taken = std::min(qty, plain.qty(ref));
        result = book.execute(ref, taken, 7);
        plain.take(ref, taken);
      }
    }
    ASSERT_EQ(result.status, DecodeStatus::OK);
    ASSERT_EQ(result.side, side);
  }
  const Top& now = book.top();
  const bool moved = before.bid_px != now.bid_px || before.bid_qty != now.bid_qty ||
                     before.ask_px != now.ask_px || before.ask_qty != now.ask_qty;
  ASSERT_EQ(result.top_changed, moved);
}

/// Saved, restored into another store, and emptied.
void expect_saved(L3Book& book, OrderStore& store, PlainBook& plain) {
  std::vector<std::byte> saved;
  ByteWriter writer(saved);
  book.save(writer);
  OrderStore other_store(4);
  L3Book other(other_store);
  ByteReader reader(saved);
  ASSERT_TRUE(other.restore(reader));
  expect_same(other, plain);
  EXPECT_EQ(other.top(), book.top());
  book.clear(9);
  EXPECT_EQ(store.size(), 0U);
  EXPECT_EQ(book.order_count(), 0U);
}

void l3_round(std::uint64_t seed, std::uint64_t events) {
  std::mt19937_64 random(seed);
  OrderStore store(16);  // small, so that everything grows
  L3Book book(store);
  PlainBook plain;
  std::vector<std::uint64_t> refs;
  for (std::uint64_t i = 0; i < events; ++i) {
    SCOPED_TRACE(i);
    ASSERT_NO_FATAL_FAILURE(step(book, plain, random, refs));
    if (i % 50 == 0) {
      ASSERT_NO_FATAL_FAILURE(expect_top(book, plain));
    }
    if (i % 1000 == 0) {
      ASSERT_NO_FATAL_FAILURE(expect_same(book, plain));
    }
    if (refs.size() > 3000) {
      const auto ref = refs[random() % refs.size()];
      if (plain.alive(ref)) book.remove(ref, 7), plain.take(ref, plain.qty(ref));
      refs.erase(refs.begin());
    }
  }
  expect_same(book, plain);
  expect_saved(book, store, plain);
}

TEST(L3Book, AgreesWithAPlainBookAfterEveryRandomEvent) {
  testing::in_rounds(100'000, 100'000, l3_round);
}

TEST(L3Book, BooksOfOneStoreDoNotSeeEachOthersOrders) {
  OrderStore store;
  L3Book one(store, 0);
  L3Book two(store, 1);
  one.add(1, Side::BUY, 10, 5, 0);
  EXPECT_EQ(two.execute(1, 5, 0).status, DecodeStatus::UNKNOWN_ORDER);
  EXPECT_EQ(two.add(1, Side::BUY, 10, 5, 0).status, DecodeStatus::DUPLICATE_ORDER);
  EXPECT_EQ(one.top().bid_qty, 5);
  EXPECT_FALSE(two.order(1).has_value());
}

TEST(L3Book, ModifyKeepsThePlaceOnlyWhenItGetsSmaller) {
  OrderStore store;
  L3Book book(store);
  book.add(1, Side::BUY, 10, 5, 0);
  book.add(2, Side::BUY, 10, 7, 0);
  book.modify(1, Side::NONE, 10, 4, 0);
  EXPECT_EQ(book.qty_ahead(2), 4);
  book.modify(1, Side::NONE, 10, 6, 0);
  EXPECT_EQ(book.qty_ahead(2), 0);
  EXPECT_EQ(book.qty_ahead(1), 7);
  EXPECT_EQ(book.modify(3, Side::NONE, 10, 6, 0).status, DecodeStatus::UNKNOWN_ORDER);
  EXPECT_EQ(book.modify(3, Side::SELL, 12, 6, 0).status, DecodeStatus::OK);
  EXPECT_EQ(book.top().ask_qty, 6);
  std::vector<OrderView> queue(8);
  ASSERT_EQ(book.queue(Side::BUY, 10, queue), 2U);
  EXPECT_EQ(queue[0].ref, 2U);
  EXPECT_EQ(queue[1].ref, 1U);
}

TEST(L3Book, MayBeCrossed) {
  OrderStore store;
  L3Book book(store);
  book.add(1, Side::BUY, 12, 5, 0);
  book.add(2, Side::SELL, 10, 5, 0);
  EXPECT_TRUE(book.top().crossed());
}

TEST(L3Book, NonsenseIsRefused) {
  OrderStore store;
  L3Book book(store);
  EXPECT_EQ(book.add(1, Side::NONE, 1, 1, 0).status, DecodeStatus::OUT_OF_RANGE);
  EXPECT_EQ(book.add(1, Side::BUY, 1, 0, 0).status, DecodeStatus::OUT_OF_RANGE);
  EXPECT_EQ(book.add(1, Side::BUY, kNoPrice, 1, 0).status, DecodeStatus::OUT_OF_RANGE);
  EXPECT_EQ(store.size(), 0U);
  book.add(1, Side::BUY, 1, 1, 0);
  EXPECT_EQ(book.replace(1, 2, 1, 0, 0).status, DecodeStatus::OUT_OF_RANGE);
  EXPECT_EQ(book.cancel(1, -1, 0).status, DecodeStatus::OUT_OF_RANGE);
  EXPECT_EQ(book.order_count(), 1U);
}

TEST(OrderStore, FindsEveryReferenceThroughChurnSpreadOverTwoToTheForty) {
  std::mt19937_64 random(3);
  OrderStore store(8);
  std::map<std::uint64_t, std::uint32_t> alive;
  for (int i = 0; i < 60'000; ++i) {
    // Half in sequence, half anywhere: both ways that venues number orders.
    const auto ref =
        i % 2 == 0 ? static_cast<std::uint64_t>(i) : random() % (std::uint64_t{1} << 40);
    if (alive.contains(ref)) continue;
    ASSERT_EQ(store.find(ref), kNil);
    alive[ref] = store.insert(ref);
    if (alive.size() > 2000) {
      auto victim = alive.lower_bound(random() % (std::uint64_t{1} << 40));
      if (victim == alive.end()) victim = alive.begin();
      store.erase(victim->second);
      alive.erase(victim);
    }
    if (i % 5000 == 0) {
      for (const auto& [known, slot] : alive) ASSERT_EQ(store.find(known), slot);
    }
  }
  EXPECT_EQ(store.size(), alive.size());
}

void l2_round(std::uint64_t seed, std::uint64_t events) {
  std::mt19937_64 random(seed);
  L2Book book(4);
  std::map<std::int64_t, std::int64_t> bids, asks;
  for (std::uint64_t i = 0; i < events; ++i) {
    const auto side = random() % 2 == 0 ? Side::BUY : Side::SELL;
    const auto px = static_cast<std::int64_t>(random() % 200) - 50;
    const auto qty = random() % 3 == 0 ? 0 : static_cast<std::int64_t>(random() % 9 + 1);
    auto& levels = side == Side::BUY ? bids : asks;
    const Top before = book.top();
    const bool changed = book.set(side, px, qty, static_cast<Nanos>(i));
    qty == 0 ? (void)levels.erase(px) : (void)(levels[px] = qty);
    const Top& top = book.top();
    ASSERT_EQ(top.bid_px, bids.empty() ? kNoPrice : bids.rbegin()->first);
    ASSERT_EQ(top.bid_qty, bids.empty() ? 0 : bids.rbegin()->second);
    ASSERT_EQ(top.ask_px, asks.empty() ? kNoPrice : asks.begin()->first);
    ASSERT_EQ(top.ask_qty, asks.empty() ? 0 : asks.begin()->second);
    ASSERT_EQ(changed, before.bid_px != top.bid_px || before.bid_qty != top.bid_qty ||
                           before.ask_px != top.ask_px || before.ask_qty != top.ask_qty);
    ASSERT_EQ(book.qty_at(side, px), qty);
  }
  const auto shown = levels_of(book, Side::BUY);
  ASSERT_EQ(shown.size(), bids.size());
  auto expected = bids.rbegin();
  for (const auto& level : shown) {
    EXPECT_EQ(level.px, expected->first);
    EXPECT_EQ(level.qty, (expected++)->second);
  }
  std::vector<std::byte> saved;
  ByteWriter writer(saved);
  book.save(writer);
  L2Book other;
  ByteReader reader(saved);
  ASSERT_TRUE(other.restore(reader));
  EXPECT_EQ(levels_of(other, Side::SELL), levels_of(book, Side::SELL));
  EXPECT_EQ(other.top(), book.top());
  ByteReader cut{std::span(saved).first(saved.size() - 1)};
  EXPECT_FALSE(other.restore(cut));
  EXPECT_EQ(other.level_count(Side::SELL), 0U);
}

TEST(L2Book, AgreesWithAMapAfterEveryRandomDelta) {
  testing::in_rounds(100'000, 100'000, l2_round);
}

TEST(L2Book, ChangeAddsAndTakesAway) {
  L2Book book;
  book.change(Side::BUY, 10, 5, 0);
  book.change(Side::BUY, 10, -2, 0);
  EXPECT_EQ(book.top().bid_qty, 3);
  book.change(Side::BUY, 10, -3, 0);
  EXPECT_FALSE(book.top().has_bid());
  book.change(Side::BUY, 11, -3, 0);
  EXPECT_EQ(book.level_count(Side::BUY), 0U);
}

}  // namespace
}  // namespace pitwire
