#include "pitwire/wire/recorded_feed.hpp"

#include <gtest/gtest.h>

#include "recording_sink.hpp"

namespace pitwire {
namespace {

constexpr Nanos kDay = 1'723'161'600 * kSecond;
constexpr int kAll = 1000;

std::string line(Nanos at, std::string_view json) {
  return std::to_string(kDay + at) + " " + std::string(json) + "\n";
}

std::vector<std::pair<Nanos, std::string>> told(const RecordingSink& sink) {
  std::vector<std::pair<Nanos, std::string>> out;
  for (const auto& text : sink.texts) out.emplace_back(text.ts_recv - kDay, text.text);
  return out;
}

/// A feed of two captures: 0 of instrument 7, 1 of instrument 8.
struct TwoCaptures {
  explicit TwoCaptures(bool align_start) : feed(align_start) {
    feed.add(std::make_unique<RecordedLines>(FeedId{1}, InstrumentId{7}));
    feed.add(std::make_unique<RecordedLines>(FeedId{2}, InstrumentId{8}));
  }
  RecordedFeed feed;
  RecordingSink sink;
};

TEST(RecordedFeed, hands_over_in_the_order_of_time_and_not_before_its_time) {
  TwoCaptures of(false);
  of.feed.source(0).append(line(10, "{\"a\":1}") + line(30, "{\"a\":2}"), true);
  of.feed.source(1).append(line(10, "{\"b\":1}") + line(20, "{\"b\":2}"), true);
  EXPECT_EQ(of.feed.start(), kDay + 10);
  EXPECT_EQ(of.feed.poll(kDay + 9, kAll, of.sink), 0);
  EXPECT_EQ(of.feed.poll(kDay + 10, 1, of.sink), 1);
  EXPECT_EQ(of.feed.next_deadline(), kDay + 10);
  EXPECT_EQ(of.feed.poll(kDay + 20, kAll, of.sink), 2);
  EXPECT_EQ(of.feed.next_deadline(), kDay + 30);
  EXPECT_EQ(of.feed.poll(kDay + 30, kAll, of.sink), 1);
  EXPECT_TRUE(of.feed.ended());
  EXPECT_EQ(of.feed.next_deadline(), FeedLine::kNever);
  const decltype(told(of.sink)) expected = {
      {10, "{\"a\":1}"}, {20, "{\"b\":1}"}, {20, "{\"b\":2}"}, {30, "{\"a\":2}"}};
  EXPECT_EQ(told(of.sink), expected);
}

TEST(RecordedFeed, nothing_is_due_while_a_capture_may_hold_something_earlier) {
  TwoCaptures of(false);
  of.feed.source(0).append(line(10, "{}"), true);
  EXPECT_TRUE(of.feed.waits());
  EXPECT_EQ(of.feed.poll(kDay + 50, kAll, of.sink), 0);
  EXPECT_THROW(of.feed.start(), std::logic_error);
  of.feed.source(1).append(line(5, "{}"), false);
  EXPECT_EQ(of.feed.start(), kDay + 5);
  EXPECT_EQ(of.feed.poll(kDay + 50, kAll, of.sink), 1);
  EXPECT_TRUE(of.feed.waits());
  of.feed.source(1).append("", true);
  EXPECT_EQ(of.feed.poll(kDay + 50, kAll, of.sink), 1);
}

TEST(RecordedFeed, captures_of_different_days_begin_together_where_that_is_asked_for) {
  TwoCaptures of(true);
  of.feed.source(0).append(line(1000, "{\"a\":1}") + line(1003, "{\"a\":2}"), true);
  of.feed.source(1).append(line(10, "{\"b\":1}") + line(12, "{\"b\":2}"), true);
  EXPECT_EQ(of.feed.start(), kDay + 10);
  for (Nanos at = 10; !of.feed.ended(); ++at) of.feed.poll(kDay + at, kAll, of.sink);
  const decltype(told(of.sink)) expected = {
      {10, "{\"a\":1}"}, {10, "{\"b\":1}"}, {12, "{\"b\":2}"}, {13, "{\"a\":2}"}};
  EXPECT_EQ(told(of.sink), expected);
}

TEST(RecordedFeed, tells_snapshots_with_the_instrument_that_they_do_not_name) {
  TwoCaptures of(false);
  of.feed.source(0).append(
      line(1, R"({"lastUpdateId":5,"bids":[],"asks":[]})") + line(2, R"({"e":"trade"})"), true);
  of.feed.source(1).append("", true);
  of.feed.start();
  of.feed.poll(kDay + 2, kAll, of.sink);
  ASSERT_EQ(of.sink.texts.size(), 2U);
  EXPECT_EQ(of.sink.texts[0].kind, MessageKind::SNAPSHOT);
  EXPECT_EQ(of.sink.texts[0].instrument, 7U);
  EXPECT_EQ(of.sink.texts[1].kind, MessageKind::WEBSOCKET);
  EXPECT_EQ(of.sink.texts[1].instrument, kNoId);
}

TEST(RecordedFeed, that_holds_nothing_has_no_beginning) {
  TwoCaptures of(false);
  of.feed.source(0).append("", true);
  of.feed.source(1).append("no capture\n", true);
  EXPECT_THROW(of.feed.start(), std::invalid_argument);
  EXPECT_EQ(of.feed.source(1).refused(), 1U);
}

/// A record of a file: a system event message of a time of day, its length stated or left out.
std::string record(Nanos of_day, bool stated) {
  std::string message(12, '\0');
  message[0] = 'S';
  for (std::size_t i = 0; i < 6; ++i) message[10 - i] = static_cast<char>(of_day >> (8 * i));
  message[11] = 'O';
  return std::string{'\0', stated ? '\x0c' : '\0'} + message;
}

struct ItchSink final : FeedSink {
  void datagram(FeedId, std::uint32_t, Nanos ts_recv, std::span<const std::byte> bytes) override {
    mold::Header header;
    ASSERT_TRUE(mold::decode(bytes, header));
    ASSERT_EQ(bytes.size(), mold::kHeaderSize + header.count * 14U);
    packets.push_back({ts_recv, header.sequence, header.count});
  }
  void snapshot(FeedId, Nanos, std::span<const std::byte>) override { FAIL(); }
  void message(FeedId, Nanos, MessageKind, std::uint32_t, std::span<const std::byte>) override {
    FAIL();
  }
  void status(FeedId, FeedEvent, std::uint32_t, std::uint64_t, std::uint64_t) override { FAIL(); }
  struct Packet {
    Nanos ts_recv;
    std::uint64_t sequence;
    std::uint16_t count;
    bool operator==(const Packet&) const = default;
  };
  std::vector<Packet> packets;
};

TEST(RecordedItch, becomes_packets_of_one_time_each_in_sequence) {
  RecordedItch source(FeedId{3}, kDay, "day.itch");
  source.append(record(5, true) + record(5, false) + record(9, true), true);
  ItchSink sink;
  EXPECT_EQ(source.next_ts(), kDay + 5);
  EXPECT_EQ(source.deliver(kDay + 5, sink), 2U);
  EXPECT_EQ(source.next_ts(), kDay + 9);
  EXPECT_EQ(source.deliver(kDay + 9, sink), 1U);
  EXPECT_TRUE(source.ended());
  const std::vector<ItchSink::Packet> expected = {{kDay + 5, 1, 2}, {kDay + 9, 3, 1}};
  EXPECT_EQ(sink.packets, expected);
}

TEST(RecordedItch, more_of_one_time_than_a_packet_holds_is_several) {
  RecordedItch source(FeedId{3}, kDay, "day.itch");
  std::string file;
  for (int i = 0; i < 250; ++i) file += record(5, true);
  source.append(file, true);
  ItchSink sink;
  std::uint64_t messages = 0;
  while (!source.ended()) messages += source.deliver(kDay + 5, sink);
  EXPECT_EQ(messages, 250U);
  EXPECT_EQ(sink.packets.size(), 3U);
  EXPECT_EQ(sink.packets.back().sequence + sink.packets.back().count, 251U);
}

TEST(RecordedItch, packets_are_the_same_wherever_the_pieces_break) {
  const std::string file = record(5, true) + record(5, true) + record(9, true) + record(9, false);
  const std::vector<ItchSink::Packet> expected = {{kDay + 5, 1, 2}, {kDay + 9, 3, 2}};
  for (std::size_t cut = 0; cut <= file.size(); ++cut) {
    RecordedItch source(FeedId{3}, kDay, "day.itch");
    ItchSink sink;
    for (const auto& [piece, last] : {std::pair{file.substr(0, cut), false},
                                      std::pair{file.substr(cut), false},
                                      {std::string(), true}}) {
      source.append(piece, last);
      while (!source.waits() && !source.ended()) source.deliver(source.next_ts(), sink);
    }
    EXPECT_EQ(sink.packets, expected) << "cut at " << cut;
  }
}

TEST(RecordedItch, a_file_that_ends_within_a_message_says_so) {
  const std::string file = record(5, true) + record(6, true);
  for (std::size_t cut = 1; cut < file.size(); ++cut) {
    RecordedItch source(FeedId{3}, kDay, "day.itch");
    source.append(file.substr(0, cut), false);
    source.append("", true);
    ItchSink sink;
    std::uint64_t messages = 0;
    while (!source.ended()) messages += source.deliver(kDay + 9, sink);
    EXPECT_EQ(messages, cut / (file.size() / 2)) << cut;
    EXPECT_EQ(source.refused(), cut % (file.size() / 2) == 0 ? 0U : 1U) << cut;
  }
}

TEST(RecordedItch, what_is_no_itch_is_refused_with_its_name) {
  RecordedItch source(FeedId{3}, kDay, "day.itch");
  try {
    source.append(std::string("\0\0zzz", 5), false);
    FAIL() << "it was taken";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "day.itch: no ITCH 5.0 file");
  }
}

}  // namespace
}  // namespace pitwire
