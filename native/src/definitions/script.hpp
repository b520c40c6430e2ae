// A definition as a list of lines.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pitwire {

enum class DefinitionVerb : std::uint8_t {
  PEER_CONNECTS,
  PEER_LEAVES,
  WE_CONNECT,
  WE_LEAVE,
  PEER_SAYS,
  WE_SAY,
  COMMAND
};

struct DefinitionLine {
  unsigned number = 0;
  DefinitionVerb verb{};
  int connection = 1;
  std::string text;  ///< the message, with SOH, or the command without its mark
};

/// Throws std::invalid_argument, line first.
[[nodiscard]] std::vector<DefinitionLine> read_definition(std::string_view text);

}  // namespace pitwire
