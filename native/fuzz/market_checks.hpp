// What holds of every book, however it came about.
#pragma once

#include <vector>

#include "pitwire/market/bytes.hpp"
#include "pitwire/market/top.hpp"
#include "target.hpp"

namespace pitwire::fuzz {

template <class Book>
std::vector<Level> side_of(const Book& book, Side side) {
  std::vector<Level> levels(book.level_count(side) + 1);
  levels.resize(book.levels(side, levels));
  return levels;
}

/// Levels fall away from the touch, hold something, and the touch is the first of them.
template <class Book>
void check_book(const Book& book) {
  for (const auto side : {Side::BUY, Side::SELL}) {
    const auto levels = side_of(book, side);
    require(levels.size() == book.level_count(side), "as many levels as it says");
    for (std::size_t i = 0; i < levels.size(); ++i) {
      require(levels[i].qty > 0, "a level holds something");
      const bool falls = i == 0 || (side == Side::BUY ? levels[i].px < levels[i - 1].px
                                                      : levels[i].px > levels[i - 1].px);
      require(falls, "levels are in order");
    }
    const auto& top = book.top();
    const auto px = side == Side::BUY ? top.bid_px : top.ask_px;
    const auto qty = side == Side::BUY ? top.bid_qty : top.ask_qty;
    require(px == (levels.empty() ? kNoPrice : levels[0].px), "the touch is the best level");
    require(qty == (levels.empty() ? 0 : levels[0].qty), "the touch has the best level's quantity");
  }
}

/// What was saved and restored into `fresh` saves as the same bytes.
template <class Market>
void check_saved(const Market& market, Market& fresh) {
  std::vector<std::byte> saved;
  ByteWriter writer(saved);
  market.save(writer);
  ByteReader reader(saved);
  require(fresh.restore(reader), "what was saved is restored");
  std::vector<std::byte> again;
  ByteWriter second(again);
  fresh.save(second);
  require(saved == again, "what was restored saves as the same bytes");
}

}  // namespace pitwire::fuzz
