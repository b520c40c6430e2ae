// Options, the folder, and the first segment of a new log.
#include "pitwire/log/open.hpp"

#include <random>
#include <stdexcept>

namespace pitwire {
namespace {

namespace fs = std::filesystem;

void check(const LogOptions& options) {
  const auto refuse = [&](const std::string& key, std::uint64_t found,
                          const std::string& expected) {
    throw std::invalid_argument("log." + key + ": " + std::to_string(found) + ", expected " +
                                expected);
  };
  const auto size = options.segment_size_bytes;
  if (size < kSegmentBytesMin || size > kSegmentBytesMax || size % kPageBytes != 0) {
    refuse("segment_size_bytes", size, "a multiple of 4096 from 16384 to 2147483648");
  }
  if (options.sync_interval_ns <= 0 || options.sync_interval_ns > kSecond) {
    refuse("sync_interval_ns", static_cast<std::uint64_t>(options.sync_interval_ns),
           "1 to 1000000000");
  }
  if (options.sync_interval_idle_ns < options.sync_interval_ns ||
      options.sync_interval_idle_ns > kSecond) {
    refuse("sync_interval_idle_ns", static_cast<std::uint64_t>(options.sync_interval_idle_ns),
           "sync_interval_ns to 1000000000");
  }
  if (options.folder.empty()) throw std::invalid_argument("log.folder: empty");
}

Uuid random_uuid() {
  Uuid out;
  std::random_device entropy;
  for (auto& byte : out) byte = static_cast<std::byte>(entropy() & 0xffU);
  return out;
}

}  // namespace

std::unique_ptr<WriterLock> lock_folder(const LogOptions& options) {
  check(options);
  std::error_code error;
  for (const auto* sub : {"", "readers", "pins"}) {
    fs::create_directories(options.folder / sub, error);
    if (error) throw LogError({options.folder.string(), 0, error.message()});
  }
  return std::make_unique<WriterLock>(options.folder);
}

RecoveredTail begin_log(const LogOptions& options, std::unique_ptr<WriterLock> lock) {
  RecoveredTail tail;
  tail.lock = std::move(lock);
  tail.log_uuid = options.log_uuid == Uuid{} ? random_uuid() : options.log_uuid;
  tail.segment = SegmentFile::prepare(options.folder, 0, options.segment_size_bytes);
  tail.segment->begin(tail.log_uuid, 1);
  tail.offset = kSegmentHeaderBytes;
  return tail;
}

RecoveredTail create_log(const LogOptions& options) {
  auto lock = lock_folder(options);
  if (!segment_indices(options.folder).empty()) {
    throw LogError({options.folder.string(), 0, "there is a log here already"});
  }
  return begin_log(options, std::move(lock));
}

}  // namespace pitwire
