// GOALS.md P14: a NewOrderSingle encoded by an initiator's session as the daemon calls it: numbers,
// header and checksum are within, sockets and log are not; an ExecutionReport's fields parsed to
// our record; and the same report received by the session, with all its rules. Beside encoding and
// parsing the same by QuickFIX's C++ alone: its Message with our fields, without a session, a
// dictionary or a store, its text and its message used again and again.
#include <FixFields.h>
#include <Message.h>
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>

#include "../../src/fix/decode.hpp"
#include "pitwire/fix/session.hpp"

namespace pitwire {
namespace {

constexpr Nanos kNow = 1'700'000'000 * kSecond;
constexpr std::uint64_t kFirst = 1'000'000;  // a number of seven digits, as in the middle of a day
constexpr ClOrdId kOrder = (ClOrdId{7} << 32) | 1;
constexpr const char* kSendingTime = "20231114-22:13:20.000000";  // of kNow

const FixInstrument kTraded{InstrumentId{0}, "AAA", {1, -2}, {1, 0}, {1, -4}};

/// Takes what a session says and keeps the last of it.
struct Sink final : FixSink {
  std::string sent;
  rec::Execution report;
  std::uint64_t reports = 0;

  void tx(SessionId, std::string_view message, std::uint64_t, ClOrdId, bool, bool) override {
    sent.assign(message);
  }
  void execution(const rec::Execution& execution) override {
    report = execution;
    ++reports;
  }
  void state(SessionId, const FixSessionState&) override {}
  void logged_on(SessionId) override {}
  void logged_out(SessionId, std::string_view) override {}
  void disconnect(SessionId, std::string_view) override {}
  void event(SessionId, std::uint32_t, std::string_view) override {}
};

/// An initiator in the middle of its day.
struct Firm {
  FixSymbology symbols;
  Sink sink;
  std::unique_ptr<FixSession> session;

  Firm() {
    symbols.add(kTraded);
    FixSessionConfig config;
    config.id = SessionId{1};
    config.sender_comp_id = "FIRM";
    config.target_comp_id = "VENUE";
    FixRestored restored;
    restored.next_sender = restored.next_target = kFirst;
    restored.creation_ts = kNow;
    restored.logged_on = true;
    restored.heart_bt_int_seconds = config.heart_bt_int_seconds;
    restored.last_sent_ts = restored.last_received_ts = kNow;
    session = std::make_unique<FixSession>(config, symbols, sink, kNow, restored);
  }
};

rec::OrderSubmitted order() {
  rec::OrderSubmitted out;
  out.cl_ord_id = kOrder;
  out.side = static_cast<std::uint8_t>(Side::BUY);
  out.ord_type = static_cast<std::uint8_t>(OrdType::LIMIT);
  out.time_in_force = static_cast<std::uint8_t>(TimeInForce::DAY);
  out.price = 10'125;
  out.order_qty = 100;
  return out;
}

void encode_ours(benchmark::State& state) {
  Firm firm;
  rec::OrderSubmitted next = order();
  for (auto unused : state) {
    ++next.cl_ord_id;
    if (!firm.session->send_order(kNow, next)) return state.SkipWithError("an order was not sent");
  }
  const auto sent = static_cast<std::uint64_t>(state.iterations());
  if (firm.session->traffic().out_beside != sent) state.SkipWithError("not by the fast way");
}
BENCHMARK(encode_ours)->Name("P14_encode");

/// As our order, field by field; a new message each time is what its applications make.
void encode_quickfix(FIX::Message& message, std::uint64_t number, const std::string& cl_ord_id,
                     std::string& text) {
  auto& header = message.getHeader();
  header.setField(FIX::BeginString("FIX.4.4"));
  header.setField(FIX::MsgType("D"));
  header.setField(FIX::SenderCompID("FIRM"));
  header.setField(FIX::TargetCompID("VENUE"));
  header.setField(FIX::MsgSeqNum(number));
  const FIX::UtcTimeStamp now(kNow / kSecond, 0, 6);
  header.setField(FIX::SendingTime(now, 6));
  message.setField(FIX::ClOrdID(cl_ord_id));
  message.setField(FIX::HandlInst('1'));
  message.setField(FIX::OrderQty(100));
  message.setField(FIX::OrdType('2'));
  message.setField(FIX::Price(101.25));
  message.setField(FIX::Side('1'));
  message.setField(FIX::Symbol("AAA"));
  message.setField(FIX::TimeInForce('0'));
  message.setField(FIX::TransactTime(now, 6));
  message.toString(text);
}

void encode_quickfix(benchmark::State& state) {
  std::string text;
  const std::string cl_ord_id = "0000000700000001";
  std::uint64_t number = kFirst;
  for (auto unused : state) {
    FIX::Message message;
    encode_quickfix(message, number++, cl_ord_id, text);
    benchmark::DoNotOptimize(text.data());
  }
  // Both say the same bytes, or their figures are not of the same.
  Firm firm;
  FIX::Message message;
  encode_quickfix(message, kFirst, cl_ord_id, text);
  (void)firm.session->send_order(kNow, order());
  if (text != firm.sink.sent) state.SkipWithError((firm.sink.sent + " is not " + text).c_str());
}
BENCHMARK(encode_quickfix)->Name("P14_encode_quickfix");

// ------------------------------------------------------------------ a report

/// A fill, as our exchange sends it, with the number that `kFirst` is.
std::string report() {
  std::string fields = "35=8|34=1000000|49=VENUE|52=" + std::string(kSendingTime) +
                       "|56=FIRM|6=101.25|11=0000000700000001|14=100|17=E-1000001|31=101.25|32=100"
                       "|37=V-1000001|38=100|39=2|40=2|44=101.25|54=1|55=AAA|59=0|60=" +
                       std::string(kSendingTime) + "|150=F|151=0|851=1|";
  std::string text = "8=FIX.4.4|9=" + std::to_string(fields.size()) + "|" + fields;
  std::ranges::replace(text, '|', '\x01');
  unsigned sum = 0;
  for (const char byte : text) sum += static_cast<unsigned char>(byte);
  return text + "10=" + std::to_string(1000 + sum % 256).substr(1) + "\x01";
}

/// The next number in the text, and the checksum that goes with it.
class Numbered {
 public:
  explicit Numbered(std::string& text)
      : last_digit_(text.data() +
                    text.find("\x01"
                              "34=") +
                    10),
        checksum_(text.end().base() - 4) {
    for (std::size_t i = 0; i < 3; ++i)
      sum_ = sum_ * 10 + static_cast<unsigned>(checksum_[i] - '0');
  }
  void next() {
    char* digit = last_digit_;
    for (; *digit == '9'; --digit) {
      *digit = '0';
      sum_ -= 9;
    }
    ++*digit;
    ++sum_;
    const unsigned sum = sum_ % 256;
    checksum_[0] = static_cast<char>('0' + sum / 100);
    checksum_[1] = static_cast<char>('0' + sum / 10 % 10);
    checksum_[2] = static_cast<char>('0' + sum % 10);
  }

 private:
  char* last_digit_;
  char* checksum_;
  unsigned sum_ = 1 << 30;  // a multiple of 256: it may fall
};

/// Every field of it that we use, as the record that orders are booked by.
void parse_ours(benchmark::State& state) {
  FixSessionConfig config;
  FixSymbology symbols;
  symbols.add(kTraded);
  const Decoder decoder(config, symbols);
  const std::string text = report();
  Sequence raw = 0;
  for (auto unused : state) {
    const DecodedExecution read = decoder.execution(FieldTable(text), ++raw);
    benchmark::DoNotOptimize(read);
    if (!read.defects.empty() || read.record.last_px != 10'125 || read.record.cl_ord_id != kOrder) {
      return state.SkipWithError("the report was not read");
    }
  }
}
BENCHMARK(parse_ours)->Name("P14_parse");

/// Counting the number up is within: a session takes none twice.
void receive_ours(benchmark::State& state) {
  Firm firm;
  std::string text = report();
  Numbered numbered(text);
  Sequence raw = 0;
  for (auto unused : state) {
    firm.session->received(kNow, ++raw, text);
    numbered.next();
  }
  const auto got = static_cast<std::uint64_t>(state.iterations());
  const rec::Execution& last = firm.sink.report;
  const bool right = last.last_px == 10'125 && last.last_qty == 100 && last.cl_ord_id == kOrder;
  if (firm.sink.reports != got || firm.session->traffic().in_beside != got || !right) {
    state.SkipWithError("not every report was taken by the fast way");
  }
}
BENCHMARK(receive_ours)->Name("P14_receive");

/// What of a report we use, in QuickFIX's own types.
struct Fields {
  FIX::ClOrdID cl_ord_id;
  FIX::OrderID order_id;
  FIX::ExecID exec_id;
  FIX::ExecType exec_type;
  FIX::OrdStatus ord_status;
  FIX::Symbol symbol;
  FIX::Side side;
  FIX::OrderQty order_qty;
  FIX::Price price;
  FIX::LastPx last_px;
  FIX::LastQty last_qty;
  FIX::LeavesQty leaves_qty;
  FIX::CumQty cum_qty;
  FIX::AvgPx avg_px;
  FIX::TransactTime transact_time;
};

template <class... F>
void get(const FIX::Message& message, F&... fields) {
  (message.getField(fields), ...);
}

void parse_quickfix(benchmark::State& state) {
  const std::string text = report();
  FIX::Message message;
  Fields f;
  double sum = 0;
  for (auto unused : state) {
    message.setString(text, false);
    get(message, f.cl_ord_id, f.order_id, f.exec_id, f.exec_type, f.ord_status, f.symbol, f.side,
        f.order_qty, f.price, f.last_px, f.last_qty, f.leaves_qty, f.cum_qty, f.avg_px,
        f.transact_time);
    // A field keeps text until it is asked for its value.
    sum += f.order_qty + f.price + f.last_px + f.last_qty + f.leaves_qty + f.cum_qty + f.avg_px;
    benchmark::DoNotOptimize(f.transact_time.getValue());
  }
  benchmark::DoNotOptimize(sum);
}
BENCHMARK(parse_quickfix)->Name("P14_parse_quickfix");

}  // namespace
}  // namespace pitwire
