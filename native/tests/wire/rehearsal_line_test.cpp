#include "pitwire/wire/rehearsal_line.hpp"

#include <gtest/gtest.h>

namespace pitwire {
namespace {

TEST(RehearsalLine, takes_again_what_it_sends_and_never_fills) {
  RehearsalLine line;
  ASSERT_TRUE(line.open());
  // Ten times what its socket buffers hold.
  for (int i = 0; i < 100'000; ++i) ASSERT_TRUE(line.pass());
}

}  // namespace
}  // namespace pitwire
