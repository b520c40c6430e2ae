// The inputs that fuzzing starts from, made by our own encoders: `pitwire_fuzz_seeds FOLDER` writes
// FOLDER/TARGET/NAME. The same each time; nothing of them is anybody's market data.
#include <filesystem>
#include <fstream>
#include <iostream>

#include "../tests/fix/pair.hpp"
#include "pitwire/log/log_writer.hpp"
#include "pitwire/log/segment.hpp"
#include "pitwire/market/itch.hpp"
#include "pitwire/wire/mold_packet.hpp"

namespace pitwire::fuzz {
namespace {

namespace fs = std::filesystem;

class Seeds {
 public:
  explicit Seeds(fs::path root) : root_(std::move(root)) {}
  void write(const std::string& target, const std::string& name, std::string_view bytes) {
    fs::create_directories(root_ / target);
    std::ofstream(root_ / target / name, std::ios::binary) << bytes;
  }

 private:
  fs::path root_;
};

// ---------------------------------------------------------------- ITCH and MoldUDP64

template <class M>
std::string encoded(M message, std::uint16_t locate = 1) {
  message.header = {locate, 0, 34'200'000'000'000};
  std::string out(M::kSize, '\0');
  itch::encode(message, reinterpret_cast<std::byte*>(out.data()));
  return out;
}

std::string behind_length(const std::string& message) {
  std::string out(2, '\0');
  mold::store16(reinterpret_cast<std::byte*>(out.data()),
                static_cast<std::uint16_t>(message.size()));
  return out + message;
}

itch::AddOrder add(std::uint64_t ref, char side, std::uint32_t price, const char* symbol = "S1") {
  itch::AddOrder out;
  out.order_ref = ref;
  out.side = side;
  out.shares = 100;
  out.price = price;
  (void)itch::make_symbol(symbol, out.stock);
  return out;
}

/// A book that is made, traded, changed and taken down again.
std::vector<std::string> day() {
  itch::StockTradingAction trading;
  (void)itch::make_symbol("S1", trading.stock);
  trading.trading_state = 'T';
  itch::OrderExecuted executed;
  executed.order_ref = 2, executed.shares = 40;
  itch::OrderExecutedWithPrice priced;
  priced.order_ref = 2, priced.shares = 10, priced.printable = 'Y', priced.price = 10'100;
  itch::OrderCancel cancel;
  cancel.order_ref = 1, cancel.shares = 60;
  itch::OrderReplace replace;
  replace.order_ref = 1, replace.new_order_ref = 4, replace.shares = 70, replace.price = 9'900;
  itch::OrderDelete gone;
  gone.order_ref = 3;
  return {encoded(trading),
          encoded(add(1, 'B', 10'000)),
          encoded(add(2, 'S', 10'100)),
          encoded(add(3, 'B', 9'800)),
          encoded(add(9, 'S', 5'007, "S2"), 2),
          encoded(executed),
          encoded(priced),
          encoded(cancel),
          encoded(replace),
          encoded(gone)};
}

void itch_seeds(Seeds& seeds) {
  std::string all;
  for (const auto& message : day()) all += behind_length(message);
  seeds.write("itch", "day", "\x07" + all);
  std::string kinds;
  itch::for_each_type([&]<class M>() { kinds += behind_length(encoded(M{})); });
  seeds.write("itch", "every_type", std::string(1, '\0') + kinds);
}

std::string packet(std::uint64_t sequence, const std::vector<std::string>& messages,
                   std::uint16_t count) {
  std::string out(mold::kHeaderSize, '\0');
  mold::encode({mold::session_name("S"), sequence, count},
               reinterpret_cast<std::byte*>(out.data()));
  for (const auto& message : messages) out += behind_length(message);
  return out;
}

/// An operation of the target: what, its argument, its bytes.
std::string op(unsigned what, unsigned argument, const std::string& bytes = "") {
  return std::string{static_cast<char>(what), static_cast<char>(argument)} + bytes;
}
std::string received(unsigned line, const std::string& bytes) {
  return op(line, static_cast<unsigned>(bytes.size()), bytes);
}

void mold_seeds(Seeds& seeds) {
  const auto one = packet(1, {"aa", "bbb"}, 2);
  const auto two = packet(3, {"c"}, 1);
  const auto three = packet(4, {"dd", ""}, 2);
  seeds.write("mold", "in_order",
              "\x07" + received(0, one) + received(1, one) + received(0, two) +
                  received(1, packet(4, {}, 0)) + received(0, three) +
                  received(0, packet(6, {}, mold::kEndOfSession)));
  seeds.write("mold", "gap_filled",
              "\x03" + received(0, one) + received(0, three) + op(11, 1) + received(2, two));
  seeds.write("mold", "gap_lost",
              "\x01" + received(0, one) + received(0, three) + op(11, 1) + op(11, 255));
  seeds.write("mold", "snapshot",
              "\x0d" + op(12, 1) + received(0, three) + op(13, 2, "xx") + op(14, 4) +
                  received(0, packet(4, {"dd", ""}, 2)));
}

// ---------------------------------------------------------------- Binance

void binance_seeds(Seeds& seeds) {
  const std::string snapshot =
      R"({"lastUpdateId":10,"bids":[["100.00","1.000"],["99.90","2"]],"asks":[["101.00","2.000"]]})"
      "\n";
  const std::string diff =
      R"({"e":"depthUpdate","E":1700000000001,"s":"BTCUSDT","U":11,"u":12,"b":[["99.90","0"]],"a":)"
      R"([["100.50","3.100"]]})"
      "\n";
  const std::string future =
      R"({"stream":"btcusdt@depth","data":{"e":"depthUpdate","E":1,"T":1,"s":"BTCUSDT","U":9,)"
      R"("u":13,"pu":10,"b":[["99","1"]],"a":[]}})"
      "\n";
  const std::string trade =
      R"({"e":"trade","E":1700000000002,"s":"BTCUSDT","t":5,"p":"100.50","q":"0.100","T":)"
      R"(1700000000001,"m":true})"
      "\n";
  const std::string aggregate =
      R"({"e":"aggTrade","E":2,"s":"ETHUSDT","a":1,"p":"10.5","q":"3","f":1,"l":2,"T":1,"m":false})"
      "\n";
  const std::string ticker =
      R"({"e":"bookTicker","u":12,"E":3,"T":3,"s":"BTCUSDT","b":"100.00","B":"1.000","a":"100.50",)"
      R"("A":"3.100"})"
      "\n";
  const std::string nested = R"({"a":{"b":[1,2,{"c":"\u00e9\"x"}]},"e":"kline"})"
                             "\n";
  seeds.write("binance", "spot", std::string(1, '\0') + snapshot + diff + ticker + trade);
  seeds.write("binance", "diff_first", std::string(1, '\0') + diff + snapshot + ticker);
  seeds.write("binance", "usdm", "\x01" + snapshot + future + trade + aggregate);
  seeds.write("binance", "coinm", "\x02" + future + snapshot + nested);
}

// ---------------------------------------------------------------- FIX

std::string inside(const std::string& message) {
  const auto begin = message.find("35=");
  return message.substr(begin, message.rfind("10=") - begin);
}

/// All that a firm and a venue say to each other in an ordinary life.
void talk(testing::Pair& pair) {
  pair.firm->send_order(pair.now, testing::buy(1));
  rec::ReplaceRequested replace;
  replace.order = replace.orig_cl_ord_id = 1, replace.cl_ord_id = 2;
  replace.side = 1, replace.ord_type = static_cast<std::uint8_t>(OrdType::LIMIT);
  replace.price = 10'140, replace.order_qty = 30;
  pair.firm->send_replace(pair.now, replace);
  rec::CancelRequested cancel;
  cancel.order = cancel.orig_cl_ord_id = 2, cancel.cl_ord_id = 3, cancel.side = 1;
  pair.firm->send_cancel(pair.now, cancel, 30);
  rec::StatusRequested status;
  status.order = status.cl_ord_id = 1, status.side = 1;
  pair.firm->send_status(pair.now, status);
  rec::MassCancelRequested mass;
  mass.cl_ord_id = 4, mass.instrument = kNoId;
  pair.firm->send_mass_cancel(pair.now, mass);
  rec::PositionsRequested positions;
  positions.request = 5;
  pair.firm->send_positions_request(pair.now, positions);
  auto filled = testing::report(1, ExecType::TRADE, OrdStatus::PARTIALLY_FILLED);
  filled.last_px = 10'150, filled.last_qty = 5, filled.cum_qty = 5, filled.cum_notional = 50'750;
  filled.fee = 12;
  pair.venue->send_execution(pair.now, testing::report(1, ExecType::NEW, OrdStatus::NEW));
  pair.venue->send_execution(pair.now, filled);
  FixCancelReject reject;
  reject.cl_ord_id = 3, reject.orig_cl_ord_id = 2, reject.text = "too late";
  pair.venue->send_cancel_reject(pair.now, reject);
  pair.venue->send_mass_cancel_report(pair.now, {4, InstrumentId{kNoId}, true, 1, 0, "M1", ""});
  pair.venue->send_positions_ack(pair.now, {5, kPositionsValid, kPositionsComplete, 1, ""});
  pair.venue->send_position(pair.now, {5, 1, 1, InstrumentId{0}, 40, 15, 10'100});
  pair.venue->send_business_reject(pair.now, 3, "G", 2, 3, "not today");
}

void fix_seeds_of(Seeds& seeds, const std::string& version) {
  testing::Pair pair(version);
  pair.build();
  pair.connect();
  const auto fix42 = version == "FIX.4.2" ? 1U : 0U;
  talk(pair);
  for (const bool venue : {false, true}) {
    // What the one says is what the other reads.
    const auto& sink = venue ? pair.firm_sink : pair.venue_sink;
    const std::string reads = venue ? "venue" : "firm";
    const std::string name = reads + (fix42 != 0 ? "_42" : "_44");
    std::string lines, stream;
    for (std::size_t i = 0; i < sink.sent.size(); ++i) {
      const auto& text = sink.sent[i].text;
      stream += text;
      if (i > 0) lines += inside(text) + "\n";  // the Logon has been said
      const auto choice = (venue ? 0U : 1U) | fix42 << 1;
      seeds.write("fix_fields", name + "_" + std::to_string(i),
                  std::string(1, static_cast<char>(choice)) + text);
    }
    const auto side = (venue ? 2U : 0U) | fix42;
    seeds.write("fix_session", name, std::string(1, static_cast<char>(4U | side)) + lines);
    seeds.write("fix_session", name + "_logon",
                std::string(1, static_cast<char>(side)) + inside(sink.sent[0].text) + "\n" + lines);
    seeds.write("fix_session", name + "_silence",
                std::string(1, static_cast<char>(4U | side)) + "\n\n\n\n\n");
    seeds.write("fix_framer", name, "\x1f" + stream);
  }
  seeds.write("fix_framer", "garbage",
              "\x03noise8=FIX.4.4\x01"
              "9=5\x01"
              "35=0\x01"
              "10=163\x01"
              "8=FIX.4.4\x01"
              "9=x8=FIX");
}

// ---------------------------------------------------------------- the log

void log_seeds(Seeds& seeds, const fs::path& folder) {
  fs::remove_all(folder);
  LogOptions options;
  options.folder = folder;
  options.segment_size_bytes = kSegmentBytesMin;
  options.low_disk_bytes = 0;
  options.log_uuid.fill(std::byte{7});
  auto log = LogWriter::create(options);
  Nanos now = 1'000;
  log.append(rec::Epoch{}, ++now);
  for (const std::string what : {"", "a", "twelve bytes"}) {
    rec::Note note;
    note.size_bytes = static_cast<std::uint32_t>(what.size());
    log.append(note, ++now, Origin::OURS, 7, std::as_bytes(std::span(what)));
    rec::MarketDatagram datagram;
    datagram.size_bytes = note.size_bytes;
    log.append(datagram, ++now, Origin::MARKET, 0, std::as_bytes(std::span(what)));
  }
  log.close();
  std::ifstream file(folder / segment_name(0), std::ios::binary);
  const std::string all(std::istreambuf_iterator<char>(file), {});
  const auto header = all.substr(0, sizeof(SegmentHeader));
  const auto used = kSegmentHeaderBytes + log.bytes_appended();
  const auto frames = all.substr(kSegmentHeaderBytes, used - kSegmentHeaderBytes);
  fs::remove_all(folder);
  seeds.write("log_frames", "whole", "\x01" + frames);
  seeds.write("log_frames", "as_it_is", std::string(1, '\0') + frames);
  seeds.write("log_recovery", "whole", std::string{7, 0} + header + frames);
  seeds.write("log_recovery", "marked", std::string{7, 3} + header + frames);
  seeds.write("log_recovery", "torn", std::string{3, 2} + header + frames.substr(0, 200));
  seeds.write("log_recovery", "unrepaired", std::string{4, 0} + header + frames);
}

}  // namespace
}  // namespace pitwire::fuzz

int main(int argc, char** argv) {
  using namespace pitwire::fuzz;
  if (argc != 2) {
    std::cerr << "usage: pitwire_fuzz_seeds FOLDER\n";
    return 2;
  }
  const std::filesystem::path root = argv[1];
  Seeds seeds(root);
  itch_seeds(seeds);
  mold_seeds(seeds);
  binance_seeds(seeds);
  fix_seeds_of(seeds, "FIX.4.2");
  fix_seeds_of(seeds, "FIX.4.4");
  log_seeds(seeds, root / "log_being_made");
  return 0;
}
