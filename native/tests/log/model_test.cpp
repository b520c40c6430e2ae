// The log against a vector of what was appended: read while it is written, read when it was closed,
// cut anywhere as a crash would leave it, recovered and gone on with.
//   PITWIRE_SEED=N PITWIRE_RANDOM_EVENTS=N pitwire_log_tests --gtest_filter='LogModel.*'
#include "../rounds.hpp"
#include "log_fixture.hpp"

namespace pitwire {
namespace {

/// A frame as its writer meant it.
struct Entry {
  Sequence sequence = 0;
  Nanos ts_core = 0;
  RecordType type{};
  std::uint16_t source = 0;
  std::string payload;
  bool operator==(const Entry&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Entry& entry) {
  return out << entry.sequence << " at " << entry.ts_core << ", " << entry.payload.size()
             << " bytes";
}

class LogModel : public LogTest {
 protected:
  /// One life after the other on the same folder: appended, left somehow, recovered.
  void round(std::uint64_t seed, std::uint64_t events) {
    random_.seed(seed);
    expected_.clear();
    next_ = 1;
    fs::remove_all(root_ / "log");
    auto log = std::make_unique<LogWriter>(LogWriter::create(options()));
    for (std::uint64_t done = 0; done < events && !HasFailure();) {
      const auto life = std::min<std::uint64_t>(events - done, 20 + random_() % 400);
      for (std::uint64_t i = 0; i < life; ++i) append(*log);
      done += life;
      if (random_() % 2 == 0) expect_read(options().folder);
      ASSERT_TRUE(log->close());
      log.reset();
      expect_read(options().folder);
      if (random_() % 2 == 0) cut();
      RecoveryReport report;
      log = std::make_unique<LogWriter>(LogWriter::recover(options(), report));
      ASSERT_EQ(log->last_sequence(), next_ - 1) << report.text();
      expect_read(options().folder);
    }
    ASSERT_TRUE(log->close());
  }

 private:
  void append(LogWriter& log) {
    if (random_() % 50 == 0) {
      // As a new epoch does: the only place where numbers may be left out.
      const auto skipped = random_() % 5;
      log.skip_sequences(skipped);
      next_ += skipped;
    }
    Entry entry;
    entry.ts_core = log.last_ts_core() + static_cast<Nanos>(random_() % 3);
    entry.source = static_cast<std::uint16_t>(random_());
    entry.type = random_() % 2 == 0 ? RecordType::MARKET_DATAGRAM : RecordType::NOTE;
    const auto size = random_() % 8 == 0 ? random_() % 3'000 : random_() % 90;
    for (std::uint64_t i = 0; i < size; ++i) entry.payload += static_cast<char>(random_());
    const auto at = random_() % (entry.payload.size() + 1);
    const auto before = log.segment_index();
    const auto sequence =
        log.append(entry.type, FrameClass::INPUT, entry.ts_core, Origin::MARKET, entry.source,
                   bytes(entry.payload).first(at), bytes(entry.payload).subspan(at));
    // A segment that is full ends with a frame of its own.
    next_ += log.segment_index() - before;
    ASSERT_EQ(sequence, next_++);
    entry.sequence = sequence;
    expected_.push_back(entry);
  }

  void expect_read(const fs::path& folder) {
    LogReader reader(folder, Upto::COMMITTED);
    auto wanted = expected_.begin();
    while (const auto frame = reader.next()) {
      if (frame->type() == RecordType::SEGMENT_END) continue;
      ASSERT_NE(wanted, expected_.end()) << "a frame that nobody appended";
      const Entry found{frame->sequence(), frame->ts_core(), frame->type(), frame->header->source,
                        std::string(text_of(frame->payload))};
      ASSERT_EQ(found, *wanted++);
    }
    ASSERT_EQ(reader.status(), LogReader::Status::END) << reader.error().text();
    ASSERT_EQ(wanted, expected_.end()) << "frames are missing";
    seek_somewhere(reader);
  }
  void seek_somewhere(LogReader& reader) {
    if (expected_.empty()) return;
    const auto& wanted = expected_[random_() % expected_.size()];
    ASSERT_TRUE(reader.seek(wanted.sequence));
    const auto frame = reader.next();
    ASSERT_TRUE(frame.has_value());
    ASSERT_EQ(frame->sequence(), wanted.sequence);
  }
  static std::string_view text_of(std::span<const std::byte> payload) {
    return {reinterpret_cast<const char*>(payload.data()), payload.size()};
  }

  /// The newest segment ends anywhere behind its header, with rests of a frame or without: what
  /// stood wholly before that is what is left.
  void cut() {
    const auto folder = options().folder;
    fs::remove(folder / "marks");  // else what is gone had been durable, which is another test
    fs::remove(folder / chain_of(segment_indices(folder).back()));
    const auto begun =
        SegmentFile::open(folder, segment_indices(folder).back())->header().first_sequence;
    const auto path = folder / segment_name(segment_indices(folder).back());
    auto content = load(path);
    std::vector<std::size_t> ends{kSegmentHeaderBytes};
    Sequence first = 0;
    for (std::uint32_t length; ends.back() + 16 <= content.size();
         ends.push_back(ends.back() + length)) {
      std::memcpy(&length, content.data() + ends.back(), 4);
      if (length == 0) break;
      if (first == 0) std::memcpy(&first, content.data() + ends.back() + 8, 8);
    }
    const auto at = kSegmentHeaderBytes + random_() % (ends.back() - kSegmentHeaderBytes + 1);
    const auto original = content;
    content.resize(at);
    content.resize(kSegmentBytesMin);  // zeros, as pages that were never written
    // Whole is also a frame of which zeros alone were lost: the padding at its end.
    std::size_t whole = 0;
    while (whole + 1 < ends.size() &&
           content.compare(0, ends[whole + 1], original, 0, ends[whole + 1]) == 0) {
      ++whole;
    }
    store(path, content);
    const auto before =
        static_cast<std::size_t>(std::lower_bound(expected_.begin(), expected_.end(), first,
                                                  [](const Entry& each, Sequence wanted) {
                                                    return each.sequence < wanted;
                                                  }) -
                                 expected_.begin());
    if (first != 0) expected_.resize(before + whole);
    // What is left of an empty segment is the number that it was to begin with.
    next_ = whole > 0 ? expected_.back().sequence + 1 : begun;
  }
  static std::string chain_of(std::uint64_t index) {
    return fs::path(segment_name(index)).replace_extension(".chain").string();
  }

  std::mt19937_64 random_{0};  ///< seeded anew for each round
  std::vector<Entry> expected_;
  Sequence next_ = 1;
};

TEST_F(LogModel, HoldsWhatWasAppendedThroughCutsAndRecoveries) {
  testing::in_rounds(4'000, 2'000,
                     [this](std::uint64_t seed, std::uint64_t events) { round(seed, events); });
}

}  // namespace
}  // namespace pitwire
