#include "pitwire/log/retention.hpp"

#include <charconv>
#include <chrono>
#include <fstream>
#include <limits>

#include "pitwire/log/segment.hpp"

namespace pitwire {
namespace {

namespace fs = std::filesystem;
constexpr Sequence kNobody = std::numeric_limits<Sequence>::max();

Sequence position_in(const fs::path& path) {
  std::ifstream file(path);
  std::string text;
  if (!(file >> text)) return 0;
  Sequence out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() ? out : 0;
}

struct Finished {
  std::uint64_t index;
  std::uint64_t size_bytes;
  bool old;
  Sequence last_sequence;  ///< the successor's first, less one
};

/// The first sequence of a segment; 0 where its header cannot be read, which keeps its neighbour.
Sequence first_sequence(const fs::path& folder, std::uint64_t index) {
  SegmentHeader header{};
  std::ifstream file(folder / segment_name(index), std::ios::binary);
  file.read(reinterpret_cast<char*>(&header), sizeof header);
  return file && header.magic == kSegmentMagic ? header.first_sequence : 0;
}

std::vector<Finished> finished_segments(const LogOptions& options, std::uint64_t current_index) {
  std::vector<Finished> out;
  const auto now = fs::file_time_type::clock::now();
  const auto age_max = std::chrono::hours(24 * options.retain_days);
  const auto indices = segment_indices(options.folder);
  for (std::size_t i = 0; i + 1 < indices.size() && indices[i] < current_index; ++i) {
    std::error_code error;
    const auto path = options.folder / segment_name(indices[i]);
    const auto size = fs::file_size(path, error);
    const auto written = fs::last_write_time(path, error);
    if (error) break;
    const bool old = options.retain_days > 0 && now - written > age_max;
    const auto next = first_sequence(options.folder, indices[i + 1]);
    out.push_back({indices[i], size, old, next == 0 ? kNobody : next - 1});
  }
  return out;
}

}  // namespace

Sequence released_sequence(const fs::path& log_folder) {
  Sequence out = kNobody;
  for (const auto* kind : {"readers", "pins"}) {
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(log_folder / kind, none)) {
      out = std::min(out, position_in(entry.path()));
    }
  }
  return out;
}

std::uint64_t retain(const LogOptions& options, std::uint64_t current_index) {
  if (options.retain_bytes == 0 && options.retain_days == 0) return 0;
  const auto segments = finished_segments(options, current_index);
  std::uint64_t total = 0;
  for (const auto& segment : segments) total += segment.size_bytes;
  const auto released = released_sequence(options.folder);
  std::uint64_t removed = 0;
  for (const auto& segment : segments) {
    const bool over = options.retain_bytes > 0 && total > options.retain_bytes;
    if (!(over || segment.old) || segment.last_sequence > released) break;
    const auto path = options.folder / segment_name(segment.index);
    std::error_code error;
    // The segment first: a chain without a segment is harmless, a segment without one is a fault.
    if (!fs::remove(path, error)) break;
    fs::remove(fs::path(path).replace_extension(".chain"), error);
    total -= segment.size_bytes;
    ++removed;
  }
  return removed;
}

}  // namespace pitwire
