#include "pitwire/wire/mold_packet.hpp"

#include <algorithm>

namespace pitwire::mold {

std::optional<Header> parse(std::span<const std::byte> packet) noexcept {
  Header header;
  if (!decode(packet, header)) return std::nullopt;
  // Sequences count from 1; one near 2^64 would make the next one wrap.
  if (header.sequence == 0 || header.sequence > ~std::uint64_t{0} - kEndOfSession) {
    return std::nullopt;
  }
  Messages messages(packet.subspan(kHeaderSize));
  std::span<const std::byte> message;
  for (unsigned i = 0; i < header.messages(); ++i) {
    if (!messages.next(message)) return std::nullopt;
  }
  return header;
}

std::size_t prefix_bytes(std::span<const std::byte> packet, std::uint16_t messages) noexcept {
  std::size_t at = kHeaderSize;
  for (unsigned i = 0; i < messages; ++i) {
    at += 2 + std::size_t{itch::load<std::uint16_t>(packet.data() + at)};
  }
  return at;
}

Session session_name(const std::string& text) noexcept {
  Session name;
  name.fill(' ');
  std::copy_n(text.begin(), std::min(text.size(), name.size()), name.begin());
  return name;
}

void store16(std::byte* at, std::uint16_t value) noexcept {
  at[0] = static_cast<std::byte>(value >> 8);
  at[1] = static_cast<std::byte>(value);
}

}  // namespace pitwire::mold
