#include "script.hpp"

#include <algorithm>
#include <stdexcept>

namespace pitwire {
namespace {

[[noreturn]] void refuse(unsigned number, std::string_view line) {
  throw std::invalid_argument("line " + std::to_string(number) +
                              ": expected I, E, i, e or ! and what belongs to it, found \"" +
                              std::string(line) + "\"");
}

DefinitionVerb verb_of(char mark, std::string_view body, unsigned number, std::string_view line) {
  switch (mark) {
    case 'I':
    case 'R':
      return DefinitionVerb::PEER_SAYS;
    case 'E':
      return DefinitionVerb::WE_SAY;
    case '!':
      return DefinitionVerb::COMMAND;
    case 'i':
    case 'e':
      if (body == "CONNECT")
        return mark == 'i' ? DefinitionVerb::PEER_CONNECTS : DefinitionVerb::WE_CONNECT;
      if (body == "DISCONNECT")
        return mark == 'i' ? DefinitionVerb::PEER_LEAVES : DefinitionVerb::WE_LEAVE;
      [[fallthrough]];
    default:
      refuse(number, line);
  }
}

DefinitionLine read_line(std::string_view line, unsigned number) {
  DefinitionLine out;
  out.number = number;
  std::string_view body = line.substr(1);
  const bool is_numbered = body.size() > 1 && body[0] >= '1' && body[0] <= '9' && body[1] == ',';
  if (is_numbered) {
    out.connection = body[0] - '0';
    body.remove_prefix(2);
  }
  out.verb = verb_of(line[0], body, number, line);
  out.text = body;
  const bool is_message =
      out.verb == DefinitionVerb::PEER_SAYS || out.verb == DefinitionVerb::WE_SAY;
  if (is_message && body.empty()) refuse(number, line);
  if (is_message && out.text.find('\x01') == out.text.npos) {
    std::ranges::replace(out.text, '|', '\x01');
  }
  return out;
}

}  // namespace

std::vector<DefinitionLine> read_definition(std::string_view text) {
  std::vector<DefinitionLine> lines;
  for (unsigned number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
    if (!line.empty() && line.front() != '#') lines.push_back(read_line(line, number));
  }
  return lines;
}

}  // namespace pitwire
