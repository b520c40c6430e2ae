// One producer, one consumer, records of a fixed size, in place.
//
// Layout. One contiguous region: a control block (magic, version, record size, capacity; then the
// producer's and the consumer's position on cache lines of their own) and `capacity` records, a
// power of two. Positions rise for ever; a record lives at `position & mask`. In one process the
// object is shared by two threads; over shared memory each process has an object of its own on the
// same region and uses one side of it.
//
// Cost. O(1), no system call, no allocation. Each side keeps a private copy of the other's position
// and reads the shared one only when the copy says full or empty, so that in a steady stream the
// two position lines move between cores once per lap or burst, not once per record. Records are
// written and read where they lie (claim, commit; poll, release), and a batch is published by one
// store. Measure: `build/release/pitwire_base_bench --benchmark_filter=Ring`.
//
// Worst case: a consumer that keeps pace record by record (ping-pong) pays two line transfers a
// record, the position's and the record's.
//
// It does not wait (see Doorbell and Waiter), does not survive a producer that dies between claim
// and commit other than by forgetting the claim, and trusts its peer: a region from a process that
// may lie must not be attached.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "pitwire/base/shared_memory.hpp"

namespace pitwire {

/// Start of every ring's region; checked when a process attaches.
struct RingControl {
  static constexpr std::uint64_t kMagic = 0x474e495257544950;  // "PITWRING", little-endian
  static constexpr std::uint32_t kVersion = 1;

  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t record_bytes;                    // 0: entries of variable length
  std::uint64_t capacity;                        // records, or bytes where they vary
  alignas(128) std::atomic<std::uint64_t> tail;  // next to be written
  alignas(128) std::atomic<std::uint64_t> head;  // next to be read
};
static_assert(sizeof(RingControl) == 384 && std::atomic<std::uint64_t>::is_always_lock_free);

namespace ring_detail {
/// Checks and completes the control block; std::invalid_argument says what differs.
RingControl& initialise(SharedMemory& memory, std::uint32_t record_bytes, std::uint64_t capacity);
RingControl& verify(SharedMemory& memory, std::uint32_t record_bytes);
[[nodiscard]] std::size_t region_bytes(std::uint32_t record_bytes, std::uint64_t capacity);
}  // namespace ring_detail

/// See the essay above. `T` is plain data; 64 bytes is the size it is tuned for.
template <class T>
class SpscRing {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= 64);

 public:
  /// In this process. `capacity` is rounded up to a power of two.
  explicit SpscRing(std::uint64_t capacity)
      : SpscRing(create(
            SharedMemory::anonymous(ring_detail::region_bytes(kBytes, std::bit_ceil(capacity))),
            capacity)) {}
  /// Makes a ring in a region of at least `region_bytes(capacity)`.
  [[nodiscard]] static SpscRing create(SharedMemory memory, std::uint64_t capacity) {
    ring_detail::initialise(memory, kBytes, std::bit_ceil(capacity));
    return SpscRing(std::move(memory));
  }
  /// Joins a ring that another process made; throws when magic, version or record size differ.
  [[nodiscard]] static SpscRing attach(SharedMemory memory) {
    ring_detail::verify(memory, kBytes);
    return SpscRing(std::move(memory));
  }
  [[nodiscard]] static std::size_t region_bytes(std::uint64_t capacity) {
    return ring_detail::region_bytes(kBytes, std::bit_ceil(capacity));
  }

  // ---- producer side

  /// The next free record, to be written in place; nullptr when full. Claiming again without
  /// commit gives the same one.
  [[nodiscard]] T* claim() noexcept {
    if (tail_ - head_cache_ == capacity_ && refresh_head() == 0) return nullptr;
    return &records_[tail_ & mask_];
  }
  /// Up to `count` free records that lie side by side; empty when full.
  [[nodiscard]] std::span<T> claim(std::uint64_t count) noexcept {
    const std::uint64_t to_end = capacity_ - (tail_ & mask_);
    if (count > to_end) count = to_end;
    std::uint64_t free = capacity_ - (tail_ - head_cache_);
    if (free < count) free = refresh_head();
    return {&records_[tail_ & mask_], count < free ? count : free};
  }
  /// Publishes the first `count` of what was claimed: one store for the batch.
  void commit(std::uint64_t count = 1) noexcept {
    tail_ += count;
    control_->tail.store(tail_, std::memory_order_release);  // pairs with refresh_tail()
  }
  /// Copies one record in; false when full.
  [[nodiscard]] bool push(const T& record) noexcept {
    T* slot = claim();
    if (slot == nullptr) return false;
    *slot = record;
    commit();
    return true;
  }

  // ---- consumer side

  /// Oldest record, in place; nullptr when empty.
  [[nodiscard]] const T* front() noexcept {
    if (head_ == tail_cache_ && refresh_tail() == 0) return nullptr;
    return &records_[head_ & mask_];
  }
  /// Up to `count` records that lie side by side; valid until release().
  [[nodiscard]] std::span<const T> poll(std::uint64_t count) noexcept {
    const std::uint64_t to_end = capacity_ - (head_ & mask_);
    if (count > to_end) count = to_end;
    std::uint64_t available = tail_cache_ - head_;
    if (available < count) available = refresh_tail();
    return {&records_[head_ & mask_], count < available ? count : available};
  }
  /// Gives the oldest `count` records back to the producer.
  void release(std::uint64_t count = 1) noexcept {
    head_ += count;
    control_->head.store(head_, std::memory_order_release);  // pairs with refresh_head()
  }

  [[nodiscard]] std::uint64_t capacity() const noexcept { return capacity_; }
  /// Records waiting, as either side or an observer may ask; exact when both are still.
  [[nodiscard]] std::uint64_t size() const noexcept {
    const auto head = control_->head.load(std::memory_order_acquire);
    const auto tail = control_->tail.load(std::memory_order_acquire);
    return tail - head;
  }
  /// To pass to another process by descriptor.
  [[nodiscard]] const SharedMemory& memory() const noexcept { return memory_; }

 private:
  static constexpr auto kBytes = static_cast<std::uint32_t>(sizeof(T));

  explicit SpscRing(SharedMemory memory)
      : memory_(std::move(memory)),
        control_(reinterpret_cast<RingControl*>(memory_.data())),
        records_(reinterpret_cast<T*>(memory_.data() + sizeof(RingControl))),
        capacity_(control_->capacity),
        mask_(capacity_ - 1),
        tail_(control_->tail.load(std::memory_order_acquire)),
        head_cache_(control_->head.load(std::memory_order_acquire)),
        head_(head_cache_),
        tail_cache_(head_cache_) {}

  /// Free records after a fresh look at the consumer's position.
  std::uint64_t refresh_head() noexcept {
    head_cache_ = control_->head.load(std::memory_order_acquire);  // pairs with release()
    return capacity_ - (tail_ - head_cache_);
  }
  /// Waiting records after a fresh look at the producer's position.
  std::uint64_t refresh_tail() noexcept {
    tail_cache_ = control_->tail.load(std::memory_order_acquire);  // pairs with commit()
    return tail_cache_ - head_;
  }

  SharedMemory memory_;
  RingControl* control_;
  T* records_;
  std::uint64_t capacity_;
  std::uint64_t mask_;
  alignas(128) std::uint64_t tail_;  // producer's
  std::uint64_t head_cache_;
  alignas(128) std::uint64_t head_;  // consumer's
  std::uint64_t tail_cache_;
  std::byte pad_[112];  // nothing of a neighbour on the consumer's lines
};

}  // namespace pitwire
