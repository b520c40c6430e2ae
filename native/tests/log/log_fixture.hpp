// A folder of its own for each test, and small logs to damage.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "pitwire/log/log_reader.hpp"
#include "pitwire/log/log_writer.hpp"
#include "pitwire/log/segment.hpp"
#include "pitwire/log/verify.hpp"

namespace pitwire {

namespace fs = std::filesystem;

class LogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    // In memory, where there is such a place: these tests are about bytes, not about the disk.
    const fs::path base = fs::exists("/dev/shm") ? "/dev/shm" : fs::temp_directory_path();
    std::string pattern = (base / "pitwire-log-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { fs::remove_all(root_); }

  LogOptions options(const std::string& name = "log") const {
    LogOptions out;
    out.folder = root_ / name;
    out.segment_size_bytes = kSegmentBytesMin;
    out.low_disk_bytes = 0;
    return out;
  }
  /// A state to damage: what a closed log, or one whose writer was just killed, leaves behind.
  fs::path copy(const fs::path& from, const std::string& name) const {
    fs::remove_all(root_ / name);
    fs::copy(from, root_ / name, fs::copy_options::recursive);
    return root_ / name;
  }
  static std::string text(std::size_t size) { return std::string(size, 'x'); }
  static std::span<const std::byte> bytes(const std::string& from) {
    return std::as_bytes(std::span(from.data(), from.size()));
  }
  static Sequence note(LogWriter& log, Nanos ts_core, const std::string& what) {
    rec::Note record;
    record.size_bytes = static_cast<std::uint32_t>(what.size());
    return log.append(record, ts_core, Origin::OURS, 7, bytes(what));
  }
  /// `count` notes of `size` bytes each, at 1 ns after the other.
  static void notes(LogWriter& log, int count, std::size_t size = 100) {
    for (int i = 0; i < count; ++i) note(log, log.last_ts_core() + 1, text(size));
  }
  /// Sequences of what a reader gives, SEGMENT_END left out.
  static std::vector<Sequence> sequences(LogReader& reader) {
    std::vector<Sequence> out;
    while (const auto frame = reader.next()) {
      if (frame->type() != RecordType::SEGMENT_END) out.push_back(frame->sequence());
    }
    return out;
  }
  static std::vector<Sequence> sequences(const fs::path& folder) {
    LogReader reader(folder, Upto::COMMITTED);
    return sequences(reader);
  }
  static std::string load(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static void store(const fs::path& path, const std::string& content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  }
  static std::string fault_text(const fs::path& folder) {
    const auto report = verify_log(folder);
    return report.faults.empty() ? "" : report.faults.front().text();
  }

  fs::path root_;
};

}  // namespace pitwire
