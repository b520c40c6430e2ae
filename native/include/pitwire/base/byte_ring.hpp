// One producer, one consumer, entries of any length, in place.
//
// Layout. The control block of SpscRing, then `capacity` bytes, a power of two. An entry is a
// 24-byte header (length, kind, source, reserved, stamp) and its bytes, padded to 8; it never
// wraps: where it would, a padding entry fills the end of the region. So an entry may be at most
// half the capacity.
//
// Cost. As SpscRing; claims since the last commit are published together by one store, and all
// entries polled are given back by one. Threading: one thread claims and commits, one polls and
// releases. Does not wait, see Doorbell.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "pitwire/base/spsc_ring.hpp"
#include "pitwire/base/types.hpp"

namespace pitwire {

class ByteRing {
 public:
  struct Entry {
    std::uint32_t kind = 0;
    std::uint32_t source = 0;
    Nanos ts = 0;
    std::span<const std::byte> bytes;
  };
  static constexpr std::uint64_t kHeaderBytes = 24;

  /// In this process. `capacity_bytes` is rounded up to a power of two, at least 4096.
  explicit ByteRing(std::uint64_t capacity_bytes);
  [[nodiscard]] static ByteRing create(SharedMemory memory, std::uint64_t capacity_bytes);
  [[nodiscard]] static ByteRing attach(SharedMemory memory);
  [[nodiscard]] static std::size_t region_bytes(std::uint64_t capacity_bytes);

  // ---- producer side

  /// Room for `size_bytes`, to be written in place; empty data() when full or longer than
  /// entry_bytes_max(). Published by the next commit().
  [[nodiscard]] std::span<std::byte> claim(std::uint32_t size_bytes, std::uint32_t kind,
                                           std::uint32_t source, Nanos ts) noexcept;
  /// Publishes every claim since the last commit.
  void commit() noexcept;
  /// Copies one entry in and publishes it; false when there is no room.
  [[nodiscard]] bool push(std::span<const std::byte> bytes, std::uint32_t kind,
                          std::uint32_t source, Nanos ts) noexcept;

  // ---- consumer side

  /// Next entry, valid until release(); false when there is none.
  [[nodiscard]] bool poll(Entry& entry) noexcept;
  /// Gives back every entry polled so far.
  void release() noexcept;
  /// True when a poll would find an entry.
  [[nodiscard]] bool ready() const noexcept;

  [[nodiscard]] std::uint64_t capacity_bytes() const noexcept { return capacity_; }
  [[nodiscard]] std::uint64_t entry_bytes_max() const noexcept {
    return capacity_ / 2 - kHeaderBytes;
  }
  [[nodiscard]] std::uint64_t used_bytes() const noexcept;
  [[nodiscard]] const SharedMemory& memory() const noexcept { return memory_; }

 private:
  struct Header;
  explicit ByteRing(SharedMemory memory);
  [[nodiscard]] bool reserve(std::uint64_t need) noexcept;

  SharedMemory memory_;
  RingControl* control_;
  std::byte* bytes_;
  std::uint64_t capacity_;
  std::uint64_t mask_;
  alignas(128) std::uint64_t tail_;  // producer's, claimed and perhaps not committed
  std::uint64_t head_cache_;
  alignas(128) std::uint64_t head_;  // consumer's, polled and perhaps not released
  std::uint64_t tail_cache_;
  std::byte pad_[112];
};

}  // namespace pitwire
