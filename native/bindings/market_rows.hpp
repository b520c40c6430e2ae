// Rows of `pitwire data book`: the levels of a book after each message or at each interval.
#pragma once

#include <pybind11/numpy.h>

#include <cstdint>
#include <vector>

#include "pitwire/market/top.hpp"

namespace pitwire {

struct BookRow {
  std::int64_t ts_event;
  std::uint64_t sequence;
  std::int64_t px;
  std::int64_t size;
  std::uint32_t instrument;
  std::uint16_t level;  ///< from 1, the best
  std::uint8_t side;
  std::uint8_t reserved;
};

/// Collects rows; off until record() was called.
class RowRecorder {
 public:
  static constexpr std::size_t kDepthMax = 1024;

  /// `every_ns` 0: after every message.
  void start(std::size_t depth, Nanos every_ns) {
    if (depth < 1 || depth > kDepthMax) {
      throw pybind11::value_error("depth: expected 1 to 1024 levels");
    }
    if (every_ns < 0) throw pybind11::value_error("every: expected no negative time");
    levels_.resize(depth);
    every_ = every_ns;
  }
  /// Before a message of `ts` is applied: true if an interval ended, whose end is boundary().
  [[nodiscard]] bool interval_ended(Nanos ts) {
    if (levels_.empty() || every_ == 0) return false;
    const bool first = next_ == 0;
    const bool ended = !first && ts >= next_;
    if (first || ended) {
      boundary_ = next_;
      next_ = (ts / every_ + 1) * every_;
    }
    return ended;
  }
  [[nodiscard]] bool every_message() const { return !levels_.empty() && every_ == 0; }
  [[nodiscard]] Nanos boundary() const { return boundary_; }

  template <class Book>
  void add(const Book& book, std::uint32_t instrument, std::uint64_t sequence, Nanos ts) {
    for (const auto side : {Side::BUY, Side::SELL}) {
      const auto count = book.levels(side, levels_);
      for (std::size_t i = 0; i < count; ++i) {
        rows_.push_back({ts, sequence, levels_[i].px, levels_[i].qty, instrument,
                         static_cast<std::uint16_t>(i + 1), static_cast<std::uint8_t>(side), 0});
      }
    }
  }
  /// The rows so far as a NumPy array; then starts empty.
  [[nodiscard]] pybind11::array take() {
    pybind11::array_t<BookRow> out(static_cast<pybind11::ssize_t>(rows_.size()));
    std::copy(rows_.begin(), rows_.end(), out.mutable_data());
    rows_.clear();
    return out;
  }

 private:
  std::vector<Level> levels_;
  std::vector<BookRow> rows_;
  Nanos every_ = 0;
  Nanos next_ = 0;
  Nanos boundary_ = 0;
};

/// (bid_px, bid_qty, ask_px, ask_qty, ts_event, updates); None for the price of an empty side.
inline pybind11::tuple top_tuple(const Top& top) {
  const auto price = [](bool has, std::int64_t px) -> pybind11::object {
    return has ? pybind11::object(pybind11::int_(px)) : pybind11::object(pybind11::none());
  };
  return pybind11::make_tuple(price(top.has_bid(), top.bid_px), top.bid_qty,
                              price(top.has_ask(), top.ask_px), top.ask_qty, top.ts_event,
                              top.updates);
}

inline constexpr const char* kSideExpected = "side: expected 1 (buy) or 2 (sell)";

inline Side side_of(int side) {
  if (side != 1 && side != 2) throw pybind11::value_error(kSideExpected);
  return static_cast<Side>(side);
}

/// [(px, qty, orders)], the best first.
template <class Book>
pybind11::list levels_list(const Book& book, int side, std::size_t depth) {
  std::vector<Level> levels(std::min(depth, book.level_count(side_of(side))));
  book.levels(side_of(side), levels);
  pybind11::list out;
  for (const auto& level : levels) {
    out.append(pybind11::make_tuple(level.px, level.qty, level.orders));
  }
  return out;
}

}  // namespace pitwire
