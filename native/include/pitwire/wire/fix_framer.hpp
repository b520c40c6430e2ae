// Where FIX messages begin and end in a stream of bytes.
//
// A message is "8=" version SOH "9=" length SOH, `length` bytes, "10=" three digits SOH. What is
// not is garbled, and ignored (FIX 4.4 vol. 2; the gap it leaves asks for a resend), as QuickFIX
// ignores it:
//
// | found                                        | skipped                                        |
// |----------------------------------------------|------------------------------------------------|
// | bytes that begin no message                  | up to the next "8=FIX"                         |
// | a BodyLength that does not lead to CheckSum  | through the first CheckSum behind that length  |
// | a wrong CheckSum                             | up to the next "8=FIX"                         |
// | a length above message_bytes_max             | nothing: the connection is refused             |
//
// Layout: one buffer of `2 × message_bytes_max`, filled at the end, compacted when the tail is
// short; no allocation after construction. Cost: one pass over each byte for the checksum, plus one
// memmove of a partial message per buffer turn-over. Worst case: garbage full of "8=FIX" costs a
// short parse each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace pitwire {

/// What framing says when it cannot frame.
enum class FrameDefect : std::uint8_t {
  NONE = 0,
  GARBAGE = 1,
  CHECKSUM = 2,
  BODY_LENGTH = 3,
  OVERSIZE = 4
};
[[nodiscard]] const char* text_of(FrameDefect defect) noexcept;

class FixFramer {
 public:
  struct Next {
    std::string_view message;  ///< empty: nothing whole; valid until space() or next()
    FrameDefect defect = FrameDefect::NONE;
    std::size_t dropped_bytes = 0;  ///< with a defect
  };

  /// Throws std::invalid_argument below 64 bytes.
  explicit FixFramer(std::size_t message_bytes_max);

  /// Room to receive into; never empty.
  [[nodiscard]] std::span<char> space() noexcept;
  void received(std::size_t bytes) noexcept;
  /// The next message or defect; call until both are empty. Never throws, never reads beyond what
  /// was received. After OVERSIZE the stream is refused: the connection must be closed.
  [[nodiscard]] Next next() noexcept;
  void clear() noexcept;

 private:
  [[nodiscard]] Next drop(FrameDefect defect) noexcept;
  [[nodiscard]] Next drop_to_trailer(std::size_t claimed_end) noexcept;
  std::vector<char> buffer_;
  std::size_t message_bytes_max_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

/// Sum of all bytes modulo 256: the value of CheckSum (10) over what stands before it.
[[nodiscard]] unsigned fix_check_sum(std::string_view bytes) noexcept;

/// The value of the first field with this tag ("35=" needs `tag` "35"), empty where absent.
[[nodiscard]] std::string_view fix_field(std::string_view message, std::string_view tag) noexcept;

}  // namespace pitwire
