// The seqlock of a published touch: no reader, thread or process, ever gets a mixture of two.
#include "pitwire/market/touch_page.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

namespace pitwire::touch {
namespace {

constexpr std::uint32_t kSeen = 500;  ///< different touches that a reader gets

/// Every field is a function of one number, so that a mixture shows.
Touch of(std::uint64_t number) {
  const auto wide = static_cast<std::int64_t>(number * 0x9e37'79b9'7f4a'7c15ULL);
  Touch touch;
  touch.bid_px = wide;
  touch.bid_qty = wide ^ 1;
  touch.ask_px = ~wide;
  touch.ask_qty = wide ^ 0x5555;
  touch.bid_orders = static_cast<std::uint16_t>(number);
  touch.ask_orders = static_cast<std::uint16_t>(~number);
  touch.ts_event = wide - 1;
  touch.ts_recv = wide + 1;
  touch.sequence = number;
  touch.book_state = static_cast<std::uint8_t>(number % 6);
  touch.trading_state = static_cast<std::uint8_t>(number % 7);
  return touch;
}

bool whole(const Touch& touch) {
  auto expected = of(touch.sequence);
  expected.version = touch.version;
  return touch == expected && touch.version == static_cast<std::uint32_t>(touch.sequence);
}

/// Reads until it has seen so many; false where one was a mixture, or older than the one before.
bool watch(const Slot& slot) {
  std::uint32_t last = 0;
  for (std::uint32_t seen = 0; seen < kSeen;) {
    const auto touch = try_read(slot);
    if (!touch || touch->version == 0 || touch->version == last) {
      std::this_thread::yield();  // it may be this core that the writer waits for
      continue;
    }
    if (!whole(*touch) || touch->version < last) return false;
    last = touch->version;
    ++seen;
  }
  return true;
}

/// Until the reader has enough; a pause now and then, or under a sanitizer there is no moment at
/// which nothing is being written.
template <class Done>
void publish_until(Slot& slot, Done done) {
  for (std::uint64_t i = 1; i % 4096 != 0 || !done(); ++i) {
    publish(slot, of(i));
    if (i % 16 == 0) std::this_thread::yield();
  }
}

TEST(TouchSlot, A_thread_that_reads_at_full_speed_gets_whole_touches_in_order) {
  auto slot = std::make_unique<Slot>();
  bool right = false;
  std::atomic<bool> done{false};
  std::thread reader([&] {
    right = watch(*slot);
    done.store(true);
  });
  publish_until(*slot, [&] { return done.load(); });
  reader.join();
  EXPECT_TRUE(right);
}

/// A file with one slot, as the writer lays it out.
class TouchFile : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ =
        (std::filesystem::temp_directory_path() / ("touch-" + std::to_string(::getpid()))).string();
    Header header{};
    header.magic = kMagic;
    header.version = kVersion;
    header.header_bytes = sizeof(Header);
    header.instruments = 1;
    header.row_bytes = sizeof(Row);
    header.slot_bytes = sizeof(Slot);
    header.state.store(static_cast<std::uint32_t>(WriterState::LIVE));
    header.slots_at = sizeof(Header) + sizeof(Row);
    const Row row{{'A', 'C', 'M', 'E'}, 1, 1, -2, 0, 0};
    const std::array<char, sizeof(Slot)> slot{};
    std::ofstream out(path_, std::ios::binary);
    out.write(reinterpret_cast<const char*>(&header), sizeof header);
    out.write(reinterpret_cast<const char*>(&row), sizeof row);
    out.write(slot.data(), slot.size());
  }
  void TearDown() override { std::filesystem::remove(path_); }
  std::string path_;
};

TEST_F(TouchFile, A_process_that_reads_at_full_speed_gets_whole_touches_in_order) {
  const int fd = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
  const auto size = sizeof(Header) + sizeof(Row) + sizeof(Slot);
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ASSERT_NE(memory, MAP_FAILED);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(watch(Reader(path_).slot(0)) ? 0 : 1);
  int status = -1;
  publish_until(*reinterpret_cast<Slot*>(static_cast<std::byte*>(memory) + size - sizeof(Slot)),
                [&] { return ::waitpid(child, &status, WNOHANG) == child; });
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_TRUE(WIFEXITED(status));
  const Reader reader(path_);
  EXPECT_EQ(reader.find("ACME"), 0U);
  EXPECT_FALSE(reader.find("ACM"));
  EXPECT_TRUE(whole(*reader.read(0)));
  ::munmap(memory, size);
  ::close(fd);
}

TEST(TouchSlot, A_slot_whose_writer_stopped_within_a_publication_is_not_read) {
  auto slot = std::make_unique<Slot>();
  publish(*slot, of(1));
  EXPECT_EQ(try_read(*slot)->sequence, 1U);
  slot->lock.store(3);  // odd: killed there
  store_fields(*slot, of(2));
  EXPECT_FALSE(try_read(*slot));
}

TEST(TouchSlot, The_lock_passes_over_never_when_it_begins_again) {
  auto slot = std::make_unique<Slot>();
  slot->lock.store(0xffff'fffe);
  publish(*slot, of(1));
  EXPECT_EQ(try_read(*slot)->version, 1U);
}

TEST_F(TouchFile, One_of_another_version_or_cut_off_is_refused_with_its_reason) {
  const auto reason = [&]() -> std::string {
    try {
      const Reader reader(path_);
      return "";
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  };
  EXPECT_EQ(reason(), "");
  std::filesystem::resize_file(path_, sizeof(Header) + sizeof(Row) + 32);
  EXPECT_EQ(reason(), path_ + ": touch page is cut off or damaged");
  std::filesystem::resize_file(path_, 16);
  EXPECT_EQ(reason(), path_ + ": is not a touch page");
  SetUp();
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(offsetof(Header, version));
  file.put(2);
  file.close();
  EXPECT_EQ(reason(), path_ + ": touch page of version 2, expected 1");
  std::filesystem::remove(path_);
  EXPECT_EQ(reason(), path_ + ": No such file or directory");
}

}  // namespace
}  // namespace pitwire::touch
