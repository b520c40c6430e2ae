// A broker's dialect: what is written, what is read, and that it passes beside QuickFIX as it
// passes through it.
#include <gtest/gtest.h>

#include <stdexcept>

#include "../random.hpp"
#include "damage.hpp"
#include "pair.hpp"

namespace pitwire::testing {
namespace {

/// Like a bulge-bracket broker on FIX 4.2: prices in cents, decimal ClOrdIDs, fields of its own.
FixDialect broker_dialect() {
  FixDialect dialect;
  dialect.ids = ClOrdIdText("PW", 10);
  dialect.fields = {{9004, "DeskCode", "STRING", {"EQ1", "EQ2"}, {}, {"D", "G"}},
                    {9010, "OwnStrategy", "STRING", {}, {"D", "F", "G"}, {}},
                    {9020, "BrokerFee", "AMT", {}, {"8"}, {}},
                    {9021, "BrokerRef", "STRING", {}, {}, {"8"}},
                    {9022, "AddRemove", "CHAR", {}, {"8"}, {}}};
  dialect.puts = {{21, "2", FixSource::VALUE, {"D", "G"}},
                  {207, "N", FixSource::VALUE, {"D", "F", "G"}},
                  {9004, "EQ1", FixSource::VALUE, {"D", "G"}},
                  {9010, "", FixSource::STRATEGY, {"D", "F", "G"}}};
  dialect.strategies = {"maker", "momentum"};
  dialect.fee_tag = 9020;
  dialect.order_id_tag = 9021;
  dialect.liquidity_tag = 9022;
  dialect.added = {"A"};
  dialect.removed = {"R", "O"};
  dialect.exec_types = {{"F", ExecType::TRADE}};
  return dialect;
}

/// Like an exchange on FIX 4.4: instruments by SecurityID, parties in every message.
FixDialect exchange_dialect() {
  FixDialect dialect;
  dialect.ids = ClOrdIdText("", 36);
  dialect.parties = {{"FIRM7", "D", "1"}, {"TRADER1", "D", "12"}};
  dialect.by_security_id = true;
  dialect.security_id_source = "8";
  dialect.symbol_text = "[N/A]";
  dialect.fields = {{336, "", "", {}, {}, {"D", "8"}}};
  dialect.puts = {{336, "CONT", FixSource::VALUE, {"D", "8"}}, {528, "P", FixSource::VALUE, {"D"}}};
  return dialect;
}

struct Spoken : Pair {
  explicit Spoken(const std::string& version, int heart_bt_int = 3'600) : Pair(version) {
    const bool fix42 = version == "FIX.4.2";
    firm_config.dialect = venue_config.dialect = fix42 ? broker_dialect() : exchange_dialect();
    firm_config.account = venue_config.account = "A-17";
    firm_config.heart_bt_int_seconds = heart_bt_int;
    FixInstrument instrument{
        InstrumentId{3}, "ZZZ", {1, static_cast<std::int8_t>(fix42 ? 0 : -2)}, {1, 0}, {1, -2}};
    instrument.security_id = "US0378331005";
    symbols.add(instrument);
    build();
    connect();
  }
  [[nodiscard]] std::string sent_by_firm() const { return shown(firm_sink.sent.back().text); }
  [[nodiscard]] std::string sent_by_venue() const { return shown(venue_sink.sent.back().text); }
};

rec::OrderSubmitted order_of(ClOrdId id) {
  auto order = buy(id, 10'150, 25);
  order.instrument = 3;
  order.strategy = 1;
  return order;
}

FixExecution execution_of(ClOrdId id, ExecType type, OrdStatus status) {
  auto out = report(id, type, status);
  out.instrument = InstrumentId{3};
  return out;
}

std::string behind_time(const std::string& text) {  // from Symbol's neighbour on, without the sum
  return text.substr(0, text.rfind("|10="));
}

TEST(Dialect, ABrokersOrderHasItsFieldsInCentsAndItsIds) {
  Spoken pair("FIX.4.2");
  ASSERT_TRUE(pair.firm->send_order(pair.now, order_of(258)));
  const auto text = pair.sent_by_firm();
  for (const char* const part :
       {"|1=A-17|", "|11=PW00000000000000000258|", "|21=2|", "|38=25|", "|44=10150|", "|55=ZZZ|",
        "|207=N|", "|9004=EQ1|", "|9010=momentum|"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
  }
  pair.deliver();
  ASSERT_EQ(pair.venue_sink.orders.size(), 1U);
  EXPECT_EQ(pair.venue_sink.orders[0].cl_ord_id, 258U);
  EXPECT_EQ(pair.venue_sink.orders[0].price, 10'150);
  EXPECT_GT(pair.firm->traffic().out_beside, 0U);
  EXPECT_GT(pair.venue->traffic().in_beside, 0U);
}

TEST(Dialect, ABrokersReportIsReadFromItsFields) {
  Spoken pair("FIX.4.2");
  auto fill = execution_of(258, ExecType::TRADE, OrdStatus::FILLED);
  fill.last_px = 10'150;
  fill.last_qty = 25;
  fill.fee = 312;
  fill.aggressor = true;
  ASSERT_TRUE(pair.venue->send_execution(pair.now, fill));
  const auto text = pair.sent_by_venue();
  for (const char* const part : {"|150=F|", "|9020=3.12|", "|9021=V1|", "|9022=R|"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
  }
  EXPECT_EQ(text.find("|12="), std::string::npos);
  pair.deliver();
  ASSERT_EQ(pair.firm_sink.executions.size(), 1U);
  const auto& read = pair.firm_sink.executions[0];
  EXPECT_EQ(read.fee, 312);
  EXPECT_EQ(std::string(read.order_id.data()), "V1");
  EXPECT_NE(read.flags & 8, 0);
  EXPECT_EQ(read.exec_type, static_cast<std::uint8_t>(ExecType::TRADE));
  EXPECT_EQ(pair.firm->traffic().in_beside, 1U);
}

TEST(Dialect, AnExchangesInstrumentsHaveASecurityIdAndItsOrdersParties) {
  Spoken pair("FIX.4.4");
  ASSERT_TRUE(pair.firm->send_order(pair.now, order_of(258)));
  const auto text = pair.sent_by_firm();
  for (const char* const part :
       {"|11=0000000000076|", "|22=8|", "|48=US0378331005|", "|55=[N/A]|", "|336=CONT|",
        "|453=2|448=FIRM7|447=D|452=1|448=TRADER1|447=D|452=12|", "|528=P|"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
  }
  pair.deliver();
  ASSERT_EQ(pair.venue_sink.orders.size(), 1U);
  EXPECT_EQ(index(pair.venue_sink.orders[0].instrument), 3U);
  ASSERT_TRUE(
      pair.venue->send_execution(pair.now, execution_of(258, ExecType::NEW, OrdStatus::NEW)));
  pair.deliver();
  ASSERT_EQ(pair.firm_sink.executions.size(), 1U);
  EXPECT_EQ(pair.firm_sink.executions[0].instrument, 3U);
  EXPECT_EQ(pair.firm_sink.executions[0].cl_ord_id, 258U);
  EXPECT_EQ(pair.firm->traffic().in_beside, 1U);
}

TEST(Dialect, AReportWithoutARequiredFieldIsRejectedByNameAndNotLost) {
  Spoken pair("FIX.4.2");
  ASSERT_TRUE(
      pair.venue->send_execution(pair.now, execution_of(258, ExecType::NEW, OrdStatus::NEW)));
  std::string fields = inside(pair.venue_sink.sent.back().text);
  pair.venue_sink.wire.clear();
  const auto at = fields.find("9021=");
  fields.erase(at, fields.find('\x01', at) + 1 - at);
  const auto whole = framed("FIX.4.2", fields);
  pair.firm->received(pair.now, 1, whole);
  EXPECT_TRUE(pair.firm_sink.executions.empty());
  ASSERT_EQ(pair.firm_sink.unreadable.size(), 1U);
  EXPECT_EQ(pair.firm_sink.unreadable[0].cl_ord_id, 258U);
  EXPECT_NE(pair.sent_by_firm().find("|371=9021|"), std::string::npos) << pair.sent_by_firm();
  EXPECT_TRUE(pair.firm_sink.has_said("tag 9021"));
}

TEST(Dialect, MoreDecimalsThanItWritesAreNotSent) {
  Spoken pair("FIX.4.2");
  FixInstrument fine{InstrumentId{4}, "FINE", {1, -2}, {1, 0}, {1, -2}};
  fine.price_decimals = 1;
  pair.symbols.add(fine);
  auto order = order_of(9);
  order.instrument = 4;
  order.price = 1'015;
  const auto before = pair.firm->state().next_sender;
  EXPECT_FALSE(pair.firm->send_order(pair.now, order));
  EXPECT_EQ(pair.firm->state().next_sender, before);
  EXPECT_TRUE(pair.firm_sink.has_said("more decimals than the dialect writes"));
  order.price = 1'010;
  EXPECT_TRUE(pair.firm->send_order(pair.now, order));
  EXPECT_NE(pair.sent_by_firm().find("|44=10.1|"), std::string::npos) << pair.sent_by_firm();
}

class SpokenBeside : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Versions, SpokenBeside, ::testing::Values("FIX.4.2", "FIX.4.4"),
                         [](const auto& version) {
                           return version.param == "FIX.4.2" ? "FIX42" : "FIX44";
                         });

/// With a heartbeat interval of a second, and a second between messages, each goes through
/// QuickFIX.
TEST_P(SpokenBeside, WhatWeWriteIsWhatQuickFixWouldWrite) {
  Random random(seed_of_run());
  Spoken beside(GetParam()), through(GetParam(), 1);
  const ExecType types[]{ExecType::NEW, ExecType::TRADE, ExecType::CANCELED, ExecType::REJECTED};
  for (int i = 0; i < 300; ++i) {
    auto order = order_of(1 + random() % 1'000'000);
    order.strategy = static_cast<std::uint32_t>(random() % 3);
    order.tag = random() % 1'000;
    order.price = static_cast<std::int64_t>(random() % 100'000);
    auto out = execution_of(order.cl_ord_id, types[random() % std::size(types)], OrdStatus::NEW);
    out.fee = random() % 2 == 0 ? kNoFee : static_cast<std::int64_t>(random() % 999);
    out.aggressor = random() % 2 == 0;
    for (Spoken* const pair : {&beside, &through}) {
      pair->now += kSecond;
      ASSERT_TRUE(pair->firm->send_order(pair->now, order));
      ASSERT_TRUE(pair->venue->send_execution(pair->now, out));
    }
    ASSERT_EQ(behind_time(beside.sent_by_firm()), behind_time(through.sent_by_firm()));
    ASSERT_EQ(behind_time(beside.sent_by_venue()), behind_time(through.sent_by_venue()));
    for (Spoken* const pair : {&beside, &through}) pair->deliver();
    ASSERT_EQ(beside.firm_sink.executions.size(), through.firm_sink.executions.size());
    ASSERT_EQ(beside.venue_sink.orders.size(), through.venue_sink.orders.size());
  }
  EXPECT_EQ(beside.firm_sink.executions.size(), 300U);
  EXPECT_EQ(beside.venue_sink.orders.size(), 300U);
  EXPECT_GT(beside.firm->traffic().out_beside, 250U);
  EXPECT_GT(beside.firm->traffic().in_beside, 150U);  // rejects have a reason: through QuickFIX
  EXPECT_GT(beside.venue->traffic().in_beside, 250U);
  EXPECT_LT(through.firm->traffic().out_beside, 10U);
}

TEST_P(SpokenBeside, ADamagedMessageMeetsTheSameRules) {
  Random random(seed_of_run());
  const ExecType types[]{ExecType::NEW, ExecType::TRADE, ExecType::CANCELED};
  for (int i = 0; i < 600; ++i) {
    Spoken beside(GetParam()), through(GetParam());
    for (Spoken* const pair : {&beside, &through}) {
      pair->firm_sink = pair->venue_sink = {};
    }
    auto out =
        execution_of(1 + random() % 1'000, types[random() % std::size(types)], OrdStatus::NEW);
    out.fee = 5;
    ASSERT_TRUE(beside.venue->send_execution(beside.now, out));
    ASSERT_TRUE(beside.firm->send_order(beside.now, order_of(out.cl_ord_id)));
    const auto report = damaged(random, GetParam(), beside.venue_sink.sent.back().text);
    const auto order = damaged(random, GetParam(), beside.firm_sink.sent.back().text);
    // The checksum, of which each has its own, has become a part of the last value.
    if (report.find("\x01"
                    "10=") == std::string::npos)
      continue;
    SCOPED_TRACE(shown(report) + "\n" + shown(order));
    for (Spoken* const pair : {&beside, &through}) {
      pair->firm_sink = pair->venue_sink = {};
    }
    beside.firm->received(beside.now, 1, report);
    through.firm->received(through.now, 1, through_quickfix(GetParam(), report));
    beside.venue->received(beside.now, 1, order);
    through.venue->received(through.now, 1, through_quickfix(GetParam(), order));
    EXPECT_EQ(bytes_of(beside.firm_sink.executions), bytes_of(through.firm_sink.executions));
    EXPECT_EQ(bytes_of(beside.firm_sink.unreadable), bytes_of(through.firm_sink.unreadable));
    EXPECT_EQ(beside.venue_sink.orders.size(), through.venue_sink.orders.size());
    ASSERT_EQ(beside.firm->state().next_target, through.firm->state().next_target);
    ASSERT_EQ(beside.venue->state().next_target, through.venue->state().next_target);
    ASSERT_FALSE(HasFailure());
  }
}

struct Fault {
  const char* says;
  void (*make)(FixSessionConfig&);
};
const Fault kFaults[]{
    {"put[0].tag: 9999 is in no dictionary",
     [](auto& c) { c.dialect.puts = {{9999, "x", FixSource::VALUE, {"D"}}}; }},
    {"put[0].tag: pitwire writes 54 into D",
     [](auto& c) { c.dialect.puts = {{54, "1", FixSource::VALUE, {"D"}}}; }},
    {"put[0].tag: 34 is the session's",
     [](auto& c) { c.dialect.puts = {{34, "1", FixSource::VALUE, {"D"}}}; }},
    {"put[0].messages: \"Z\"",
     [](auto& c) { c.dialect.puts = {{207, "1", FixSource::VALUE, {"Z"}}}; }},
    {"put[0].source: F knows nothing",
     [](auto& c) { c.dialect.puts = {{526, "", FixSource::ORDER_TAG, {"F"}}}; }},
    {"put[0].value: \"7\" is no value of tag 21",
     [](auto& c) { c.dialect.puts = {{21, "7", FixSource::VALUE, {"D"}}}; }},
    {"put[1].tag: 207 stands in D already",
     [](auto& c) {
       c.dialect.puts = {{207, "A", FixSource::VALUE, {"D"}}, {207, "B", FixSource::VALUE, {"D"}}};
     }},
    {"field[0].type: \"TEXT\"",
     [](auto& c) { c.dialect.fields = {{9001, "Desk", "TEXT", {}, {"D"}, {}}}; }},
    {"field[0].name: Side is tag 54",
     [](auto& c) { c.dialect.fields = {{9001, "Side", "STRING", {}, {"D"}, {}}}; }},
    {"field[0].name: missing",
     [](auto& c) { c.dialect.fields = {{9001, "", "STRING", {}, {"D"}, {}}}; }},
    {"field[0].required: tag 9001 in D, which nothing writes",
     [](auto& c) { c.dialect.fields = {{9001, "Desk", "STRING", {}, {}, {"D"}}}; }},
    {"field[0].messages: there is no message ZZ",
     [](auto& c) { c.dialect.fields = {{9001, "Desk", "STRING", {}, {"ZZ"}, {}}}; }},
    {"report.liquidity: \"1\" is both", [](auto& c) { c.dialect.removed = {"1"}; }},
    {"report.fee_tag: 44 has another meaning", [](auto& c) { c.dialect.fee_tag = 44; }},
    {"party: FIX.4.2 has no NoPartyIDs",
     [](auto& c) {
       c.begin_string = "FIX.4.2";
       c.dialect.parties = {{"F", "D", "1"}};
     }},
};

TEST(Dialect, WhatCannotBeSpokenIsRefusedWithItsKey) {
  for (const Fault& fault : kFaults) {
    auto config = config_of(true, "FIX.4.4");
    fault.make(config);
    try {
      check_dialect(config);
      ADD_FAILURE() << "taken: " << fault.says;
    } catch (const std::invalid_argument& error) {
      EXPECT_EQ(std::string(error.what()).substr(0, std::string(fault.says).size()), fault.says);
    }
  }
}

TEST(Dialect, ClOrdIdsAreReadAsTheyAreWrittenAndNothingElseIs) {
  Random random(seed_of_run());
  for (const ClOrdIdText& ids : {ClOrdIdText(), ClOrdIdText("PW-", 10), ClOrdIdText("", 36)}) {
    for (int i = 0; i < 1'000; ++i) {
      const ClOrdId id = random() >> (random() % 64);
      std::string text;
      ids.append(text, id);
      EXPECT_EQ(ids.parse(text), id);
      EXPECT_EQ(ids.parse(text + "0"), 0U);
      EXPECT_EQ(ids.parse("x" + text.substr(1)), 0U);
    }
  }
  EXPECT_EQ(ClOrdIdText("", 10).parse("99999999999999999999"), 0U);  // more than 64 bits
  EXPECT_THROW(ClOrdIdText("", 8), std::invalid_argument);
  EXPECT_THROW(ClOrdIdText("A B", 16), std::invalid_argument);
}

}  // namespace
}  // namespace pitwire::testing
