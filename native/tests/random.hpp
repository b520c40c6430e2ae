// What random tests share: the seed, and how long they go on.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>

namespace pitwire::testing {

/// A random test's seed, printed: PITWIRE_SEED=N runs the same again.
inline std::uint64_t seed_of_run() {
  const auto* text = std::getenv("PITWIRE_SEED");
  const auto seed = text != nullptr ? std::strtoull(text, nullptr, 10) : std::random_device{}();
  std::cout << "seed " << seed << std::endl;  // at once: what comes next may end the process
  return seed;
}

/// How many events a random test draws: PITWIRE_RANDOM_EVENTS, or what suits every run of the
/// tests.
inline std::uint64_t events_of_run(std::uint64_t usual) {
  const auto* text = std::getenv("PITWIRE_RANDOM_EVENTS");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : usual;
}

}  // namespace pitwire::testing
