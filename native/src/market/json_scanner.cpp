#include "json_scanner.hpp"

#include <cstring>

namespace pitwire {

bool JsonScanner::fail(const char* reason) noexcept {
  if (*reason_ == '\0') reason_ = reason;
  return false;
}

bool JsonScanner::expect(char c) noexcept {
  if (peek() != c || at_ == end_) {
    switch (c) {
      case '{':
        return fail("expected {");
      case '[':
        return fail("expected [");
      case ':':
        return fail("expected :");
      default:
        return fail("expected , or the end of the object or array");
    }
  }
  ++at_;
  return true;
}

bool JsonScanner::string(std::string_view& out) noexcept {
  if (peek() != '"') return fail("expected a string");
  const char* start = ++at_;
  for (; at_ != end_; ++at_) {
    if (*at_ == '"') {
      out = {start, static_cast<std::size_t>(at_ - start)};
      ++at_;
      return true;
    }
    if (*at_ == '\\' && ++at_ == end_) break;
    if (static_cast<unsigned char>(*at_) < 0x20) return fail("control character in a string");
  }
  return fail("string without end");
}

bool JsonScanner::scalar(std::string_view& out) noexcept {
  if (peek() == '"') return string(out);
  const char* start = at_;
  while (at_ != end_ && std::memchr(",]} \t\r\n", *at_, 7) == nullptr) ++at_;
  out = {start, static_cast<std::size_t>(at_ - start)};
  if (out.empty() || std::memchr("-0123456789tfn", *start, 14) == nullptr) {
    return fail("expected a value");
  }
  return true;
}

bool JsonScanner::skip(int depth) noexcept {
  if (depth > kDepthMax) return fail("nested too deeply");
  const char next = peek();
  if (next == '{') {
    return object([&](std::string_view) { return skip(depth + 1); });
  }
  if (next == '[') {
    return array([&] { return skip(depth + 1); });
  }
  std::string_view ignored;
  return scalar(ignored);
}

bool JsonScanner::finish() noexcept {
  return peek() == '\0' && at_ == end_ ? true : fail("more after the end");
}

}  // namespace pitwire
