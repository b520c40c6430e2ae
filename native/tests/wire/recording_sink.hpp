// A feed's sink that remembers, and the packets that tests send: each message is its own number.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <ostream>
#include <string>
#include <vector>

#include "pitwire/wire/feed_sink.hpp"
#include "pitwire/wire/mold_packet.hpp"

namespace pitwire {

inline std::vector<std::byte> message(std::uint64_t number) {
  std::vector<std::byte> bytes(8 + number % 5);  // of several lengths
  for (unsigned i = 0; i < 8; ++i) bytes[i] = static_cast<std::byte>(number >> (56 - 8 * i));
  return bytes;
}

/// Messages `sequence`, `sequence` + 1, ... as the payload; 0 and 0xffff carry none.
inline std::vector<std::byte> mold_packet(const std::string& session, std::uint64_t sequence,
                                          std::uint16_t count) {
  std::vector<std::byte> packet(mold::kHeaderSize);
  mold::encode({mold::session_name(session), sequence, count}, packet.data());
  if (count == mold::kEndOfSession) return packet;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto bytes = message(sequence + i);
    std::byte length[2];
    mold::store16(length, static_cast<std::uint16_t>(bytes.size()));
    packet.insert(packet.end(), length, length + 2);
    packet.insert(packet.end(), bytes.begin(), bytes.end());
  }
  return packet;
}

inline std::vector<std::uint64_t> numbers(std::uint64_t first, std::uint64_t last) {
  std::vector<std::uint64_t> all(last + 1 - first);
  std::iota(all.begin(), all.end(), first);
  return all;
}

struct Status {
  FeedEvent event;
  std::uint32_t line;
  std::uint64_t expected;
  std::uint64_t found;
  bool operator==(const Status&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const Status& status) {
    return out << "{event " << static_cast<int>(status.event) << " line " << status.line
               << " expected " << status.expected << " found " << status.found << "}";
  }
};

struct Text {
  Nanos ts_recv;
  MessageKind kind;
  std::uint32_t instrument;
  std::string text;
  bool operator==(const Text&) const = default;
};

class RecordingSink final : public FeedSink {
 public:
  void datagram(FeedId, std::uint32_t line, Nanos ts_recv,
                std::span<const std::byte> packet) override {
    lines.push_back(line);
    stamps.push_back(ts_recv);
    packets.emplace_back(packet.begin(), packet.end());
    read(packet, messages);
  }
  void snapshot(FeedId, Nanos, std::span<const std::byte> packet) override {
    EXPECT_EQ(itch::load<std::uint64_t>(packet.data() + 10), 0U);
    read(packet, snapshot_messages);
  }
  void message(FeedId, Nanos ts_recv, MessageKind kind, std::uint32_t instrument,
               std::span<const std::byte> bytes) override {
    const auto* text = reinterpret_cast<const char*>(bytes.data());
    texts.push_back({ts_recv, kind, instrument, std::string(text, bytes.size())});
  }
  void status(FeedId, FeedEvent event, std::uint32_t line, std::uint64_t expected,
              std::uint64_t found) override {
    statuses.push_back({event, line, expected, found});
  }

  [[nodiscard]] std::vector<Status> events_but(std::vector<FeedEvent> ignored) const {
    std::vector<Status> kept;
    std::copy_if(statuses.begin(), statuses.end(), std::back_inserter(kept),
                 [&](const Status& status) {
                   return std::find(ignored.begin(), ignored.end(), status.event) == ignored.end();
                 });
    return kept;
  }
  [[nodiscard]] int count_of(FeedEvent event) const {
    return static_cast<int>(
        std::count_if(statuses.begin(), statuses.end(),
                      [&](const Status& status) { return status.event == event; }));
  }

  std::vector<std::uint64_t> messages;
  std::vector<std::uint64_t> snapshot_messages;
  std::vector<std::vector<std::byte>> packets;
  std::vector<std::uint32_t> lines;
  std::vector<Nanos> stamps;
  std::vector<Status> statuses;
  std::vector<Text> texts;

 private:
  /// Walks the blocks as a decoder would, to the packet's very end.
  static void read(std::span<const std::byte> packet, std::vector<std::uint64_t>& into) {
    const unsigned count = itch::load<std::uint16_t>(packet.data() + 18);
    std::size_t at = mold::kHeaderSize;
    for (unsigned i = 0; i < count; ++i) {
      const auto found = itch::load<std::uint64_t>(packet.data() + at + 2);
      ASSERT_EQ(std::size_t{itch::load<std::uint16_t>(packet.data() + at)},
                pitwire::message(found).size());
      into.push_back(found);
      at += 2 + pitwire::message(found).size();
    }
    ASSERT_EQ(at, packet.size());
  }
};

}  // namespace pitwire
