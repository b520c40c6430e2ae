// RequestForPositions, its acknowledgement and PositionReport between our two ends, and what each
// end makes of a field that is wrong.
#include <gtest/gtest.h>

#include <algorithm>

#include "pair.hpp"

namespace pitwire::testing {
namespace {

constexpr std::uint64_t kRequest = 0x0000000700000003;

class Positions : public ::testing::Test {
 protected:
  void SetUp() override {
    pair.build();
    pair.connect();
    ASSERT_TRUE(pair.firm->logged_on());
  }
  void ask() {
    rec::PositionsRequested record;
    record.request = kRequest;
    ASSERT_TRUE(pair.firm->send_positions_request(pair.now, record));
  }
  /// The firm's message as the venue gets it, `from` exchanged for `to` in its body.
  void ask_with(const std::string& from, const std::string& to) {
    ask();
    send_changed(pair.firm_sink, *pair.venue, from, to);
    pair.deliver();
  }
  void report(std::int64_t long_qty, std::int64_t short_qty, std::int64_t settl_px) {
    FixPosition position;
    position.request = kRequest;
    position.reports = position.number = 1;
    position.instrument = InstrumentId{7};
    position.long_qty = long_qty;
    position.short_qty = short_qty;
    position.settl_px = settl_px;
    ASSERT_TRUE(pair.venue->send_position(pair.now, position));
  }
  void report_with(const std::string& from, const std::string& to) {
    report(2'500, 0, 600'001);
    send_changed(pair.venue_sink, *pair.firm, from, to);
    pair.deliver();
  }
  [[nodiscard]] std::string refusal() const {
    const auto& ack = pair.firm_sink.position_acks.back();
    return std::to_string(ack.result) + " " + std::to_string(ack.status) + " " +
           pair.firm_sink.position_texts.back();
  }
  Pair pair;

 private:
  void send_changed(Recorder& from, FixSession& to, std::string old_text, std::string new_text) {
    for (auto* text : {&old_text, &new_text}) std::ranges::replace(*text, '|', '\x01');
    std::string message = from.wire.back();
    from.wire.pop_back();
    const auto at = message.find(old_text);
    ASSERT_NE(at, std::string::npos) << shown(message);
    message.replace(at, old_text.size(), new_text);
    const auto body = message.find('\x01', message.find("\x01"
                                                        "9=") +
                                               1) +
                      1;
    const auto end = message.rfind("10=");
    std::string whole = message.substr(0, message.find('\x01') + 1) +
                        "9=" + std::to_string(end - body) + "\x01" +
                        message.substr(body, end - body);
    unsigned sum = 0;
    for (const char c : whole) sum += static_cast<unsigned char>(c);
    char trailer[16];
    std::snprintf(trailer, sizeof trailer, "10=%03u\x01", sum % 256);
    to.received(pair.now, ++pair.raw, whole + trailer);
  }
};

TEST_F(Positions, the_question_reaches_the_venue) {
  ask();
  const std::string sent = shown(pair.firm_sink.sent.back().text);
  EXPECT_NE(sent.find("|710=0000000700000003|"), std::string::npos) << sent;
  EXPECT_NE(sent.find("|1=FIRM|"), std::string::npos) << "no account: the CompID";
  EXPECT_EQ(pair.firm_sink.sent.back().id, 0U) << "it is no order's";
  pair.deliver();
  ASSERT_EQ(pair.venue_sink.positions_asked.size(), 1U) << sent;
  EXPECT_EQ(pair.venue_sink.positions_asked[0].request, kRequest);
  EXPECT_EQ(index(pair.venue_sink.positions_asked[0].instrument), kNoId);
}

TEST_F(Positions, one_instrument_is_asked_for_by_its_symbol) {
  ask_with("|60=", "|55=BTCUSDT|60=");
  ASSERT_EQ(pair.venue_sink.positions_asked.size(), 1U);
  EXPECT_EQ(index(pair.venue_sink.positions_asked[0].instrument), 7U);
}

TEST_F(Positions, what_cannot_be_answered_is_refused_with_the_reason) {
  ask_with("|710=0000000700000003|", "|710=mine|");
  EXPECT_EQ(refusal(), "1 2 PosReqID: expected 16 upper-case hexadecimal digits");
  ask_with("|724=0|", "|724=1|");
  EXPECT_EQ(refusal(), "4 2 PosReqType: only 0 (positions) is supported");
  EXPECT_EQ(pair.firm_sink.position_acks.back().request, kRequest);
  ask_with("|263=0|", "|263=1|");
  EXPECT_EQ(refusal(), "4 2 SubscriptionRequestType: only 0 (snapshot) is supported");
  ask_with("|60=", "|55=NOSUCH|60=");
  EXPECT_EQ(refusal(), "1 2 unknown symbol NOSUCH");
  EXPECT_TRUE(pair.venue_sink.positions_asked.empty());
  EXPECT_TRUE(pair.venue_sink.has_said("1 request for positions refused: unknown symbol NOSUCH"));
}

TEST_F(Positions, a_missing_field_is_rejected_by_the_session) {
  ask_with("|581=1|", "|");
  EXPECT_TRUE(pair.firm_sink.position_acks.empty());
  ASSERT_EQ(pair.firm_sink.rejects.size(), 1U);
  EXPECT_EQ(pair.firm_sink.rejects[0].ref_tag, 581U);
  EXPECT_EQ(pair.firm_sink.rejects[0].cl_ord_id, kRequest);
}

TEST_F(Positions, an_answer_comes_back_whole) {
  FixPositionsAck ack;
  ack.request = kRequest;
  ack.reports = 1;
  ASSERT_TRUE(pair.venue->send_positions_ack(pair.now, ack));
  report(0, 2'500, 600'001);
  pair.deliver();
  ASSERT_EQ(pair.firm_sink.position_acks.size(), 1U);
  EXPECT_EQ(pair.firm_sink.position_acks[0].request, kRequest);
  EXPECT_EQ(pair.firm_sink.position_acks[0].reports, 1);
  ASSERT_EQ(pair.firm_sink.positions.size(), 1U) << shown(pair.venue_sink.sent.back().text);
  const auto& [got, reports] = pair.firm_sink.positions[0];
  EXPECT_EQ(reports, 1);
  EXPECT_EQ(got.request, kRequest);
  EXPECT_EQ(got.instrument, 7U);
  EXPECT_EQ(got.long_qty, 0);
  EXPECT_EQ(got.short_qty, 2'500);
  EXPECT_EQ(got.settl_px, 600'001);
  EXPECT_EQ(got.raw_sequence, pair.raw);
  EXPECT_STREQ(got.symbol.data(), "BTCUSDT");
  EXPECT_EQ(got.flags, 0U);
  EXPECT_EQ(pair.firm_sink.position_defects[0], "");
}

TEST_F(Positions, none_found_and_a_refusal_say_so) {
  FixPositionsAck ack;
  ack.request = kRequest;
  ack.result = kPositionsNone;
  ack.reports = 0;
  ASSERT_TRUE(pair.venue->send_positions_ack(pair.now, ack));
  pair.deliver();
  EXPECT_EQ(refusal(), "2 0 ");
  EXPECT_EQ(pair.firm_sink.position_acks.back().reports, 0);
}

struct Fault {
  const char* from;
  const char* to;
  const char* defect;
};

TEST_F(Positions, a_report_with_a_wrong_field_counts_for_nothing_and_says_which) {
  const Fault faults[] = {
      {"|55=BTCUSDT|", "|55=NOSUCH|", "55=NOSUCH (unknown symbol)"},
      {"|704=2.500|", "|704=2.5005|", "704=2.5005 (not a multiple"},
      {"|704=2.500|", "|704=-2.500|", "704=-2.500 (below 0)"},
      {"|728=0|", "|728=3|", "728=3 (not a valid answer)"},
      {"|702=1|703=TOT|", "|702=2|703=SOD|704=1|703=TQ|",
       "several quantities, none of PosType TOT"},
  };
  for (const Fault& fault : faults) {
    report_with(fault.from, fault.to);
    const auto& got = pair.firm_sink.positions.back().first;
    EXPECT_EQ(got.flags, 1U) << fault.to;
    EXPECT_EQ(got.long_qty, 0);
    EXPECT_NE(pair.firm_sink.position_defects.back().find(fault.defect), std::string::npos)
        << pair.firm_sink.position_defects.back();
    EXPECT_TRUE(pair.firm_sink.has_said("2 position report not whole: "));
  }
  EXPECT_EQ(pair.firm_sink.positions.size(), std::size(faults));
}

TEST_F(Positions, a_report_that_the_dictionary_refuses_is_not_lost) {
  report_with("|581=1|", "|");
  ASSERT_EQ(pair.firm_sink.positions.size(), 1U);
  EXPECT_EQ(pair.firm_sink.positions[0].first.flags, 1U);
  EXPECT_NE(pair.firm_sink.position_defects[0].find("refused by the session's rules"),
            std::string::npos);
}

TEST_F(Positions, of_several_quantities_the_total_counts) {
  report_with("|702=1|703=TOT|", "|702=2|703=SOD|704=1|703=TOT|");
  EXPECT_EQ(pair.firm_sink.positions[0].first.long_qty, 2'500);
  report_with("|703=TOT|", "|703=TQ|");
  EXPECT_EQ(pair.firm_sink.positions[1].first.long_qty, 2'500) << "or the only one";
}

TEST_F(Positions, a_settlement_price_finer_than_ours_is_done_without) {
  report_with("|730=60000.1|", "|730=60000.123|");
  EXPECT_EQ(pair.firm_sink.positions[0].first.settl_px, 0);
  EXPECT_EQ(pair.firm_sink.positions[0].first.flags, 0U);
}

TEST(Positions42, there_is_no_such_message) {
  Pair pair{"FIX.4.2"};
  pair.build();
  pair.connect();
  ASSERT_TRUE(pair.firm->logged_on());
  const auto next = pair.firm->state().next_sender;
  EXPECT_FALSE(pair.firm->supports_positions());
  EXPECT_FALSE(pair.firm->send_positions_request(pair.now, rec::PositionsRequested{}));
  EXPECT_EQ(pair.firm->state().next_sender, next);
}

}  // namespace
}  // namespace pitwire::testing
