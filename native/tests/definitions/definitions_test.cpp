// Our own definitions, beside this file, and QuickFIX's of the shared data, where it is there.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "pitwire/definitions/definition.hpp"

namespace pitwire {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

// PITWIRE_TEST_DATA, else the folder beside the checkout.
fs::path shared_definitions() {
  const char* const root = std::getenv("PITWIRE_TEST_DATA");
  const fs::path beside = fs::path(PITWIRE_DEFINITIONS) / "../../../../shared/data";
  return (root != nullptr ? fs::path(root) : beside) / "fix/quickfix_definitions";
}

/// How many there are.
int expect_all_pass(const fs::path& folder, DefinitionSide side) {
  int count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".def") continue;
    const DefinitionOutcome outcome = run_definition(text_of(entry.path()), side);
    EXPECT_TRUE(outcome.passed) << entry.path().filename() << ", line " << outcome.line << ": "
                                << outcome.problem << "\n  expected " << outcome.expected
                                << "\n  got      " << outcome.found;
    ++count;
  }
  return count;
}

const fs::path kOurs = PITWIRE_DEFINITIONS;

TEST(OurDefinitions, hold_for_our_acceptor) {
  EXPECT_GE(expect_all_pass(kOurs / "acceptor", DefinitionSide::ACCEPTOR), 34);
}

TEST(OurDefinitions, hold_for_our_initiator) {
  EXPECT_GE(expect_all_pass(kOurs / "initiator", DefinitionSide::INITIATOR), 216);
}

TEST(SharedDefinitions, hold_for_our_acceptor) {
  const fs::path folder = shared_definitions() / "server";
  if (!fs::exists(folder)) GTEST_SKIP() << folder << " is absent";
  EXPECT_GT(expect_all_pass(folder, DefinitionSide::ACCEPTOR), 80);
}

TEST(SharedDefinitions, hold_for_our_initiator) {
  const fs::path folder = shared_definitions() / "client";
  if (!fs::exists(folder)) GTEST_SKIP() << folder << " is absent";
  EXPECT_GT(expect_all_pass(folder, DefinitionSide::INITIATOR), 0);
}

}  // namespace
}  // namespace pitwire
