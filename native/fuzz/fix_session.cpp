// What a peer may say to a FIX session, in and out of turn: a line a message, framed anew so that
// its length and sum are right, because the framer lets nothing else through. The first byte says
// which version, which side we are, and whether the session is logged on before.
#include <string>

#include "../tests/fix/pair.hpp"
#include "target.hpp"

namespace pitwire::fuzz {
namespace {

constexpr std::size_t kMessagesMax = 16;

std::string framed(const std::string& version, std::string_view fields) {
  std::string text = "8=" + version + "\x01" + "9=" + std::to_string(fields.size()) + "\x01";
  text += fields;
  unsigned sum = 0;
  for (const char byte : text) sum += static_cast<unsigned char>(byte);
  return text + "10=" + std::to_string(1000 + sum % 256).substr(1) + "\x01";
}

}  // namespace

void run(Bytes input) {
  if (input.empty()) return;
  const auto choice = std::to_integer<unsigned>(input[0]);
  input = input.subspan(1);
  const std::string version = (choice & 1) != 0 ? "FIX.4.2" : "FIX.4.4";
  testing::Pair pair(version);
  pair.build();
  (choice & 4) != 0 ? pair.connect() : pair.firm->connected(pair.now);
  if ((choice & 4) == 0) pair.venue->connected(pair.now);
  auto& session = (choice & 2) != 0 ? *pair.venue : *pair.firm;
  for (std::size_t i = 0; i < kMessagesMax && !input.empty(); ++i) {
    const auto line = take_until(input, '\n');
    if (line.empty()) {
      pair.now += 10 * kSecond;
      session.time(pair.now);
    } else {
      session.received(pair.now, ++pair.raw, framed(version, text_of(line)));
    }
    const auto state = session.state();
    require(state.next_sender > 0 && state.next_target > 0, "numbers begin at one");
    require(!session.logged_on() || session.connected(), "logged on means connected");
  }
  for (const auto& sent : (choice & 2) != 0 ? pair.venue_sink.sent : pair.firm_sink.sent) {
    require(sent.text.starts_with("8=" + version + "\x01"), "what we say is a message");
  }
}

}  // namespace pitwire::fuzz
