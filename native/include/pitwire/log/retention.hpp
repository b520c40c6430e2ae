// Which finished segments may go. Runs on the durability thread.
#pragma once

#include <cstdint>
#include <filesystem>

#include "pitwire/log/log_writer.hpp"

namespace pitwire {

/// The newest sequence that nobody needs any more: the least position in readers/ and pins/.
/// Each file there holds one decimal number. "No holder" is the greatest sequence; a file that
/// cannot be read as a number holds everything.
[[nodiscard]] Sequence released_sequence(const std::filesystem::path& log_folder);

/// Removes the oldest segments (and chains) below `current_index` that exceed retain_bytes or are
/// older than retain_days, never one with a frame above released_sequence. Returns how many.
std::uint64_t retain(const LogOptions& options, std::uint64_t current_index);

}  // namespace pitwire
