#include "pitwire/market/capture_lines.hpp"

#include <gtest/gtest.h>

namespace pitwire {
namespace {

TEST(CaptureLines, gives_lines_as_they_are_whatever_the_pieces_break) {
  const std::string whole =
      "1723161600000000001 {\"a\":1}\n1723161600000000002 {\"b\":2}\n1723161600000000003 {}";
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    CaptureLines lines;
    std::vector<std::pair<Nanos, std::string>> found;
    const auto take_all = [&] {
      for (; !lines.next().empty(); lines.take()) {
        found.emplace_back(lines.next_ts(), std::string(lines.next()));
      }
    };
    lines.append(whole.substr(0, cut), false);
    take_all();
    EXPECT_TRUE(lines.waits());
    lines.append(whole.substr(cut), true);
    take_all();
    EXPECT_TRUE(lines.ended());
    const decltype(found) expected = {{1723161600000000001, "{\"a\":1}"},
                                      {1723161600000000002, "{\"b\":2}"},
                                      {1723161600000000003, "{}"}};
    EXPECT_EQ(found, expected) << "cut at " << cut;
    EXPECT_EQ(lines.first_ts(), 1723161600000000001);
    EXPECT_EQ(lines.refused(), 0U);
  }
}

TEST(CaptureLines, of_a_line_that_is_not_whole_nothing_waits_however_long_it_is) {
  CaptureLines lines;
  for (int piece = 0; piece < 100; ++piece) {
    lines.append(piece == 0 ? "1723161600000000001 {" : std::string(10'000, 'x'), false);
    EXPECT_EQ(lines.buffered_bytes(), 0U);
  }
  lines.append("}\n", false);
  EXPECT_EQ(lines.next().size(), 990'002U);
  EXPECT_GT(lines.buffered_bytes(), lines.next().size());
}

TEST(CaptureLines, reads_receive_times_in_microseconds_as_nanoseconds) {
  CaptureLines lines;
  lines.append("1680652700000123 {}\n", true);
  EXPECT_EQ(lines.next_ts(), 1680652700000123000);
}

TEST(CaptureLines, skips_and_counts_lines_without_a_time) {
  CaptureLines lines;
  lines.append("{\"a\":1}\n\n-5 {}\n1723161600000000001 {}\n17\n", true);
  EXPECT_EQ(lines.next(), "{}");
  EXPECT_EQ(lines.refused(), 2U);
  EXPECT_EQ(lines.defect(), "no receive time: -5 {}");
  lines.take();
  EXPECT_TRUE(lines.ended());
  EXPECT_EQ(lines.refused(), 3U);
}

}  // namespace
}  // namespace pitwire
