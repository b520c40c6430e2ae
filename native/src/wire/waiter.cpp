#include "pitwire/wire/waiter.hpp"

#include <immintrin.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

#include "pitwire/base/tuning.hpp"

namespace pitwire {
namespace {

constexpr std::uint64_t kInnerTag = 0;
constexpr std::uint64_t kLoopTag = 1;
constexpr Nanos kNoLimit = -1;

Nanos steady_now() noexcept {
  timespec at{};
  ::clock_gettime(CLOCK_MONOTONIC, &at);
  return static_cast<Nanos>(at.tv_sec) * kSecond + at.tv_nsec;
}

void control(int set, int operation, int fd, std::uint32_t events, std::uint64_t tag) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  if (::epoll_ctl(set, operation, fd, &event) == 0) return;
  throw std::invalid_argument("waiter: descriptor " + std::to_string(fd) + ": " +
                              std::strerror(errno));
}

constexpr std::uint32_t interest(bool want_output) {
  return want_output ? EPOLLIN | EPOLLOUT : EPOLLIN;
}

/// epoll_pwait2 sleeps to the nanosecond; where a sandbox has not got it, milliseconds rounded up.
int sleep_on(int set, epoll_event* events, int count, Nanos timeout_ns) noexcept {
  if (timeout_ns == 0) return ::epoll_wait(set, events, count, 0);
  const timespec limit{timeout_ns / kSecond, timeout_ns % kSecond};
  const int got = ::epoll_pwait2(set, events, count, timeout_ns < 0 ? nullptr : &limit, nullptr);
  if (got >= 0 || (errno != ENOSYS && errno != EPERM)) return got;
  const Nanos ms = timeout_ns < 0 ? -1 : (timeout_ns + kMillisecond - 1) / kMillisecond;
  return ::epoll_wait(set, events, count, static_cast<int>(std::min<Nanos>(ms, 1 << 30)));
}

}  // namespace

Waiter::Waiter() : inner_(::epoll_create1(EPOLL_CLOEXEC)), outer_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (inner_ < 0 || outer_ < 0) {
    throw std::invalid_argument(std::string("waiter: epoll_create1: ") + std::strerror(errno));
  }
  control(outer_, EPOLL_CTL_ADD, inner_, EPOLLIN, kInnerTag);
}

Waiter::~Waiter() {
  ::close(outer_);
  ::close(inner_);
}

void Waiter::add(int fd, bool want_output) {
  control(inner_, EPOLL_CTL_ADD, fd, interest(want_output), static_cast<std::uint64_t>(fd));
}
void Waiter::modify(int fd, bool want_output) {
  control(inner_, EPOLL_CTL_MOD, fd, interest(want_output), static_cast<std::uint64_t>(fd));
}
void Waiter::remove(int fd) { control(inner_, EPOLL_CTL_DEL, fd, 0, 0); }

void Waiter::add(WakeSource& source) {
  add(source.doorbell().fd());
  sources_.push_back(&source);
}
void Waiter::remove(WakeSource& source) {
  remove(source.doorbell().fd());
  sources_.erase(std::remove(sources_.begin(), sources_.end(), &source), sources_.end());
}

void Waiter::watch_loop(int backend_fd) {
  if (loop_fd_ >= 0) control(outer_, EPOLL_CTL_DEL, loop_fd_, 0, 0);
  loop_fd_ = -1;
  control(outer_, EPOLL_CTL_ADD, backend_fd, EPOLLIN, kLoopTag);
  loop_fd_ = backend_fd;
}

bool Waiter::any_ready() const noexcept {
  return std::any_of(sources_.begin(), sources_.end(),
                     [](const WakeSource* source) { return source->ready(); });
}

bool Waiter::arm() noexcept {
  for (WakeSource* source : sources_) source->doorbell().arm();
  if (!any_ready()) return true;
  disarm();
  return false;
}

void Waiter::disarm() noexcept {
  for (WakeSource* source : sources_) source->doorbell().disarm();
}

unsigned Waiter::look(Nanos timeout_ns) noexcept {
  std::array<epoll_event, 2> events;
  const int count = sleep_on(outer_, events.data(), 2, timeout_ns);
  // A signal: its handler runs on the loop.
  if (count < 0) return WAIT_LOOP;
  unsigned result = WAIT_TIMEOUT;
  for (int i = 0; i < count; ++i) {
    const bool native = events[static_cast<std::size_t>(i)].data.u64 == kInnerTag;
    result |= native ? WAIT_NATIVE : WAIT_LOOP;
  }
  return result;
}

/// Looks until something is there or `until`; a system call a round, and a pause between.
unsigned Waiter::spin(Nanos until) noexcept {
  do {
    if (any_ready()) return WAIT_NATIVE;
    if (const unsigned result = look(0); result != WAIT_TIMEOUT) {
      // A bell may have rung late, for a sleep that is over: read it, or it would ring for ever.
      if ((result & WAIT_NATIVE) != 0) disarm();
      return result;
    }
    _mm_pause();
  } while (steady_now() < until);
  return WAIT_TIMEOUT;
}

unsigned Waiter::wait(WaitMode mode, Nanos spin_ns, Nanos timeout_ns) noexcept {
  const Nanos begin = steady_now();
  if (mode != WaitMode::PARK && !is_real_time()) {
    const Nanos limit = timeout_ns < 0 ? spin_ns : std::min(spin_ns, timeout_ns);
    const unsigned result = spin(begin + limit);
    if (result != WAIT_TIMEOUT || mode == WaitMode::SPIN) return result;
  }
  Nanos left = kNoLimit;
  if (timeout_ns >= 0) {
    left = timeout_ns - (steady_now() - begin);
    if (left < 0) left = 0;
  }
  if (!arm()) return WAIT_NATIVE;
  const unsigned result = look(left);
  disarm();
  return result;
}

}  // namespace pitwire
