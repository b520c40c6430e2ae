// Which execution reports were seen: the guard against booking a trade twice.
//
// One ring and one open-addressed index per session, allocated at the session's first report and
// fixed from then on. The bound: the newest `capacity` ExecIDs of a session are known (65,536 by
// default, more than a resend brings). What is older is forgotten; a report that repeats it would
// count as new, and shows as an overfill or a CumQty mismatch. Whole ids are compared, not
// hashes. Fills keep price, quantity and fee, because a bust or correction names them by ExecRefID.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "pitwire/base/types.hpp"

namespace pitwire {

/// A report that was seen. Quantity 0 where it was no trade (or its trade was busted).
struct SeenExecution {
  std::array<char, 40> exec_id{};
  ClOrdId order = 0;
  std::int64_t last_px = 0;
  std::int64_t last_qty = 0;
  std::int64_t fee = 0;
  std::uint8_t side = 0;
  std::uint8_t has_fee = 0;
  std::uint8_t aggressor = 0;
  std::array<std::uint8_t, 5> reserved{};
};
static_assert(sizeof(SeenExecution) == 80);

class ExecutionIds {
 public:
  explicit ExecutionIds(std::uint32_t capacity);

  /// The entry of this ExecID on this side, or null. Two sides of one trade may share an ExecID.
  [[nodiscard]] SeenExecution* find(const std::array<char, 40>& exec_id,
                                    std::uint8_t side) noexcept;
  [[nodiscard]] const SeenExecution* find(const std::array<char, 40>& exec_id,
                                          std::uint8_t side) const noexcept;
  /// Remembers an unseen one, forgetting the oldest at capacity.
  void insert(const SeenExecution& seen) noexcept;
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }
  /// The i-th oldest, i < size().
  [[nodiscard]] const SeenExecution& oldest(std::uint32_t i) const noexcept {
    return ring_[(next_ + capacity_ - size_ + i) % capacity_];
  }

 private:
  /// Its place in the ring, and its hash: most probes end here, without a look at the ring, which
  /// is five times as large as what a core's cache holds.
  struct Place {
    std::uint32_t slot;
    std::uint32_t hash;
  };
  void erase(std::uint32_t slot) noexcept;

  std::uint32_t capacity_;
  std::size_t mask_;
  std::uint32_t next_ = 0;
  std::uint32_t size_ = 0;
  std::vector<SeenExecution> ring_;
  std::vector<Place> index_;
};

}  // namespace pitwire
