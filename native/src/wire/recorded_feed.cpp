#include "pitwire/wire/recorded_feed.hpp"

#include <algorithm>
#include <stdexcept>

#include "pitwire/market/binance.hpp"

namespace pitwire {
namespace {

constexpr std::size_t kPacketBytes = 1400;
constexpr mold::Session kSession = {'R', 'E', 'C', 'O', 'R', 'D', 'E', 'D', ' ', ' '};

}  // namespace

std::uint64_t RecordedLines::deliver(Nanos ts_recv, FeedSink& sink) {
  const auto line = std::as_bytes(std::span(lines_.next()));
  if (BinanceMarket::is_snapshot(line)) {
    sink.message(feed_, ts_recv, MessageKind::SNAPSHOT, index(instrument_), line);
  } else {
    sink.message(feed_, ts_recv, MessageKind::WEBSOCKET, kNoId, line);
  }
  lines_.take();
  return 1;
}

// ------------------------------------------------------------------ ITCH

RecordedItch::RecordedItch(FeedId feed, Nanos midnight, std::string name)
    : feed_(feed),
      midnight_(midnight),
      name_(std::move(name)),
      packer_(kSession, 1, kPacketBytes) {}

void RecordedItch::append(std::string_view piece, bool last) {
  buffer_.erase(0, at_);
  at_ = 0;
  buffer_.append(piece);
  last_ = last;
  look();
}

/// Empty where it is not whole.
std::span<const std::byte> RecordedItch::message_at(std::size_t at) const {
  const auto bytes = std::as_bytes(std::span(buffer_)).subspan(at);
  if (bytes.size() < 3) return {};
  const std::size_t stated = itch::load<std::uint16_t>(bytes.data());
  const auto size = stated != 0 ? stated : itch::message_size(static_cast<char>(bytes[2]));
  if (size < itch::kHeaderSize || size > itch::kMessageSizeMax) {
    throw std::invalid_argument(name_ + ": no ITCH 5.0 file");
  }
  return bytes.size() < size + 2 ? std::span<const std::byte>{} : bytes.subspan(2, size);
}

/// Finds the messages of the next packet: up to one of another time, or that does not fit.
void RecordedItch::look() {
  end_ = at_;
  for (std::size_t room = kPacketBytes - mold::kHeaderSize;;) {
    const auto message = message_at(end_);
    if (message.empty()) {
      if (!last_) end_ = at_;  // what is to come may belong to it
      break;
    }
    const auto of_day = static_cast<Nanos>(itch::load_timestamp(message.data()));
    const Nanos ts = std::max(ts_, midnight_ + of_day);
    if (end_ != at_ && (ts != ts_ || message.size() + 2 > room)) return;
    ts_ = ts;
    room -= message.size() + 2;
    end_ += message.size() + 2;
  }
  if (end_ != at_ || !last_ || at_ == buffer_.size()) return;
  ++refused_;
  defect_ = "ends within a message, " + std::to_string(buffer_.size() - at_) + " bytes left over";
  at_ = end_ = buffer_.size();
}

std::uint64_t RecordedItch::deliver(Nanos ts_recv, FeedSink& sink) {
  while (at_ != end_) {
    const auto message = message_at(at_);
    (void)packer_.add(message);  // look() has measured them
    at_ += message.size() + 2;
  }
  const std::uint64_t messages = packer_.pending();
  sink.datagram(feed_, kLineA, ts_recv, packer_.take());
  look();
  return messages;
}

// ------------------------------------------------------------------ all of them

void RecordedFeed::add(std::unique_ptr<RecordedSource> source) {
  captures_.push_back({std::move(source), 0});
}

Nanos RecordedFeed::start() {
  if (waits()) throw std::logic_error("a capture's beginning was not appended");
  const Capture* first = soonest();
  if (first == nullptr) throw std::invalid_argument("no capture holds anything");
  const Nanos begin = first->source->next_ts();
  for (Capture& capture : captures_) {
    if (align_start_ && !capture.source->ended()) {
      capture.shift = begin - capture.source->next_ts();
    }
  }
  return begin;
}

Nanos RecordedFeed::due(const Capture& capture) noexcept {
  return capture.source->next_ts() + capture.shift;
}

bool RecordedFeed::waits() const noexcept {
  return std::ranges::any_of(captures_, [](const auto& each) { return each.source->waits(); });
}

bool RecordedFeed::ended() const noexcept {
  return std::ranges::all_of(captures_, [](const auto& each) { return each.source->ended(); });
}

const RecordedFeed::Capture* RecordedFeed::soonest() const noexcept {
  const Capture* best = nullptr;
  for (const Capture& capture : captures_) {
    if (capture.source->ended() || capture.source->waits()) continue;
    if (best == nullptr || due(capture) < due(*best)) best = &capture;
  }
  return best;
}

int RecordedFeed::poll(Nanos now, int budget, FeedSink& sink) {
  int done = 0;
  while (done < budget && next_deadline() <= now) {
    messages_ += soonest()->source->deliver(now, sink);
    ++done;
  }
  return done;
}

Nanos RecordedFeed::next_deadline() const noexcept {
  const Capture* next = waits() ? nullptr : soonest();
  return next == nullptr ? FeedLine::kNever : due(*next);
}

}  // namespace pitwire
