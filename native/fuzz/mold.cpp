// MoldUDP64: packets of two lines, retransmissions, snapshots and the passing of time, in any order
// and of any content, through the feed's sequencer. What it hands over is held against its contract
// (feed_sink.hpp): whole packets of one session that follow each other without gap or overlap.
#include <cstring>

#include "pitwire/market/bytes.hpp"
#include "pitwire/wire/feed_sequencer.hpp"
#include "target.hpp"

namespace pitwire::fuzz {
namespace {

class Contract final : public FeedSink {
 public:
  void datagram(FeedId, std::uint32_t line, Nanos, std::span<const std::byte> packet) override {
    require(line <= kLineRetransmission, "a line that there is");
    const auto header = mold::parse(packet);
    require(header.has_value() && header->messages() > 0, "a whole packet with messages");
    require(!started_ || header->sequence == next_, "no gap, no overlap");
    started_ = true;
    next_ = mold::next_of(*header);
    check_messages(packet, header->messages());
  }
  void snapshot(FeedId, Nanos, std::span<const std::byte> packet) override {
    mold::Header header;
    require(mold::decode(packet, header) && header.sequence == 0, "a snapshot is a packet");
    check_messages(packet, header.messages());
  }
  void message(FeedId, Nanos, MessageKind, std::uint32_t, Bytes) override {
    require(false, "a line has packets, no messages of a stream");
  }
  void status(FeedId, FeedEvent event, std::uint32_t, std::uint64_t, std::uint64_t found) override {
    const bool moved = event == FeedEvent::GAP_LOST || event == FeedEvent::SNAPSHOT_END;
    if (!moved && event != FeedEvent::SESSION_CHANGED) return;
    started_ = found != 0;
    next_ = found;
  }

 private:
  static void check_messages(std::span<const std::byte> packet, std::uint16_t count) {
    mold::Messages messages(packet.subspan(mold::kHeaderSize));
    std::span<const std::byte> message;
    for (std::uint16_t i = 0; i < count; ++i) {
      require(messages.next(message), "every message lies within its packet");
    }
  }
  bool started_ = false;
  std::uint64_t next_ = 0;
};

constexpr std::uint32_t kDatagramBytes = 256;

FeedSequencerConfig config_of(unsigned choice) {
  FeedSequencerConfig config;
  config.first_sequence = choice & 1;
  config.snapshot_first = (choice & 8) != 0;
  config.held_max = 4;
  config.gap_messages_max = 100;
  config.attempts_max = 2;
  return config;
}

Bytes take(ByteReader& in, Bytes all, std::size_t size) {
  const auto part = all.subspan(in.offset(), std::min(size, in.left()));
  for (std::size_t i = 0; i < part.size(); ++i) (void)in.get<std::byte>();
  return part;
}

}  // namespace

void run(Bytes input) {
  ByteReader in(input);
  const unsigned choice = in.get<std::uint8_t>();
  FeedSequencer feed(FeedId{0}, config_of(choice), (choice & 2) != 0, (choice & 4) != 0,
                     kDatagramBytes);
  Contract sink;
  Nanos now = kSecond;
  bool snapshot = false;
  while (in.left() >= 2) {
    const unsigned op = in.get<std::uint8_t>();
    const unsigned argument = in.get<std::uint8_t>();
    now += (op >> 4) * kMillisecond;
    if (op % 16 < 10) {
      const auto packet = take(in, input, argument);
      feed.packet(now, op % 16 % 3, now, packet, sink);
    } else if (op % 16 == 10) {
      feed.malformed(now, argument % 3, sink);
    } else if (op % 16 < 13) {
      now += argument * 20 * kMillisecond;
      feed.time(now, sink);
    } else if (snapshot && op % 16 == 13) {
      feed.snapshot_message(now, take(in, input, argument), sink);
    } else if (snapshot && op % 16 == 14) {
      feed.snapshot_end(now, "S", argument, sink);
      snapshot = false;
    } else if (snapshot) {
      feed.snapshot_failed(now, sink);
      snapshot = false;
    }
    if (feed.take_request().kind == FeedRequest::Kind::SNAPSHOT && !snapshot) {
      feed.snapshot_begin(sink);
      snapshot = true;
    }
  }
}

}  // namespace pitwire::fuzz
