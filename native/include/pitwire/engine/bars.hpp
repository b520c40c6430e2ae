// Time bars from trades, closed by the log's time; the same live and in replay.
// An interval in which nothing traded makes no bar.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "pitwire/base/types.hpp"
#include "pitwire/market/bytes.hpp"

namespace pitwire {

/// All bars being built. Intervals begin at multiples of their length since 1970 UTC.
class BarBuilder {
 public:
  /// Build bars of `interval_seconds` for `instrument`; asking twice changes nothing.
  void subscribe(InstrumentId instrument, std::uint32_t interval_seconds) {
    const auto same = [&](const Builder& b) {
      return b.bar.instrument == index(instrument) && b.bar.interval_seconds == interval_seconds;
    };
    if (std::any_of(builders_.begin(), builders_.end(), same)) return;
    Builder builder;
    builder.bar.instrument = index(instrument);
    builder.bar.interval_seconds = interval_seconds;
    const auto after = [](const Builder& a, const Builder& b) {
      return std::pair{a.bar.instrument, a.bar.interval_seconds} <
             std::pair{b.bar.instrument, b.bar.interval_seconds};
    };
    builders_.insert(std::upper_bound(builders_.begin(), builders_.end(), builder, after), builder);
  }

  void on_trade(InstrumentId instrument, std::int64_t price, std::int64_t qty, Nanos now) noexcept {
    const auto before = [](const Builder& b, std::uint32_t id) { return b.bar.instrument < id; };
    auto it = std::lower_bound(builders_.begin(), builders_.end(), index(instrument), before);
    for (; it != builders_.end() && it->bar.instrument == index(instrument); ++it) {
      it->add(price, qty, now);
      next_close_ = std::min(next_close_, it->closes_at());
    }
  }

  [[nodiscard]] Nanos next_close() const noexcept { return next_close_; }

  /// Calls `closed(rec::Bar)` for every bar whose interval is over at `now`: by close, then
  /// instrument, then interval.
  template <class Closed>
  void advance(Nanos now, Closed&& closed) {
    while (next_close_ <= now) {
      const Nanos close = next_close_;
      next_close_ = kNever;
      for (auto& builder : builders_) {
        if (builder.bar.trades == 0) continue;
        if (builder.closes_at() == close) {
          closed(builder.bar);
          builder.bar.trades = 0;
        } else {
          next_close_ = std::min(next_close_, builder.closes_at());
        }
      }
    }
  }

  void save(ByteWriter& out) const {
    out.put(static_cast<std::uint64_t>(builders_.size()));
    for (const Builder& builder : builders_)
      out.put_bytes(std::as_bytes(std::span(&builder.bar, 1)));
    out.put(next_close_);
  }
  [[nodiscard]] bool restore(ByteReader& in) {
    builders_.clear();
    for (auto left = in.get<std::uint64_t>(); left > 0 && in.ok(); --left) {
      const auto bytes = in.get_bytes();
      if (bytes.size() != sizeof(rec::Bar)) return false;
      Builder builder;
      std::memcpy(&builder.bar, bytes.data(), sizeof(rec::Bar));
      builders_.push_back(builder);
    }
    next_close_ = in.get<Nanos>();
    return in.ok();
  }

  struct Builder {
    rec::Bar bar;

    [[nodiscard]] Nanos closes_at() const noexcept {
      return bar.ts_open + static_cast<Nanos>(bar.interval_seconds) * kSecond;
    }
    void add(std::int64_t price, std::int64_t qty, Nanos now) noexcept {
      if (bar.trades == 0) {
        const Nanos length = static_cast<Nanos>(bar.interval_seconds) * kSecond;
        bar.ts_open = now - now % length;
        bar.open = bar.high = bar.low = price;
        bar.volume = 0;
        bar.notional = 0;
      }
      bar.high = std::max(bar.high, price);
      bar.low = std::min(bar.low, price);
      bar.close = price;
      bar.volume += qty;
      bar.notional += static_cast<double>(price) * static_cast<double>(qty);
      ++bar.trades;
    }
  };

 private:
  static constexpr Nanos kNever = std::numeric_limits<Nanos>::max();
  std::vector<Builder> builders_;  // sorted by (instrument, interval)
  Nanos next_close_ = kNever;
};

}  // namespace pitwire
