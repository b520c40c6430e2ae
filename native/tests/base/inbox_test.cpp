#include "pitwire/base/inbox.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <string>
#include <thread>
#include <vector>

namespace pitwire {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

bool readable(int fd, int timeout_ms) {
  pollfd wait{fd, POLLIN, 0};
  return ::poll(&wait, 1, timeout_ms) == 1;
}

TEST(Inbox, messages_come_out_as_they_went_in) {
  Inbox inbox(4096);
  ASSERT_TRUE(inbox.push(1, 2, 3, bytes_of("hello")));
  InboxMessage message;
  ASSERT_TRUE(inbox.front(message));
  ASSERT_TRUE(inbox.front(message));  // repeats until pop
  EXPECT_EQ(message.kind, 1U);
  EXPECT_EQ(message.source, 2U);
  EXPECT_EQ(message.ts_recv, 3);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(message.bytes.data()), 5), "hello");
  inbox.pop();
  EXPECT_FALSE(inbox.front(message));
  EXPECT_FALSE(inbox.ready());
}

TEST(Inbox, refuses_and_counts_what_has_no_room) {
  Inbox inbox(4096);
  const std::string longest(inbox.message_bytes_max(), 'x');
  EXPECT_FALSE(inbox.push(0, 0, 0, bytes_of(longest + "x")));
  EXPECT_TRUE(inbox.push(0, 0, 0, bytes_of(longest)));
  EXPECT_TRUE(inbox.push(0, 0, 0, bytes_of(longest)));
  EXPECT_FALSE(inbox.push(0, 0, 0, bytes_of(longest)));
  EXPECT_EQ(inbox.refused(), 2U);
  EXPECT_EQ(inbox.poll(10, [](const InboxMessage&) {}), 2);
  EXPECT_GE(inbox.peak_bytes(), 2 * longest.size());
  EXPECT_TRUE(inbox.push(0, 0, 0, bytes_of(longest)));
}

TEST(Inbox, poll_stops_at_its_budget) {
  Inbox inbox(4096);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(inbox.push(0, 0, i, {}));
  std::vector<Nanos> seen;
  const auto note = [&](const InboxMessage& message) { seen.push_back(message.ts_recv); };
  EXPECT_EQ(inbox.poll(3, note), 3);
  EXPECT_EQ(inbox.poll(3, note), 2);
  EXPECT_EQ(seen, (std::vector<Nanos>{0, 1, 2, 3, 4}));
}

TEST(Inbox, the_bell_is_written_only_while_the_consumer_sleeps) {
  Inbox inbox(4096);
  Doorbell& bell = inbox.doorbell();
  ASSERT_TRUE(inbox.push(0, 0, 0, {}));
  EXPECT_FALSE(readable(bell.fd(), 0));
  bell.arm();
  EXPECT_TRUE(inbox.ready());  // what a sleeper finds in its last look
  ASSERT_TRUE(inbox.push(0, 0, 0, {}));
  EXPECT_TRUE(readable(bell.fd(), 0));
  bell.disarm();
  EXPECT_FALSE(readable(bell.fd(), 0));
}

/// Consumes as a parked thread does; a lost wake-up shows as a sleep without end.
std::uint64_t consume_parked(Inbox& inbox, std::uint64_t count, std::vector<std::uint64_t>& next) {
  std::uint64_t wrong = 0;
  const auto check = [&](const InboxMessage& message) {
    const std::string expected(next[message.source] % 200, static_cast<char>(message.source));
    const std::string found(reinterpret_cast<const char*>(message.bytes.data()),
                            message.bytes.size());
    const auto number = static_cast<std::uint64_t>(message.ts_recv);
    wrong += number == next[message.source] && found == expected ? 0U : 1U;
    ++next[message.source];
  };
  for (std::uint64_t seen = 0; seen < count;) {
    seen += static_cast<std::uint64_t>(inbox.poll(64, check));
    inbox.doorbell().arm();
    if (!inbox.ready() && seen < count && !readable(inbox.doorbell().fd(), 10'000)) return ~0ULL;
    inbox.doorbell().disarm();
  }
  return wrong;
}

TEST(Inbox, many_producers_lose_nothing_and_keep_their_order_and_the_sleeper_always_wakes) {
  constexpr std::uint64_t each = 20'000;
  constexpr std::uint32_t producers = 3;
  Inbox inbox(1 << 14);
  std::vector<std::thread> threads;
  for (std::uint32_t source = 0; source < producers; ++source) {
    threads.emplace_back([&inbox, source] {
      for (std::uint64_t i = 0; i < each;) {
        const std::string text(i % 200, static_cast<char>(source));
        if (inbox.push(0, source, static_cast<Nanos>(i), bytes_of(text))) {
          ++i;
        } else {
          std::this_thread::yield();
        }
      }
    });
  }
  std::vector<std::uint64_t> next(producers, 0);
  EXPECT_EQ(consume_parked(inbox, each * producers, next), 0U);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(next, std::vector<std::uint64_t>(producers, each));
}

}  // namespace
}  // namespace pitwire
