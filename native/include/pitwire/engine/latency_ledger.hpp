// What every request cost, stage by stage: stamps on the way out, the venue's first answer, a
// histogram of each stage and lane.
//
// Only the live edge has one. The core says how far it is (Egress::reached) and reads no clock; the
// edge stamps, and what is measured goes into the log as an observation, which no replay compares.
//
// Layout. A table of 4,096 slots, found by the low bits of the ClOrdID, which rises by one; the
// request that finds its slot taken has that one's record written without an answer. Per session a
// ring of requests that the kernel has not taken yet (awaited durability, a thread of its own, a
// full socket). Nothing is allocated after the first request of a session.
//
// Cost. 0.12 us an order: P16 of the native lane, with and without (`pitwire bench`). Four readings
// of the clock, 10 ns each, lie before its bytes leave, the rest behind. What it does not see: how
// long the kernel and the card take behind `sent`, and before `received` where the kernel gave no
// stamp.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "pitwire/base/histogram.hpp"
#include "pitwire/base/shared_counters.hpp"
#include "pitwire/base/types.hpp"
#include "pitwire/engine/emitter.hpp"
#include "pitwire/records.hpp"

namespace pitwire {

/// A duration of the ledger: its name, and the stamps between which it lies.
struct LatencyStage {
  std::string_view name;
  std::string_view from_field, to_field;
  std::int64_t rec::OrderLatency::* from;
  std::int64_t rec::OrderLatency::* to;
};

/// In the order of a request's life, then the sums.
extern const std::array<LatencyStage, 8> kLatencyStages;

/// One thread: the core's.
class LatencyLedger {
 public:
  static constexpr std::size_t kSlots = 4096;
  using Answer = std::optional<rec::OrderLatency>;  ///< a record that is complete

  LatencyLedger();
  LatencyLedger(const LatencyLedger&) = delete;
  LatencyLedger& operator=(const LatencyLedger&) = delete;

  /// From here on the histograms are kept where other processes can read them; before the first
  /// request. `page` must outlive this. Throws std::invalid_argument where it has no room.
  void share(SharedCounters& page);

  /// The core has come so far with what it is at.
  void reached(OrderStage stage, Nanos now) noexcept;
  /// The native phase has ended: what comes now is decided by handlers.
  void native_phase(bool running, Nanos now) noexcept;

  /// A request is in the log. Returns the record of the one that it takes the place of.
  Answer logged(OrderAction action, ClOrdId cl_ord_id, Nanos received, Nanos now);
  /// The kernel has taken it whole.
  void sent(ClOrdId cl_ord_id, Nanos now) noexcept;
  /// It has not yet: written() of this session will say so.
  void waits(SessionId session, Sequence sequence, ClOrdId cl_ord_id);
  void written(SessionId session, Sequence up_to, Nanos now) noexcept;
  /// The connection has ended: what waited never left.
  void forget_waiting(SessionId session) noexcept;
  /// The venue answered it; nothing where that is not its first answer.
  Answer acknowledged(ClOrdId cl_ord_id, Nanos received) noexcept;
  /// It will not be answered.
  Answer give_up(ClOrdId cl_ord_id) noexcept;
  /// give_up() of each that is not answered yet.
  template <class F>
  void give_up_all(F&& f) {
    for (rec::OrderLatency& slot : slots_) {
      if (slot.cl_ord_id != 0) f(std::exchange(slot, {}));
    }
  }

  [[nodiscard]] const Histogram& histogram(OrderLane lane, std::size_t stage) const noexcept {
    return *histograms_[lane == OrderLane::NATIVE ? 1 : 0][stage];
  }

 private:
  struct Waiting {
    Sequence sequence;
    ClOrdId cl_ord_id;
  };
  struct Ring {
    std::vector<Waiting> entries;
    std::size_t begin = 0, end = 0;  ///< counts; places are their low bits
  };

  [[nodiscard]] rec::OrderLatency* find(ClOrdId cl_ord_id) noexcept {
    rec::OrderLatency& slot = slots_[cl_ord_id % kSlots];
    return cl_ord_id != 0 && slot.cl_ord_id == cl_ord_id ? &slot : nullptr;
  }
  void count(const rec::OrderLatency& record, std::int64_t rec::OrderLatency::* reached) noexcept;

  std::vector<rec::OrderLatency> slots_;  ///< cl_ord_id 0: free
  std::vector<Ring> waiting_;             ///< by session
  std::vector<Histogram> own_;            ///< until they are shared
  std::array<std::array<Histogram*, 8>, 2> histograms_{};
  bool native_ = false;
  Nanos native_ended_ = 0;
  Nanos rule_looked_ = 0;
  Nanos decided_ = 0;
  Nanos risk_passed_ = 0;
};

}  // namespace pitwire
