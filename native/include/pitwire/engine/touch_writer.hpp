// Tells other processes the best bid and ask (market/touch_page.hpp): what the edge does beside the
// core, never in replay.
//
// The core's thread marks an instrument whenever its book changed and publishes at the end of each
// input, so that a packet of many updates costs one publication. Nothing is compared or written for
// an instrument that was not marked; marking is a byte and, the first time, an entry in a list. No
// system call, no allocation after construction.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "pitwire/base/shared_memory.hpp"
#include "pitwire/engine/market_desk.hpp"
#include "pitwire/market/touch_page.hpp"
#include "pitwire/orders/instrument.hpp"

namespace pitwire {

class TouchWriter {
 public:
  /// Makes the file with every touch as it is now. A file of this name is replaced: who reads it
  /// finds it REPLACED. Throws std::invalid_argument with path and reason, also for a symbol that
  /// is longer than touch::kSymbolBytes. `market` must outlive it.
  TouchWriter(const std::string& path, mode_t mode, std::uint32_t epoch,
              const InstrumentRegistry& instruments, const MarketDesk& market, Nanos now);
  TouchWriter(const TouchWriter&) = delete;
  TouchWriter& operator=(const TouchWriter&) = delete;
  /// Says ENDED.
  ~TouchWriter();

  /// The book or its state may have changed.
  void mark(InstrumentId instrument) noexcept {
    const auto at = index(instrument);
    if (at >= marked_.size() || marked_[at] != 0) return;
    marked_[at] = 1;
    changed_.push_back(at);
  }
  /// Publishes the marked ones whose touch or state is not what the file says. The orders at the
  /// touch are counted when it is published: a change of their number alone is none.
  void publish(Sequence sequence, Nanos ts_recv) noexcept {
    if (!changed_.empty()) publish_changed(sequence, ts_recv);
  }
  void heartbeat(std::uint64_t turn, Nanos now) noexcept;

 private:
  [[nodiscard]] touch::Header& header() noexcept {
    return *reinterpret_cast<touch::Header*>(memory_.data());
  }
  void publish_changed(Sequence sequence, Nanos ts_recv) noexcept;
  void publish_one(std::uint32_t at, Sequence sequence, Nanos ts_recv) noexcept;
  [[nodiscard]] std::uint16_t orders_at_touch(std::uint32_t at, Side side) const noexcept;

  const MarketDesk& market_;
  SharedMemory memory_;
  touch::Slot* slots_;
  std::vector<std::uint8_t> marked_;    ///< by instrument
  std::vector<std::uint32_t> changed_;  ///< those that are marked
};

}  // namespace pitwire
