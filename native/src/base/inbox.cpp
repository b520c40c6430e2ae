#include "pitwire/base/inbox.hpp"

#include <bit>
#include <cstring>

namespace pitwire {
namespace {
constexpr std::uint64_t kAlign = 32;  // a header never wraps: every remainder holds one
constexpr std::uint32_t kPadding = 0xffffffff;
}  // namespace

struct Inbox::Header {
  std::atomic<std::uint32_t> size_bytes;  // of the whole entry; 0 until committed
  std::uint32_t kind;
  std::uint32_t source;
  std::uint32_t payload_bytes;
  Nanos ts_recv;
};

Inbox::Inbox(std::uint64_t capacity_bytes)
    : memory_(SharedMemory::anonymous(
          std::bit_ceil(capacity_bytes < 4096 ? std::uint64_t{4096} : capacity_bytes))),
      capacity_(memory_.size_bytes()),
      mask_(capacity_ - 1) {}

Inbox::Header* Inbox::at(std::uint64_t position) const noexcept {
  return reinterpret_cast<Header*>(memory_.data() + (position & mask_));
}

/// A stretch of `need` bytes, perhaps after filling the end of the region; nullptr when full.
std::byte* Inbox::claim(std::uint64_t need) noexcept {
  std::uint64_t tail = tail_.load(std::memory_order_relaxed);
  for (;;) {
    const std::uint64_t to_end = capacity_ - (tail & mask_);
    const std::uint64_t padding = need > to_end ? to_end : 0;
    // Pairs with give_back(): the consumer's zeroes are in place before we write over them.
    const std::uint64_t used = tail - head_.load(std::memory_order_acquire);
    // Where our tail is older than the head, `used` is huge; the exchange below would fail anyway.
    if (used > capacity_) {
      tail = tail_.load(std::memory_order_relaxed);
      continue;
    }
    if (capacity_ - used < padding + need) return nullptr;
    // Relaxed: the claim publishes nothing, the entry's length does.
    if (!tail_.compare_exchange_weak(tail, tail + padding + need, std::memory_order_relaxed)) {
      continue;
    }
    if (padding != 0) {
      Header* filler = at(tail);
      filler->kind = kPadding;
      // Pairs with front(), as every commit.
      filler->size_bytes.store(static_cast<std::uint32_t>(padding), std::memory_order_release);
    }
    return reinterpret_cast<std::byte*>(at(tail + padding));
  }
}

bool Inbox::push(std::uint32_t kind, std::uint32_t source, Nanos ts_recv,
                 std::span<const std::byte> bytes) noexcept {
  const std::uint64_t need = (sizeof(Header) + bytes.size() + kAlign - 1) & ~(kAlign - 1);
  std::byte* place = bytes.size() > message_bytes_max() ? nullptr : claim(need);
  if (place == nullptr) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  auto* header = reinterpret_cast<Header*>(place);
  header->kind = kind;
  header->source = source;
  header->payload_bytes = static_cast<std::uint32_t>(bytes.size());
  header->ts_recv = ts_recv;
  if (!bytes.empty()) std::memcpy(place + sizeof(Header), bytes.data(), bytes.size());
  // Pairs with front(): whoever sees the length sees the entry.
  header->size_bytes.store(static_cast<std::uint32_t>(need), std::memory_order_release);
  bell_.ring();
  return true;
}

bool Inbox::front(InboxMessage& message) noexcept {
  for (;;) {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);  // ours
    const Header* header = at(head);
    // Pairs with push().
    const std::uint32_t size_bytes = header->size_bytes.load(std::memory_order_acquire);
    if (size_bytes == 0) return false;
    if (header->kind == kPadding) {
      give_back(size_bytes);
      continue;
    }
    const std::uint64_t used = tail_.load(std::memory_order_relaxed) - head;
    if (used > peak_.load(std::memory_order_relaxed)) peak_.store(used, std::memory_order_relaxed);
    message = {
        header->kind,
        header->source,
        header->ts_recv,
        {reinterpret_cast<const std::byte*>(header) + sizeof(Header), header->payload_bytes}};
    return true;
  }
}

void Inbox::pop() noexcept {
  const Header* header = at(head_.load(std::memory_order_relaxed));
  give_back(header->size_bytes.load(std::memory_order_relaxed));
}

/// Zeroes every place where a later entry's length may lie, then moves the head.
void Inbox::give_back(std::uint64_t size_bytes) noexcept {
  const std::uint64_t head = head_.load(std::memory_order_relaxed);
  for (std::uint64_t offset = 0; offset < size_bytes; offset += kAlign) {
    at(head + offset)->size_bytes.store(0, std::memory_order_relaxed);
  }
  head_.store(head + size_bytes, std::memory_order_release);  // pairs with claim()
}

bool Inbox::ready() const noexcept {
  return at(head_.load(std::memory_order_relaxed))->size_bytes.load(std::memory_order_acquire) != 0;
}

std::uint64_t Inbox::used_bytes() const noexcept {
  const auto head = head_.load(std::memory_order_acquire);
  return tail_.load(std::memory_order_acquire) - head;
}

}  // namespace pitwire
