// Beginning a log and going on with one: what LogWriter::create and ::recover do before a writer
// exists.
#pragma once

#include "pitwire/log/durability.hpp"
#include "pitwire/log/log_writer.hpp"
#include "pitwire/log/recovery.hpp"

namespace pitwire {

/// Checks the options, makes the folder, takes its lock. Throws std::invalid_argument, LogError.
[[nodiscard]] std::unique_ptr<WriterLock> lock_folder(const LogOptions& options);
/// Segment 0 of a new log, in a folder that has no segment. Throws LogError.
[[nodiscard]] RecoveredTail begin_log(const LogOptions& options, std::unique_ptr<WriterLock> lock);
/// Throws std::invalid_argument for options out of bounds, LogError where it cannot be.
[[nodiscard]] RecoveredTail create_log(const LogOptions& options);
/// Throws as create_log, and LogError where the table in recovery.cpp refuses.
[[nodiscard]] RecoveredTail recover_log(const LogOptions& options, RecoveryReport& report);

}  // namespace pitwire
