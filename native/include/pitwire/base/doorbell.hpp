// Wakes a consumer that sleeps, and costs a producer one atomic exchange when it does not.
#pragma once

#include <atomic>

namespace pitwire {

/// An eventfd that is written only while the consumer is about to sleep.
///
/// Protocol: the producer publishes, then ring(). The consumer calls arm(), looks once more for
/// something published, and sleeps on fd() only when there is nothing; after waking it calls
/// disarm(). Both sides exchange the same word, so one of them sees the other: either the consumer
/// finds what was published, or the producer finds the word armed and writes the eventfd.
class Doorbell {
 public:
  /// Throws std::invalid_argument when no eventfd can be made.
  Doorbell();
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  /// Any thread. One atomic exchange; a system call only when the consumer is armed.
  void ring() noexcept {
    // acq_rel pairs with arm(): the consumer that armed after us acquires what we published.
    if (armed_.exchange(false, std::memory_order_acq_rel)) wake();
  }
  /// Consumer only, before the last look.
  void arm() noexcept { armed_.exchange(true, std::memory_order_acq_rel); }
  /// Consumer only, after waking: empties the eventfd if it was written.
  void disarm() noexcept;
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  void wake() noexcept;

  int fd_ = -1;
  alignas(64) std::atomic<bool> armed_{false};
};

/// Something a Waiter can sleep on: a descriptor that becomes readable, and a word in memory that
/// says sooner, without a system call, that there is work.
class WakeSource {
 public:
  virtual ~WakeSource() = default;
  /// True when a poll would find something. Called while spinning: a load or two.
  [[nodiscard]] virtual bool ready() const noexcept = 0;
  /// The bell to arm before sleeping; its fd() goes into the epoll set.
  [[nodiscard]] virtual Doorbell& doorbell() noexcept = 0;
};

}  // namespace pitwire
