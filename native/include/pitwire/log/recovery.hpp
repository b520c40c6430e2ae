// What a log found at start is worth: the table of recovery cases, and its verdicts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "pitwire/base/types.hpp"

namespace pitwire {

/// A place in a log where something is wrong.
struct LogFault {
  std::string file;
  std::uint64_t offset = 0;
  std::string reason;
  [[nodiscard]] std::string text() const;
};

/// A log that must not be appended to (recovery) or cannot be opened. what() names file and offset.
class LogError : public std::runtime_error {
 public:
  explicit LogError(LogFault fault) : std::runtime_error(fault.text()), fault_(std::move(fault)) {}
  [[nodiscard]] const LogFault& fault() const noexcept { return fault_; }

 private:
  LogFault fault_;
};

/// How recovery ended, where it did not refuse. Refusals throw LogError.
enum class RecoveryVerdict : std::uint8_t {
  EMPTY,               ///< no segment: a new log was begun
  CLEAN,               ///< the log ends behind its last frame, nothing was cut
  TORN_CUT,            ///< an unfinished tail was cut; nothing of it had been made durable
  TORN_BELOW_DURABLE,  ///< a tail was cut of which something had been made durable: do not trade
};

struct RecoveryReport {
  RecoveryVerdict verdict = RecoveryVerdict::EMPTY;
  std::uint64_t segments = 0;
  std::uint64_t frames =
      0;  ///< whose sums were checked (the newest LogOptions::recover_scan_bytes)
  Sequence first_sequence = 0;
  Sequence last_sequence = 0;
  Nanos last_ts_core = 0;
  Sequence durable_sequence = 0;           ///< as the marks file had it, 0 where there is none
  std::uint64_t cut_bytes = 0;             ///< from the cut to the last byte that was not zero
  std::uint64_t cut_frames = 0;            ///< whole frames behind the damage that were cut with it
  LogFault cut;                            ///< where and why; file is empty where nothing was cut
  bool clean_close = false;                ///< the last writer closed the log
  [[nodiscard]] std::string text() const;  ///< one line for people
};

}  // namespace pitwire
