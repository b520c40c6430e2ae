#include "pitwire/base/tuning.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <future>
#include <thread>

namespace pitwire {
namespace {

TEST(Tuning, a_pinned_thread_may_run_on_its_core_only) {
  std::thread([] {
    const int core = allowed_cores().front();
    const TuningResult result = pin_thread(std::array{core});
    EXPECT_TRUE(result.ok) << result.reason;
    EXPECT_EQ(allowed_cores(), std::vector<int>{core});
  }).join();
}

TEST(Tuning, what_cannot_be_done_is_said_with_its_reason) {
  EXPECT_FALSE(pin_thread({}).ok);
  EXPECT_NE(pin_thread(std::array{4096}).reason.find("4096"), std::string::npos);
  EXPECT_NE(pin_thread(std::array{1000}).reason.find("1000"), std::string::npos);
  std::array<std::byte, 16> small;
  EXPECT_NE(advise_huge_pages(small.data(), small.size()).reason.find("no whole page"),
            std::string::npos);
}

TEST(Tuning, prefaulting_changes_no_byte) {
  std::vector<std::uint8_t> bytes(100'000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  const auto before = bytes;
  EXPECT_TRUE(prefault(bytes.data(), bytes.size()).ok);
  prefault_stack(256 * 1024);
  EXPECT_EQ(bytes, before);
}

TEST(Tuning, threads_are_counted_and_named) {
  std::promise<void> named, done;
  const int before = thread_count();
  std::thread other([&] {
    EXPECT_TRUE(name_thread("pitwire-test-with-a-long-name").ok);
    named.set_value();
    done.get_future().wait();
  });
  named.get_future().wait();
  EXPECT_EQ(thread_count(), before + 1);
  const auto names = thread_names();
  EXPECT_NE(std::find(names.begin(), names.end(), "pitwire-test-wi"), names.end());
  done.set_value();
  other.join();
}

}  // namespace
}  // namespace pitwire
