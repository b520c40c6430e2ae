// A segment file with any header and any frames, as a reader, `verify` and recovery find it. Byte 0
// says which sums are put right, byte 1 the durable mark (0: no marks); then header and frames.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "log_repair.hpp"
#include "pitwire/log/log_reader.hpp"
#include "pitwire/log/log_writer.hpp"
#include "pitwire/log/marks.hpp"
#include "pitwire/log/verify.hpp"

namespace pitwire::fuzz {
namespace {

namespace fs = std::filesystem;

/// In memory where there is such a place; gone when the process ends.
struct Folder {
  fs::path path;
  Folder() {
    const fs::path base = fs::exists("/dev/shm") ? "/dev/shm" : fs::temp_directory_path();
    std::string pattern = (base / "pitwire-fuzz-XXXXXX").string();
    require(::mkdtemp(pattern.data()) != nullptr, "there is room for a folder");
    path = pattern;
  }
  ~Folder() { fs::remove_all(path); }
};

std::vector<std::byte> segment_of(Bytes input, unsigned choice) {
  std::vector<std::byte> bytes(kSegmentHeaderBytes);
  const auto header = input.first(std::min(input.size(), sizeof(SegmentHeader)));
  const auto frames = input.subspan(header.size());
  std::copy(header.begin(), header.end(), bytes.begin());
  bytes.insert(bytes.end(), frames.begin(), frames.end());
  if ((choice & 1) != 0) repair_header(bytes);
  if ((choice & 2) != 0) repair_frames(bytes, kSegmentHeaderBytes);
  if ((choice & 4) != 0) bytes.resize(std::max<std::size_t>(bytes.size(), kSegmentBytesMin));
  return bytes;
}

/// How many frames a reader gives, and the last one's sequence.
std::pair<std::uint64_t, Sequence> read_all(const fs::path& folder) {
  LogReader reader(folder, Upto::COMMITTED);
  std::uint64_t frames = 0;
  while (const auto frame = reader.next()) {
    require(frame->payload.size() < frame->header->length, "a payload lies within its frame");
    ++frames;
  }
  return {frames, reader.last_sequence()};
}

void recover(const fs::path& folder) {
  LogOptions options;
  options.folder = folder;
  options.segment_size_bytes = kSegmentBytesMin;
  options.low_disk_bytes = 0;
  RecoveryReport report;
  const auto before = read_all(folder);
  Sequence last = 0;
  try {
    auto log = LogWriter::recover(options, report);
    last = log.last_sequence();
    require(log.append(rec::Epoch{}, log.last_ts_core()) != 0 || log.failed(), "it goes on");
    if (!log.close()) return;
  } catch (const LogError& error) {
    require(!error.fault().reason.empty(), "a refusal says why");
    return;
  }
  require(last == report.last_sequence, "the report says where the log ends");
  const auto after = read_all(folder);
  require(after.first == before.first + 1 || report.verdict == RecoveryVerdict::EMPTY,
          "what a reader gives is what recovery keeps");
  RecoveryReport again;
  require(LogWriter::recover(options, again).last_sequence() == last + 1 &&
              again.verdict == RecoveryVerdict::CLEAN,
          "a recovered log is whole");
}

}  // namespace

void run(Bytes input) {
  static const Folder folder;
  if (input.size() < 2) return;
  const auto choice = std::to_integer<unsigned>(input[0]);
  const auto durable = std::to_integer<Sequence>(input[1]);
  const auto bytes = segment_of(input.subspan(2), choice);
  const auto log = folder.path / "log";
  fs::remove_all(log);
  fs::create_directory(log);
  std::ofstream(log / segment_name(0), std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  if (durable != 0) {
    Uuid uuid{};
    std::memcpy(uuid.data(), bytes.data() + offsetof(SegmentHeader, log_uuid), uuid.size());
    (void)Marks::create(log, uuid, durable);
  }
  (void)verify_log(log);
  recover(log);
}

}  // namespace pitwire::fuzz
