// Power lost at any call that makes something durable: while the log is created, recovered,
// appended to, while a segment begins, ends, is chained and trimmed, while it is closed.
//
// The model. What msync, fsync and fdatasync were told stays: the program's calls go through here
// and the model notes the bytes that each made durable, a file's length with it, a folder's names
// with an fsync of the folder. Everything else, each sector of 512 bytes for itself, is there or is
// not, whatever was written before or after it; lengths and names alike.
//   PITWIRE_SEED=N PITWIRE_RANDOM_EVENTS=FAILURES pitwire_log_tests --gtest_filter='LogPower.*'
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <set>

#include "../rounds.hpp"
#include "log_fixture.hpp"

namespace pitwire {
namespace {

constexpr std::size_t kSectorBytes = 512;

using Files = std::map<std::string, std::string>;  ///< by path, what is in them

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// What is durable in a folder, as the calls have it; and all there was, at one of them.
class Disk {
 public:
  /// From now on: what stands in the folder is durable. The power fails at the `call`-th from here.
  void watch(const fs::path& folder, std::uint64_t call, Sequence promised) {
    const std::lock_guard hold(mutex_);
    folder_ = folder.string() + "/";
    durable_ = read_folder();
    names_.clear();
    for (const auto& [path, bytes] : durable_) names_.insert(path);
    calls_left_ = call;
    promised_ = promised;
    failed_ = false;
  }
  void forget() {
    const std::lock_guard hold(mutex_);
    folder_.clear();
    durable_word_ = nullptr;
  }
  /// What the log promises to hold from now on.
  void promises(const std::atomic<Sequence>& durable) {
    const std::lock_guard hold(mutex_);
    durable_word_ = &durable;
  }
  void promises(Sequence durable) {
    const std::lock_guard hold(mutex_);
    durable_word_ = nullptr;
    if (!failed_) promised_ = durable;
  }
  [[nodiscard]] bool failed() const { return failed_; }
  /// What had been promised when the power failed.
  [[nodiscard]] Sequence promised() const { return promised_; }

  /// One of the folders that may be left.
  [[nodiscard]] Files image(std::mt19937_64& random) const {
    Files out;
    std::set<std::string> all = names_;
    for (const auto& [path, bytes] : written_) all.insert(path);
    // Nothing of what was not synced, all of it, or some.
    const auto share = std::array<std::uint64_t, 4>{0, 16, 8, random() % 17}[random() % 4];
    const auto takes = [&] { return random() % 16 < share; };
    for (const auto& path : all) {
      const bool named = names_.contains(path);
      const auto live = written_.find(path);
      if (named != (live != written_.end()) && takes() == named) continue;
      const auto synced = durable_.find(path);
      const std::string empty;
      out[path] = mixed(synced == durable_.end() ? empty : synced->second,
                        live == written_.end() ? empty : live->second, takes);
    }
    return out;
  }

  // ---- the program's calls
  void before_call() {
    const std::lock_guard hold(mutex_);
    if (folder_.empty() || failed_ || --calls_left_ != 0) return;
    // First what was promised: it is durable, so that it is in what follows.
    if (durable_word_ != nullptr) promised_ = durable_word_->load();
    written_ = read_folder();
    failed_ = true;
  }
  void synced_memory(const void* at, std::size_t size) {
    const std::lock_guard hold(mutex_);
    if (folder_.empty() || failed_) return;
    const auto [path, offset] = mapped_at(reinterpret_cast<std::uintptr_t>(at));
    if (!path.starts_with(folder_)) return;
    const auto now = content_of(path);
    auto& bytes = durable_[path];
    bytes.resize(now.size());
    const auto end = std::min(now.size(), (offset + size + 4095) / 4096 * 4096);
    if (offset < end) bytes.replace(offset, end - offset, now, offset, end - offset);
  }
  void synced_file(int fd) {
    const std::lock_guard hold(mutex_);
    if (folder_.empty() || failed_) return;
    std::array<char, 4096> name{};
    const auto link = "/proc/self/fd/" + std::to_string(fd);
    if (::readlink(link.c_str(), name.data(), name.size() - 1) < 0) return;
    const std::string path = name.data();
    if (path.starts_with(folder_)) durable_[path] = content_of(path);
    if (path + "/" != folder_) return;
    names_.clear();
    for (const auto& [each, bytes] : read_folder()) names_.insert(each);
  }

 private:
  template <class F>
  static std::string mixed(const std::string& synced, const std::string& live, F&& takes) {
    std::string out(takes() ? live.size() : synced.size(), '\0');
    for (std::size_t at = 0; at < out.size(); at += kSectorBytes) {
      const auto& from = takes() ? live : synced;
      if (at >= from.size()) continue;
      const auto size = std::min({kSectorBytes, from.size() - at, out.size() - at});
      out.replace(at, size, from, at, size);
    }
    return out;
  }
  [[nodiscard]] Files read_folder() const {
    Files out;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (!entry.is_directory()) out[entry.path().string()] = content_of(entry.path().string());
    }
    return out;
  }
  /// The file that is mapped there, and the offset in it.
  static std::pair<std::string, std::size_t> mapped_at(std::uintptr_t at) {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
      std::uintptr_t begin = 0;
      std::uintptr_t end = 0;
      std::size_t offset = 0;
      if (std::sscanf(line.c_str(), "%lx-%lx %*s %zx", &begin, &end, &offset) != 3) continue;
      const auto name = line.find('/');
      if (at < begin || at >= end || name == std::string::npos) continue;
      return {line.substr(name), offset + (at - begin)};
    }
    return {};
  }

  std::mutex mutex_;
  std::string folder_;  ///< empty: nothing is watched
  Files durable_;
  std::set<std::string> names_;  ///< of files whose entry in the folder is durable
  Files written_;                ///< everything, when the power failed
  std::uint64_t calls_left_ = 0;
  const std::atomic<Sequence>* durable_word_ = nullptr;
  Sequence promised_ = 0;
  std::atomic<bool> failed_{false};
};

Disk& disk() {
  static Disk one;
  return one;
}

}  // namespace
}  // namespace pitwire

// The log's own calls: linked before the C library's.
extern "C" int msync(void* at, std::size_t size, int flags) {
  pitwire::disk().before_call();
  const auto result = ::syscall(SYS_msync, at, size, flags);
  if (result == 0) pitwire::disk().synced_memory(at, size);
  return static_cast<int>(result);
}
extern "C" int fsync(int fd) {
  pitwire::disk().before_call();
  const auto result = ::syscall(SYS_fsync, fd);
  if (result == 0) pitwire::disk().synced_file(fd);
  return static_cast<int>(result);
}
extern "C" int fdatasync(int fd) {
  pitwire::disk().before_call();
  const auto result = ::syscall(SYS_fdatasync, fd);
  if (result == 0) pitwire::disk().synced_file(fd);
  return static_cast<int>(result);
}

namespace pitwire {
namespace {

class LogPower : public LogTest {
 protected:
  void TearDown() override {
    disk().forget();
    LogTest::TearDown();
  }

  /// One log whose power fails `failures` times.
  void round(std::uint64_t seed, std::uint64_t failures) {
    random_.seed(seed);
    lives_.clear();
    promised_ = 0;
    fs::remove_all(options().folder);
    fs::create_directories(options().folder);
    for (std::uint64_t life = 1; life <= failures && !HasFailure(); ++life) {
      SCOPED_TRACE("life " + std::to_string(life));
      live(life);
      store_image();
      check();
    }
  }

 private:
  /// A note says which life wrote it: what an older one had left behind a cut is no part of it.
  static std::string content(std::uint64_t number, std::uint64_t life) {
    std::mt19937_64 letters(number * 1'000'003 + life);
    std::string out(8 + letters() % 200, '\0');
    for (char& each : out) each = static_cast<char>(letters());
    return out;
  }

  /// Recovers the log and appends until the power fails, or it was closed and fails then.
  void live(std::uint64_t life) {
    disk().watch(options().folder, 1 + random_() % 60, promised_);
    const auto notes_max = random_() % 400;
    {
      RecoveryReport report;
      auto log = LogWriter::recover(options(), report);
      EXPECT_NE(report.verdict, RecoveryVerdict::TORN_BELOW_DURABLE) << report.text();
      lives_.resize(count_notes(options().folder));
      disk().promises(log.durable_word());
      for (std::uint64_t n = 0; n < notes_max && !disk().failed(); ++n) {
        lives_.push_back(life);  // first: when the power fails it may be there
        const auto sequence = note(log, log.last_ts_core() + 1, content(lives_.size(), life));
        ASSERT_NE(sequence, 0U);
        if (random_() % 8 == 0 && !log.wait_durable(sequence)) FAIL() << log.failure();
      }
      disk().promises(log.durable_sequence());
      EXPECT_TRUE(log.close());
      disk().promises(log.last_sequence());
    }
    // Where it had not failed yet it does now, behind everything.
    for (int more = 0; !disk().failed() && more < 64; ++more) disk().before_call();
    promised_ = disk().promised();
  }

  void store_image() {
    const auto image = disk().image(random_);
    disk().forget();
    for (const auto& entry : fs::directory_iterator(options().folder)) {
      if (!entry.is_directory()) fs::remove(entry);
    }
    for (const auto& [path, bytes] : image) store(path, bytes);
  }

  /// What recovery makes of a copy: everything that was promised, nothing that was not written.
  void check() {
    auto with = options("check");
    copy(options().folder, "check");
    RecoveryReport report;
    try {
      auto log = LogWriter::recover(with, report);
      EXPECT_GE(log.last_sequence(), promised_) << report.text();
      EXPECT_TRUE(log.close());
    } catch (const LogError& error) {
      FAIL() << "refused: " << error.what();
    }
    EXPECT_NE(report.verdict, RecoveryVerdict::TORN_BELOW_DURABLE) << report.text();
    EXPECT_LE(count_notes(with.folder), lives_.size());
    EXPECT_EQ(fault_text(with.folder), "") << report.text();
  }

  /// Each is the one that was appended there.
  std::uint64_t count_notes(const fs::path& folder) {
    LogReader reader(folder, Upto::COMMITTED);
    std::uint64_t notes = 0;
    Sequence sequence = 0;
    while (const auto frame = reader.next()) {
      EXPECT_EQ(frame->sequence(), ++sequence);
      if (frame->type() == RecordType::SEGMENT_END) continue;
      const auto tail = frame->tail<rec::Note>();
      const std::string_view found(reinterpret_cast<const char*>(tail.data()), tail.size());
      const bool known = ++notes <= lives_.size();
      EXPECT_TRUE(known) << "a note that nobody appended";
      EXPECT_EQ(found, known ? content(notes, lives_[notes - 1]) : found) << "note " << notes;
    }
    EXPECT_EQ(reader.status(), LogReader::Status::END) << reader.error().text();
    return notes;
  }

  std::mt19937_64 random_{0};         ///< seeded anew for each round
  std::vector<std::uint64_t> lives_;  ///< by note, who appended it
  Sequence promised_ = 0;
};

TEST_F(LogPower, WhatWasDurableSurvivesWhateverElseWasWritten) {
  testing::in_rounds(100, 15,
                     [this](std::uint64_t seed, std::uint64_t failures) { round(seed, failures); });
}

}  // namespace
}  // namespace pitwire
