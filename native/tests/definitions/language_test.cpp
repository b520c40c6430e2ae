// What a definition can say, and how a difference is told.
#include <gtest/gtest.h>

#include <stdexcept>

#include "pitwire/definitions/definition.hpp"

namespace pitwire {
namespace {

constexpr char kLogon[] =
    "iCONNECT\n"
    "I8=FIX.4.4|35=A|34=1|49=TW44|52=<TIME>|56=ISLD|98=0|108=30|\n"
    "E8=FIX.4.4|35=A|34=1|49=ISLD|52=00000000-00:00:00.000|56=TW44|98=0|108=30|\n";

DefinitionOutcome acceptor(const std::string& behind_logon, const FieldPatterns& patterns = {}) {
  return run_definition(kLogon + behind_logon, DefinitionSide::ACCEPTOR, patterns);
}

TEST(DefinitionLanguage, a_difference_names_line_field_and_both_messages) {
  const DefinitionOutcome outcome = acceptor(
      "# a comment counts as a line\n"
      "I8=FIX.4.4|35=1|34=2|49=TW44|52=<TIME>|56=ISLD|112=ONE|\n"
      "E8=FIX.4.4|35=0|34=2|49=ISLD|52=0|56=TW44|112=TWO|\n");
  EXPECT_FALSE(outcome.passed);
  EXPECT_EQ(outcome.line, 6U);
  EXPECT_EQ(outcome.problem, "expected 112=TWO, got 112=ONE");
  EXPECT_NE(outcome.expected.find("|112=TWO|"), std::string::npos);
  EXPECT_NE(outcome.found.find("|112=ONE|"), std::string::npos);
}

TEST(DefinitionLanguage, fields_missing_or_in_excess_or_out_of_order_are_differences) {
  const std::string ask = "I8=FIX.4.4|35=1|34=2|49=TW44|52=<TIME>|56=ISLD|112=ONE|\n";
  const std::string head = "E8=FIX.4.4|35=0|34=2|49=ISLD|52=0|56=TW44|";
  EXPECT_EQ(acceptor(ask + head + "\n").problem, "got a field too many: 112=ONE");
  EXPECT_EQ(acceptor(ask + head + "112=ONE|58=x|\n").problem, "expected field 58, got none");
  EXPECT_EQ(acceptor(ask + head + "58=x|112=ONE|\n").problem, "expected field 58, got 112=ONE");
}

TEST(DefinitionLanguage, patterns_replace_the_comparison_of_values) {
  const std::string ask = "I8=FIX.4.4|35=1|34=2|49=TW44|52=<TIME>|56=ISLD|112=ONE|\n";
  const std::string answer = "E8=FIX.4.4|35=0|34=2|49=ISLD|52=0|56=TW44|112=any|\n";
  EXPECT_TRUE(acceptor(ask + answer, FieldPatterns("52=.\n112=^[A-Z]+$")).passed);
  EXPECT_EQ(acceptor(ask + answer, FieldPatterns("52=.\n112=^[0-9]+$")).problem,
            "expected 112=a value of its pattern, got 112=ONE");
}

TEST(DefinitionLanguage, what_is_said_unasked_is_a_difference) {
  const std::string ask = "I8=FIX.4.4|35=1|34=2|49=TW44|52=<TIME>|56=ISLD|112=ONE|\n";
  EXPECT_EQ(acceptor(ask).problem, "expected nothing more, got a message");
  EXPECT_EQ(acceptor(ask + "!wait 1\n").problem, "expected nothing more, got a message");
}

TEST(DefinitionLanguage, waiting_has_an_end) {
  EXPECT_EQ(acceptor("!within 2\nE8=FIX.4.4|35=0|\n").problem,
            "expected a message, got none in 2 s");
  EXPECT_EQ(acceptor("!within 2\neDISCONNECT\n").problem,
            "expected the end of the connection, got none in 2 s");
  EXPECT_EQ(acceptor("!wait 40\n").problem, "expected nothing more, got a message");
}

TEST(DefinitionLanguage, a_closed_connection_carries_nothing) {
  EXPECT_EQ(acceptor("iDISCONNECT\nI8=FIX.4.4|35=0|34=2|\n").problem, "the connection is not open");
  EXPECT_EQ(acceptor("iCONNECT\n").problem, "it is connected already");
}

TEST(DefinitionLanguage, what_is_no_line_is_refused_with_its_number) {
  for (const std::string line : {"x", "iGO", "E", "I", "eCONNECTED", "8=FIX.4.4|35=0|"}) {
    EXPECT_THROW(acceptor(line), std::invalid_argument) << line;
  }
  EXPECT_THROW(FieldPatterns("52"), std::invalid_argument);
  EXPECT_THROW(FieldPatterns("52=("), std::invalid_argument);
}

TEST(DefinitionLanguage, the_first_connection_says_which_side_is_tested) {
  EXPECT_EQ(side_of_definition("# x\n\niCONNECT\n"), DefinitionSide::ACCEPTOR);
  EXPECT_EQ(side_of_definition("!set max_latency=5\ne1,CONNECT\n"), DefinitionSide::INITIATOR);
}

}  // namespace
}  // namespace pitwire
