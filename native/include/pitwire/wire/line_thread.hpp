// A thread that polls one line of the edge, and the two rings between it and the core's thread.
//
//   this thread   polls the line; what the line says goes into `in_`, stamped where it was received
//   core's thread takes it out, in order, when it polls; what it wants of the line goes into `out_`
//
// Sequencing and logging stay with the core: a line on a thread is to it what an inline one is,
// later by the hop. Neither side ever waits for the other holding anything: where `in_` is full the
// thread stops reading (the kernel's buffer fills, and the venue or the drop counter feels it)
// until the core has made room; where `out_` is full the core is told so at once.
//
// Cost. A copy into the ring and one out of it an item, one atomic exchange to wake; a system call
// only towards a side that sleeps. 20 to 35 us from a sleep to the core, see Waiter for the modes.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "pitwire/base/byte_ring.hpp"
#include "pitwire/base/doorbell.hpp"
#include "pitwire/base/types.hpp"
#include "pitwire/wire/waiter.hpp"

namespace pitwire {

struct LineThreadConfig {
  std::string name;                       ///< of the thread, at most 15 bytes
  std::uint64_t ring_bytes = 1ULL << 24;  ///< of each direction; at least four largest items
  WaitMode wait = WaitMode::PARK;
  Nanos spin_ns = 50'000;
};

/// What a line must be to run on a LineThread. Called on the thread only.
class ThreadedLine {
 public:
  virtual ~ThreadedLine() = default;
  /// Polls once; returns what it did, 0 is idle.
  virtual int work(Nanos now) = 0;
  /// What the core asked for.
  virtual void told(const ByteRing::Entry& entry) = 0;
  /// Work waits though neither descriptor nor ring says so. A load or two.
  [[nodiscard]] virtual bool pressing() const noexcept { return false; }
  /// When work() must be called next at the latest.
  [[nodiscard]] virtual Nanos due() const noexcept = 0;
  /// Readable when work() has something to do.
  [[nodiscard]] virtual int descriptor() const noexcept = 0;
};

/// The core's end is a WakeSource: ready when the thread has handed something over.
class LineThread final : public WakeSource {
 public:
  /// Starts; `line` outlives this. Throws std::invalid_argument with the reason.
  LineThread(ThreadedLine& line, LineThreadConfig config);
  /// Ends the thread. What was handed over and not taken is gone.
  ~LineThread() override;
  LineThread(const LineThread&) = delete;
  LineThread& operator=(const LineThread&) = delete;

  // ---- the core's thread
  /// Hands at most `budget` items to `f(const ByteRing::Entry&)`; returns how many.
  template <class F>
  int take(int budget, F&& f) {
    int count = 0;
    for (ByteRing::Entry entry; count < budget && in_.poll(entry); ++count) {
      f(static_cast<const ByteRing::Entry&>(entry));
      in_.release();
    }
    if (count != 0) room_.bell.ring();
    return count;
  }
  /// False where there is no room.
  bool tell(std::uint32_t kind, std::uint32_t source, Nanos ts, std::span<const std::byte> bytes);
  [[nodiscard]] bool ready() const noexcept override { return in_.ready(); }
  [[nodiscard]] Doorbell& doorbell() noexcept override { return core_bell_; }

  // ---- any thread
  /// Rung, the thread polls its line.
  [[nodiscard]] Doorbell& bell() noexcept { return told_.bell; }

  // ---- the line's thread, from inside work() and told()
  void hand_over(std::uint32_t kind, std::uint32_t source, Nanos ts,
                 std::span<const std::byte> bytes);

 private:
  struct Source final : WakeSource {
    explicit Source(std::function<bool()> is_ready) : looks(std::move(is_ready)) {}
    [[nodiscard]] bool ready() const noexcept override { return looks(); }
    [[nodiscard]] Doorbell& doorbell() noexcept override { return bell; }
    std::function<bool()> looks;
    Doorbell bell;
  };
  struct Spilled {
    std::uint32_t kind, source;
    Nanos ts;
    std::vector<std::byte> bytes;
  };

  void run();
  void take_told();
  bool spill();

  ThreadedLine& line_;
  LineThreadConfig config_;
  ByteRing in_;   ///< line to core
  ByteRing out_;  ///< core to line
  Doorbell core_bell_;
  Source told_;                  ///< the core told something, or somebody rang
  Source room_;                  ///< the core took something
  bool handed_ = false;          ///< the thread's: since the core's bell was rung
  std::deque<Spilled> spilled_;  ///< the thread's: what `in_` had no room for
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace pitwire
