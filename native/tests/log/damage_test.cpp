// A log of 64 KiB cut at every byte, and with every single bit flipped: what recovery says of it.
//
// The expected verdict is stated here in rules of our own, from where the damage is and what had
// been made durable. Nothing of recovery.cpp is called for it.
//   PITWIRE_SEED=N PITWIRE_RANDOM_EVENTS=PLACES pitwire_log_tests --gtest_filter='*Damage*'
// As many places as there are or more: every one of them.
#include <fcntl.h>
#include <unistd.h>

#include "../random.hpp"
#include "log_fixture.hpp"
#include "pitwire/log/marks.hpp"
#include "pitwire/log/open.hpp"

namespace pitwire {
namespace {

constexpr std::size_t kLogBytes = 64 << 10;
constexpr Sequence kNoMarks = ~Sequence{0};

/// What became of a damaged log, or is to become of it.
struct Outcome {
  bool refused = false;
  RecoveryVerdict verdict{};
  Sequence last_sequence = 0;
  bool operator==(const Outcome&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  if (outcome.refused) return out << "refused";
  return out << "verdict " << static_cast<int>(outcome.verdict) << ", last "
             << outcome.last_sequence;
}

constexpr Outcome kRefused{true, {}, 0};

/// A whole frame of the undamaged log.
struct Placed {
  std::size_t begin, end;  ///< in its segment
  Sequence sequence;
};

struct Piece {
  std::string bytes;
  std::vector<Placed> frames;
};

/// Durable up to everything, to nothing that is known, to the middle of the second segment.
enum class Known : std::uint8_t { ALL, NOTHING, HALF };

class Damage : public LogTest, public ::testing::WithParamInterface<Known> {
 protected:
  void SetUp() override {
    LogTest::SetUp();
    write();
    switch (GetParam()) {
      case Known::ALL:
        durable_ = last();
        break;
      case Known::NOTHING:
        durable_ = kNoMarks;
        fs::remove(folder_ / "marks");
        break;
      case Known::HALF: {
        durable_ = pieces_[1].frames[pieces_[1].frames.size() / 2].sequence;
        auto marks = load(folder_ / "marks");
        std::memcpy(marks.data() + offsetof(MarksPage, durable), &durable_, sizeof durable_);
        store(folder_ / "marks", marks);
        break;
      }
    }
    copy(folder_, "whole");
  }

  /// Every place where so many are asked for, else a sample.
  template <class F>
  void at_places(std::size_t count, std::size_t usual, F&& look) {
    const auto wanted = testing::events_of_run(usual);
    std::mt19937_64 random(testing::seed_of_run());
    for (std::size_t i = 0; i < std::min<std::size_t>(wanted, count); ++i) {
      const auto place = wanted >= count ? i : random() % count;
      look(place);
      if (HasFailure()) return;
    }
  }

  Outcome recovered() {
    auto with = options();
    with.folder = folder_;
    RecoveryReport report;
    try {
      (void)recover_log(with, report);
    } catch (const LogError& error) {
      EXPECT_NE(std::string(error.what()).find(".seg, offset"), std::string::npos) << error.what();
      return kRefused;
    }
    return {false, report.verdict, report.last_sequence};
  }

  /// The log as it was written.
  void restore() {
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (!fs::is_directory(entry)) fs::remove(entry);
    }
    for (const auto& entry : fs::directory_iterator(root_ / "whole")) {
      if (!fs::is_directory(entry)) fs::copy(entry, folder_ / entry.path().filename());
    }
  }

  [[nodiscard]] fs::path path(std::size_t piece) const { return folder_ / segment_name(piece); }
  [[nodiscard]] Sequence last() const { return pieces_.back().frames.back().sequence; }
  /// Of the last frame before a segment, which is the END of the one before; 0 for the first.
  [[nodiscard]] Sequence last_before(std::size_t piece) const {
    return piece == 0 ? 0 : pieces_[piece - 1].frames.back().sequence;
  }
  /// Whether something behind this frame had been made durable, as far as is known.
  [[nodiscard]] bool durable_behind(Sequence sequence) const {
    return durable_ != kNoMarks && durable_ > sequence;
  }

  fs::path folder_;
  std::vector<Piece> pieces_;
  Sequence durable_ = 0;

 private:
  /// Four segments of 16 KiB, the last nearly full, closed.
  void write() {
    auto log = LogWriter::create(options("live"));
    folder_ = log.folder();
    std::mt19937_64 random(7);
    std::size_t in_last = 0;
    while (in_last < 9'000) {
      std::string what(random() % 300, '\0');
      for (char& each : what) each = static_cast<char>(random() % 3 == 0 ? 0 : random());
      note(log, log.last_ts_core() + 1, what);
      if (log.segment_index() == 3) in_last += what.size() + 48;
    }
    ASSERT_TRUE(log.close());
    std::size_t total = 0;
    for (std::size_t piece = 0; piece < 4; ++piece) {
      pieces_.push_back({load(path(piece)), {}});
      total += pieces_.back().bytes.size();
      place_frames(pieces_.back());
    }
    ASSERT_EQ(total, kLogBytes);
  }
  static void place_frames(Piece& piece) {
    for (std::size_t at = kSegmentHeaderBytes;;) {
      std::uint32_t length = 0;
      Sequence sequence = 0;
      std::memcpy(&length, piece.bytes.data() + at, 4);
      std::memcpy(&sequence, piece.bytes.data() + at + 8, 8);
      if (length == 0) return;
      piece.frames.push_back({at, at + length, sequence});
      at += length;
    }
  }
};

class DamageByOneBit : public Damage {
 protected:
  [[nodiscard]] Outcome expected(std::size_t piece, std::size_t byte) const {
    if (byte < kSegmentHeaderBytes) return expected_in_header(piece, byte);
    const auto& frames = pieces_[piece].frames;
    const bool last_piece = piece + 1 == pieces_.size();
    for (std::size_t i = 0; i < frames.size(); ++i) {
      if (byte >= frames[i].end) continue;
      // In a frame: it goes, and what stands behind it, if that may be a tail.
      const bool follow = !last_piece || i + 1 < frames.size();
      return tail(frames[i].sequence - 1, follow);
    }
    return tail(frames.back().sequence, !last_piece);  // where nothing was written yet
  }

 private:
  [[nodiscard]] Outcome expected_in_header(std::size_t piece, std::size_t byte) const {
    const bool of_hash =
        byte >= kPreviousHashOffset && byte < kPreviousHashOffset + sizeof(PreviousHash);
    if (of_hash || piece == 0) return kRefused;
    return durable_ == kNoMarks || durable_behind(last_before(piece))
               ? kRefused
               : Outcome{false, RecoveryVerdict::TORN_CUT, last_before(piece)};
  }
  /// Good up to `sequence`, damaged behind it.
  [[nodiscard]] Outcome tail(Sequence sequence, bool follow) const {
    const bool durable = durable_behind(sequence);
    if (follow && (durable || durable_ == kNoMarks)) return kRefused;
    return {false, durable ? RecoveryVerdict::TORN_BELOW_DURABLE : RecoveryVerdict::TORN_CUT,
            sequence};
  }
};

void flip(const fs::path& path, std::size_t byte, char bits) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  char value = 0;
  ASSERT_EQ(::pread(fd, &value, 1, static_cast<off_t>(byte)), 1);
  value = static_cast<char>(value ^ bits);
  ASSERT_EQ(::pwrite(fd, &value, 1, static_cast<off_t>(byte)), 1);
  ::close(fd);
}

TEST_P(DamageByOneBit, HasTheVerdictOfItsPlace) {
  constexpr auto kPiece = kLogBytes / 4;
  at_places(kLogBytes * 8, 1'500, [this](std::size_t bit) {
    const auto piece = bit / 8 / kPiece;
    const auto byte = bit / 8 % kPiece;
    const auto mask = static_cast<char>(1 << bit % 8);
    flip(path(piece), byte, mask);
    const auto found = recovered();
    ASSERT_EQ(found, expected(piece, byte))
        << "segment " << piece << ", byte " << byte << ", bit " << bit % 8;
    if (found.refused) {
      flip(path(piece), byte, mask);  // a refusal has changed nothing
    } else {
      restore();
    }
  });
}

class DamageByTruncation : public Damage {
 protected:
  [[nodiscard]] Outcome expected(std::size_t piece, std::size_t size) const {
    if (size == 0 && piece == 0) {
      return durable_ == kNoMarks ? Outcome{false, RecoveryVerdict::EMPTY, 0} : kRefused;
    }
    if (size < kSegmentHeaderBytes && size > 0) {
      // Its header is damaged, and nothing is behind that.
      if (piece == 0 || durable_behind(last_before(piece))) return kRefused;
      return {false, RecoveryVerdict::TORN_CUT, last_before(piece)};
    }
    std::size_t whole = 0;
    const auto& [bytes, frames] = pieces_[piece];
    while (whole < frames.size() && frames[whole].end <= size) ++whole;
    const auto end = whole > 0 ? frames[whole - 1].end : kSegmentHeaderBytes;
    const auto sequence = whole > 0 ? frames[whole - 1].sequence : last_before(piece);
    const bool rest = size > end && bytes.find_first_not_of('\0', end) < size;
    if (durable_behind(sequence)) return {false, RecoveryVerdict::TORN_BELOW_DURABLE, sequence};
    return {false, rest ? RecoveryVerdict::TORN_CUT : RecoveryVerdict::CLEAN, sequence};
  }
};

TEST_P(DamageByTruncation, HasTheVerdictOfItsPlace) {
  at_places(kLogBytes, 500, [this](std::size_t size) {
    constexpr auto kPiece = kLogBytes / 4;
    const auto piece = size / kPiece;
    fs::resize_file(path(piece), size % kPiece);
    for (auto behind = piece + 1; behind < pieces_.size(); ++behind) fs::remove(path(behind));
    ASSERT_EQ(recovered(), expected(piece, size % kPiece))
        << "segment " << piece << " of " << size % kPiece << " bytes";
    restore();
  });
}

std::string name_of(const ::testing::TestParamInfo<Known>& known) {
  constexpr const char* kNames[] = {"AllDurable", "NoMarks", "HalfDurable"};
  return kNames[static_cast<std::size_t>(known.param)];
}
const auto kEach = ::testing::Values(Known::ALL, Known::NOTHING, Known::HALF);
INSTANTIATE_TEST_SUITE_P(Marks, DamageByOneBit, kEach, name_of);
INSTANTIATE_TEST_SUITE_P(Marks, DamageByTruncation, kEach, name_of);

}  // namespace
}  // namespace pitwire
