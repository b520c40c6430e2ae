// The measure itself: a loop that allocates or calls the kernel is found.
#include "hook.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace pitwire::testing {
namespace {

TEST(Steady, EveryAllocationIsCounted) {
  std::vector<int> grown;
  void* kept = nullptr;
  EXPECT_EQ(allocations_in([&] { grown.resize(100); }), 1U);
  EXPECT_EQ(allocations_in([&] { kept = std::malloc(40); }), 1U);
  EXPECT_EQ(allocations_in([&] { kept = std::realloc(kept, 80); }), 1U);
  EXPECT_EQ(allocations_in([&] { std::string(200, 'x').swap(*new std::string); }), 2U);
  EXPECT_EQ(allocations_in([&] { grown.clear(); }), 0U);
  EXPECT_FALSE(is_steady([&] { grown.resize(grown.capacity() + 1); }));
  std::free(kept);
}

TEST(Steady, TheFirstSystemCallIsNamed) {
  EXPECT_EQ(first_system_call_in([] { (void)::getppid(); }), SYS_getppid);
  EXPECT_EQ(first_system_call_in([] { (void)::write(-1, nullptr, 0); }), SYS_write);
  EXPECT_EQ(first_system_call_in([] {}), -1);
  EXPECT_FALSE(is_steady([] { (void)::getppid(); }));
  EXPECT_THROW((void)first_system_call_in([] { __builtin_trap(); }), std::runtime_error);
}

}  // namespace
}  // namespace pitwire::testing
