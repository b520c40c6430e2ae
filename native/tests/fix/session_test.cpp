#include <gtest/gtest.h>

#include <map>

#include "pair.hpp"

namespace pitwire::testing {
namespace {

class Session : public ::testing::TestWithParam<const char*> {
 protected:
  Pair pair{GetParam()};
  void log_on() {
    pair.build();
    pair.connect();
    ASSERT_TRUE(pair.firm->logged_on() && pair.venue->logged_on())
        << shown(pair.firm_sink.sent[0].text);
  }
};
INSTANTIATE_TEST_SUITE_P(Versions, Session, ::testing::Values("FIX.4.2", "FIX.4.4"),
                         [](const auto& version) {
                           return std::string(version.param == std::string("FIX.4.2") ? "FIX42"
                                                                                      : "FIX44");
                         });

TEST_P(Session, both_log_on_and_say_their_numbers_once) {
  log_on();
  EXPECT_EQ(pair.firm_sink.logons, 1);
  EXPECT_EQ(pair.firm->state().next_sender, 2U);
  EXPECT_EQ(pair.firm->state().next_target, 2U);
  EXPECT_TRUE(pair.firm_sink.states.back().logged_on);
  EXPECT_TRUE(pair.firm_sink.sent[0].admin);
}

TEST_P(Session, an_order_reaches_the_venue_in_its_integers) {
  log_on();
  rec::OrderSubmitted order = buy(0x0000000500000001, 10'150, 25);
  order.flags = static_cast<std::uint8_t>(OrderFlag::POST_ONLY);
  ASSERT_TRUE(pair.firm->send_order(pair.now, order));
  EXPECT_EQ(pair.firm_sink.sent.back().id, order.cl_ord_id);
  EXPECT_NE(pair.firm_sink.sent.back().text.find("\x01"
                                                 "44=101.50\x01"),
            std::string::npos);
  EXPECT_NE(pair.firm_sink.sent.back().text.find("\x01"
                                                 "11=0000000500000001\x01"),
            std::string::npos);
  pair.deliver();
  ASSERT_EQ(pair.venue_sink.orders.size(), 1U) << shown(pair.firm_sink.sent.back().text);
  const FixNewOrder& got = pair.venue_sink.orders[0];
  EXPECT_EQ(got.cl_ord_id, order.cl_ord_id);
  EXPECT_EQ(got.price, 10'150);
  EXPECT_EQ(got.order_qty, 25);
  EXPECT_EQ(got.side, Side::BUY);
  EXPECT_EQ(got.flags, static_cast<std::uint8_t>(OrderFlag::POST_ONLY));
  EXPECT_EQ(got.raw_sequence, pair.raw);
}

TEST_P(Session, a_trade_comes_back_whole) {
  log_on();
  FixExecution trade = report(7, ExecType::TRADE, OrdStatus::PARTIALLY_FILLED);
  trade.last_px = 10'149, trade.last_qty = 10, trade.cum_qty = 10, trade.leaves_qty = 15;
  trade.cum_notional = 101'490, trade.fee = -1234, trade.aggressor = true;
  trade.transact_time = pair.now + 123 * kMillisecond;
  ASSERT_TRUE(pair.venue->send_execution(pair.now, trade));
  pair.deliver();
  ASSERT_EQ(pair.firm_sink.executions.size(), 1U) << shown(pair.venue_sink.sent.back().text);
  const rec::Execution& got = pair.firm_sink.executions[0];
  EXPECT_EQ(got.cl_ord_id, 7U);
  EXPECT_EQ(got.exec_type, static_cast<std::uint8_t>(ExecType::TRADE));
  EXPECT_EQ(got.ord_status, static_cast<std::uint8_t>(OrdStatus::PARTIALLY_FILLED));
  EXPECT_EQ(got.last_px, 10'149);
  EXPECT_EQ(got.last_qty, 10);
  EXPECT_EQ(got.cum_qty, 10);
  EXPECT_EQ(got.leaves_qty, 15);
  EXPECT_EQ(got.fee, -1234);
  EXPECT_EQ(got.flags, 8);
  EXPECT_EQ(got.transact_time, trade.transact_time);
  EXPECT_STREQ(got.exec_id.data(), "E1");
  EXPECT_EQ(got.raw_sequence, pair.raw);
}

// The table of values.hpp: what goes out comes back as the same, in both versions.
TEST_P(Session, every_exec_type_survives_the_way) {
  log_on();
  for (int type = 0; type <= static_cast<int>(ExecType::ORDER_STATUS); ++type) {
    if (type == 1 || type == 2) continue;  // 4.2's words for TRADE
    for (const OrdStatus status : {OrdStatus::NEW, OrdStatus::FILLED, OrdStatus::CANCELED}) {
      pair.firm_sink.executions.clear();
      ASSERT_TRUE(
          pair.venue->send_execution(pair.now, report(9, static_cast<ExecType>(type), status)));
      pair.deliver();
      ASSERT_EQ(pair.firm_sink.executions.size(), 1U) << shown(pair.venue_sink.sent.back().text);
      EXPECT_EQ(pair.firm_sink.executions[0].exec_type, type)
          << shown(pair.venue_sink.sent.back().text);
      EXPECT_EQ(pair.firm_sink.executions[0].ord_status, static_cast<int>(status));
    }
  }
}

TEST_P(Session, cancel_replace_status_reach_the_venue) {
  log_on();
  rec::CancelRequested cancel;
  cancel.cl_ord_id = 0x12, cancel.orig_cl_ord_id = 0x11, cancel.side = 2;
  rec::ReplaceRequested replace;
  replace.cl_ord_id = 0x13, replace.orig_cl_ord_id = 0x11, replace.side = 1, replace.ord_type = 2;
  replace.price = -150, replace.order_qty = 40;
  rec::StatusRequested status;
  status.cl_ord_id = 0x11, status.side = 1;
  EXPECT_TRUE(pair.firm->send_cancel(pair.now, cancel, 25));
  EXPECT_TRUE(pair.firm->send_replace(pair.now, replace));
  EXPECT_EQ(pair.firm_sink.sent.back().id, 0x13U);
  EXPECT_TRUE(pair.firm->send_status(pair.now, status));
  EXPECT_EQ(pair.firm_sink.sent.back().id, 0U) << "what becomes of it is not what becomes of 0x11";
  pair.deliver();
  ASSERT_EQ(pair.venue_sink.cancels.size(), 1U);
  EXPECT_EQ(pair.venue_sink.cancels[0].orig_cl_ord_id, 0x11U);
  EXPECT_EQ(pair.venue_sink.cancels[0].side, Side::SELL);
  ASSERT_EQ(pair.venue_sink.replaces.size(), 1U);
  EXPECT_EQ(pair.venue_sink.replaces[0].order.price, -150);
  EXPECT_EQ(pair.venue_sink.replaces[0].order.order_qty, 40);
  ASSERT_EQ(pair.venue_sink.statuses.size(), 1U);
  EXPECT_EQ(pair.venue_sink.statuses[0].cl_ord_id, 0x11U);
}

TEST_P(Session, mass_cancel_exists_from_fix_4_3) {
  log_on();
  rec::MassCancelRequested request;
  request.cl_ord_id = 5, request.instrument = 7;
  const std::uint64_t before = pair.firm->state().next_sender;
  const bool exists = std::string(GetParam()) == "FIX.4.4";
  EXPECT_EQ(pair.firm->send_mass_cancel(pair.now, request), exists);
  EXPECT_EQ(pair.firm->state().next_sender, before + (exists ? 1 : 0));
  pair.deliver();
  if (!exists) return;
  ASSERT_EQ(pair.venue_sink.mass_cancels.size(), 1U);
  EXPECT_EQ(pair.venue_sink.mass_cancels[0].instrument, InstrumentId{7});
  EXPECT_TRUE(
      pair.venue->send_mass_cancel_report(pair.now, {5, InstrumentId{7}, true, 3, 0, "M1", ""}));
  pair.deliver();
  ASSERT_EQ(pair.firm_sink.mass_reports.size(), 1U);
  EXPECT_EQ(pair.firm_sink.mass_reports[0].affected, 3U);
}

TEST_P(Session, the_status_of_all_orders_is_asked_for_and_told_report_by_report) {
  log_on();
  rec::StatusRequested request;
  request.cl_ord_id = 0x51, request.instrument = kNoId;
  const bool exists = std::string(GetParam()) == "FIX.4.4";
  EXPECT_EQ(pair.firm->send_status(pair.now, request), exists);
  pair.deliver();
  ASSERT_EQ(pair.venue_sink.mass_statuses.size(), exists ? 1U : 0U);
  if (!exists) return;
  EXPECT_EQ(pair.venue_sink.mass_statuses[0].request, 0x51U);
  for (const bool last : {false, true}) {
    auto answer = report(0x11, ExecType::ORDER_STATUS, OrdStatus::NEW);
    answer.mass_status = {0x51, 2, last};
    ASSERT_TRUE(pair.venue->send_execution(pair.now, answer));
  }
  pair.deliver();
  EXPECT_EQ(pair.firm_sink.executions.size(), 2U);
  ASSERT_EQ(pair.firm_sink.mass_answers.size(), 2U) << shown(pair.venue_sink.sent.back().text);
  EXPECT_EQ(pair.firm_sink.mass_answers[1].request, 0x51U);
  EXPECT_EQ(pair.firm_sink.mass_answers[1].reports, 2U);
  EXPECT_FALSE(pair.firm_sink.mass_answers[0].last);
  EXPECT_TRUE(pair.firm_sink.mass_answers[1].last);
}

TEST_P(Session, an_answer_of_no_orders_is_no_report_of_an_order) {
  log_on();
  if (std::string(GetParam()) == "FIX.4.2") return;
  auto answer = report(0, ExecType::ORDER_STATUS, OrdStatus::REJECTED);
  answer.mass_status = {0x51, 0, true};
  ASSERT_TRUE(pair.venue->send_execution(pair.now, answer));
  pair.deliver();
  EXPECT_EQ(pair.firm_sink.executions.size(), 0U);
  ASSERT_EQ(pair.firm_sink.mass_answers.size(), 1U);
  EXPECT_EQ(pair.firm_sink.mass_answers[0].reports, 0U);
  EXPECT_TRUE(pair.firm_sink.mass_answers[0].last);
}

TEST_P(Session, a_log_that_is_shorter_than_the_venues_memory_is_told_and_gone_on_behind) {
  FixRestored venue_has;
  venue_has.next_target = 117;
  FixRestored ours;
  ours.next_sender = 40;
  pair.build(ours, venue_has);
  pair.connect();
  ASSERT_EQ(pair.firm_sink.shorter.size(), 1U) << pair.venue_sink.said.back();
  EXPECT_EQ(pair.firm_sink.shorter[0], (std::pair<std::uint64_t, std::uint64_t>{40, 117}));
  EXPECT_EQ(pair.firm->state().next_sender, 117U);
  pair.drop();
  pair.connect();
  EXPECT_TRUE(pair.firm->logged_on());
  EXPECT_EQ(pair.firm_sink.shorter.size(), 1U);
}

TEST_P(Session, an_acceptor_cancels_on_disconnect_where_the_logon_asks_for_it) {
  for (auto* config : {&pair.firm_config, &pair.venue_config}) {
    config->dialect.cancel_on_disconnect_tag = 35'002;
    config->dialect.cancel_on_disconnect_value = "Y";
  }
  for (const bool asks : {false, true, false}) {
    pair.firm_config.cancel_on_disconnect = asks;
    pair.build(pair.firm ? pair.firm->snapshot() : FixRestored{},
               pair.venue ? pair.venue->snapshot() : FixRestored{});
    pair.connect();
    ASSERT_TRUE(pair.firm->logged_on());
    EXPECT_EQ(pair.venue->cancels_on_disconnect(), asks);
    pair.drop();
  }
}

TEST_P(Session, a_cancel_reject_says_what_it_answers) {
  log_on();
  ASSERT_TRUE(pair.venue->send_cancel_reject(
      pair.now, {0x12, 0x11, OrdStatus::FILLED, 2, 0, "V1", "too late"}));
  pair.deliver();
  ASSERT_EQ(pair.firm_sink.cancel_rejects.size(), 1U) << shown(pair.venue_sink.sent.back().text);
  EXPECT_EQ(pair.firm_sink.cancel_rejects[0].cl_ord_id, 0x12U);
  EXPECT_EQ(pair.firm_sink.cancel_rejects[0].response_to, 2);
  EXPECT_STREQ(pair.firm_sink.cancel_rejects[0].text.data(), "too late");
}

TEST_P(Session, nothing_is_taken_while_not_logged_on) {
  pair.build();
  EXPECT_FALSE(pair.firm->send_order(pair.now, buy(1)));
  EXPECT_EQ(pair.firm->state().next_sender, 1U);
  EXPECT_TRUE(pair.firm_sink.sent.empty());
}

TEST_P(Session, an_unknown_instrument_consumes_no_number) {
  log_on();
  rec::OrderSubmitted order = buy(1);
  order.instrument = 3;
  EXPECT_FALSE(pair.firm->send_order(pair.now, order));
  EXPECT_EQ(pair.firm->state().next_sender, 2U);
}

TEST_P(Session, heartbeats_flow_and_a_silent_peer_is_asked_then_left) {
  log_on();
  pair.advance(100 * kSecond);
  EXPECT_TRUE(pair.firm->logged_on());
  EXPECT_GT(pair.firm->state().next_sender, 3U);
  pair.lost = [](const std::string& text) {
    return text.find(
               "\x01"
               "49=VENUE\x01") != text.npos;
  };
  pair.advance(40 * kSecond);
  EXPECT_TRUE(pair.firm_sink.has_said("Sent test request"));
  pair.advance(60 * kSecond);
  EXPECT_FALSE(pair.firm->logged_on());
  EXPECT_GE(pair.firm_sink.disconnects, 1);
  EXPECT_TRUE(pair.firm_sink.has_said("1 Timed out waiting for heartbeat"));
}

TEST_P(Session, time_is_needed_only_at_its_deadline) {
  log_on();
  const Nanos deadline = pair.firm->next_deadline();
  EXPECT_GT(deadline, pair.now + 28 * kSecond);
  EXPECT_LE(deadline, pair.now + 30 * kSecond);
  const std::size_t before = pair.firm_sink.sent.size();
  pair.firm->time(deadline - 1);
  EXPECT_EQ(pair.firm_sink.sent.size(), before);
  pair.firm->time(deadline + kSecond);
  EXPECT_EQ(pair.firm_sink.sent.size(), before + 1);
}

TEST_P(Session, a_lost_order_is_gap_filled_never_sent_again) {
  log_on();
  pair.lost = [](const std::string& text) {
    return text.find(
               "\x01"
               "35=D\x01") != text.npos;
  };
  ASSERT_TRUE(pair.firm->send_order(pair.now, buy(1)));
  pair.deliver();
  pair.lost = [](const std::string&) { return false; };
  pair.advance(31 * kSecond);  // a heartbeat shows the gap
  EXPECT_TRUE(pair.venue_sink.orders.empty());
  int orders = 0;
  for (const auto& tx : pair.firm_sink.sent)
    orders += tx.text.find(
                  "\x01"
                  "35=D\x01") != tx.text.npos;
  EXPECT_EQ(orders, 1);
  EXPECT_EQ(pair.venue->state().next_target, pair.firm->state().next_sender);
  ASSERT_TRUE(pair.firm->send_order(pair.now, buy(2)));
  pair.deliver();
  EXPECT_EQ(pair.venue_sink.orders.size(), 1U);
}

TEST_P(Session, lost_reports_are_resent_in_order_and_keep_their_raw_sequence) {
  log_on();
  int number = 0;
  pair.lost = [&](const std::string& text) {
    return text.find("35=8") != text.npos && ++number <= 2;
  };
  for (ClOrdId id = 1; id <= 4; ++id) {
    ASSERT_TRUE(pair.venue->send_execution(pair.now, report(id, ExecType::NEW, OrdStatus::NEW)));
  }
  pair.deliver();
  ASSERT_EQ(pair.firm_sink.executions.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(pair.firm_sink.executions[i].cl_ord_id, i + 1);
  EXPECT_EQ(pair.firm_sink.executions[0].flags & 1, 1);
  EXPECT_EQ(pair.firm_sink.executions[2].flags & 1, 0)
      << "came before the gap was filled, and waited";
  EXPECT_LT(pair.firm_sink.executions[2].raw_sequence, pair.firm_sink.executions[0].raw_sequence);
  EXPECT_EQ(pair.firm->state().next_target, pair.venue->state().next_sender);
}

TEST_P(Session, a_long_resend_is_spread_over_turns) {
  pair.venue_config.resend_messages_per_turn_max = 10;
  log_on();
  pair.lost = [](const std::string&) { return true; };
  for (ClOrdId id = 1; id <= 35; ++id) {
    ASSERT_TRUE(pair.venue->send_execution(pair.now, report(id, ExecType::NEW, OrdStatus::NEW)));
  }
  pair.deliver();
  pair.lost = [](const std::string&) { return false; };
  ASSERT_TRUE(pair.venue->send_execution(pair.now, report(36, ExecType::NEW, OrdStatus::NEW)));
  const std::size_t before = pair.venue_sink.sent.size();
  pair.deliver();
  EXPECT_EQ(pair.venue_sink.sent.size(), before + 10);
  for (int turns = 1; turns <= 3; ++turns) {
    EXPECT_LE(pair.venue->next_deadline(), pair.now);
    pair.venue->time(pair.now);
    pair.deliver();
  }
  ASSERT_EQ(pair.firm_sink.executions.size(), 36U);
  for (std::size_t i = 0; i < 36; ++i) EXPECT_EQ(pair.firm_sink.executions[i].cl_ord_id, i + 1);
  EXPECT_EQ(pair.firm->state().next_target, pair.venue->state().next_sender);
  EXPECT_GT(pair.venue->next_deadline(), pair.now);
}

TEST_P(Session, reports_above_the_bound_are_gap_filled_with_a_warning) {
  pair.venue_config.stored_bytes_max = 2'000;
  log_on();
  pair.lost = [](const std::string&) { return true; };
  for (ClOrdId id = 1; id <= 20; ++id) {
    ASSERT_TRUE(pair.venue->send_execution(pair.now, report(id, ExecType::NEW, OrdStatus::NEW)));
  }
  pair.deliver();
  pair.lost = [](const std::string&) { return false; };
  ASSERT_TRUE(pair.venue->send_execution(pair.now, report(21, ExecType::NEW, OrdStatus::NEW)));
  pair.deliver();
  EXPECT_TRUE(pair.venue_sink.has_said("the rest is gap-filled"));
  EXPECT_LT(pair.firm_sink.executions.size(), 10U);
  EXPECT_EQ(pair.firm_sink.executions.back().cl_ord_id, 21U);
  EXPECT_EQ(pair.firm->state().next_target, pair.venue->state().next_sender);
}

TEST_P(Session, numbers_continue_after_a_restart_and_missed_reports_arrive) {
  log_on();
  ASSERT_TRUE(pair.venue->send_execution(pair.now, report(1, ExecType::NEW, OrdStatus::NEW)));
  pair.deliver();
  pair.drop();
  ASSERT_TRUE(pair.venue->send_execution(pair.now, report(2, ExecType::NEW, OrdStatus::NEW)));
  pair.venue_sink.wire.clear();
  const FixRestored firm = pair.firm->snapshot(), venue = pair.venue->snapshot();
  EXPECT_FALSE(firm.logged_on);
  pair.now += 3 * 86'400 * kSecond;  // over midnights: a session that never stops is not reset
  pair.build(firm, venue);
  EXPECT_EQ(pair.firm->state().next_sender, firm.next_sender);
  pair.connect();
  EXPECT_TRUE(pair.firm->logged_on());
  ASSERT_EQ(pair.firm_sink.executions.size(), 2U);
  EXPECT_EQ(pair.firm_sink.executions[1].cl_ord_id, 2U);
}

TEST_P(Session, is_settled_but_for_a_logon_a_logout_or_a_test_request_under_way) {
  pair.build();
  EXPECT_TRUE(pair.firm->settled());
  pair.venue->connected(pair.now), pair.firm->connected(pair.now);
  EXPECT_FALSE(pair.firm->settled()) << "a Logon is out";
  pair.deliver();
  EXPECT_TRUE(pair.firm->settled());
  const auto asked = [&] { return shown(pair.firm_sink.sent.back().text).find("|35=1|"); };
  for (int i = 0; i < 60 && asked() == std::string::npos; ++i) {
    pair.now += kSecond;
    pair.firm->time(pair.now);
  }
  EXPECT_FALSE(pair.firm->settled()) << "nothing has come for so long that it was asked";
  pair.deliver();
  EXPECT_TRUE(pair.firm->settled()) << "answered";
  pair.firm->logout(pair.now, "the end");
  EXPECT_FALSE(pair.firm->settled()) << "a Logout is out";
  pair.deliver();
  pair.drop();
  EXPECT_TRUE(pair.firm->settled());
}

TEST_P(Session, is_not_settled_while_what_came_behind_a_gap_waits) {
  log_on();
  int number = 0;
  bool asked = false;
  pair.lost = [&](const std::string& text) {
    if (text.find("\x01"
                  "35=2\x01") != text.npos) {
      asked = true;
      EXPECT_FALSE(pair.firm->settled());
    }
    return text.find("35=8") != text.npos && ++number == 1;
  };
  for (ClOrdId id = 1; id <= 2; ++id) {
    ASSERT_TRUE(pair.venue->send_execution(pair.now, report(id, ExecType::NEW, OrdStatus::NEW)));
  }
  pair.deliver();
  EXPECT_TRUE(asked) << "a ResendRequest of the firm";
  EXPECT_TRUE(pair.firm->settled());
}

TEST_P(Session, who_was_told_to_stay_out_stays_out_after_a_checkpoint) {
  log_on();
  pair.firm->logout(pair.now, "the end");
  pair.deliver();
  pair.drop();
  const FixRestored firm = pair.firm->snapshot(), venue = pair.venue->snapshot();
  EXPECT_FALSE(firm.enabled);
  pair.build(firm, venue);
  pair.connect();
  pair.advance(3 * kSecond);
  EXPECT_FALSE(pair.firm->logged_on());
  pair.firm->logon(pair.now);
  pair.deliver();
  EXPECT_TRUE(pair.firm->logged_on());
}

TEST_P(Session, a_checkpoint_inside_a_connection_continues_word_for_word) {
  log_on();
  pair.advance(45 * kSecond, kSecond / 2);
  const FixRestored firm = pair.firm->snapshot(), venue = pair.venue->snapshot();
  ASSERT_TRUE(firm.logged_on && venue.logged_on);
  Pair other{GetParam()};
  other.now = pair.now;
  other.build(firm, venue);
  EXPECT_TRUE(other.firm->logged_on());
  EXPECT_TRUE(other.venue->logged_on());
  EXPECT_TRUE(other.firm_sink.sent.empty());
  EXPECT_TRUE(other.firm_sink.states.empty());
  const std::size_t before = pair.firm_sink.sent.size(), venue_before = pair.venue_sink.sent.size();
  for (Pair* each : {&pair, &other}) {
    ASSERT_TRUE(each->firm->send_order(each->now, buy(4)));
    each->deliver();
    each->advance(100 * kSecond);
  }
  ASSERT_EQ(pair.firm_sink.sent.size() - before, other.firm_sink.sent.size());
  for (std::size_t i = 0; i < other.firm_sink.sent.size(); ++i) {
    EXPECT_EQ(shown(pair.firm_sink.sent[before + i].text), shown(other.firm_sink.sent[i].text));
  }
  ASSERT_EQ(pair.venue_sink.sent.size() - venue_before, other.venue_sink.sent.size());
}

TEST_P(Session, logout_is_answered_and_keeps_out_until_logon) {
  log_on();
  pair.firm->logout(pair.now, "end of day");
  EXPECT_FALSE(pair.firm->send_order(pair.now, buy(1)));
  pair.deliver();
  EXPECT_FALSE(pair.firm->logged_on());
  EXPECT_EQ(pair.firm_sink.logouts, 1);
  EXPECT_EQ(pair.venue_sink.logouts, 1);
  pair.drop();
  pair.connect();
  EXPECT_FALSE(pair.firm->logged_on());
  pair.firm->logon(pair.now);
  pair.deliver();
  EXPECT_TRUE(pair.firm->logged_on());
}

TEST_P(Session, a_logon_without_answer_times_out) {
  pair.build();
  pair.lost = [](const std::string&) { return true; };
  pair.connect();
  pair.advance(11 * kSecond);
  EXPECT_EQ(pair.firm_sink.disconnects, 1);
  EXPECT_FALSE(pair.firm->connected());
}

TEST_P(Session, a_report_that_cannot_be_read_is_salvaged) {
  log_on();
  pair.symbols.add({InstrumentId{9}, "ODD", {1, -4}, {1, 0}, {1, -4}});
  Pair coarse{GetParam()};  // knows ODD in steps of 1 only
  coarse.symbols.add({InstrumentId{9}, "ODD", {1, 0}, {1, 0}, {1, -4}});
  coarse.build();
  coarse.connect();
  FixExecution trade = report(3, ExecType::TRADE, OrdStatus::FILLED);
  trade.instrument = InstrumentId{9}, trade.last_px = 12'345, trade.last_qty = 4;
  ASSERT_TRUE(pair.venue->send_execution(pair.now, trade));
  coarse.firm->received(coarse.now, 77, pair.venue_sink.wire.back());
  EXPECT_TRUE(coarse.firm_sink.executions.empty());
  ASSERT_EQ(coarse.firm_sink.unreadable.size(), 1U);
  EXPECT_EQ(coarse.firm_sink.unreadable[0].last_qty, 4);
  EXPECT_EQ(coarse.firm_sink.unreadable[0].raw_sequence, 77U);
  EXPECT_TRUE(coarse.firm_sink.has_said("2 execution report not whole: 31=1.2345"));
}

TEST_P(Session, rejects_name_the_order_they_refuse) {
  log_on();
  ASSERT_TRUE(pair.firm->send_order(pair.now, buy(0xABC)));
  pair.deliver();
  const std::uint64_t number = pair.firm_sink.sent.back().number;
  ASSERT_TRUE(pair.venue->send_business_reject(pair.now, number, "D", 0, 4, "not now"));
  pair.deliver();
  ASSERT_EQ(pair.firm_sink.rejects.size(), 1U);
  EXPECT_EQ(pair.firm_sink.rejects[0].cl_ord_id, 0xABCU);
  EXPECT_EQ(pair.firm_sink.rejects[0].reason, 4U);
}

TEST_P(Session, the_venue_refuses_by_itself_what_it_cannot_read) {
  log_on();
  Pair other{GetParam()};
  other.symbols.add({InstrumentId{1}, "FINE", {1, -4}, {1, 0}, {1, -4}});
  pair.symbols.add({InstrumentId{1}, "FINE", {5, -1}, {1, 0}, {1, -4}});
  other.build();
  other.connect();
  rec::OrderSubmitted order = buy(0x77, 1'0001);
  order.instrument = 1;
  ASSERT_TRUE(other.firm->send_order(other.now, order));
  pair.venue->received(pair.now, 1, other.firm_sink.wire.back());
  EXPECT_TRUE(pair.venue_sink.orders.empty());
  pair.deliver();
  ASSERT_EQ(pair.firm_sink.executions.size() + pair.firm_sink.unreadable.size(), 1U);
  EXPECT_TRUE(pair.venue_sink.has_said("not a multiple"));
}

TEST(SessionConfig, names_key_and_reason) {
  Pair pair;
  const auto error = [&](auto change) -> std::string {
    FixSessionConfig config = config_of(true, "FIX.4.4");
    change(config);
    try {
      FixSession(config, pair.symbols, pair.firm_sink, kStart);
    } catch (const std::invalid_argument& problem) {
      return problem.what();
    }
    return "";
  };
  EXPECT_NE(error([](auto& c) { c.begin_string = "FIX.5.0"; }).find("begin_string"),
            std::string::npos);
  EXPECT_NE(error([](auto& c) { c.sender_comp_id = ""; }).find("sender_comp_id"),
            std::string::npos);
  EXPECT_NE(error([](auto& c) { c.heart_bt_int_seconds = 0; }).find("heart_bt_int"),
            std::string::npos);
  EXPECT_NE(
      error([](auto& c) { c.non_stop = false, c.start_time = "25:00:00"; }).find("start_time"),
      std::string::npos);
}

TEST(SessionHours, numbers_begin_again_in_a_new_period_and_only_then) {
  Pair pair;
  for (FixSessionConfig* config : {&pair.firm_config, &pair.venue_config}) {
    config->non_stop = false, config->start_time = "01:00:00", config->end_time = "23:00:00";
  }
  pair.build();
  pair.connect();
  ASSERT_TRUE(pair.firm->logged_on());
  pair.advance(3600 * kSecond, 10 * kSecond);  // 22:13 to 23:13
  EXPECT_FALSE(pair.firm->connected());
  pair.drop();
  pair.advance(2 * 3600 * kSecond, 60 * kSecond);
  EXPECT_EQ(pair.firm->state().next_sender, 1U);
  pair.connect();
  EXPECT_TRUE(pair.firm->logged_on());
  EXPECT_EQ(pair.firm->state().next_sender, 2U);
}

}  // namespace
}  // namespace pitwire::testing
