#include "pitwire/wire/waiter.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <thread>

#include "pitwire/base/inbox.hpp"

namespace pitwire {
namespace {

constexpr WaitMode kModes[] = {WaitMode::PARK, WaitMode::SPIN, WaitMode::SPIN_THEN_PARK};

struct Event {
  int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  ~Event() { ::close(fd); }
  void set() const { (void)!::write(fd, "\1\0\0\0\0\0\0", 8); }
};

TEST(Waiter, times_out_when_there_is_nothing) {
  Waiter waiter;
  for (const WaitMode mode : kModes) {
    EXPECT_EQ(waiter.wait(mode, kMillisecond, 2 * kMillisecond), WAIT_TIMEOUT);
    EXPECT_EQ(waiter.wait(mode, 0, 0), WAIT_TIMEOUT);
  }
}

TEST(Waiter, a_native_descriptor_ends_every_way_of_waiting) {
  Waiter waiter;
  Event event;
  waiter.add(event.fd);
  event.set();
  for (const WaitMode mode : kModes) EXPECT_EQ(waiter.wait(mode, kSecond, -1), WAIT_NATIVE);
  waiter.remove(event.fd);
  EXPECT_EQ(waiter.wait(WaitMode::PARK, 0, 0), WAIT_TIMEOUT);
}

TEST(Waiter, the_loops_work_ends_the_wait_and_is_told_apart) {
  Waiter waiter;
  Event event, native;
  const int backend = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event interest{};
  interest.events = EPOLLIN;
  ::epoll_ctl(backend, EPOLL_CTL_ADD, event.fd, &interest);
  // The loop watches the waiter's set, and the waiter the loop's, without a cycle.
  ASSERT_EQ(::epoll_ctl(backend, EPOLL_CTL_ADD, waiter.epoll_fd(), &interest), 0);
  waiter.watch_loop(backend);
  event.set();
  for (const WaitMode mode : kModes) EXPECT_EQ(waiter.wait(mode, kSecond, -1), WAIT_LOOP);
  waiter.add(native.fd);
  native.set();
  EXPECT_EQ(waiter.wait(WaitMode::PARK, 0, -1), unsigned{WAIT_LOOP | WAIT_NATIVE});
  ::close(backend);
}

TEST(Waiter, a_push_from_another_thread_wakes_every_way_of_waiting) {
  Inbox inbox(4096);
  Waiter waiter;
  waiter.add(inbox);
  for (int round = 0; round < 300; ++round) {
    std::thread producer([&] { EXPECT_TRUE(inbox.push(0, 0, 0, {})); });
    const WaitMode mode = kModes[round % 3];
    int received = 0;
    // Twice at most: the bell of the round before may have been late.
    for (int wakes = 0; wakes < 2 && received == 0; ++wakes) {
      EXPECT_EQ(waiter.wait(mode, 10 * kSecond, 10 * kSecond), WAIT_NATIVE);
      received = inbox.poll(8, [](const InboxMessage&) {});
    }
    EXPECT_EQ(received, 1);
    producer.join();
  }
  waiter.remove(inbox);
}

TEST(Waiter, a_bell_that_rang_late_is_heard_once) {
  Inbox inbox(4096);
  for (const WaitMode mode : kModes) {
    Waiter waiter;
    waiter.add(inbox);
    inbox.doorbell().arm();
    ASSERT_TRUE(inbox.push(0, 0, 0, {}));  // writes the bell
    inbox.pop();                           // by a look that needed no bell
    EXPECT_EQ(waiter.wait(mode, kMillisecond, kMillisecond), WAIT_NATIVE);
    EXPECT_EQ(waiter.wait(mode, kMillisecond, kMillisecond), WAIT_TIMEOUT);
    waiter.remove(inbox);
  }
}

TEST(Waiter, arming_for_the_loops_sleep_says_when_nobody_should_sleep) {
  Inbox inbox(4096);
  Waiter waiter;
  waiter.add(inbox);
  pollfd wait{waiter.epoll_fd(), POLLIN, 0};
  EXPECT_TRUE(waiter.arm());
  ASSERT_TRUE(inbox.push(0, 0, 0, {}));
  EXPECT_EQ(::poll(&wait, 1, 0), 1);  // what add_reader would see
  waiter.disarm();
  EXPECT_EQ(::poll(&wait, 1, 0), 0);
  EXPECT_FALSE(waiter.arm());
  inbox.pop();
  EXPECT_TRUE(waiter.arm());
  waiter.disarm();
}

TEST(Waiter, what_cannot_be_watched_is_refused_by_number) {
  Waiter waiter;
  EXPECT_THROW(waiter.add(-1), std::invalid_argument);
  EXPECT_THROW(waiter.watch_loop(9999), std::invalid_argument);
  EXPECT_THROW(waiter.remove(9999), std::invalid_argument);
}

}  // namespace
}  // namespace pitwire
