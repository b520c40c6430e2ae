#include "pitwire/wire/fix_framer.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

namespace pitwire {
namespace {

constexpr char kSoh = '\x01';
constexpr std::string_view kStart = "8=FIX";
constexpr std::size_t kTrailerBytes = 7;     // 10=nnn SOH
constexpr std::size_t kBeginStringMax = 16;  // "8=FIXT.1.1" SOH and to spare
constexpr std::size_t kLengthDigitsMax = 9;

// Where the body begins and ends, as the header says.
struct Header {
  enum class Is : std::uint8_t { INCOMPLETE, BAD, COMPLETE } is = Is::INCOMPLETE;
  std::size_t body_begin = 0;
  std::size_t body_bytes = 0;
};

// Reads "9=" digits SOH at `at`.
Header read_length(std::string_view bytes, std::size_t at) noexcept {
  Header header;
  for (std::size_t i = 0; i < kLengthDigitsMax + 3; ++i) {
    if (at + i >= bytes.size()) return header;
    const char c = bytes[at + i];
    if (i < 2) {
      if (c == "9="[i]) continue;
    } else if (c >= '0' && c <= '9' && i < kLengthDigitsMax + 2) {
      header.body_bytes = header.body_bytes * 10 + static_cast<std::size_t>(c - '0');
      continue;
    } else if (c == kSoh && i > 2) {
      header.is = Header::Is::COMPLETE;
      header.body_begin = at + i + 1;
      return header;
    }
    break;
  }
  header.is = Header::Is::BAD;
  return header;
}

Header read_header(std::string_view bytes) noexcept {
  const std::size_t soh = bytes.substr(0, kBeginStringMax).find(kSoh);
  if (soh != std::string_view::npos) return read_length(bytes, soh + 1);
  return {bytes.size() >= kBeginStringMax ? Header::Is::BAD : Header::Is::INCOMPLETE, 0, 0};
}

bool is_trailer(std::string_view at) noexcept {
  const auto digit = [&](std::size_t i) { return at[i] >= '0' && at[i] <= '9'; };
  return at.starts_with("10=") && digit(3) && digit(4) && digit(5) && at[6] == kSoh;
}

unsigned trailer_value(std::string_view at) noexcept {
  return static_cast<unsigned>(at[3] - '0') * 100 + static_cast<unsigned>(at[4] - '0') * 10 +
         static_cast<unsigned>(at[5] - '0');
}

// Where the next message could begin behind the first byte; as much as is surely none otherwise.
std::size_t next_start(std::string_view bytes) noexcept {
  const std::size_t found = bytes.find(kStart, 1);
  if (found != std::string_view::npos) return found;
  for (std::size_t kept = std::min(kStart.size() - 1, bytes.size() - 1); kept > 0; --kept) {
    if (kStart.starts_with(bytes.substr(bytes.size() - kept))) return bytes.size() - kept;
  }
  return bytes.size();
}

bool may_start(std::string_view bytes) noexcept {
  return kStart.starts_with(bytes.substr(0, kStart.size()));
}

}  // namespace

const char* text_of(FrameDefect defect) noexcept {
  switch (defect) {
    case FrameDefect::NONE:
      return "fine";
    case FrameDefect::GARBAGE:
      return "bytes that begin no message";
    case FrameDefect::CHECKSUM:
      return "wrong CheckSum";
    case FrameDefect::BODY_LENGTH:
      return "BodyLength does not lead to a CheckSum";
    case FrameDefect::OVERSIZE:
      return "message longer than allowed";
  }
  return "unknown";
}

FixFramer::FixFramer(std::size_t message_bytes_max)
    : buffer_(2 * message_bytes_max), message_bytes_max_(message_bytes_max) {
  if (message_bytes_max < 64) {
    throw std::invalid_argument("message_bytes_max: expected at least 64, found " +
                                std::to_string(message_bytes_max));
  }
}

std::span<char> FixFramer::space() noexcept {
  if (begin_ == end_) begin_ = end_ = 0;
  if (buffer_.size() - end_ < message_bytes_max_ / 2 && begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  return {buffer_.data() + end_, buffer_.size() - end_};
}

void FixFramer::received(std::size_t bytes) noexcept { end_ += bytes; }

void FixFramer::clear() noexcept { begin_ = end_ = 0; }

FixFramer::Next FixFramer::drop(FrameDefect defect) noexcept {
  const std::string_view bytes(buffer_.data() + begin_, end_ - begin_);
  const std::size_t dropped = next_start(bytes);
  begin_ += dropped;
  return {{}, defect, dropped};
}

FixFramer::Next FixFramer::drop_to_trailer(std::size_t claimed_end) noexcept {
  const std::string_view bytes(buffer_.data() + begin_, end_ - begin_);
  const std::size_t trailer = bytes.find(
      "\x01"
      "10=",
      claimed_end - 1);
  const std::size_t end =
      trailer == std::string_view::npos ? trailer : bytes.find(kSoh, trailer + 1);
  if (end != std::string_view::npos) {
    begin_ += end + 1;
    return {{}, FrameDefect::BODY_LENGTH, end + 1};
  }
  return bytes.size() >= message_bytes_max_ ? drop(FrameDefect::BODY_LENGTH) : Next{};
}

FixFramer::Next FixFramer::next() noexcept {
  const std::string_view bytes(buffer_.data() + begin_, end_ - begin_);
  if (bytes.empty()) return {};
  if (!may_start(bytes)) return drop(FrameDefect::GARBAGE);
  const Header header = read_header(bytes);
  if (header.is == Header::Is::BAD) return drop(FrameDefect::GARBAGE);
  if (header.is == Header::Is::INCOMPLETE) return {};
  const std::size_t before_trailer = header.body_begin + header.body_bytes;
  const std::size_t size = before_trailer + kTrailerBytes;
  if (size > message_bytes_max_) return {{}, FrameDefect::OVERSIZE, bytes.size()};
  if (bytes.size() < size) return {};
  if (bytes[before_trailer - 1] != kSoh || !is_trailer(bytes.substr(before_trailer))) {
    return drop_to_trailer(before_trailer);
  }
  if (fix_check_sum(bytes.substr(0, before_trailer)) !=
      trailer_value(bytes.substr(before_trailer))) {
    return drop(FrameDefect::CHECKSUM);
  }
  begin_ += size;
  return {bytes.substr(0, size), FrameDefect::NONE, 0};
}

unsigned fix_check_sum(std::string_view bytes) noexcept {
  unsigned sum = 0;
  for (const char c : bytes) sum += static_cast<unsigned char>(c);
  return sum & 255U;
}

std::string_view fix_field(std::string_view message, std::string_view tag) noexcept {
  std::size_t at = 0;
  while (at < message.size()) {
    std::size_t end = message.find(kSoh, at);
    if (end == std::string_view::npos) end = message.size();
    const std::string_view field = message.substr(at, end - at);
    if (field.size() > tag.size() && field.starts_with(tag) && field[tag.size()] == '=') {
      return field.substr(tag.size() + 1);
    }
    at = end + 1;
  }
  return {};
}

}  // namespace pitwire
