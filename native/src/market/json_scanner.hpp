// A pull scanner over JSON text in place: no tree, no copies, no unescaping.
//
// The caller walks objects and arrays with callbacks that consume each value. Strings are given raw
// (an escape stays as it is written); that is right for the keys, symbols and numbers of market
// data, which have none. Nesting of what is skipped is bounded by kDepthMax. The first error stops
// everything and stays: reason() and offset() say what and where.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace pitwire {

class JsonScanner {
 public:
  explicit JsonScanner(std::span<const std::byte> text) noexcept
      : begin_(reinterpret_cast<const char*>(text.data())),
        at_(begin_),
        end_(begin_ + text.size()) {}

  /// {"key": value, ...}; `member(key)` consumes the value and says whether to go on.
  template <class F>
  bool object(F&& member) {
    return sequence('{', '}', [&] {
      std::string_view key;
      return string(key) && expect(':') && member(key);
    });
  }
  /// [value, ...]; `element()` consumes a value.
  template <class F>
  bool array(F&& element) {
    return sequence('[', ']', element);
  }
  bool string(std::string_view& out) noexcept;
  /// A string's content, or a number or literal as written.
  bool scalar(std::string_view& out) noexcept;
  bool skip() noexcept { return skip(0); }
  /// Next character other than space, '\0' at the end; consumes nothing.
  [[nodiscard]] char peek() noexcept {
    skip_space();
    return at_ == end_ ? '\0' : *at_;
  }
  bool expect(char c) noexcept;
  /// Nothing but space is left.
  bool finish() noexcept;
  bool fail(const char* reason) noexcept;

  [[nodiscard]] const char* reason() const noexcept { return reason_; }
  [[nodiscard]] std::size_t offset() const noexcept {
    return static_cast<std::size_t>(at_ - begin_);
  }

 private:
  static constexpr int kDepthMax = 32;

  void skip_space() noexcept {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }
  bool skip(int depth) noexcept;

  template <class F>
  bool sequence(char open, char close, F&& item) {
    if (!expect(open)) return false;
    if (peek() == close) return expect(close);
    for (;;) {
      if (!item()) return false;
      if (peek() == close) return expect(close);
      if (!expect(',')) return false;
    }
  }

  const char* begin_;
  const char* at_;
  const char* end_;
  const char* reason_ = "";
};

}  // namespace pitwire
