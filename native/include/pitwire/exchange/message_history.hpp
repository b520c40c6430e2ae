// The last messages of a feed, by sequence number, for datagrams and for those who ask again.
//
// Layout: a ring of fixed 64-byte slots (an ITCH message has at most 50 bytes), so that a sequence
// number is an index. Append is a copy; nothing is allocated after construction. Beyond its
// capacity the oldest are forgotten, and a reader that asks for them needs a snapshot.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <vector>

namespace pitwire {

class MessageHistory {
 public:
  static constexpr std::size_t kMessageSizeMax = 63;

  /// Keeps the last `messages_max` messages; throws std::invalid_argument for 0.
  explicit MessageHistory(std::size_t messages_max) : slots_(messages_max) {
    if (messages_max == 0) throw std::invalid_argument("history_messages must be positive");
  }

  /// `message` has at most kMessageSizeMax bytes. Sequence numbers begin at 1.
  void append(std::span<const std::byte> message) noexcept {
    auto& slot = slots_[next_ % slots_.size()];
    slot.size = static_cast<std::uint8_t>(message.size());
    std::memcpy(slot.bytes.data(), message.data(), message.size());
    ++next_;
  }
  /// Of the message that comes next.
  [[nodiscard]] std::uint64_t next_sequence() const noexcept { return next_; }
  /// Of the oldest message that is kept; next_sequence() while there is none.
  [[nodiscard]] std::uint64_t first_sequence() const noexcept {
    return next_ - 1 > slots_.size() ? next_ - slots_.size() : 1;
  }
  /// Precondition: first_sequence() <= sequence < next_sequence(). Valid until the next append.
  [[nodiscard]] std::span<const std::byte> at(std::uint64_t sequence) const noexcept {
    const auto& slot = slots_[sequence % slots_.size()];
    return {slot.bytes.data(), slot.size};
  }

 private:
  struct Slot {
    std::uint8_t size = 0;
    std::array<std::byte, kMessageSizeMax> bytes;
  };
  static_assert(sizeof(Slot) == 64);
  std::vector<Slot> slots_;
  std::uint64_t next_ = 1;
};

}  // namespace pitwire
