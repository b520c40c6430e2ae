// What rings of both kinds have in common, and the ring of bytes.
#include <bit>

#include "pitwire/base/byte_ring.hpp"

namespace pitwire {
namespace ring_detail {

std::size_t region_bytes(std::uint32_t record_bytes, std::uint64_t capacity) {
  const std::uint64_t unit = record_bytes == 0 ? 1 : record_bytes;
  if (capacity == 0 || capacity > (std::uint64_t{1} << 40) / unit) {
    throw std::invalid_argument("ring: capacity " + std::to_string(capacity) +
                                " outside [1, 2^40 bytes]");
  }
  return sizeof(RingControl) + capacity * unit;
}

RingControl& initialise(SharedMemory& memory, std::uint32_t record_bytes, std::uint64_t capacity) {
  if (memory.size_bytes() < region_bytes(record_bytes, capacity)) {
    throw std::invalid_argument("ring: region of " + std::to_string(memory.size_bytes()) +
                                " bytes is too small for " + std::to_string(capacity));
  }
  auto* control = new (memory.data()) RingControl{};
  control->version = RingControl::kVersion;
  control->record_bytes = record_bytes;
  control->capacity = capacity;
  control->magic = RingControl::kMagic;
  return *control;
}

RingControl& verify(SharedMemory& memory, std::uint32_t record_bytes) {
  const auto refuse = [](const std::string& what, std::uint64_t expected, std::uint64_t found) {
    throw std::invalid_argument("ring: " + what + " is " + std::to_string(found) + ", expected " +
                                std::to_string(expected));
  };
  if (memory.size_bytes() < sizeof(RingControl)) {
    refuse("size in bytes", sizeof(RingControl), memory.size_bytes());
  }
  auto& control = *reinterpret_cast<RingControl*>(memory.data());
  if (control.magic != RingControl::kMagic) refuse("magic", RingControl::kMagic, control.magic);
  if (control.version != RingControl::kVersion) {
    refuse("version", RingControl::kVersion, control.version);
  }
  if (control.record_bytes != record_bytes) {
    refuse("record size", record_bytes, control.record_bytes);
  }
  if (!std::has_single_bit(control.capacity)) refuse("capacity", 0, control.capacity);
  const auto need = region_bytes(record_bytes, control.capacity);
  if (memory.size_bytes() < need) refuse("size in bytes", need, memory.size_bytes());
  return control;
}

}  // namespace ring_detail

namespace {
constexpr std::uint32_t kPadding = 0xffffffff;  // kind of the entry that fills the end
constexpr std::uint64_t aligned(std::uint64_t size_bytes) { return (size_bytes + 7) & ~7ULL; }
constexpr std::uint64_t rounded(std::uint64_t capacity_bytes) {
  return std::bit_ceil(capacity_bytes < 4096 ? std::uint64_t{4096} : capacity_bytes);
}
}  // namespace

struct ByteRing::Header {
  std::uint32_t size_bytes;
  std::uint32_t kind;
  std::uint32_t source;
  std::uint32_t reserved;
  Nanos ts;
};
static_assert(ByteRing::kHeaderBytes == 24);

ByteRing::ByteRing(SharedMemory memory)
    : memory_(std::move(memory)),
      control_(reinterpret_cast<RingControl*>(memory_.data())),
      bytes_(memory_.data() + sizeof(RingControl)),
      capacity_(control_->capacity),
      mask_(capacity_ - 1),
      tail_(control_->tail.load(std::memory_order_acquire)),
      head_cache_(control_->head.load(std::memory_order_acquire)),
      head_(head_cache_),
      tail_cache_(head_cache_) {}

ByteRing::ByteRing(std::uint64_t capacity_bytes)
    : ByteRing(create(SharedMemory::anonymous(region_bytes(capacity_bytes)), capacity_bytes)) {}

ByteRing ByteRing::create(SharedMemory memory, std::uint64_t capacity_bytes) {
  ring_detail::initialise(memory, 0, rounded(capacity_bytes));
  return ByteRing(std::move(memory));
}

ByteRing ByteRing::attach(SharedMemory memory) {
  ring_detail::verify(memory, 0);
  return ByteRing(std::move(memory));
}

std::size_t ByteRing::region_bytes(std::uint64_t capacity_bytes) {
  return ring_detail::region_bytes(0, rounded(capacity_bytes));
}

bool ByteRing::reserve(std::uint64_t need) noexcept {
  if (capacity_ - (tail_ - head_cache_) >= need) return true;
  head_cache_ = control_->head.load(std::memory_order_acquire);  // pairs with release()
  return capacity_ - (tail_ - head_cache_) >= need;
}

std::span<std::byte> ByteRing::claim(std::uint32_t size_bytes, std::uint32_t kind,
                                     std::uint32_t source, Nanos ts) noexcept {
  if (size_bytes > entry_bytes_max()) return {};
  const std::uint64_t need = kHeaderBytes + aligned(size_bytes);
  const std::uint64_t to_end = capacity_ - (tail_ & mask_);
  const bool wraps = need > to_end;
  if (!reserve(wraps ? to_end + need : need)) return {};
  if (wraps) {
    // At least 8 bytes remain, enough for the two words that a padding entry needs.
    auto* pad = reinterpret_cast<Header*>(bytes_ + (tail_ & mask_));
    pad->size_bytes = static_cast<std::uint32_t>(to_end);
    pad->kind = kPadding;
    tail_ += to_end;
  }
  auto* header = reinterpret_cast<Header*>(bytes_ + (tail_ & mask_));
  *header = {size_bytes, kind, source, 0, ts};
  tail_ += need;
  return {reinterpret_cast<std::byte*>(header) + kHeaderBytes, size_bytes};
}

void ByteRing::commit() noexcept {
  control_->tail.store(tail_, std::memory_order_release);  // pairs with poll()
}

bool ByteRing::push(std::span<const std::byte> bytes, std::uint32_t kind, std::uint32_t source,
                    Nanos ts) noexcept {
  if (bytes.size() > entry_bytes_max()) return false;
  const auto room = claim(static_cast<std::uint32_t>(bytes.size()), kind, source, ts);
  if (room.data() == nullptr) return false;
  if (!bytes.empty()) std::memcpy(room.data(), bytes.data(), bytes.size());
  commit();
  return true;
}

bool ByteRing::poll(Entry& entry) noexcept {
  for (;;) {
    if (head_ == tail_cache_) {
      tail_cache_ = control_->tail.load(std::memory_order_acquire);  // pairs with commit()
      if (head_ == tail_cache_) return false;
    }
    const auto* header = reinterpret_cast<const Header*>(bytes_ + (head_ & mask_));
    if (header->kind == kPadding) {
      head_ += header->size_bytes;
      continue;
    }
    entry.kind = header->kind;
    entry.source = header->source;
    entry.ts = header->ts;
    entry.bytes = {reinterpret_cast<const std::byte*>(header) + kHeaderBytes, header->size_bytes};
    head_ += kHeaderBytes + aligned(header->size_bytes);
    return true;
  }
}

void ByteRing::release() noexcept {
  control_->head.store(head_, std::memory_order_release);  // pairs with reserve()
}

bool ByteRing::ready() const noexcept {
  return control_->tail.load(std::memory_order_acquire) != head_;
}

std::uint64_t ByteRing::used_bytes() const noexcept {
  const auto head = control_->head.load(std::memory_order_acquire);
  return control_->tail.load(std::memory_order_acquire) - head;
}

}  // namespace pitwire
