// pitwire_stream MESSAGES SYMBOLS OPENING > FILE: the first MESSAGES of the streams that our own
// benchmarks run on, for programs that are not ours. Each message stands behind its length in two
// bytes, as in MoldUDP64.
#include <charconv>
#include <cstdio>
#include <string_view>

#include "itch_day.hpp"

namespace {

bool parse(std::string_view text, std::size_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

int main(int count, char** words) {
  std::size_t messages = 0, symbols = 0, opening = 0;
  if (count != 4 || !parse(words[1], messages) || !parse(words[2], symbols) ||
      !parse(words[3], opening) || symbols == 0 || symbols > 65'534 || messages < symbols) {
    std::fputs("expected MESSAGES SYMBOLS OPENING, at least a message for each symbol\n", stderr);
    return 2;
  }
  const pitwire::bench::Kind kind{messages, static_cast<std::uint32_t>(symbols), opening};
  const auto bytes = pitwire::bench::DayMaker(kind).make().bytes;
  return std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() ? 0 : 1;
}
