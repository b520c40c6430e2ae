// Where other threads and the loop put what the core shall see: many producers, one consumer.
//
// Layout. A power of two of bytes. A producer claims its stretch by compare-exchange of the tail,
// writes, and commits by a release-store of the entry's length, which the consumer finds zero until
// then. The consumer zeroes what it has read before it gives it back. Entries are aligned to 32
// bytes and never wrap. Order of the entries is the order of the claims; entries of one producer
// keep their order.
//
// Cost. One compare-exchange, one exchange (Doorbell) and a copy per push; no lock, no allocation,
// and a system call only when the consumer sleeps. Bounded: at the limit push() refuses, counts the
// refusal and the caller decides; nothing is dropped silently. A producer killed between claim and
// commit stops the inbox, which is why it is for threads, not for processes.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "pitwire/base/doorbell.hpp"
#include "pitwire/base/shared_memory.hpp"
#include "pitwire/base/types.hpp"

namespace pitwire {

/// What came in, in place: valid until pop().
struct InboxMessage {
  std::uint32_t kind = 0;
  std::uint32_t source = 0;
  Nanos ts_recv = 0;
  std::span<const std::byte> bytes;
};

class Inbox final : public WakeSource {
 public:
  /// `capacity_bytes` is rounded up to a power of two, at least 4096.
  explicit Inbox(std::uint64_t capacity_bytes);

  /// Any thread. Copies the message in and wakes the consumer; false when there is no room or the
  /// message is longer than message_bytes_max().
  [[nodiscard]] bool push(std::uint32_t kind, std::uint32_t source, Nanos ts_recv,
                          std::span<const std::byte> bytes) noexcept;

  /// Consumer: the oldest message, false when there is none. Repeats until pop().
  [[nodiscard]] bool front(InboxMessage& message) noexcept;
  /// Consumer: gives the message of the last front() back.
  void pop() noexcept;
  /// Consumer: hands at most `budget` messages to `f(const InboxMessage&)`; returns how many.
  template <class F>
  int poll(int budget, F&& f) {
    InboxMessage message;
    int count = 0;
    for (; count < budget && front(message); ++count) {
      f(static_cast<const InboxMessage&>(message));
      pop();
    }
    return count;
  }

  [[nodiscard]] bool ready() const noexcept override;
  [[nodiscard]] Doorbell& doorbell() noexcept override { return bell_; }

  [[nodiscard]] std::uint64_t capacity_bytes() const noexcept { return capacity_; }
  [[nodiscard]] std::uint64_t message_bytes_max() const noexcept { return capacity_ / 2 - 64; }
  [[nodiscard]] std::uint64_t used_bytes() const noexcept;
  /// Most bytes ever waiting at a front().
  [[nodiscard]] std::uint64_t peak_bytes() const noexcept {
    return peak_.load(std::memory_order_relaxed);
  }
  /// How often push() had no room.
  [[nodiscard]] std::uint64_t refused() const noexcept {
    return refused_.load(std::memory_order_relaxed);
  }

 private:
  struct Header;
  [[nodiscard]] std::byte* claim(std::uint64_t need) noexcept;
  [[nodiscard]] Header* at(std::uint64_t position) const noexcept;
  void give_back(std::uint64_t size_bytes) noexcept;

  SharedMemory memory_;
  std::uint64_t capacity_;
  std::uint64_t mask_;
  Doorbell bell_;
  alignas(128) std::atomic<std::uint64_t> tail_{0};
  std::atomic<std::uint64_t> refused_{0};
  alignas(128) std::atomic<std::uint64_t> head_{0};
  std::atomic<std::uint64_t> peak_{0};
};

}  // namespace pitwire
