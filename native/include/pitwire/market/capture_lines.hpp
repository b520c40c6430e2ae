// A capture of Binance's messages as text: lines `<receive time> <raw json>`, one after the other.
//
// Receive times are nanoseconds, or microseconds where they have 16 digits. A line without one is
// skipped and counted. Pieces are appended as they are read, so that a day never is in memory; a
// line that is not whole yet waits for the next piece.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pitwire/base/types.hpp"

namespace pitwire {

class CaptureLines {
 public:
  /// Pieces may break anywhere. `last`: the recording ends here. Ends the life of what next() gave.
  void append(std::string_view piece, bool last);
  /// That wait, from the next line on; 0 where that is not whole, however much there is of it.
  [[nodiscard]] std::size_t buffered_bytes() const noexcept {
    return line_.empty() ? 0 : buffer_.size() - at_;
  }

  /// The next line's JSON; empty where there is none, or none yet.
  [[nodiscard]] std::string_view next() const noexcept { return line_; }
  /// When it was received, ns since 1970 UTC.
  [[nodiscard]] Nanos next_ts() const noexcept { return ts_; }
  /// Of the recording's first line; 0 before there is one.
  [[nodiscard]] Nanos first_ts() const noexcept { return first_ts_; }
  /// Goes on to the line behind next().
  void take();

  /// Whether what comes next is only known when more is appended.
  [[nodiscard]] bool waits() const noexcept { return line_.empty() && !last_; }
  [[nodiscard]] bool ended() const noexcept { return line_.empty() && last_; }
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }
  /// Why the last refused line was refused.
  [[nodiscard]] const std::string& defect() const noexcept { return defect_; }

 private:
  void look();

  std::string buffer_;
  std::size_t at_ = 0;  ///< first byte that was not taken
  std::string_view line_;
  Nanos ts_ = 0;
  Nanos first_ts_ = 0;
  bool last_ = false;
  std::uint64_t refused_ = 0;
  std::string defect_;
};

}  // namespace pitwire
