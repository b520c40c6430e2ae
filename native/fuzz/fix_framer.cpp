// Where FIX messages begin and end, in a stream that arrives in pieces of any size: the first byte
// says which.
#include "pitwire/wire/fix_framer.hpp"

#include <algorithm>
#include <string>

#include "target.hpp"

namespace pitwire::fuzz {
namespace {

constexpr std::size_t kMessageBytesMax = 256;

void check_message(std::string_view message) {
  require(message.starts_with("8=FIX") && message.size() <= kMessageBytesMax, "a message's shape");
  const auto body = message.substr(0, message.size() - 7);
  const auto digits = std::to_string(1000 + fix_check_sum(body)).substr(1);
  require(message.substr(body.size()) == "10=" + digits + "\x01", "a message's sum is right");
  const auto length = fix_field(message, "9");
  const auto begin = static_cast<std::size_t>(length.data() - message.data()) + length.size() + 1;
  require(std::stoul(std::string(length)) == body.size() - begin, "its length is right");
}

}  // namespace

void run(Bytes input) {
  if (input.empty()) return;
  const auto piece = std::size_t{1} + std::to_integer<std::size_t>(input[0]);
  auto rest = text_of(input.subspan(1));
  FixFramer framer(kMessageBytesMax);
  std::size_t in = 0, out = 0;
  while (!rest.empty()) {
    const auto space = framer.space();
    require(!space.empty(), "there is always room");
    const auto size = std::min({rest.size(), piece, space.size()});
    std::copy_n(rest.begin(), size, space.begin());
    framer.received(size);
    rest.remove_prefix(size);
    in += size;
    for (;;) {
      const auto next = framer.next();
      if (next.defect == FrameDefect::OVERSIZE) return;
      if (next.message.empty() && next.defect == FrameDefect::NONE) break;
      require(next.message.empty() != (next.defect == FrameDefect::NONE), "one or the other");
      require(!next.message.empty() || next.dropped_bytes > 0, "a defect gets us further");
      if (!next.message.empty()) check_message(next.message);
      out += next.message.size() + next.dropped_bytes;
      require(out <= in, "nothing comes out that did not go in");
    }
  }
}

}  // namespace pitwire::fuzz
