// A book of recorded quantity as a matcher sees it, whatever book class keeps it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "pitwire/base/types.hpp"

namespace pitwire {

/// Levels that one order may sweep; what would go deeper is left over.
inline constexpr std::size_t kDepthMax = 128;

/// One price of one side: a price in increments and the quantity that stands there.
struct DepthLevel {
  std::int64_t px = 0;
  std::int64_t qty = 0;
};

/// Reads a book that somebody else keeps; answers of two calls agree only while it is not changed.
class DepthView {
 public:
  virtual ~DepthView() = default;
  /// 0 where nothing stands at the price.
  [[nodiscard]] virtual std::int64_t qty_at(Side side, std::int64_t px) const noexcept = 0;
  /// Best first; how many were written.
  virtual std::size_t levels(Side side, std::span<DepthLevel> out) const noexcept = 0;
};

/// A DepthView of any book class with `qty_at(side, px)` and `levels(side, span<LevelT>)`, whose
/// levels have `px` and `qty`: L2Book and L3Book of the market room with its Level. The book must
/// outlive it and stay where it is.
template <class Book, class LevelT>
class DepthOf final : public DepthView {
 public:
  explicit DepthOf(const Book& book) : book_(&book) {}
  [[nodiscard]] std::int64_t qty_at(Side side, std::int64_t px) const noexcept override {
    return book_->qty_at(side, px);
  }
  std::size_t levels(Side side, std::span<DepthLevel> out) const noexcept override {
    LevelT found[kDepthMax];
    const auto wanted = out.size() < kDepthMax ? out.size() : kDepthMax;
    const auto count = book_->levels(side, std::span<LevelT>(found, wanted));
    for (std::size_t i = 0; i < count; ++i) out[i] = {found[i].px, found[i].qty};
    return count;
  }

 private:
  const Book* book_;
};

}  // namespace pitwire
