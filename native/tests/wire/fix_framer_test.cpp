#include "pitwire/wire/fix_framer.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <stdexcept>
#include <string>

#include "pitwire/wire/fix_secrets.hpp"

namespace pitwire {
namespace {

std::string framed(const std::string& body, const std::string& version = "FIX.4.4") {
  std::string text = "8=" + version +
                     "\x01"
                     "9=" +
                     std::to_string(body.size()) + "\x01" + body;
  char trailer[16];
  std::snprintf(trailer, sizeof trailer, "10=%03u\x01", fix_check_sum(text));
  return text + trailer;
}

const std::string kLogon = framed(
    "35=A\x01"
    "34=1\x01"
    "49=A\x01"
    "56=B\x01"
    "98=0\x01"
    "108=30\x01");
const std::string kHeartbeat = framed(
    "35=0\x01"
    "34=2\x01"
    "49=A\x01"
    "56=B\x01");
const std::string kNested = framed(
    "35=B\x01"
    "34=3\x01"
    "58=8=FIX.4.4 10=000 in words\x01");

struct Collected {
  std::vector<std::string> messages;
  std::vector<FrameDefect> defects;
  std::size_t dropped_bytes = 0;
  bool operator==(const Collected&) const = default;
};

// Feeds pieces of these sizes, the last one repeated, and takes what comes.
Collected collect(const std::string& stream, const std::vector<std::size_t>& pieces,
                  std::size_t message_bytes_max = 4096) {
  FixFramer framer(message_bytes_max);
  Collected collected;
  std::size_t at = 0, piece = 0;
  while (at < stream.size()) {
    const std::size_t wanted = pieces[std::min(piece++, pieces.size() - 1)];
    const std::span<char> space = framer.space();
    const std::size_t bytes = std::min({wanted, space.size(), stream.size() - at});
    EXPECT_GT(bytes, 0U);
    std::memcpy(space.data(), stream.data() + at, bytes);
    framer.received(bytes);
    at += bytes;
    for (;;) {
      const FixFramer::Next next = framer.next();
      if (next.defect == FrameDefect::OVERSIZE) {
        collected.defects.push_back(next.defect);
        return collected;
      }
      if (next.message.empty() && next.defect == FrameDefect::NONE) break;
      if (next.defect == FrameDefect::NONE) {
        collected.messages.emplace_back(next.message);
      } else {
        collected.defects.push_back(next.defect);
        collected.dropped_bytes += next.dropped_bytes;
      }
    }
  }
  return collected;
}

TEST(FixFramer, a_stream_split_at_every_byte_gives_the_same_messages) {
  const std::string stream = kLogon + kHeartbeat + kNested;
  const std::vector<std::string> expected{kLogon, kHeartbeat, kNested};
  for (std::size_t split = 1; split < stream.size(); ++split) {
    const Collected collected = collect(stream, {split, stream.size()});
    ASSERT_EQ(collected.messages, expected) << "split at " << split;
    ASSERT_TRUE(collected.defects.empty()) << "split at " << split;
  }
  EXPECT_EQ(collect(stream, {1}).messages, expected);
}

TEST(FixFramer, what_is_garbled_is_skipped_and_counted) {
  std::string bad_sum = kHeartbeat;
  bad_sum[bad_sum.size() - 2] = bad_sum[bad_sum.size() - 2] == '1' ? '2' : '1';
  Collected collected = collect(kLogon + bad_sum + kHeartbeat, {7});
  EXPECT_EQ(collected.messages, (std::vector<std::string>{kLogon, kHeartbeat}));
  EXPECT_EQ(collected.defects.front(), FrameDefect::CHECKSUM);
  EXPECT_EQ(collected.dropped_bytes, bad_sum.size());

  std::string bad_length = kHeartbeat;
  bad_length.replace(bad_length.find("9=") + 2, 2, "11");
  collected = collect(kLogon + bad_length + kHeartbeat + kLogon, {1000});
  EXPECT_EQ(collected.messages, (std::vector<std::string>{kLogon, kHeartbeat, kLogon}));
  EXPECT_EQ(collected.defects, std::vector<FrameDefect>{FrameDefect::BODY_LENGTH});

  bad_length.replace(bad_length.find("9=") + 2, 2,
                     "40");  // into the next: both are one, and ignored
  collected = collect(kLogon + bad_length + kHeartbeat + kLogon, {5});
  EXPECT_EQ(collected.messages, (std::vector<std::string>{kLogon, kLogon}));

  collected = collect("GET / HTTP/1.1\r\n" + kLogon, {3});
  EXPECT_EQ(collected.messages, std::vector<std::string>{kLogon});
  EXPECT_EQ(collected.dropped_bytes, 16U);
}

TEST(FixFramer, size_is_bounded_below_at_and_above) {
  const auto of_size = [](std::size_t size) {
    std::size_t filler = size - 30;
    while (framed("58=" + std::string(filler, 'x') + "\x01").size() < size) ++filler;
    return framed("58=" + std::string(filler, 'x') + "\x01");
  };
  EXPECT_EQ(of_size(1000).size(), 1000U);
  EXPECT_EQ(collect(of_size(999), {100}, 1000).messages.size(), 1U);
  EXPECT_EQ(collect(of_size(1000), {100}, 1000).messages.size(), 1U);
  EXPECT_EQ(collect(of_size(1001), {100}, 1000).defects,
            std::vector<FrameDefect>{FrameDefect::OVERSIZE});
  EXPECT_THROW(FixFramer(63), std::invalid_argument);
}

TEST(FixFramer, damage_never_loses_the_undamaged) {
  constexpr std::uint64_t kSeed = 4711;
  std::mt19937_64 random(kSeed);
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = kHeartbeat + kNested;
    for (std::uint64_t i = random() % 4 + 1; i > 0; --i) {
      const std::size_t at = random() % damaged.size();
      if (random() % 2 == 0) {
        damaged[at] = static_cast<char>(random());
      } else {
        damaged.erase(at, random() % 5 + 1);
      }
    }
    // A damaged length may claim what follows, up to the bound; behind that much, all is clear
    // again.
    std::string stream = kLogon + damaged;
    for (int i = 0; i < 12; ++i) stream += kLogon;
    const Collected whole = collect(stream, {stream.size()}, 256);
    const Collected pieces = collect(stream, {random() % 40 + 1}, 256);
    ASSERT_EQ(whole.messages, pieces.messages) << "seed " << kSeed << " round " << round;
    ASSERT_EQ(whole.messages.front(), kLogon);
    if (!whole.defects.empty() && whole.defects.back() == FrameDefect::OVERSIZE) continue;
    ASSERT_EQ(whole.messages.back(), kLogon) << "seed " << kSeed << " round " << round;
  }
}

TEST(FixField, finds_whole_tags_only) {
  EXPECT_EQ(fix_field(kLogon, "34"), "1");
  EXPECT_EQ(fix_field(kLogon, "4"), "");
  EXPECT_EQ(fix_field(kLogon, "108"), "30");
  EXPECT_EQ(fix_field("", "8"), "");
}

const std::string kWithCredentials = framed(
    "35=A\x01"
    "34=1\x01"
    "49=FIRM\x01"
    "56=B\x01"
    "553=$user\x01"
    "554=$password\x01");

TEST(FixSecrets, are_put_in_and_taken_out_again) {
  const FixSecrets secrets(std::vector<FixSecret>{{"$user", "FIRM"}, {"$password", "s3cret=word"}});
  std::string revealed, masked;
  ASSERT_TRUE(secrets.reveal(kWithCredentials, revealed));
  EXPECT_EQ(revealed, framed("35=A\x01"
                             "34=1\x01"
                             "49=FIRM\x01"
                             "56=B\x01"
                             "553=FIRM\x01"
                             "554=s3cret=word\x01"));
  ASSERT_TRUE(secrets.mask(revealed, masked));
  EXPECT_EQ(masked, kWithCredentials) << "a CompID that is also a user name stays";
}

TEST(FixSecrets, an_echo_in_a_text_is_masked) {
  const FixSecrets secrets(std::vector<FixSecret>{{"$password", "s3cret"}});
  std::string masked;
  ASSERT_TRUE(secrets.mask(framed("35=5\x01"
                                  "58=bad password s3cret, s3cret\x01"),
                           masked));
  EXPECT_EQ(masked, framed("35=5\x01"
                           "58=bad password $password, $password\x01"));
  EXPECT_FALSE(secrets.mask(kLogon, masked));
}

TEST(FixSecrets, raw_data_keeps_its_length) {
  const FixSecrets secrets(std::vector<FixSecret>{{"$pw", "longer-secret"}});
  std::string out;
  ASSERT_TRUE(secrets.reveal(framed("35=A\x01"
                                    "95=3\x01"
                                    "96=$pw\x01"
                                    "108=30\x01"),
                             out));
  EXPECT_EQ(out, framed("35=A\x01"
                        "95=13\x01"
                        "96=longer-secret\x01"
                        "108=30\x01"));
}

TEST(FixSecrets, only_logons_are_looked_into_on_the_way_out) {
  const FixSecrets secrets(std::vector<FixSecret>{{"$user", "x1x1x1"}});
  std::string out;
  EXPECT_FALSE(secrets.reveal(framed("35=D\x01"
                                     "58=$user\x01"),
                              out));
  EXPECT_THROW(FixSecrets(std::vector<FixSecret>{{"$a", "1"}, {"$a", "2"}}), std::invalid_argument);
  EXPECT_THROW(FixSecrets(std::vector<FixSecret>{{"", "1"}}), std::invalid_argument);
}

}  // namespace
}  // namespace pitwire
