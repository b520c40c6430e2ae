// The log's promises to writer and readers while nothing goes wrong.
#include <thread>

#include "log_fixture.hpp"
#include "pitwire/log/marks.hpp"

namespace pitwire {
namespace {

TEST_F(LogTest, WhatWasAppendedIsReadBack) {
  auto log = LogWriter::create(options());
  rec::OrderSubmitted order;
  order.cl_ord_id = 0x100000002;
  order.price = -5;
  EXPECT_EQ(log.append(order, 10), 1U);
  EXPECT_EQ(log.append(rec::Time{}, 11), 2U);
  EXPECT_EQ(note(log, 12, "hello"), 3U);
  EXPECT_TRUE(log.close());

  LogReader reader(log.folder());
  auto frame = reader.next();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->header->length, 32 + sizeof order);
  EXPECT_EQ(frame->header->frame_class, FrameClass::OUTPUT);
  ASSERT_NE(frame->as<rec::OrderSubmitted>(), nullptr);
  EXPECT_EQ(frame->as<rec::OrderSubmitted>()->price, -5);
  EXPECT_EQ(frame->as<rec::Note>(), nullptr);
  frame = reader.next();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->header->length, 32U);
  EXPECT_EQ(frame->ts_core(), 11);
  frame = reader.next();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->header->source, 7);
  EXPECT_EQ(frame->header->origin, Origin::OURS);
  const auto tail = frame->tail<rec::Note>();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(tail.data()), tail.size()), "hello");
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.status(), LogReader::Status::END);
}

TEST_F(LogTest, TailsOfEveryLengthKeepTheirLength) {
  auto log = LogWriter::create(options());
  for (std::size_t size = 0; size < 40; ++size) note(log, 1, text(size));
  log.close();
  LogReader reader(log.folder());
  for (std::size_t size = 0; size < 40; ++size) {
    const auto frame = reader.next();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->tail<rec::Note>().size(), size);
  }
}

TEST_F(LogTest, SegmentsFollowEachOtherAndEachBeginsWithTheDefinitions) {
  auto log = LogWriter::create(options());
  int rolls = 0;
  log.on_roll([&] {
    ++rolls;
    const std::string json = "{}";
    log.append(RecordType::DEFINITION, FrameClass::STRUCTURE, log.last_ts_core(), Origin::NONE, 0,
               record_bytes(rec::Definition{1, 0}), bytes(json));
  });
  notes(log, 500);
  EXPECT_TRUE(log.close());
  EXPECT_GT(rolls, 2);

  LogReader reader(log.folder());
  Sequence last = 0;
  bool begins = false;
  int definitions = 0;
  while (const auto frame = reader.next()) {
    EXPECT_EQ(frame->sequence(), ++last);
    if (begins) {
      EXPECT_EQ(frame->type(), RecordType::DEFINITION);
    }
    definitions += frame->type() == RecordType::DEFINITION ? 1 : 0;
    begins = frame->type() == RecordType::SEGMENT_END;
  }
  EXPECT_EQ(last, log.last_sequence());
  EXPECT_EQ(definitions, rolls);
  EXPECT_EQ(fault_text(log.folder()), "");
  EXPECT_EQ(verify_log(log.folder()).segments, static_cast<std::uint64_t>(rolls) + 1);
}

TEST_F(LogTest, AFrameAsLargeAsASegmentHoldsFitsAndOneByteMoreIsRefused) {
  auto log = LogWriter::create(options());
  const auto most = log.frame_bytes_max() - kFrameHeaderBytes - sizeof(rec::Note);
  notes(log, 3);
  EXPECT_EQ(note(log, 9, text(most + 1)), 0U);
  EXPECT_EQ(note(log, 9, text(most)), 5U);
  notes(log, 1);
  EXPECT_TRUE(log.close());
  EXPECT_EQ(sequences(log.folder()), (std::vector<Sequence>{1, 2, 3, 5, 7}));  // 4 and 6: END
}

TEST_F(LogTest, DefinitionsThatFillASegmentDoNotRollForEver) {
  auto log = LogWriter::create(options());
  int calls = 0;
  log.on_roll([&] {
    ++calls;
    for (int i = 0; i < 4; ++i) note(log, 1, text(5000));  // more than a segment holds
  });
  for (int i = 0; i < 130; ++i) note(log, 1, text(100));
  EXPECT_TRUE(log.close());
  EXPECT_GT(calls, 0);
  EXPECT_EQ(fault_text(log.folder()), "");
}

TEST_F(LogTest, AReaderStopsAtTheDurableMarkUnlessItAsksForMore) {
  auto slow = options();
  slow.sync_interval_ns = slow.sync_interval_idle_ns = kSecond;
  auto log = LogWriter::create(slow);
  LogReader reader(log.folder());
  LogReader hasty(log.folder(), Upto::COMMITTED);
  notes(log, 3);
  EXPECT_EQ(sequences(hasty).size(), 3U);
  EXPECT_TRUE(sequences(reader).empty());
  EXPECT_TRUE(log.wait_durable(3));
  EXPECT_EQ(log.durable_sequence(), 3U);
  EXPECT_EQ(reader.durable_sequence(), 3U);
  EXPECT_EQ(sequences(reader).size(), 3U);
}

TEST_F(LogTest, WaitingForAFrameThatDoesNotExistIsRefusedAtOnce) {
  auto log = LogWriter::create(options());
  notes(log, 1);
  EXPECT_FALSE(log.wait_durable(2));
  EXPECT_TRUE(log.wait_durable(1));
  log.close();
  EXPECT_EQ(note(log, 1, "late"), 0U);
}

TEST_F(LogTest, AReaderFollowsALiveWriterThroughSegments) {
  auto larger = options();
  larger.segment_size_bytes = 256 << 10;
  auto log = LogWriter::create(larger);
  constexpr std::uint64_t kFrames = 20'000;
  std::atomic<bool> sound{true};
  std::uint64_t seen = 0;
  std::thread follower([&] {
    LogReader reader(log.folder(), Upto::COMMITTED);
    while (seen < kFrames && sound) {
      const auto frame = reader.next();
      if (!frame) {
        if (reader.status() != LogReader::Status::END) sound = false;
      } else if (frame->type() == RecordType::NOTE) {
        ++seen;
      }
    }
  });
  for (std::uint64_t i = 0; i < kFrames; ++i) note(log, 1, text(i * 7 % 300));
  follower.join();
  EXPECT_TRUE(sound);
  EXPECT_EQ(seen, kFrames);
  EXPECT_TRUE(log.close());
}

TEST_F(LogTest, SeekFindsTheFirstFrameNotBelow) {
  auto log = LogWriter::create(options());
  notes(log, 300);
  log.skip_sequences(1000);
  const auto after = log.append(rec::Epoch{}, log.last_ts_core());
  log.close();
  LogReader reader(log.folder());
  for (const Sequence wanted : {Sequence{1}, Sequence{7}, Sequence{117}, Sequence{250}}) {
    ASSERT_TRUE(reader.seek(wanted));
    EXPECT_EQ(reader.next()->sequence(), wanted);
  }
  ASSERT_TRUE(reader.seek(after - 500));
  EXPECT_EQ(reader.next()->sequence(), after);
  EXPECT_FALSE(reader.seek(after + 1));
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.status(), LogReader::Status::END);
}

TEST_F(LogTest, OneWriterAFolder) {
  auto log = LogWriter::create(options());
  RecoveryReport report;
  EXPECT_THROW((void)LogWriter::recover(options(), report), LogError);
  EXPECT_TRUE(WriterLock::held(log.folder()));
  log.close();
  EXPECT_FALSE(WriterLock::held(log.folder()));
  EXPECT_THROW((void)LogWriter::create(options()), LogError);
}

TEST_F(LogTest, OptionsOutOfBoundsAreNamed) {
  auto wrong = options();
  wrong.segment_size_bytes = kSegmentBytesMin - kPageBytes;
  EXPECT_THROW((void)LogWriter::create(wrong), std::invalid_argument);
  wrong.segment_size_bytes = kSegmentBytesMin + 8;
  EXPECT_THROW((void)LogWriter::create(wrong), std::invalid_argument);
  wrong = options();
  wrong.sync_interval_ns = 0;
  EXPECT_THROW((void)LogWriter::create(wrong), std::invalid_argument);
}

TEST_F(LogTest, AnErrorIsFinalAndStopsTheLog) {
  auto log = LogWriter::create(options());
  notes(log, 1);
  ASSERT_TRUE(log.wait_durable(1));
  fs::create_directory(log.folder() / segment_name(2));  // what is to be prepared after the roll
  Sequence last = 1;
  int appended = 1;
  for (; last != 0; ++appended) {
    last = note(log, 1, text(100));
    ASSERT_LT(appended, 1000);
  }
  EXPECT_TRUE(log.failed());
  EXPECT_NE(log.failure().find("00000002.seg"), std::string::npos) << log.failure();
  EXPECT_FALSE(log.close());
}

TEST_F(LogTest, TheLowDiskRuleIsSeen) {
  auto low = options();
  low.low_disk_bytes = 1ULL << 60;
  EXPECT_TRUE(LogWriter::create(low).disk_low());
  EXPECT_FALSE(LogWriter::create(options("other")).disk_low());
}

class RetentionTest : public LogTest {
 protected:
  static std::uint64_t oldest(const LogWriter& log) {
    return segment_indices(log.folder()).front();
  }
  LogOptions two_segments() const {
    auto out = options();
    out.retain_bytes = 2 * kSegmentBytesMin;
    return out;
  }
  /// Appends until `index` has been reached and everything before is finished.
  static void roll_to(LogWriter& log, std::uint64_t index) {
    while (log.segment_index() < index) notes(log, 1, 1000);
    notes(log, 1);
    ASSERT_TRUE(log.wait_durable(log.last_sequence()));
  }
};

TEST_F(RetentionTest, OldSegmentsGoWithTheirChains) {
  auto log = LogWriter::create(two_segments());
  roll_to(log, 6);
  EXPECT_EQ(oldest(log), 4U);
  EXPECT_FALSE(fs::exists(log.folder() / "00000003.chain"));
  EXPECT_TRUE(fs::exists(log.folder() / "00000004.chain"));
  log.close();
  EXPECT_EQ(fault_text(log.folder()), "");
  LogReader reader(log.folder());
  EXPECT_GT(reader.next()->sequence(), 1U);
}

TEST_F(RetentionTest, WhatAReaderOrACheckpointNeedsIsKept) {
  auto log = LogWriter::create(two_segments());
  ReaderRegistration reader(log.folder(), "parquet");
  roll_to(log, 6);
  EXPECT_EQ(oldest(log), 0U);
  store(log.folder() / "pins" / "checkpoint", "not a number");
  EXPECT_TRUE(reader.update(log.last_sequence()));
  EXPECT_EQ(reader.position(), log.last_sequence());
  roll_to(log, 7);
  EXPECT_EQ(oldest(log), 0U);
  store(log.folder() / "pins" / "checkpoint", std::to_string(log.last_sequence()) + "\n");
  roll_to(log, 9);
  EXPECT_EQ(oldest(log), 6U);  // where the reader stands
  reader.forget();
  EXPECT_FALSE(fs::exists(log.folder() / "readers" / "parquet"));
}

}  // namespace
}  // namespace pitwire
