#include "pitwire/market/capture_lines.hpp"

#include <algorithm>
#include <charconv>

namespace pitwire {
namespace {

constexpr Nanos kLeastNanos = 100'000'000'000'000'000;  // 1973 in ns, 5138 in µs
constexpr std::size_t kQuotedMax = 60;

}  // namespace

void CaptureLines::append(std::string_view piece, bool last) {
  buffer_.erase(0, at_);
  at_ = 0;
  buffer_.append(piece);
  last_ = last;
  line_ = {};
  look();
}

void CaptureLines::take() {
  const auto end = static_cast<std::size_t>(line_.data() + line_.size() - buffer_.data());
  at_ = std::min(buffer_.size(), end + 1);
  line_ = {};
  look();
}

/// Finds the next whole line that has a time.
void CaptureLines::look() {
  while (line_.empty()) {
    const auto end = buffer_.find('\n', at_);
    if (end == std::string::npos && !last_) return;
    if (at_ >= buffer_.size()) return;
    const auto stop = end == std::string::npos ? buffer_.size() : end;
    const std::string_view line(buffer_.data() + at_, stop - at_);
    Nanos ts = 0;
    const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), ts);
    const auto used = static_cast<std::size_t>(rest - line.data());
    if (error == std::errc() && ts > 0 && used + 1 < line.size() && *rest == ' ') {
      ts_ = ts < kLeastNanos ? ts * 1'000 : ts;
      if (first_ts_ == 0) first_ts_ = ts_;
      line_ = line.substr(used + 1);
      return;
    }
    if (!line.empty()) {
      ++refused_;
      defect_ = "no receive time: " + std::string(line.substr(0, kQuotedMax));
    }
    at_ = end == std::string::npos ? buffer_.size() : end + 1;
  }
}

}  // namespace pitwire
