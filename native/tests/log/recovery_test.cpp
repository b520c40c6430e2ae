// The recovery table, row by row.
#include "../random.hpp"
#include "log_fixture.hpp"
#include "pitwire/log/marks.hpp"

namespace pitwire {
namespace {

class RecoveryTest : public LogTest {
 protected:
  /// A closed log of some segments; its last frame is a note.
  fs::path closed(int count = 300) {
    auto log = LogWriter::create(options("closed"));
    notes(log, count);
    EXPECT_TRUE(log.close());
    last_ = log.last_sequence();
    return log.folder();
  }
  /// The same as its writer leaves it when killed: not trimmed, everything below `last_` durable,
  /// the next segment prepared.
  fs::path killed(int count = 20) {
    auto log = LogWriter::create(options("live"));
    notes(log, count - 1);
    EXPECT_TRUE(log.wait_durable(log.last_sequence()));
    // A round publishes the mark before it prepares a segment: a second round has the first behind.
    notes(log, 1);
    EXPECT_TRUE(log.wait_durable(log.last_sequence()));
    last_ = log.last_sequence();
    return copy(log.folder(), "killed");
  }
  RecoveryReport recover(const fs::path& folder) {
    auto with = options();
    with.folder = folder;
    RecoveryReport report;
    auto log = LogWriter::recover(with, report);
    log.skip_sequences(100);
    log.append(rec::Epoch{}, log.last_ts_core());
    notes(log, 3);
    EXPECT_TRUE(log.close());
    EXPECT_EQ(fault_text(folder), "") << report.text();
    return report;
  }
  /// The fault recovery refuses with; empty where it did not.
  std::string refusal(const fs::path& folder) {
    try {
      (void)recover(folder);
    } catch (const LogError& error) {
      return error.what();
    }
    return "";
  }
  /// Where the last frame of a segment stands, and where it ends.
  static std::pair<std::size_t, std::size_t> last_frame(const std::string& segment) {
    std::size_t at = kSegmentHeaderBytes;
    std::size_t before = at;
    for (std::uint32_t length; at + 4 <= segment.size(); at += length) {
      std::memcpy(&length, segment.data() + at, 4);
      if (length == 0) break;
      before = at;
    }
    return {before, at};
  }
  static void set_durable(const fs::path& folder, Sequence sequence) {
    auto marks = load(folder / "marks");
    std::memcpy(marks.data() + offsetof(MarksPage, durable), &sequence, sizeof sequence);
    store(folder / "marks", marks);
  }
  static fs::path segment(const fs::path& folder, std::uint64_t index) {
    return folder / segment_name(index);
  }

  Sequence last_ = 0;
};

TEST_F(RecoveryTest, AnEmptyFolderBecomesANewLog) {
  const auto report = recover(root_ / "new");
  EXPECT_EQ(report.verdict, RecoveryVerdict::EMPTY);
}

TEST_F(RecoveryTest, AClosedLogGoesOnWhereItEnded) {
  const auto folder = closed();
  const auto report = recover(folder);
  EXPECT_EQ(report.verdict, RecoveryVerdict::CLEAN) << report.text();
  EXPECT_TRUE(report.clean_close);
  EXPECT_EQ(report.last_sequence, last_);
  EXPECT_EQ(sequences(folder).back(), last_ + 104);
}

TEST_F(RecoveryTest, AKilledWriterLosesNothing) {
  const auto folder = killed();
  const auto report = recover(folder);
  EXPECT_EQ(report.verdict, RecoveryVerdict::CLEAN) << report.text();
  EXPECT_FALSE(report.clean_close);
  EXPECT_EQ(report.last_sequence, last_);
  EXPECT_EQ(recover(folder).verdict, RecoveryVerdict::CLEAN);
}

TEST_F(RecoveryTest, AFrameThatWasBeingWrittenIsCutAndReported) {
  const auto folder = killed();
  auto bytes = load(segment(folder, 0));
  const auto end = last_frame(bytes).second;
  bytes[end + 8] = 21;
  bytes[end + 50] = 1;
  store(segment(folder, 0), bytes);
  LogReader reader(folder);
  EXPECT_EQ(sequences(reader).size(), last_);
  EXPECT_EQ(reader.status(), LogReader::Status::TORN);
  EXPECT_EQ(reader.error().offset, end);
  const auto report = recover(folder);
  EXPECT_EQ(report.verdict, RecoveryVerdict::TORN_CUT);
  EXPECT_EQ(report.cut_bytes, 51U);
  EXPECT_EQ(report.cut.offset, end);
  EXPECT_EQ(report.last_sequence, last_);
}

TEST_F(RecoveryTest, ALostFrameThatHadBeenDurableIsCutWithAWarning) {
  const auto folder = closed();
  const auto index = segment_indices(folder).back();
  auto bytes = load(segment(folder, index));
  const auto at = last_frame(bytes).first;
  bytes[at + 40] ^= 1;
  store(segment(folder, index), bytes);
  const auto report = recover(folder);
  EXPECT_EQ(report.verdict, RecoveryVerdict::TORN_BELOW_DURABLE);
  EXPECT_EQ(report.cut.offset, at);
  EXPECT_EQ(report.last_sequence, last_ - 1);
}

TEST_F(RecoveryTest, AHoleWithFramesBehindItIsATailOnlyAboveTheDurableMark) {
  const auto folder = killed();
  auto bytes = load(segment(folder, 0));
  const auto at = kSegmentHeaderBytes + 5 * 160;  // a note of 100 bytes takes 32 + 16 + 100, padded
  bytes[at + 60] ^= 4;
  store(segment(folder, 0), bytes);
  set_durable(folder, 3);
  const auto lost_power = copy(folder, "power");
  const auto report = recover(lost_power);
  EXPECT_EQ(report.verdict, RecoveryVerdict::TORN_CUT);
  EXPECT_GT(report.cut_frames, 10U);
  EXPECT_GE(report.last_sequence, 3U);

  set_durable(folder, last_);
  EXPECT_NE(refusal(copy(folder, "damage")).find("00000000.seg, offset"), std::string::npos);
  const auto unknown = copy(folder, "unknown");
  fs::remove(unknown / "marks");
  EXPECT_NE(refusal(unknown).find("checksum"), std::string::npos);
  LogReader reader(folder, Upto::COMMITTED);
  (void)sequences(reader);
  EXPECT_EQ(reader.status(), LogReader::Status::CORRUPT);
}

TEST_F(RecoveryTest, AMissingSegmentIsRefusedByName) {
  const auto folder = closed();
  ASSERT_GE(segment_indices(folder).size(), 3U);
  fs::remove(segment(folder, 1));
  EXPECT_NE(refusal(folder).find("segment 1 is missing"), std::string::npos);
  LogReader reader(folder);
  (void)sequences(reader);
  EXPECT_EQ(reader.status(), LogReader::Status::CORRUPT);
}

TEST_F(RecoveryTest, AnotherPreviousSegmentIsRefused) {
  const auto folder = closed();
  auto other = options("other");
  other.log_uuid = SegmentFile::open(folder, 0)->header().log_uuid;
  {
    auto log = LogWriter::create(other);
    notes(log, 300);  // the same, one note apart
    log.close();
  }
  auto frames = load(segment(other.folder, 0));
  std::uint32_t length;
  auto* at = frames.data() + kSegmentHeaderBytes;
  std::memcpy(&length, at, 4);
  at[60] ^= 1;
  const auto crc = frame_crc(reinterpret_cast<std::byte*>(at), length);
  std::memcpy(at + 4, &crc, 4);
  store(segment(folder, 0), frames);
  fs::remove(folder /
             "00000000.chain");  // with it, `verify` tells; recovery believes its last link
  EXPECT_NE(refusal(folder).find("previous segment's hash does not agree"), std::string::npos);
  EXPECT_NE(fault_text(folder), "");
}

TEST_F(RecoveryTest, ATypeOfALaterBuildIsRefusedByRecoveryAndPassedByReaders) {
  auto log = LogWriter::create(options("later"));
  notes(log, 2);
  log.append(static_cast<RecordType>(60000), FrameClass::INPUT, 5, Origin::NONE, 0, {});
  notes(log, 2);
  log.close();
  EXPECT_EQ(sequences(log.folder()).size(), 5U);
  EXPECT_NE(refusal(log.folder()).find("record type 60000 unknown"), std::string::npos);
}

TEST_F(RecoveryTest, SequencesThatFallAreRefused) {
  const auto folder = killed();
  auto bytes = load(segment(folder, 0));
  const auto [at, end] = last_frame(bytes);
  bytes.replace(end, end - at, bytes, at, end - at);
  store(segment(folder, 0), bytes);
  EXPECT_NE(refusal(folder).find("sequence 20 after 20"), std::string::npos);
}

TEST_F(RecoveryTest, APreparedSegmentIsDroppedAndADeadOneReplaced) {
  const auto folder = killed();
  EXPECT_TRUE(fs::exists(segment(folder, 1)));  // prepared, all zeros
  EXPECT_EQ(recover(folder).verdict, RecoveryVerdict::CLEAN);
  EXPECT_EQ(segment_indices(folder).size(), 1U);

  const auto full = closed();
  const auto count = segment_indices(full).size();
  fs::remove(segment(full, count - 1));  // END names it, but it is not there
  set_durable(full, 0);
  EXPECT_EQ(recover(full).verdict, RecoveryVerdict::CLEAN);
  EXPECT_EQ(segment_indices(full).size(), count);
}

TEST_F(RecoveryTest, ALogThatWasLostIsNotTakenForANewOne) {
  const auto folder = closed();
  for (const auto index : segment_indices(folder)) fs::remove(segment(folder, index));
  EXPECT_NE(refusal(folder).find("no segment is left"), std::string::npos);
}

TEST_F(RecoveryTest, EveryBitOfAClosedLogIsWatched) {
  const auto folder = closed(200);
  ASSERT_EQ(fault_text(folder), "");
  std::mt19937_64 random(testing::seed_of_run());
  const auto wanted = testing::events_of_run(1'200);
  for (const auto index : segment_indices(folder)) {
    const auto path = segment(folder, index);
    const auto whole = load(path);
    const auto bits = whole.size() * 8;
    for (std::size_t i = 0; i < std::min(bits, wanted); ++i) {
      const auto bit = wanted < bits ? random() % bits : i;
      auto bytes = whole;
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
      store(path, bytes);
      ASSERT_NE(fault_text(folder), "") << path << " bit " << bit;
    }
    store(path, whole);
  }
}

}  // namespace
}  // namespace pitwire
