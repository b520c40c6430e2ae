#include "pitwire/market/ticker_check.hpp"

namespace pitwire {
namespace {

Touch touch_of(const Top& top) noexcept {
  return {top.bid_px, top.bid_qty, top.ask_px, top.ask_qty};
}

/// The venue writes an empty side as price and quantity 0.
Touch touch_of(const BookTicker& ticker) noexcept {
  Touch touch;
  if (ticker.bid_qty != 0) {
    touch.bid_px = ticker.bid_px;
    touch.bid_qty = ticker.bid_qty;
  }
  if (ticker.ask_qty != 0) {
    touch.ask_px = ticker.ask_px;
    touch.ask_qty = ticker.ask_qty;
  }
  return touch;
}

}  // namespace

TopComparison TickerCheck::compare(std::uint64_t update_id, const Touch& book,
                                   const Touch& announced) {
  const TopComparison found{update_id, book, announced};
  ++compared_;
  if (found.different()) ++different_;
  return found;
}

std::optional<TopComparison> TickerCheck::book_at(std::uint64_t update_id, const Top& top) {
  newest_ = (newest_ + 1) % kTouchesKept;
  touches_[newest_] = {update_id, touch_of(top)};
  while (first_ < waiting_.size() && waiting_[first_].update_id < update_id) ++first_;
  std::optional<TopComparison> found;
  if (first_ < waiting_.size() && waiting_[first_].update_id == update_id) {
    found = compare(update_id, touches_[newest_].touch, waiting_[first_++].touch);
  }
  if (first_ == waiting_.size()) {
    waiting_.clear();
    first_ = 0;
  }
  return found;
}

std::optional<TopComparison> TickerCheck::announced(const BookTicker& ticker) {
  if (ticker.update_id > touches_[newest_].update_id) {
    if (waiting_.size() - first_ == kWaitingMax) ++first_;
    if (first_ >= kWaitingMax) {
      waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    }
    waiting_.push_back({ticker.update_id, touch_of(ticker)});
    return std::nullopt;
  }
  for (const At& at : touches_) {
    if (at.update_id != 0 && at.update_id == ticker.update_id) {
      return compare(ticker.update_id, at.touch, touch_of(ticker));
    }
  }
  return std::nullopt;
}

void TickerCheck::book_lost() noexcept {
  touches_ = {};
  newest_ = 0;
}

void TickerCheck::restart() noexcept {
  book_lost();
  waiting_.clear();
  first_ = 0;
}

void TickerCheck::save(ByteWriter& out) const {
  out.put_bytes(std::as_bytes(std::span(waiting_).subspan(first_)));
  out.put_bytes(std::as_bytes(std::span(touches_)));
  out.put(static_cast<std::uint64_t>(newest_));
  out.put(compared_);
  out.put(different_);
}

bool TickerCheck::restore(ByteReader& in) {
  restart();
  ByteReader waiting(in.get_bytes());
  while (waiting.left() >= sizeof(At)) waiting_.push_back(waiting.get<At>());
  ByteReader touches(in.get_bytes());
  for (At& at : touches_) at = touches.get<At>();
  newest_ = in.get<std::uint64_t>();
  compared_ = in.get<std::uint64_t>();
  different_ = in.get<std::uint64_t>();
  return in.ok() && touches.ok() && newest_ < kTouchesKept && waiting_.size() <= kWaitingMax;
}

}  // namespace pitwire
