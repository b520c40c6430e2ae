// Where a benchmark's log goes.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace pitwire::bench {

/// A folder of its own in PITWIRE_BENCH_LOG or else among temporary files; gone with this.
struct LogFolder {
  std::filesystem::path path;

  LogFolder() {
    const char* named = std::getenv("PITWIRE_BENCH_LOG");
    const auto base =
        named == nullptr ? std::filesystem::temp_directory_path() : std::filesystem::path(named);
    std::string pattern = (base / "pitwire-bench-XXXXXX").string();
    path = ::mkdtemp(pattern.data()) == nullptr ? "" : pattern;
  }
  ~LogFolder() { std::filesystem::remove_all(path); }
  LogFolder(const LogFolder&) = delete;
  LogFolder& operator=(const LogFolder&) = delete;
};

}  // namespace pitwire::bench
