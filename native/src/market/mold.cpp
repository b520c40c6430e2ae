#include "pitwire/market/mold.hpp"

#include <stdexcept>
#include <string>

namespace pitwire::mold {

Packer::Packer(const Session& session, std::uint64_t next_sequence, std::size_t size_max)
    : session_(session), first_(next_sequence), size_max_(size_max) {
  if (size_max < kHeaderSize + 2 + itch::kMessageSizeMax || size_max > 65507) {
    throw std::invalid_argument("datagram size " + std::to_string(size_max) +
                                ": expected 72 to 65507 bytes");
  }
}

bool Packer::add(std::span<const std::byte> message) noexcept {
  if (count_ == kEndOfSession - 1 || message.size() + 2 > size_max_ - used_) return false;
  const auto size = itch::detail::from_big(static_cast<std::uint16_t>(message.size()));
  std::memcpy(buffer_.data() + used_, &size, 2);
  std::memcpy(buffer_.data() + used_ + 2, message.data(), message.size());
  used_ += 2 + message.size();
  ++count_;
  return true;
}

std::span<const std::byte> Packer::take() noexcept {
  if (count_ == 0) return {};
  encode({session_, first_, count_}, buffer_.data());
  const std::span<const std::byte> datagram(buffer_.data(), used_);
  first_ += count_;
  count_ = 0;
  used_ = kHeaderSize;
  return datagram;
}

std::array<std::byte, kHeaderSize> Packer::heartbeat(bool end_of_session) const noexcept {
  std::array<std::byte, kHeaderSize> out;
  encode({session_, next_sequence(), end_of_session ? kEndOfSession : std::uint16_t{0}},
         out.data());
  return out;
}

}  // namespace pitwire::mold
