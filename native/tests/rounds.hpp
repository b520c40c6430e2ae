// A long random test as many short ones.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "random.hpp"

namespace pitwire::testing {

/// Events in rounds of at most `round`, each `run(seed, events)` from a seed of its own, so that a
/// difference is found again without what came before: PITWIRE_SEED=seed of the round. Ends at the
/// first round that fails.
template <class F>
void in_rounds(std::uint64_t usual, std::uint64_t round, F&& run) {
  const auto events = events_of_run(usual);
  auto seed = seed_of_run();
  for (std::uint64_t done = 0; done < events; done += round, ++seed) {
    SCOPED_TRACE("PITWIRE_SEED=" + std::to_string(seed));
    run(seed, std::min(round, events - done));
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace pitwire::testing
