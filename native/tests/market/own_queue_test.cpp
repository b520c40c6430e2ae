// The place that the book keeps of our orders, against one that is added up anew after every event.
#include "pitwire/market/own_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>

#include "../rounds.hpp"
#include "pitwire/market/l2_book.hpp"
#include "pitwire/market/l3_book.hpp"

namespace pitwire {
namespace {

OwnOrder ours(ClOrdId id, std::uint64_t reference, Side side, std::int64_t px, std::int64_t qty) {
  return {.id = id, .side = side, .px = px, .qty = qty, .reference = reference};
}

class OwnQueueTest : public ::testing::Test {
 protected:
  QueuePlace exact(std::int64_t qty, std::int64_t orders) {
    return {QueueState::EXACT, qty, orders};
  }
  QueuePlace estimated(std::int64_t qty, std::int64_t orders) {
    return {QueueState::ESTIMATED, qty, orders};
  }
  OrderStore store{64};
  L3Book book{store};
};

TEST_F(OwnQueueTest,
       An_order_that_the_feed_shows_after_its_acknowledgement_is_found_by_its_reference) {
  book.add(1, Side::BUY, 100, 5, 0);
  book.follow(ours(7, 2, Side::BUY, 100, 3));
  EXPECT_EQ(book.place(7).state, QueueState::AWAITED);
  book.add(2, Side::BUY, 100, 3, 0);
  book.add(3, Side::BUY, 100, 9, 0);
  EXPECT_EQ(book.place(7), exact(5, 1));
  book.execute(1, 2, 0);
  EXPECT_EQ(book.place(7), exact(3, 1));
  book.remove(3, 0);
  EXPECT_EQ(book.place(7), exact(3, 1));
  book.remove(1, 0);
  EXPECT_EQ(book.place(7), exact(0, 0));
}

TEST_F(OwnQueueTest, One_that_is_in_the_book_already_is_too) {
  book.add(1, Side::BUY, 100, 5, 0);
  book.add(2, Side::BUY, 100, 3, 0);
  book.add(3, Side::BUY, 100, 9, 0);
  book.follow(ours(7, 2, Side::BUY, 100, 3));
  EXPECT_EQ(book.place(7), exact(5, 1));
}

TEST_F(OwnQueueTest, A_replace_that_the_feed_shows_is_followed) {
  book.add(1, Side::SELL, 100, 5, 0);
  book.add(2, Side::SELL, 101, 3, 0);
  book.add(3, Side::SELL, 100, 4, 0);
  book.follow(ours(7, 2, Side::SELL, 101, 3));
  book.replace(2, 12, 100, 6, 0);
  EXPECT_EQ(book.place(7), exact(9, 2));
  book.follow(ours(7, 2, Side::SELL, 100, 6));  // the venue's report comes behind it
  EXPECT_EQ(book.place(7), exact(9, 2));
}

TEST_F(OwnQueueTest, An_order_that_left_the_book_has_no_place) {
  book.add(2, Side::BUY, 100, 3, 0);
  book.follow(ours(7, 2, Side::BUY, 100, 3));
  book.execute(2, 3, 0);
  EXPECT_EQ(book.place(7).state, QueueState::GONE);
  book.forget(7);
  EXPECT_EQ(book.place(7).state, QueueState::UNTRACKED);
}

TEST_F(OwnQueueTest, Without_a_reference_it_is_the_last_of_its_level) {
  book.add(1, Side::BUY, 100, 5, 0);
  book.follow(ours(7, 0, Side::BUY, 100, 3));
  book.add(2, Side::BUY, 100, 4, 0);
  book.cancel(2, 1, 0);
  EXPECT_EQ(book.place(7), estimated(5, 1));
  book.cancel(1, 1, 0);
  EXPECT_EQ(book.place(7), estimated(4, 1));
  book.follow(ours(7, 0, Side::BUY, 100, 2));  // less of it: it keeps its place
  EXPECT_EQ(book.place(7), estimated(4, 1));
  book.follow(ours(7, 0, Side::BUY, 100, 3));  // more of it: it does not
  EXPECT_EQ(book.place(7), estimated(7, 2));
  book.remove(1, 0);
  book.remove(2, 0);
  EXPECT_EQ(book.place(7), estimated(0, 0));
  book.add(4, Side::BUY, 100, 4, 0);
  EXPECT_EQ(book.place(7), estimated(0, 0));
}

TEST_F(OwnQueueTest, A_book_made_anew_shows_references_again_and_loses_estimates) {
  book.add(1, Side::BUY, 100, 5, 0);
  book.add(2, Side::BUY, 100, 3, 0);
  book.follow(ours(7, 2, Side::BUY, 100, 3));
  book.follow(ours(8, 0, Side::BUY, 100, 3));
  book.clear(0);
  EXPECT_EQ(book.place(7).state, QueueState::AWAITED);
  EXPECT_EQ(book.place(8).state, QueueState::LOST);
  book.add(1, Side::BUY, 100, 4, 0);
  book.add(2, Side::BUY, 100, 3, 0);
  EXPECT_EQ(book.place(7), exact(4, 1));
}

TEST_F(OwnQueueTest, A_priority_that_wraps_changes_nothing) {
  book.add(1, Side::BUY, 100, 5, 0);
  store.order(store.find(1)).priority = 0xffff'fffe;
  for (std::uint64_t ref = 2; ref <= 6; ++ref) book.add(ref, Side::BUY, 100, 1, 0);
  book.follow(ours(7, 5, Side::BUY, 100, 1));
  EXPECT_EQ(book.place(7), exact(8, 4));
  book.remove(6, 0);
  book.remove(1, 0);
  EXPECT_EQ(book.place(7), exact(3, 3));
}

// ---------------------------------------------------------------- a book of quantities

class OwnQueueL2 : public ::testing::Test {
 protected:
  void SetUp() override {
    book.set(Side::BUY, 100, 50, 0);
    book.follow(ours(7, 0, Side::BUY, 100, 5));
  }
  std::int64_t ahead() { return book.place(7).qty_ahead; }
  L2Book book;
};

TEST_F(OwnQueueL2, What_is_shown_when_it_is_acknowledged_is_ahead) {
  EXPECT_EQ(book.place(7), (QueuePlace{QueueState::ESTIMATED, 50, -1}));
  book.follow(ours(8, 0, Side::BUY, 99, 5));
  EXPECT_EQ(book.place(8).qty_ahead, 0);
}

TEST_F(OwnQueueL2, A_trade_and_the_update_that_it_made_count_once_in_either_order) {
  book.traded(100, 20, Side::SELL);
  book.set(Side::BUY, 100, 30, 0);
  EXPECT_EQ(ahead(), 30);
  book.set(Side::BUY, 100, 10, 0);
  EXPECT_EQ(ahead(), 10);
}

TEST_F(OwnQueueL2, Cancels_come_from_behind_first) {
  book.set(Side::BUY, 100, 80, 0);
  book.set(Side::BUY, 100, 60, 0);
  EXPECT_EQ(ahead(), 50);
  book.set(Side::BUY, 100, 0, 0);
  EXPECT_EQ(ahead(), 0);
  book.set(Side::BUY, 100, 40, 0);
  EXPECT_EQ(ahead(), 0);
}

TEST_F(OwnQueueL2, Only_trades_at_or_through_its_price_against_its_side_bring_it_forward) {
  book.traded(101, 20, Side::SELL);
  book.traded(100, 20, Side::BUY);
  book.traded(100, 20, Side::NONE);
  EXPECT_EQ(ahead(), 50);
  book.traded(99, 1, Side::SELL);
  EXPECT_EQ(ahead(), 0);
}

TEST_F(OwnQueueL2, More_of_it_or_another_price_loses_its_place) {
  book.set(Side::BUY, 100, 90, 0);
  book.follow(ours(7, 0, Side::BUY, 100, 4));
  EXPECT_EQ(ahead(), 50);
  book.follow(ours(7, 0, Side::BUY, 100, 6));
  EXPECT_EQ(ahead(), 90);
  book.forget(7);
  EXPECT_EQ(book.place(7).state, QueueState::UNTRACKED);
}

TEST_F(OwnQueueL2, A_book_made_anew_and_one_that_was_saved_keep_it) {
  book.clear(0);
  book.set(Side::BUY, 100, 20, 0);
  book.own_settled();
  EXPECT_EQ(ahead(), 20);
  std::vector<std::byte> bytes;
  ByteWriter out(bytes);
  book.save_own(out);
  L2Book again;
  ByteReader in(bytes);
  ASSERT_TRUE(again.restore_own(in));
  EXPECT_EQ(again.place(7), book.place(7));
}

// ---------------------------------------------------------------- against a plain one

/// Books as lists, and of each order of ours what was ahead of it.
struct Plain {
  struct Order {
    std::uint64_t ref;
    Side side;
    std::int64_t px, qty;
  };
  struct Own {
    OwnOrder order;
    std::uint32_t book;
    std::uint64_t ref;
    QueueState state;
    std::set<std::uint64_t> ahead;  ///< of an estimate
  };
  std::array<std::vector<Order>, 2> books;
  std::map<ClOrdId, Own> own;

  std::vector<Order>::iterator at(std::uint32_t book, std::uint64_t ref) {
    return std::ranges::find(books[book], ref, &Order::ref);
  }
  void gone(std::uint32_t book, std::uint64_t ref) {
    for (auto& [id, each] : own) {
      each.ahead.erase(ref);
      if (each.book == book && each.state == QueueState::EXACT && each.ref == ref) {
        each.state = QueueState::GONE;
      }
    }
  }
  void added(std::uint32_t book, const Order& order) {
    books[book].push_back(order);
    for (auto& [id, each] : own) {
      if (each.book == book && each.state == QueueState::AWAITED && each.ref == order.ref) {
        each.state = QueueState::EXACT;
      }
    }
  }
  void take(std::uint32_t book, std::uint64_t ref, std::int64_t qty) {
    const auto found = at(book, ref);
    found->qty -= std::min(qty, found->qty);
    if (found->qty > 0) return;
    books[book].erase(found);
    gone(book, ref);
  }
  void replace(std::uint32_t book, std::uint64_t ref, Order made) {
    const auto held = std::ranges::find_if(own, [&](const auto& each) {
      const auto& o = each.second;
      return o.book == book && o.state == QueueState::EXACT && o.ref == ref;
    });
    books[book].erase(at(book, ref));
    gone(book, ref);
    added(book, made);
    if (held == own.end()) return;
    held->second.state = QueueState::EXACT;
    held->second.ref = made.ref;
  }
  void stand_last(Own& each) {
    each.state = QueueState::ESTIMATED;
    each.ahead.clear();
    for (const auto& order : books[each.book]) {
      if (order.side == each.order.side && order.px == each.order.px) each.ahead.insert(order.ref);
    }
  }
  void follow(std::uint32_t book, const OwnOrder& order) {
    const auto found = own.find(order.id);
    if (found == own.end()) {
      auto& made = own[order.id] = {order, book, order.reference, QueueState::AWAITED, {}};
      if (order.reference == 0) return stand_last(made);
      if (at(book, order.reference) != books[book].end()) made.state = QueueState::EXACT;
      return;
    }
    auto& known = found->second;
    const bool anew = order.px != known.order.px || order.qty > known.order.qty;
    known.order = order;
    if (order.reference == 0 && anew) stand_last(known);
  }
  void clear(std::uint32_t book) {
    books[book].clear();
    for (auto& [id, each] : own) {
      if (each.book != book) continue;
      each.ahead.clear();
      if (each.state == QueueState::EXACT) each.state = QueueState::AWAITED;
      if (each.state == QueueState::ESTIMATED) each.state = QueueState::LOST;
    }
  }
  QueuePlace place(ClOrdId id) {
    const auto found = own.find(id);
    if (found == own.end()) return {};
    const auto& each = found->second;
    QueuePlace place{each.state, 0, -1};
    if (each.state != QueueState::EXACT && each.state != QueueState::ESTIMATED) return place;
    place.orders_ahead = 0;
    const auto self = at(each.book, each.ref);
    for (const auto& order : books[each.book]) {
      const bool counts = each.state == QueueState::ESTIMATED
                              ? each.ahead.contains(order.ref)
                              : order.side == self->side && order.px == self->px;
      if (each.state == QueueState::EXACT && order.ref == each.ref) break;
      if (!counts) continue;
      place.qty_ahead += order.qty;
      ++place.orders_ahead;
    }
    return place;
  }
};

/// Two books of one store and the plain ones, under the same random events.
class Both {
 public:
  explicit Both(std::uint64_t seed) : random_(seed) { make(); }

  void step() {
    const auto book = static_cast<std::uint32_t>(below(2));
    auto& orders = plain_.books[book];
    const auto kind = below(100);
    if (kind < 30 || orders.empty()) return add(book);
    const auto& chosen = orders[below(orders.size())];
    const auto ref = chosen.ref;
    if (kind < 45) {
      const auto qty = 1 + static_cast<std::int64_t>(below(6));
      books_[book].execute(ref, qty, 0);
      return plain_.take(book, ref, qty);
    }
    if (kind < 55) {
      const auto qty = static_cast<std::int64_t>(below(4));
      books_[book].cancel(ref, qty, 0);
      return plain_.take(book, ref, qty);
    }
    if (kind < 65) {
      books_[book].remove(ref, 0);
      return plain_.take(book, ref, chosen.qty);
    }
    if (kind < 75) return replace(book, chosen);
    if (kind < 80) return modify(book, chosen);
    if (kind < 96) return own_event(book, chosen);
    if (kind < 97) return snapshot(book);
    if (kind < 99) forget();
    if (kind == 99) saved_and_restored();
  }

  ::testing::AssertionResult same() {
    for (const auto& [id, each] : plain_.own) {
      const auto found = store_->own().place(id);
      const auto wanted = plain_.place(id);
      if (found == wanted) continue;
      return ::testing::AssertionFailure()
             << "order " << id << ": " << static_cast<int>(found.state) << ' ' << found.qty_ahead
             << ' ' << found.orders_ahead << ", expected " << static_cast<int>(wanted.state) << ' '
             << wanted.qty_ahead << ' ' << wanted.orders_ahead;
    }
    return store_->own().size() == plain_.own.size() ? ::testing::AssertionSuccess()
                                                     : ::testing::AssertionFailure() << "count";
  }
  std::size_t followed() const { return plain_.own.size(); }

 private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  void make() {
    books_.clear();
    store_ = std::make_unique<OrderStore>(64);
    for (std::uint32_t i = 0; i < 2; ++i) books_.emplace_back(*store_, i);
  }
  std::int64_t some_px() { return 100 + static_cast<std::int64_t>(below(4)); }
  std::int64_t some_qty() { return 1 + static_cast<std::int64_t>(below(9)); }
  Side some_side() { return below(2) == 0 ? Side::BUY : Side::SELL; }

  void add(std::uint32_t book) {
    // Sometimes the one that is awaited.
    auto ref = ++last_ref_;
    for (const auto& [id, each] : plain_.own) {
      if (each.book == book && each.state == QueueState::AWAITED && below(3) == 0 &&
          plain_.at(0, each.ref) == plain_.books[0].end() &&
          plain_.at(1, each.ref) == plain_.books[1].end()) {
        ref = each.ref;
      }
    }
    const Plain::Order order{ref, some_side(), some_px(), some_qty()};
    books_[book].add(order.ref, order.side, order.px, order.qty, 0);
    plain_.added(book, order);
  }
  void replace(std::uint32_t book, Plain::Order of) {
    const Plain::Order made{++last_ref_, of.side, some_px(), some_qty()};
    books_[book].replace(of.ref, made.ref, made.px, made.qty, 0);
    plain_.replace(book, of.ref, made);
  }
  void modify(std::uint32_t book, Plain::Order of) {
    const Plain::Order made{of.ref, of.side, below(2) == 0 ? of.px : some_px(), some_qty()};
    books_[book].modify(of.ref, of.side, made.px, made.qty, 0);
    if (made.px == of.px && made.qty <= of.qty) {
      plain_.at(book, of.ref)->qty = made.qty;
    } else {
      plain_.replace(book, of.ref, made);
    }
  }
  void follow(std::uint32_t book, const OwnOrder& order) {
    books_[book].follow(order);
    plain_.follow(book, order);
  }
  void own_event(std::uint32_t book, const Plain::Order& chosen) {
    if (plain_.own.size() > 20) return forget();
    const auto kind = below(4);
    if (kind == 0) return follow(book, ours(++last_id_, ++last_ref_, Side::BUY, 100, 1));
    if (kind == 1) {
      const bool taken = std::ranges::any_of(plain_.own, [&](const auto& each) {
        return each.second.ref == chosen.ref;  // one order is not two of ours
      });
      if (taken) return;
      return follow(book, ours(++last_id_, chosen.ref, chosen.side, chosen.px, chosen.qty));
    }
    if (kind == 2) return follow(book, ours(++last_id_, 0, some_side(), some_px(), some_qty()));
    if (plain_.own.empty()) return;
    auto each =
        std::next(plain_.own.begin(), static_cast<std::ptrdiff_t>(below(plain_.own.size())));
    if (each->second.state == QueueState::LOST) return;
    auto order = each->second.order;
    order.qty = some_qty();
    if (below(2) == 0) order.px = some_px();
    follow(each->second.book, order);
  }
  void forget() {
    if (plain_.own.empty()) return;
    const auto each =
        std::next(plain_.own.begin(), static_cast<std::ptrdiff_t>(below(plain_.own.size())));
    books_[each->second.book].forget(each->first);
    plain_.own.erase(each);
  }
  /// Everything again, in the order of its priority; the newest may have come meanwhile.
  void snapshot(std::uint32_t book) {
    const auto orders = plain_.books[book];
    books_[book].clear(0);
    plain_.clear(book);
    for (const auto& order : orders) {
      if (below(10) == 0) continue;
      books_[book].add(order.ref, order.side, order.px, order.qty, 0);
      plain_.added(book, order);
    }
  }
  void saved_and_restored() {
    std::vector<std::byte> bytes;
    ByteWriter out(bytes);
    for (const auto& book : books_) book.save(out);
    store_->own().save(out);
    make();
    ByteReader in(bytes);
    for (auto& book : books_) ASSERT_TRUE(book.restore(in));
    ASSERT_TRUE(store_->own().restore(in));
    store_->own().for_each([&](std::uint32_t at, auto& entry) { books_[entry.book].take_up(at); });
  }

  std::mt19937_64 random_;
  std::unique_ptr<OrderStore> store_;
  std::vector<L3Book> books_;
  Plain plain_;
  std::uint64_t last_ref_ = 0;
  ClOrdId last_id_ = 0;
};

TEST(OwnQueueRandom, Every_place_is_the_one_that_is_added_up_anew) {
  testing::in_rounds(60'000, 2'000, [](std::uint64_t seed, std::uint64_t events) {
    Both both(seed);
    std::uint64_t followed = 0;
    for (std::uint64_t i = 0; i < events; ++i) {
      both.step();
      ASSERT_TRUE(both.same()) << "event " << i;
      followed += both.followed();
    }
    EXPECT_GT(followed, events);
  });
}

}  // namespace
}  // namespace pitwire
