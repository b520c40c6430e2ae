// What arbitration needs of MoldUDP64 beyond the codec in pitwire/market/mold.hpp: whole packets
// checked, cut and re-headed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "pitwire/market/mold.hpp"

namespace pitwire::mold {

/// Sequence after the packet's last message.
[[nodiscard]] inline std::uint64_t next_of(const Header& header) noexcept {
  return header.sequence + header.messages();
}

/// The header of a whole, well-formed packet: its messages lie within it and their number is as it
/// says. Nothing where it is malformed. Bytes after the last message are tolerated.
[[nodiscard]] std::optional<Header> parse(std::span<const std::byte> packet) noexcept;
/// Bytes of the header and of the first `messages` messages of a packet that parse() accepted.
[[nodiscard]] std::size_t prefix_bytes(std::span<const std::byte> packet,
                                       std::uint16_t messages) noexcept;
/// Right-padded with spaces; cut at 10.
[[nodiscard]] Session session_name(const std::string& text) noexcept;
/// Big-endian, as every length on the wire.
void store16(std::byte* at, std::uint16_t value) noexcept;

}  // namespace pitwire::mold
