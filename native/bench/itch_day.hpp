// The streams on which decoding, books and the whole core are measured, made from a seed.
//
// The mix of messages is near that of a NASDAQ day: 44 % A, 42 % D, 8.5 % U, 2.5 % E and C, 1.1 %
// X, the rest P and I; symbols are active by a power law, distances from the touch have a heavy
// tail, and most that end are orders of a moment ago. Books never cross. The makers keep plain
// books of their own, so that a reader's last touches and queues can be compared with theirs.
#pragma once

#include <algorithm>
#include <cmath>
#include <compare>
#include <cstdint>
#include <map>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "pitwire/market/itch.hpp"

namespace pitwire::bench {

using Stream = std::vector<std::byte>;

/// What a stream is made of. `opening` messages are additions before anything else; `spread` 0
/// numbers orders nearly in sequence, else anywhere below it (a power of two).
struct Kind {
  std::size_t messages;
  std::uint32_t symbols;
  std::size_t opening;
  std::uint64_t spread = 0;
  auto operator<=>(const Kind&) const = default;
};
inline constexpr Kind kHot{4'000'000, 100, 90'000, 0};
inline constexpr Kind kHotSpread{4'000'000, 100, 90'000, std::uint64_t{1} << 40};
inline constexpr Kind kWide{4'000'000, 8'000, 800'000, 0};

/// How a book ends: its touch in cents and shares, and the shares before the order that came last.
struct Ending {
  std::int64_t bid_px = 0, bid_qty = 0, ask_px = 0, ask_qty = 0;
  std::uint64_t last_ref = 0;
  std::int64_t last_ahead = 0;
};

struct Day {
  Stream bytes;  ///< each message behind its length in 2 bytes, as MoldUDP64 has them
  std::size_t messages = 0;
  std::vector<std::string> symbols;  ///< by stock locate, from 1
  std::vector<Ending> endings;
};

/// Any four letters, another for each number.
inline std::string symbol_name(std::uint32_t number) {
  std::string name;
  for (std::uint32_t rest = number, k = 0; k < 4; ++k, rest /= 26) {
    name += static_cast<char>('A' + rest % 26);
  }
  return name;
}

class DayMaker {
 public:
  explicit DayMaker(const Kind& kind) : kind_(kind), books_(kind.symbols) {
    for (std::uint32_t i = 0; i < kind.symbols; ++i) {
      activity_.push_back(1.0 / std::pow(i + 3.0, 0.85));
      day_.symbols.push_back(symbol_name(i));
      books_[i].fair = 500 + static_cast<std::int64_t>(below(20'000));
    }
    std::shuffle(activity_.begin(), activity_.end(), random_);  // the busiest are not neighbours
    std::partial_sum(activity_.begin(), activity_.end(), activity_.begin());
  }

  Day make() {
    for (std::uint32_t i = 0; i < kind_.symbols; ++i) {
      itch::StockDirectory message;
      (void)itch::make_symbol(day_.symbols[i], message.stock);
      put(message, i);
    }
    while (day_.messages < kind_.messages) step();
    for (std::uint32_t i = 0; i < kind_.symbols; ++i) day_.endings.push_back(ending(books_[i]));
    return std::move(day_);
  }

 private:
  struct Order {
    std::uint64_t ref;
    std::int64_t px;
    std::uint32_t qty;
    std::uint32_t place;  ///< in its book's `live`
    bool buy;
  };
  using Queue = std::vector<std::uint32_t>;  ///< of orders, the oldest first
  struct Book {
    std::map<std::int64_t, Queue> bids, asks;
    Queue live;
    std::int64_t fair = 0;
    [[nodiscard]] std::map<std::int64_t, Queue>& side(bool buy) { return buy ? bids : asks; }
  };

  [[nodiscard]] std::uint64_t below(std::uint64_t n) { return random_() % n; }
  [[nodiscard]] double uniform() { return static_cast<double>(random_() >> 11) * 0x1p-53; }

  void step() {
    ts_ += below(100) < 70 ? 50 + below(2'000) : 2'000 + below(20'000);
    const auto at =
        std::lower_bound(activity_.begin(), activity_.end(), uniform() * activity_.back());
    const auto i = static_cast<std::uint32_t>(at - activity_.begin());
    Book& book = books_[i];
    if (below(200) == 0)
      book.fair = std::max<std::int64_t>(100, book.fair + 2 - static_cast<std::int64_t>(below(5)));
    const double kind = uniform() * 100;
    if (day_.messages < kind_.opening || book.live.size() < 8 || kind < 44.2) return add(i);
    if (kind < 86.2) return remove(i);
    if (kind < 94.7) return replace(i);
    if (kind < 97.2) return execute(i);
    if (kind < 98.3) return cancel(i);
    if (kind < 98.7) {
      itch::Trade trade;
      trade.side = 'B';
      trade.shares = quantity();
      trade.price = static_cast<std::uint32_t>(book.fair * 100);
      return put(trade, i);
    }
    put(itch::Noii{}, i);
  }

  void add(std::uint32_t i) {
    Book& book = books_[i];
    const bool buy = below(2) == 0;
    const Order& order = orders_[rest(book, buy, price(book, buy))];
    itch::AddOrder message;
    message.order_ref = order.ref;
    message.side = buy ? 'B' : 'S';
    message.shares = order.qty;
    (void)itch::make_symbol(day_.symbols[i], message.stock);
    message.price = static_cast<std::uint32_t>(order.px * 100);
    put(message, i);
  }
  void remove(std::uint32_t i) {
    const auto gone = pick(books_[i]);
    itch::OrderDelete message;
    message.order_ref = orders_[gone].ref;
    put(message, i);
    forget(books_[i], gone);
  }
  void replace(std::uint32_t i) {
    Book& book = books_[i];
    const auto gone = pick(book);
    const bool buy = orders_[gone].buy;
    itch::OrderReplace message;
    message.order_ref = orders_[gone].ref;
    forget(book, gone);
    const Order& order = orders_[rest(book, buy, price(book, buy))];
    message.new_order_ref = order.ref;
    message.shares = order.qty;
    message.price = static_cast<std::uint32_t>(order.px * 100);
    put(message, i);
  }
  void execute(std::uint32_t i) {
    Book& book = books_[i];
    const bool buy = below(2) == 0;
    auto& side = book.side(buy);
    if (side.empty()) return;
    const auto first = (buy ? std::prev(side.end()) : side.begin())->second.front();
    const auto& order = orders_[first];
    const auto qty = below(3) != 0 ? order.qty : 1 + static_cast<std::uint32_t>(below(order.qty));
    itch::OrderExecuted message;
    message.order_ref = order.ref;
    message.shares = qty;
    message.match_number = ++match_;
    put(message, i);
    take(book, first, qty);
  }
  void cancel(std::uint32_t i) {
    const auto at = pick(books_[i]);
    if (orders_[at].qty < 2) return;
    itch::OrderCancel message;
    message.order_ref = orders_[at].ref;
    message.shares = 1 + static_cast<std::uint32_t>(below(orders_[at].qty - 1));
    put(message, i);
    take(books_[i], at, message.shares);
  }

  std::uint32_t rest(Book& book, bool buy, std::int64_t px) {
    number_ += 1 + below(3);
    // An odd factor is a bijection modulo a power of two: no reference comes twice.
    const auto ref =
        kind_.spread == 0 ? number_ : number_ * 0x9e37'79b9'7f4a'7c15ULL % kind_.spread;
    const auto at = static_cast<std::uint32_t>(orders_.size());
    orders_.push_back({ref, px, quantity(), static_cast<std::uint32_t>(book.live.size()), buy});
    book.live.push_back(at);
    book.side(buy)[px].push_back(at);
    return at;
  }
  void take(Book& book, std::uint32_t at, std::uint32_t qty) {
    orders_[at].qty -= qty;
    if (orders_[at].qty == 0) forget(book, at);
  }
  void forget(Book& book, std::uint32_t at) {
    const Order& order = orders_[at];
    auto& side = book.side(order.buy);
    const auto level = side.find(order.px);
    level->second.erase(std::find(level->second.begin(), level->second.end(), at));
    if (level->second.empty()) side.erase(level);
    const auto last = book.live.back();
    book.live[order.place] = last;
    orders_[last].place = order.place;
    book.live.pop_back();
  }
  [[nodiscard]] std::int64_t price(Book& book, bool buy) {
    const double u = uniform();
    const auto away = static_cast<std::int64_t>(u < 0.60    ? below(4)
                                                : u < 0.92  ? 4 + below(20)
                                                : u < 0.995 ? 24 + below(400)
                                                            : 400 + below(3'000));
    auto px = std::max<std::int64_t>(2, buy ? book.fair - 1 - away : book.fair + 1 + away);
    if (buy && !book.asks.empty()) px = std::min(px, book.asks.begin()->first - 1);
    if (!buy && !book.bids.empty()) px = std::max(px, book.bids.rbegin()->first + 1);
    return std::max<std::int64_t>(1, px);
  }
  [[nodiscard]] std::uint32_t pick(const Book& book) {
    const auto size = book.live.size();
    if (uniform() >= 0.72) return book.live[below(size)];
    const auto ago = static_cast<std::size_t>(-std::log(1 - uniform()) * 6);
    return book.live[size - 1 - std::min(ago, size - 1)];
  }
  [[nodiscard]] std::uint32_t quantity() {
    const double u = uniform();
    return u < 0.6   ? 100
           : u < 0.8 ? 1 + static_cast<std::uint32_t>(below(99))
                     : 100 * (1 + static_cast<std::uint32_t>(below(20)));
  }

  [[nodiscard]] Ending ending(const Book& book) const {
    Ending out;
    const auto sum = [this](const Queue& queue, std::uint32_t until) {
      std::int64_t qty = 0;
      for (const auto at : queue) {
        if (at == until) break;
        qty += orders_[at].qty;
      }
      return qty;
    };
    constexpr auto kAll = ~std::uint32_t{0};
    if (!book.bids.empty()) {
      out.bid_px = book.bids.rbegin()->first;
      out.bid_qty = sum(book.bids.rbegin()->second, kAll);
    }
    if (!book.asks.empty()) {
      out.ask_px = book.asks.begin()->first;
      out.ask_qty = sum(book.asks.begin()->second, kAll);
    }
    if (!book.live.empty()) {
      const auto& last = orders_[book.live.back()];
      out.last_ref = last.ref;
      out.last_ahead = sum((last.buy ? book.bids : book.asks).at(last.px), book.live.back());
    }
    return out;
  }

  template <class M>
  void put(M message, std::uint32_t symbol) {
    message.header.stock_locate = static_cast<std::uint16_t>(symbol + 1);
    message.header.timestamp = ts_;
    const auto at = day_.bytes.size();
    day_.bytes.resize(at + 2 + M::kSize);
    day_.bytes[at + 1] = static_cast<std::byte>(M::kSize);
    itch::encode(message, day_.bytes.data() + at + 2);
    ++day_.messages;
  }

  Kind kind_;
  std::mt19937_64 random_{7};
  std::vector<Book> books_;
  std::vector<double> activity_;  ///< running sums
  std::vector<Order> orders_;     ///< all that ever were
  std::uint64_t ts_ = 34'200'000'000'000;
  std::uint64_t number_ = 1'000;
  std::uint64_t match_ = 0;
  Day day_;
};

/// Made once a process: repetitions of a benchmark take the same.
inline const Day& day(const Kind& kind) {
  static std::map<Kind, Day> made;
  const auto found = made.find(kind);
  return found != made.end() ? found->second
                             : made.emplace(kind, DayMaker(kind).make()).first->second;
}

template <class F>
std::size_t for_each_message(const Stream& bytes, F&& f) {
  std::size_t count = 0;
  for (std::size_t at = 0; at + 2 < bytes.size(); ++count) {
    const std::size_t size = itch::load<std::uint16_t>(bytes.data() + at);
    f(std::span(bytes).subspan(at + 2, size));
    at += 2 + size;
  }
  return count;
}

}  // namespace pitwire::bench
