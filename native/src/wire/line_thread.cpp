#include "pitwire/wire/line_thread.hpp"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "pitwire/base/clock.hpp"

namespace pitwire {
namespace {

constexpr Nanos kSleepMax = kSecond;  // a line whose deadline was misjudged is polled all the same

}  // namespace

LineThread::LineThread(ThreadedLine& line, LineThreadConfig config)
    : line_(line),
      config_(std::move(config)),
      in_(config_.ring_bytes),
      out_(config_.ring_bytes),
      told_([this] {
        return out_.ready() || line_.pressing() || stop_.load(std::memory_order_acquire);
      }),
      room_([this] { return in_.used_bytes() < in_.capacity_bytes() / 2; }) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);  // signals are for the daemon's main thread
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::pthread_setname_np(thread_.native_handle(), config_.name.c_str());
}

LineThread::~LineThread() {
  stop_.store(true, std::memory_order_release);
  told_.bell.ring();
  thread_.join();
}

bool LineThread::tell(std::uint32_t kind, std::uint32_t source, Nanos ts,
                      std::span<const std::byte> bytes) {
  if (!out_.push(bytes, kind, source, ts)) return false;
  told_.bell.ring();
  return true;
}

void LineThread::hand_over(std::uint32_t kind, std::uint32_t source, Nanos ts,
                           std::span<const std::byte> bytes) {
  if (spilled_.empty() && in_.push(bytes, kind, source, ts)) {
    handed_ = true;
  } else {
    spilled_.push_back({kind, source, ts, {bytes.begin(), bytes.end()}});
  }
}

/// True when nothing is left that the ring had no room for.
bool LineThread::spill() {
  while (!spilled_.empty()) {
    const Spilled& next = spilled_.front();
    if (!in_.push(next.bytes, next.kind, next.source, next.ts)) return false;
    handed_ = true;
    spilled_.pop_front();
  }
  return true;
}

void LineThread::take_told() {
  for (ByteRing::Entry entry; out_.poll(entry);) {
    line_.told(entry);
    out_.release();
  }
}

void LineThread::run() {
  Waiter idle;
  Waiter full;
  idle.add(line_.descriptor());
  idle.add(told_);
  full.add(told_);
  full.add(room_);
  while (!stop_.load(std::memory_order_acquire)) {
    take_told();
    const bool has_room = spill();
    const int done = has_room ? line_.work(host_now()) : 0;
    if (std::exchange(handed_, false)) core_bell_.ring();
    if (!has_room) {
      (void)full.wait(WaitMode::PARK, 0, kSleepMax);
    } else if (done == 0) {
      const Nanos due = std::clamp<Nanos>(line_.due() - host_now(), 0, kSleepMax);
      if (due > 0) (void)idle.wait(config_.wait, config_.spin_ns, due);
    }
  }
  idle.remove(told_);
  full.remove(told_);
  full.remove(room_);
}

}  // namespace pitwire
