// What egress looks at before the bytes of an entry leave this process.
#pragma once

#include <atomic>
#include <cstdint>

#include "pitwire/base/types.hpp"

namespace pitwire {

/// An entry as egress must know it, beside its bytes.
struct Outbound {
  Sequence sequence = 0;  ///< in the log; rises
  ClOrdId request = 0;    ///< the ClOrdID that it carries; 0 for none
  bool is_order = false;  ///< a new order or a replace: withheld where it may not leave any more
  bool awaited = false;   ///< waits, and all behind it, until the log is durable up to `sequence`
};

/// Words that others write, looked at before each write. Every pointer may be null: no such rule.
///
/// | word                       | entries                                                    |
/// |----------------------------|------------------------------------------------------------|
/// | fence is not our token     | none leaves any more; the connection ends                  |
/// | kill word is set           | orders are withheld, cancels and the session's own leave   |
/// | the log has failed         | the same, and no entry waits for what will never be durable|
/// | durable is below an awaited| it and those behind it wait                                |
struct EgressRules {
  const std::atomic<std::uint64_t>* fence = nullptr;
  std::uint64_t fence_token = 0;
  const std::atomic<std::uint32_t>* kill_word = nullptr;
  const std::atomic<bool>* log_failed = nullptr;
  const std::atomic<Sequence>* durable = nullptr;

  [[nodiscard]] bool fenced() const noexcept {
    // Acquire pairs with SharedStatus::acquire_fence: who took the fence over sees us stop.
    return fence != nullptr && fence->load(std::memory_order_acquire) != fence_token;
  }
  [[nodiscard]] bool failed() const noexcept {
    return log_failed != nullptr && log_failed->load(std::memory_order_acquire);
  }
  /// Whether an order that has not begun to leave may; 0 for yes.
  [[nodiscard]] WithheldReason withholds_orders() const noexcept {
    // Relaxed: the word says only that it is set.
    if (kill_word != nullptr && kill_word->load(std::memory_order_relaxed) != 0) {
      return WithheldReason::KILLED;
    }
    return failed() ? WithheldReason::LOG_FAILED : WithheldReason{};
  }
  [[nodiscard]] bool may_leave(const Outbound& entry) const noexcept {
    if (!entry.awaited || durable == nullptr) return true;
    // Acquire pairs with the log's thread, which stores the mark after its sync.
    return durable->load(std::memory_order_acquire) >= entry.sequence || failed();
  }
};

/// Whether the log's durable mark moved while an entry waits for it. One thread: the polling one.
class DurableWatch {
 public:
  explicit DurableWatch(const EgressRules& rules) noexcept : rules_(rules) {}
  void awaits(Sequence sequence) noexcept { awaited_ = sequence; }
  /// Before a poll: what the words say now has been seen by it.
  void look() noexcept {
    failed_ = rules_.failed();
    if (rules_.durable != nullptr) seen_ = rules_.durable->load(std::memory_order_acquire);
  }
  /// True when a poll would write what the one before could not.
  [[nodiscard]] bool moved() const noexcept {
    if (rules_.durable == nullptr || awaited_ <= seen_) return false;
    return rules_.durable->load(std::memory_order_acquire) > seen_ || rules_.failed() != failed_;
  }

 private:
  EgressRules rules_;
  Sequence awaited_ = 0;
  Sequence seen_ = 0;
  bool failed_ = false;
};

}  // namespace pitwire
