#include "pitwire/base/spsc_ring.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "pitwire/base/byte_ring.hpp"

namespace pitwire {
namespace {

struct Record {
  std::uint64_t number;
  std::array<std::uint64_t, 7> copies;
};
static_assert(sizeof(Record) == 64);

Record record_of(std::uint64_t number) {
  Record record{number, {}};
  record.copies.fill(number * 3);
  return record;
}

/// Consumes `count` records in order, whole; false at the first that is not.
bool consume(SpscRing<Record>& ring, std::uint64_t count, std::uint64_t batch) {
  for (std::uint64_t expected = 0; expected < count;) {
    const auto records = ring.poll(batch);
    for (const Record& record : records) {
      if (record.number != expected) return false;
      for (const auto copy : record.copies) {
        if (copy != expected * 3) return false;
      }
      ++expected;
    }
    ring.release(records.size());
    if (records.empty()) std::this_thread::yield();
  }
  return ring.poll(1).empty();
}

void produce(SpscRing<Record>& ring, std::uint64_t count, std::uint64_t batch) {
  for (std::uint64_t next = 0; next < count;) {
    const auto room = ring.claim(std::min(batch, count - next));
    for (Record& record : room) record = record_of(next++);
    ring.commit(room.size());
    if (room.empty()) std::this_thread::yield();
  }
}

TEST(SpscRing, holds_exactly_its_capacity_and_frees_what_is_released) {
  SpscRing<Record> ring(5);
  ASSERT_EQ(ring.capacity(), 8U);
  for (std::uint64_t i = 0; i < 8; ++i) ASSERT_TRUE(ring.push(record_of(i)));
  EXPECT_FALSE(ring.push(record_of(8)));
  EXPECT_EQ(ring.claim(), nullptr);
  EXPECT_EQ(ring.size(), 8U);
  EXPECT_EQ(ring.front()->number, 0U);
  ring.release();
  EXPECT_TRUE(ring.push(record_of(8)));
  EXPECT_EQ(ring.front()->number, 1U);
}

TEST(SpscRing, a_claim_is_seen_only_after_commit) {
  SpscRing<Record> ring(8);
  *ring.claim() = record_of(7);
  EXPECT_EQ(ring.front(), nullptr);
  ring.commit();
  ASSERT_NE(ring.front(), nullptr);
  EXPECT_EQ(ring.front()->number, 7U);
}

TEST(SpscRing, batches_end_where_the_region_ends) {
  SpscRing<Record> ring(8);
  ring.commit(ring.claim(6).size());
  ring.release(ring.poll(6).size());
  EXPECT_EQ(ring.claim(8).size(), 2U);
  ring.commit(2);
  EXPECT_EQ(ring.claim(8).size(), 6U);
  EXPECT_EQ(ring.poll(8).size(), 2U);
}

TEST(SpscRing, two_threads_pass_every_record_once_and_in_order) {
  for (const std::uint64_t batch : {1U, 16U}) {
    SpscRing<Record> ring(256);
    constexpr std::uint64_t count = 300'000;
    std::thread producer([&] { produce(ring, count, batch); });
    EXPECT_TRUE(consume(ring, count, batch));
    producer.join();
  }
}

TEST(SpscRing, two_processes_pass_every_record_over_a_memfd) {
  constexpr std::uint64_t count = 50'000;
  auto ring =
      SpscRing<Record>::create(SharedMemory::memfd("ring", SpscRing<Record>::region_bytes(64)), 64);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // Attached by descriptor, as a process that did not inherit the mapping would.
    auto mine = SpscRing<Record>::attach(SharedMemory::attach(ring.memory().fd()));
    produce(mine, count, 4);
    ::_exit(0);
  }
  EXPECT_TRUE(consume(ring, count, 16));
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(SpscRing, attach_refuses_what_is_not_this_ring) {
  const auto reason = [](SharedMemory memory) {
    try {
      (void)SpscRing<Record>::attach(std::move(memory));
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_NE(reason(SharedMemory::memfd("empty", 4096)).find("magic"), std::string::npos);
  EXPECT_NE(reason(SharedMemory::memfd("short", 64)).find("size"), std::string::npos);
  auto other = SpscRing<std::uint64_t>::create(
      SharedMemory::memfd("other", SpscRing<std::uint64_t>::region_bytes(64)), 64);
  EXPECT_NE(reason(SharedMemory::attach(other.memory().fd())).find("record size is 8"),
            std::string::npos);
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

TEST(ByteRing, entries_keep_bytes_kind_source_and_stamp) {
  ByteRing ring(4096);
  ASSERT_TRUE(ring.push(bytes_of("first"), 3, 9, 77));
  ASSERT_TRUE(ring.push({}, 4, 8, 78));
  ByteRing::Entry entry;
  ASSERT_TRUE(ring.poll(entry));
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(entry.bytes.data()), entry.bytes.size()),
            "first");
  EXPECT_EQ(entry.kind, 3U);
  EXPECT_EQ(entry.source, 9U);
  EXPECT_EQ(entry.ts, 77);
  ASSERT_TRUE(ring.poll(entry));
  EXPECT_TRUE(entry.bytes.empty());
  EXPECT_FALSE(ring.poll(entry));
}

TEST(ByteRing, the_longest_entry_fits_and_one_byte_more_does_not) {
  ByteRing ring(4096);
  const std::string longest(ring.entry_bytes_max(), 'x');
  EXPECT_FALSE(ring.push(bytes_of(longest + "x"), 0, 0, 0));
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(ring.push(bytes_of(longest), 0, 0, 0));
    ByteRing::Entry entry;
    ASSERT_TRUE(ring.poll(entry));
    EXPECT_EQ(entry.bytes.size(), longest.size());
    ring.release();
  }
}

TEST(ByteRing, claims_are_published_together) {
  ByteRing ring(4096);
  for (int i = 0; i < 3; ++i) ASSERT_NE(ring.claim(10, 0, 0, i).data(), nullptr);
  EXPECT_FALSE(ring.ready());
  ring.commit();
  ByteRing::Entry entry;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(ring.poll(entry));
    EXPECT_EQ(entry.ts, i);
  }
  EXPECT_GT(ring.used_bytes(), 0U);
  ring.release();
  EXPECT_EQ(ring.used_bytes(), 0U);
}

/// Length of entry `i`: anything from nothing to most of the ring.
std::uint32_t length_of(std::uint32_t i) { return (i * 2654435761U >> 16) % 1500; }

TEST(ByteRing, two_threads_pass_entries_of_every_length) {
  constexpr std::uint32_t count = 100'000;
  ByteRing ring(8192);
  std::thread producer([&] {
    for (std::uint32_t i = 0; i < count;) {
      const auto room = ring.claim(length_of(i), i, 0, i);
      if (room.data() == nullptr) {
        std::this_thread::yield();
        continue;
      }
      std::fill(room.begin(), room.end(), static_cast<std::byte>(i));
      ring.commit();
      ++i;
    }
  });
  ByteRing::Entry entry;
  std::uint32_t wrong = 0;
  for (std::uint32_t i = 0; i < count;) {
    if (!ring.poll(entry)) {
      std::this_thread::yield();
      continue;
    }
    const bool whole = entry.kind == i && entry.bytes.size() == length_of(i) &&
                       std::all_of(entry.bytes.begin(), entry.bytes.end(), [&](std::byte byte) {
                         return byte == static_cast<std::byte>(i);
                       });
    wrong += whole ? 0U : 1U;
    ring.release();
    ++i;
  }
  producer.join();
  EXPECT_EQ(wrong, 0U);
}

}  // namespace
}  // namespace pitwire
