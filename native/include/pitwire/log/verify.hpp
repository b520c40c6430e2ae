// Every promise of a log's bytes, checked without changing any: `pitwire log verify`.
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "pitwire/log/recovery.hpp"

namespace pitwire {

struct VerifyReport {
  std::vector<LogFault> faults;  ///< in the order found; empty where all is well
  std::uint64_t segments = 0;
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;  ///< of frames
  Sequence first_sequence = 0;
  Sequence last_sequence = 0;
  std::uint64_t epoch_gaps = 0;  ///< sequences left out at starts of the daemon, as they should be
  std::uint64_t hashed_blocks = 0;
};

/// Checks header pages, sums, rising sequences, gaps (legal only before EPOCH and ABANDONED),
/// ts_core not falling, END frames, previous hashes, hash chains, the durable mark. Goes on with
/// the next segment after a fault. `progress` gets the bytes done so far, once a segment.
/// Throws LogError where there is no log.
[[nodiscard]] VerifyReport verify_log(const std::filesystem::path& folder,
                                      const std::function<void(std::uint64_t)>& progress = {});

}  // namespace pitwire
