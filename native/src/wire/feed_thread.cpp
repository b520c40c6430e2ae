#include <algorithm>

#include "pitwire/wire/threads.hpp"

namespace pitwire {
namespace {

enum Kind : std::uint32_t { kDatagram = 1, kSnapshot, kStatus };

struct Status {
  std::uint64_t expected, found;
  std::uint32_t event;
};

constexpr int kBudget = 32;                        // datagrams a poll: one receive
constexpr int kBusyPolls = 64;                     // between two publications of the counts
constexpr std::uint64_t kItemBytesMax = 80 << 10;  // a snapshot's packet and its last message

LineThreadConfig with_room(LineThreadConfig config) {
  config.ring_bytes = std::max(config.ring_bytes, 4 * kItemBytesMax);
  return config;
}

}  // namespace

FeedThread::FeedThread(const FeedLineConfig& config, LineThreadConfig thread)
    : id_(config.id),
      line_(config),
      stats_(line_.stats()),
      thread_(*this, with_room(std::move(thread))) {}

int FeedThread::poll(Nanos, int budget, FeedSink& sink) {
  return thread_.take(budget, [&](const ByteRing::Entry& entry) {
    if (entry.kind == kDatagram) {
      sink.datagram(id_, entry.source, entry.ts, entry.bytes);
    } else if (entry.kind == kSnapshot) {
      sink.snapshot(id_, entry.ts, entry.bytes);
    } else {
      Status said;
      std::memcpy(&said, entry.bytes.data(), sizeof said);
      sink.status(id_, static_cast<FeedEvent>(said.event), entry.source, said.expected, said.found);
    }
  });
}

FeedLineStats FeedThread::stats() const noexcept {
  const std::lock_guard hold(mutex_);
  return stats_;
}

int FeedThread::work(Nanos now) {
  const int done = line_.poll(now, kBudget, *this);
  if (done != 0 && ++busy_polls_ < kBusyPolls) return done;
  busy_polls_ = 0;
  const std::lock_guard hold(mutex_);
  stats_ = line_.stats();
  return done;
}

void FeedThread::datagram(FeedId, std::uint32_t line, Nanos ts_recv,
                          std::span<const std::byte> packet) {
  thread_.hand_over(kDatagram, line, ts_recv, packet);
}

void FeedThread::snapshot(FeedId, Nanos ts_recv, std::span<const std::byte> packet) {
  thread_.hand_over(kSnapshot, kLineSnapshot, ts_recv, packet);
}

void FeedThread::status(FeedId, FeedEvent event, std::uint32_t line, std::uint64_t expected,
                        std::uint64_t found) {
  const Status said{expected, found, static_cast<std::uint32_t>(event)};
  thread_.hand_over(kStatus, line, 0, std::as_bytes(std::span(&said, 1)));
}

}  // namespace pitwire
