// Walking the frames of a mapped segment, and judging what is found where no frame stands.
// Shared by readers, recovery and verification, so that the three cannot disagree.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "pitwire/log/frame.hpp"
#include "pitwire/log/segment.hpp"

namespace pitwire {

/// What stands at an offset.
enum class FrameState : std::uint8_t {
  VALID,
  VACANT,   ///< nothing committed: the length is 0, or the file ends
  DAMAGED,  ///< a length or a sum that cannot be
  FALLING,  ///< a whole frame whose sequence is not above the one before it
};

/// Looks at one frame. `reason` is set where it is DAMAGED or FALLING.
[[nodiscard]] FrameState examine(const std::byte* data, std::uint64_t size, std::uint64_t offset,
                                 Sequence last_sequence, std::string* reason);

/// What this build cannot apply: an unknown type, a later version, an encrypted payload, a number
/// above kSequenceMax.
[[nodiscard]] std::optional<std::string> unsupported(const FrameHeader& header);

/// Whole frames with a sequence above `last_sequence` that begin in [from, end): evidence that what
/// stands before them is damage and not a tail. Where the last byte that is not zero stands says
/// nothing of where the last frame ends: it may end in zeros. Stops counting at `count_max`.
[[nodiscard]] std::uint64_t frames_behind(const SegmentFile& segment, std::uint64_t from,
                                          std::uint64_t end, Sequence last_sequence,
                                          std::uint64_t count_max);

/// The frames of one segment up to where they end.
struct SegmentScan {
  std::uint64_t end = kSegmentHeaderBytes;  ///< offset behind the last frame
  std::uint64_t frames = 0;
  Sequence last_sequence = 0;
  Nanos last_ts_core = 0;
  std::optional<std::uint64_t> next_segment;   ///< its END frame names this
  FrameState stopped_by = FrameState::VACANT;  ///< VALID where END stopped it
  std::string reason;
};

/// Walks a segment whose header is valid; a frame of a kind this build cannot apply stops it with
/// `unsupported_reason` set.
struct ScanLimits {
  Sequence last_sequence = 0;  ///< of the frame before this segment
  bool refuse_unsupported = false;
};
[[nodiscard]] SegmentScan scan_segment(const SegmentFile& segment, const ScanLimits& limits,
                                       std::optional<std::string>& unsupported_reason);

}  // namespace pitwire
