// A writer in a child process, ended by SIGKILL anywhere: in an append, between two, while a
// segment begins, while it opens, recovers or creates the log. What it had acknowledged is there,
// nothing else is, in its order; and the log goes on.
//   PITWIRE_SEED=N PITWIRE_RANDOM_EVENTS=KILLS pitwire_log_tests --gtest_filter='LogKill.*'
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "../rounds.hpp"
#include "log_fixture.hpp"

namespace pitwire {
namespace {

/// What the child says of itself, in a page that both have.
struct Told {
  std::atomic<std::uint64_t> acknowledged;  ///< notes whose append has returned
  std::atomic<bool> failed;
};

class LogKill : public LogTest {
 protected:
  void SetUp() override {
    LogTest::SetUp();
    void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(page, MAP_FAILED);
    told_ = new (page) Told{};
  }
  void TearDown() override {
    ::munmap(told_, 4096);
    LogTest::TearDown();
  }

  /// One log, killed `kills` times.
  void round(std::uint64_t seed, std::uint64_t kills) {
    random_.seed(seed);
    fs::remove_all(options().folder);
    told_->acknowledged = 0;
    for (std::uint64_t kill = 0; kill < kills && !HasFailure(); ++kill) {
      SCOPED_TRACE("kill " + std::to_string(kill));
      const auto written = killed_writer(told_->acknowledged);
      const auto found = expect_read(written);
      told_->acknowledged = found;
      if (random_() % 2 == 0) go_on(found);  // else the next child's recovery finds it as it is
    }
  }

 private:
  using Clock = std::chrono::steady_clock;

  /// The notes' content is a function of their number: one that nobody wrote is known.
  static std::string content(std::uint64_t number) {
    std::mt19937_64 letters(number);
    std::string out(8 + letters() % 200, '\0');
    for (char& each : out) each = static_cast<char>(letters());
    std::memcpy(out.data(), &number, sizeof number);
    return out;
  }

  /// Appends behind `before` notes until it is killed. What it acknowledged.
  std::uint64_t killed_writer(std::uint64_t before) {
    const bool by_count = random_() % 2 == 0;
    const auto wanted = before + random_() % 400;
    const auto wait_ns = random_() % (by_count ? 20'000 : 1'500'000);
    const pid_t child = ::fork();
    if (child == 0) write_for_ever(before);
    while (by_count && told_->acknowledged < wanted && !told_->failed) ::sched_yield();
    const auto until = Clock::now() + std::chrono::nanoseconds(wait_ns);
    while (Clock::now() < until) {
    }
    ::kill(child, SIGKILL);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself";
    EXPECT_FALSE(told_->failed);
    return told_->acknowledged;
  }

  [[noreturn]] void write_for_ever(std::uint64_t number) {
    try {
      RecoveryReport report;
      auto log = LogWriter::recover(options(), report);
      for (;;) {
        const auto sequence = note(log, log.last_ts_core() + 1, content(number + 1));
        if (sequence == 0 || (number % 64 == 0 && !log.wait_durable(sequence))) break;
        told_->acknowledged.store(++number);
      }
    } catch (const std::exception&) {
    }
    told_->failed = true;
    ::_exit(1);
  }

  /// Nothing acknowledged is missing, nothing was invented, nothing has moved; at most one more
  /// than was acknowledged: the append that had not returned. How many there are.
  std::uint64_t expect_read(std::uint64_t acknowledged) {
    if (!fs::exists(options().folder / segment_name(0))) {
      EXPECT_EQ(acknowledged, 0U);
      return 0;
    }
    LogReader reader(options().folder, Upto::COMMITTED);
    std::uint64_t notes = 0;
    Sequence sequence = 0;
    while (const auto frame = reader.next()) {
      EXPECT_EQ(frame->sequence(), ++sequence);
      if (frame->type() == RecordType::SEGMENT_END) continue;
      EXPECT_NE(frame->as<rec::Note>(), nullptr);
      EXPECT_EQ(text_of(frame->tail<rec::Note>()), content(++notes)) << "note " << notes;
    }
    EXPECT_GE(notes, acknowledged);
    EXPECT_LE(notes, acknowledged + 1);
    return notes;
  }
  static std::string_view text_of(std::span<const std::byte> payload) {
    return {reinterpret_cast<const char*>(payload.data()), payload.size()};
  }

  void go_on(std::uint64_t notes) {
    RecoveryReport report;
    auto log = LogWriter::recover(options(), report);
    EXPECT_NE(report.verdict, RecoveryVerdict::TORN_BELOW_DURABLE) << report.text();
    note(log, log.last_ts_core() + 1, content(notes + 1));
    EXPECT_TRUE(log.close());
    told_->acknowledged = expect_read(notes + 1);
    EXPECT_EQ(fault_text(options().folder), "") << report.text();
  }

  std::mt19937_64 random_{0};  ///< seeded anew for each round
  Told* told_ = nullptr;
};

TEST_F(LogKill, AcknowledgedRecordsSurviveAndNoOthersAppear) {
  testing::in_rounds(200, 25,
                     [this](std::uint64_t seed, std::uint64_t kills) { round(seed, kills); });
}

}  // namespace
}  // namespace pitwire
