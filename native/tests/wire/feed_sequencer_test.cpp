// Decisions of the sequencer, one promise a test: no socket, no clock.
#include "pitwire/wire/feed_sequencer.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "recording_sink.hpp"

namespace pitwire {
namespace {

class Sequencer : public testing::Test {
 protected:
  void make(bool retransmission, bool snapshot) {
    sequencer = std::make_unique<FeedSequencer>(FeedId{1}, config, retransmission, snapshot, 2048);
  }
  void packet(std::uint64_t sequence, std::uint16_t count, std::uint32_t line = kLineA,
              const char* session = "S1") {
    sequencer->packet(now, line, now, mold_packet(session, sequence, count), sink);
  }
  void heartbeat(std::uint64_t sequence) { packet(sequence, 0); }
  void at(Nanos time) {
    now = time;
    sequencer->time(now, sink);
  }

  FeedSequencerConfig config;
  std::unique_ptr<FeedSequencer> sequencer;
  RecordingSink sink;
  Nanos now = kSecond;
};

TEST_F(Sequencer, packets_in_order_pass_byte_for_byte) {
  make(false, false);
  packet(1, 3);
  packet(4, 2);
  EXPECT_EQ(sink.messages, numbers(1, 5));
  EXPECT_EQ(sink.packets[0], mold_packet("S1", 1, 3));
  EXPECT_EQ(sequencer->next_sequence(), 6U);
}

TEST_F(Sequencer, the_first_copy_wins_and_the_other_line_is_dropped) {
  make(false, false);
  packet(1, 2, kLineB);
  packet(1, 2, kLineA);
  packet(3, 1, kLineA);
  packet(3, 1, kLineB);
  EXPECT_EQ(sink.messages, numbers(1, 3));
  EXPECT_EQ(sink.lines, (std::vector<std::uint32_t>{kLineB, kLineA}));
  EXPECT_EQ(sequencer->stats().duplicate_datagrams, 2U);
}

TEST_F(Sequencer, a_packet_that_overlaps_is_handed_over_without_what_was_seen) {
  make(false, false);
  packet(1, 3);
  packet(2, 4);
  EXPECT_EQ(sink.messages, numbers(1, 5));
  EXPECT_EQ(sink.packets[1], mold_packet("S1", 4, 2));
  EXPECT_EQ(sequencer->stats().trimmed_datagrams, 1U);
}

TEST_F(Sequencer, reordering_within_the_grace_period_is_no_gap) {
  make(true, false);
  packet(1, 1);
  packet(4, 1);
  packet(3, 1);
  at(now + config.grace_ns - 1);
  packet(2, 1, kLineB);
  EXPECT_EQ(sink.messages, numbers(1, 4));
  EXPECT_EQ(sink.events_but({FeedEvent::CONNECTED}), std::vector<Status>{});
  at(now + kSecond);
  EXPECT_EQ(sequencer->take_request().kind, FeedRequest::Kind::NONE);
}

TEST_F(Sequencer, a_gap_is_said_requested_and_filled) {
  make(true, false);
  packet(1, 1);
  packet(5, 2);
  at(now + config.grace_ns);
  const FeedRequest request = sequencer->take_request();
  EXPECT_EQ(request.kind, FeedRequest::Kind::RETRANSMIT);
  EXPECT_EQ(request.sequence, 2U);
  EXPECT_EQ(request.count, 3U);
  packet(2, 2, kLineRetransmission);
  EXPECT_EQ(sink.messages, numbers(1, 3));  // what can go goes at once
  packet(4, 1, kLineRetransmission);
  EXPECT_EQ(sink.messages, numbers(1, 6));
  EXPECT_EQ(sink.events_but({FeedEvent::CONNECTED}),
            (std::vector<Status>{{FeedEvent::GAP, kLineA, 2, 5},
                                 {FeedEvent::GAP_FILLED, kLineRetransmission, 2, 7}}));
}

TEST_F(Sequencer, a_heartbeat_reveals_that_the_last_packet_was_lost) {
  make(true, false);
  packet(1, 1);
  heartbeat(3);
  at(now + config.grace_ns);
  EXPECT_EQ(sequencer->take_request().count, 1U);
  packet(2, 1, kLineRetransmission);
  EXPECT_EQ(sink.messages, numbers(1, 2));
  EXPECT_EQ(sequencer->state(), FeedSequencer::State::LIVE);
}

TEST_F(Sequencer, a_long_gap_is_asked_for_in_pieces) {
  config.request_messages_max = 10;
  make(true, false);
  packet(26, 1);
  at(now + config.grace_ns);
  for (const std::uint64_t first : {1U, 11U, 21U}) {
    const FeedRequest request = sequencer->take_request();
    ASSERT_EQ(request.sequence, first);
    packet(first, request.count, kLineRetransmission);
  }
  EXPECT_EQ(sink.messages, numbers(1, 26));
}

TEST_F(Sequencer, what_an_answer_had_no_room_for_is_asked_for_at_once) {
  make(true, false);
  packet(26, 1);
  at(now + config.grace_ns);
  EXPECT_EQ(sequencer->take_request().count, 25U);
  packet(1, 10, kLineRetransmission);
  const FeedRequest rest = sequencer->take_request();
  EXPECT_EQ(rest.kind, FeedRequest::Kind::RETRANSMIT);
  EXPECT_EQ(rest.sequence, 11U);
  EXPECT_EQ(rest.count, 15U);
  packet(1, 10, kLineRetransmission);  // a second copy brings nothing and asks for nothing
  EXPECT_EQ(sequencer->take_request().kind, FeedRequest::Kind::NONE);
}

TEST_F(Sequencer, unanswered_requests_are_repeated_then_the_gap_is_lost) {
  config.attempts_max = 3;
  make(true, false);
  packet(1, 1);
  packet(3, 1);
  at(now + config.grace_ns);
  for (int attempt = 0; attempt < 3; ++attempt) {
    ASSERT_EQ(sequencer->take_request().kind, FeedRequest::Kind::RETRANSMIT) << attempt;
    at(now + config.request_timeout_ns);
  }
  EXPECT_EQ(sequencer->take_request().kind, FeedRequest::Kind::NONE);
  EXPECT_EQ(sink.messages, (std::vector<std::uint64_t>{1, 3}));
  EXPECT_EQ(sink.statuses.back(), (Status{FeedEvent::GAP_LOST, 0, 2, 3}));
  EXPECT_EQ(sequencer->stats().requests, 3U);
}

TEST_F(Sequencer, an_answer_in_part_begins_the_attempts_anew) {
  config.attempts_max = 2;
  make(true, false);
  packet(8, 1);
  at(now + config.grace_ns);
  at(now + config.request_timeout_ns);
  packet(1, 1, kLineRetransmission);  // of seven
  at(now + config.request_timeout_ns);
  EXPECT_EQ(sequencer->state(), FeedSequencer::State::GAP);
  EXPECT_EQ(sequencer->take_request().sequence, 2U);
}

TEST_F(Sequencer, without_request_server_the_gap_is_lost_at_the_end_of_grace) {
  make(false, false);
  packet(1, 1);
  packet(3, 1);
  at(now + config.grace_ns);
  EXPECT_EQ(sink.messages, (std::vector<std::uint64_t>{1, 3}));
  EXPECT_EQ(sequencer->stats().gaps_lost, 1U);
}

TEST_F(Sequencer, a_lost_gap_is_healed_by_a_snapshot_and_what_was_held_follows) {
  config.attempts_max = 1;
  make(true, true);
  packet(1, 1);
  packet(5, 1);
  at(now + config.grace_ns);
  (void)sequencer->take_request();
  at(now + config.request_timeout_ns);
  ASSERT_EQ(sequencer->take_request().kind, FeedRequest::Kind::SNAPSHOT);
  packet(6, 1);
  sequencer->snapshot_begin(sink);
  sequencer->snapshot_message(now, message(900), sink);
  packet(7, 1);
  EXPECT_EQ(sink.messages, numbers(1, 1));
  sequencer->snapshot_end(now, "S1", 6, sink);
  EXPECT_EQ(sink.snapshot_messages, (std::vector<std::uint64_t>{900}));
  EXPECT_EQ(sink.messages, (std::vector<std::uint64_t>{1, 6, 7}));
  EXPECT_EQ(sink.events_but({FeedEvent::CONNECTED}),
            (std::vector<Status>{{FeedEvent::GAP, kLineA, 2, 5},
                                 {FeedEvent::SNAPSHOT_BEGIN, kLineSnapshot, 2, 0},
                                 {FeedEvent::SNAPSHOT_END, kLineSnapshot, 1, 6}}));
}

TEST_F(Sequencer, a_snapshot_that_keeps_failing_ends_in_a_lost_gap) {
  config.attempts_max = 2;
  make(false, true);
  packet(1, 1);
  packet(3, 1);
  at(now + config.grace_ns);
  for (int attempt = 0; attempt < 2; ++attempt) {
    ASSERT_EQ(sequencer->take_request().kind, FeedRequest::Kind::SNAPSHOT) << attempt;
    sequencer->snapshot_failed(now, sink);
    at(now + config.snapshot_retry_ns);
  }
  EXPECT_EQ(sink.statuses.back(), (Status{FeedEvent::GAP_LOST, 0, 2, 3}));
  EXPECT_EQ(sink.messages, (std::vector<std::uint64_t>{1, 3}));
}

TEST_F(Sequencer, a_snapshot_older_than_what_was_seen_leaves_a_gap_to_request) {
  config.snapshot_first = true;
  make(true, true);
  ASSERT_EQ(sequencer->take_request().kind, FeedRequest::Kind::SNAPSHOT);
  packet(8, 1);
  sequencer->snapshot_begin(sink);
  sequencer->snapshot_end(now, "S1", 6, sink);
  at(now + config.grace_ns);
  EXPECT_EQ(sequencer->take_request().sequence, 6U);
  packet(6, 2, kLineRetransmission);
  EXPECT_EQ(sink.messages, numbers(6, 8));
}

TEST_F(Sequencer, a_gap_too_long_to_request_goes_to_the_snapshot_at_once) {
  config.gap_messages_max = 100;
  make(true, true);
  packet(102, 1);
  at(now + config.grace_ns);
  EXPECT_EQ(sequencer->take_request().kind, FeedRequest::Kind::SNAPSHOT);
}

TEST_F(Sequencer, holding_is_bounded_and_what_was_dropped_is_asked_for_again) {
  config.held_max = 4;
  make(true, false);
  for (std::uint64_t sequence = 2; sequence <= 11; ++sequence) packet(sequence, 1);
  EXPECT_EQ(sequencer->stats().held_peak, 4U);
  EXPECT_EQ(sequencer->stats().held_dropped, 6U);
  at(now + config.grace_ns);
  EXPECT_EQ(sequencer->take_request().count, 1U);
  packet(1, 1, kLineRetransmission);
  const FeedRequest rest = sequencer->take_request();
  EXPECT_EQ(rest.sequence, 6U);
  EXPECT_EQ(rest.count, 6U);
  packet(6, 6, kLineRetransmission);
  EXPECT_EQ(sink.messages, numbers(1, 11));
}

TEST_F(Sequencer, the_end_of_the_session_is_said_once_when_all_is_there) {
  make(true, false);
  packet(1, 1);
  packet(3, mold::kEndOfSession);
  packet(3, mold::kEndOfSession);
  EXPECT_EQ(sink.count_of(FeedEvent::SESSION_ENDED), 0);
  at(now + config.grace_ns);
  packet(2, 1, kLineRetransmission);
  packet(3, mold::kEndOfSession);
  EXPECT_EQ(sink.statuses.back(), (Status{FeedEvent::SESSION_ENDED, kLineA, 3, 3}));
  EXPECT_EQ(sink.count_of(FeedEvent::SESSION_ENDED), 1);
}

TEST_F(Sequencer, a_new_session_begins_at_its_first_sequence_and_the_old_one_never_returns) {
  make(false, false);
  packet(1, 5, kLineA, "S1");
  packet(1, 1, kLineA, "S2");
  packet(6, 1, kLineB, "S1");
  packet(2, 1, kLineB, "S2");
  EXPECT_EQ(sink.messages, (std::vector<std::uint64_t>{1, 2, 3, 4, 5, 1, 2}));
  EXPECT_EQ(sink.count_of(FeedEvent::SESSION_CHANGED), 1);
  EXPECT_EQ(sequencer->stats().foreign_session, 1U);
}

TEST_F(Sequencer, a_configured_session_is_the_only_one) {
  config.session = "S2";
  make(false, false);
  packet(1, 1, kLineA, "S1");
  packet(1, 1, kLineA, "S2");
  packet(2, 1, kLineA, "S3");
  EXPECT_EQ(sink.messages, numbers(1, 1));
  EXPECT_EQ(sequencer->stats().foreign_session, 2U);
}

TEST_F(Sequencer, with_first_sequence_0_it_begins_where_the_feed_is) {
  config.first_sequence = 0;
  make(false, false);
  packet(500, 2);
  EXPECT_EQ(sink.messages, numbers(500, 501));
}

TEST_F(Sequencer, it_resumes_where_the_log_ended) {
  make(true, false);
  sequencer->resume("S1", 40);
  packet(39, 3);
  EXPECT_EQ(sink.messages, numbers(40, 41));
}

TEST_F(Sequencer, a_silent_line_is_said_and_so_is_its_return) {
  make(false, false);
  packet(1, 1, kLineA);
  at(now + config.silence_ns);
  packet(2, 1, kLineA);
  ASSERT_EQ(sink.statuses.size(), 3U);
  EXPECT_EQ(sink.statuses[0], (Status{FeedEvent::CONNECTED, kLineA, 1, 1}));
  EXPECT_EQ(sink.statuses[1].event, FeedEvent::DISCONNECTED);
  EXPECT_EQ(sink.statuses[2], (Status{FeedEvent::CONNECTED, kLineA, 2, 2}));
}

TEST_F(Sequencer, malformed_datagrams_are_counted_said_once_a_second_and_harm_nothing) {
  make(false, false);
  const auto whole = mold_packet("S1", 1, 3);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    sequencer->packet(now, kLineB, now, std::span(whole).first(size), sink);
  }
  EXPECT_EQ(sequencer->stats().malformed[kLineB], whole.size());
  EXPECT_EQ(sink.count_of(FeedEvent::MALFORMED), 1);
  now += kSecond;
  packet(0, 1, kLineB);
  EXPECT_EQ(sink.count_of(FeedEvent::MALFORMED), 2);
  EXPECT_TRUE(sink.messages.empty());
  packet(1, 3);
  EXPECT_EQ(sink.messages, numbers(1, 3));
}

/// A venue whose two lines lose, double and reorder, and whose request server answers sometimes.
void run_lossy_feed(unsigned seed) {
  std::mt19937 random(seed);
  const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
  FeedSequencerConfig config;
  config.held_max = 8 + random() % 64;
  config.attempts_max = 1000;  // nothing is ever lost for good
  config.request_messages_max = static_cast<std::uint16_t>(1 + random() % 50);
  FeedSequencer sequencer(FeedId{1}, config, true, false, 2048);
  RecordingSink sink;
  std::deque<std::pair<std::uint32_t, std::vector<std::byte>>> on_the_way;
  Nanos now = kSecond;
  const auto deliver_one = [&] {
    const auto index = random() % std::min<std::size_t>(on_the_way.size(), 4);
    const auto [line, bytes] = on_the_way[index];
    on_the_way.erase(on_the_way.begin() + static_cast<std::ptrdiff_t>(index));
    sequencer.packet(now, line, now, bytes, sink);
  };
  constexpr std::uint64_t last = 3000;
  std::uint64_t sent = 1;
  while (sequencer.next_sequence() <= last) {
    ASSERT_LT(now, 3600 * kSecond) << "stuck at " << sequencer.next_sequence();
    now += 200'000;
    const auto count =
        static_cast<std::uint16_t>(std::min<std::uint64_t>(random() % 5, last + 1 - sent));
    for (const std::uint32_t line : {kLineA, kLineB}) {
      if (!chance(20)) on_the_way.emplace_back(line, mold_packet("S1", sent, count));
    }
    sent += count;
    while (on_the_way.size() > 6 || (!on_the_way.empty() && chance(50))) deliver_one();
    sequencer.time(now, sink);
    const FeedRequest request = sequencer.take_request();
    if (request.kind != FeedRequest::Kind::RETRANSMIT || chance(30)) continue;
    ASSERT_GE(request.count, 1);
    ASSERT_LE(request.sequence + request.count, sent);
    const auto answered = static_cast<std::uint16_t>(1 + random() % request.count);
    on_the_way.emplace_back(kLineRetransmission, mold_packet("S1", request.sequence, answered));
  }
  EXPECT_EQ(sink.messages, numbers(1, last));
}

TEST(SequencerRandom, whatever_lines_do_every_message_comes_once_and_in_order) {
  const char* given = std::getenv("PITWIRE_TEST_SEED");
  const unsigned first =
      given != nullptr ? static_cast<unsigned>(std::stoul(given)) : std::random_device{}();
  for (unsigned seed = first; seed < first + 10; ++seed) {
    SCOPED_TRACE("again: PITWIRE_TEST_SEED=" + std::to_string(seed) +
                 " pitwire_wire_tests --gtest_filter=SequencerRandom.*");
    run_lossy_feed(seed);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace pitwire
