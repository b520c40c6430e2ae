#include <algorithm>
#include <cstring>
#include <limits>

#include "pitwire/wire/threads.hpp"

namespace pitwire {
namespace {

enum Kind : std::uint32_t { kMessage = 1, kEvent, kWritten, kWithheld };  // to the core
enum Told : std::uint32_t { kWrite = 1, kClose, kEnable, kDisable };      // to the thread

constexpr int kBudget = 64;  // messages a poll

struct Written {
  Sequence sequence;
  std::uint64_t bytes;
};

struct Withheld {
  Outbound entry;
  WithheldReason reason;
};

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <class T>
T read(std::span<const std::byte> bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

LineThreadConfig with_room(LineThreadConfig thread, const ConnectionConfig& config) {
  const auto largest = static_cast<std::uint64_t>(config.limits.message_bytes_max) + 1024;
  thread.ring_bytes = std::max(thread.ring_bytes, 4 * largest);
  return thread;
}

}  // namespace

FixThread::FixThread(const ConnectionConfig& config, LineThreadConfig thread)
    : id_(config.id),
      watch_(config.rules),
      line_(config),
      thread_(*this, with_room(std::move(thread), config)) {}

// ------------------------------------------------------------------ the core's side

int FixThread::poll(Nanos, int budget, ConnectionSink& sink) {
  (void)tell_commands();
  return thread_.take(budget, [&](const ByteRing::Entry& entry) { deliver(entry, sink); });
}

void FixThread::deliver(const ByteRing::Entry& entry, ConnectionSink& sink) {
  switch (entry.kind) {
    case kMessage:
      return sink.message(id_, entry.ts, text_of(entry.bytes));
    case kWritten: {
      const auto said = read<Written>(entry.bytes);
      return sink.written(id_, said.sequence, said.bytes, entry.ts);
    }
    case kWithheld: {
      const auto said = read<Withheld>(entry.bytes);
      return sink.withheld(id_, said.entry, said.reason);
    }
    default:
      break;
  }
  const auto event = static_cast<ConnectionEvent>(entry.source);
  if (event == ConnectionEvent::CONNECTED) ++connection_;
  if (event != ConnectionEvent::GARBLED) connected_ = event == ConnectionEvent::CONNECTED;
  sink.event(id_, event, text_of(entry.bytes), static_cast<Sequence>(entry.ts));
}

bool FixThread::write(const Outbound& entry, std::string_view message) {
  if (!connected_ || !tell_commands()) return false;
  const auto head = std::as_bytes(std::span(&entry, 1));
  std::string both(reinterpret_cast<const char*>(head.data()), head.size());
  both += message;
  return thread_.tell(kWrite, connection_, 0, bytes_of(both));
}

void FixThread::close(std::string_view reason) {
  if (!connected_) return;
  connected_ = false;  // nothing more is taken for this connection
  command(kClose, connection_, reason);
}

void FixThread::enable(bool enabled) noexcept { command(enabled ? kEnable : kDisable, 0, {}); }

void FixThread::command(std::uint32_t kind, std::uint32_t connection, std::string_view text) {
  commands_.push_back({kind, connection, std::string(text)});
  (void)tell_commands();
}

/// True when the ring has taken all that was wanted so far.
bool FixThread::tell_commands() {
  while (!commands_.empty()) {
    const Command& next = commands_.front();
    if (!thread_.tell(next.kind, next.connection, 0, bytes_of(next.text))) return false;
    commands_.pop_front();
  }
  return true;
}

Nanos FixThread::next_deadline() const noexcept {
  return commands_.empty() ? std::numeric_limits<Nanos>::max() : 0;
}

// ------------------------------------------------------------------ the thread's side

int FixThread::work(Nanos now) {
  watch_.look();
  return line_.poll(now, kBudget, *this);
}

void FixThread::told(const ByteRing::Entry& entry) {
  if (entry.kind == kEnable || entry.kind == kDisable) {
    line_.enable(entry.kind == kEnable);
  } else if (entry.source != line_connection_) {
    return;  // of a connection that has ended here: its DISCONNECTED says what was not sent
  } else if (entry.kind == kClose) {
    line_.close(text_of(entry.bytes));
  } else {
    told_write(entry);
  }
}

void FixThread::told_write(const ByteRing::Entry& entry) {
  const auto what = read<Outbound>(entry.bytes);
  if (what.awaited) watch_.awaits(what.sequence);
  if (line_.write(what, text_of(entry.bytes.subspan(sizeof what)))) return;
  // Its number is used up: what came behind it would be a gap at the venue.
  line_.close("an entry was not taken");
}

void FixThread::message(SessionId, Nanos ts_recv, std::string_view message) {
  thread_.hand_over(kMessage, 0, ts_recv, bytes_of(message));
}

void FixThread::event(SessionId, ConnectionEvent event, std::string_view reason,
                      Sequence last_written) {
  if (event == ConnectionEvent::CONNECTED) ++line_connection_;
  thread_.hand_over(kEvent, static_cast<std::uint32_t>(event), static_cast<Nanos>(last_written),
                    bytes_of(reason));
}

void FixThread::written(SessionId, Sequence sequence, std::uint64_t bytes, Nanos ts_written) {
  const Written said{sequence, bytes};
  thread_.hand_over(kWritten, 0, ts_written, std::as_bytes(std::span(&said, 1)));
}

void FixThread::withheld(SessionId, const Outbound& entry, WithheldReason reason) {
  const Withheld said{entry, reason};
  thread_.hand_over(kWithheld, 0, 0, std::as_bytes(std::span(&said, 1)));
}

}  // namespace pitwire
