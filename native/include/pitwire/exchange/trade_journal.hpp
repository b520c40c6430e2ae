// The exchange's own record of its clients' trades, for comparison with what they believe.
//
// CSV, a line a client and trade (a trade between two clients has two), written when the trade
// happens and flushed to the file before its report leaves. Prices and quantities as exact
// decimals. A start on the same file goes on with it: clients hold what it says. Columns:
//   ts,symbol,match_number,cl_ord_id,exec_id,side,px,qty,fee,aggressor,session
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "pitwire/market/decimal.hpp"
#include "pitwire/matching/order_gateway.hpp"

namespace pitwire {

struct JournalInstrument {
  std::string symbol;
  IncrementScale price;
  IncrementScale qty;
  IncrementScale fee;
};

/// A trade of an earlier run of the exchange.
struct JournalTrade {
  SessionId session{};
  InstrumentId instrument{};
  std::int64_t signed_qty = 0;
  std::int64_t px = 0;
};

class TradeJournal {
 public:
  /// Reads the file to its end, then appends to it, with a heading where it is new. Throws
  /// std::invalid_argument with path, line and reason. An empty path writes nothing.
  TradeJournal(const std::string& path, std::vector<JournalInstrument> instruments,
               std::vector<std::string> sessions, std::string exec_id_prefix);

  /// What the file held, of the sessions and instruments that there still are.
  [[nodiscard]] const std::vector<JournalTrade>& earlier() const noexcept { return earlier_; }
  /// A trade; of a bust or a correction the old one taken back, as a line of negative quantity, and
  /// the new one. Any other report is none of its business.
  void record(const VenueReport& report);
  /// Hands what was recorded to the operating system. False, once, after a write failed.
  [[nodiscard]] bool flush() noexcept;
  [[nodiscard]] std::uint64_t lines() const noexcept { return lines_; }

 private:
  void write(const VenueReport& trade, std::int64_t px, std::int64_t qty, std::int64_t fee);
  struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  void read(const std::string& path);
  [[nodiscard]] const char* read_line(std::string_view line);

  std::unique_ptr<std::FILE, Close> file_;
  std::vector<JournalInstrument> instruments_;
  std::vector<std::string> sessions_;
  std::string prefix_;
  std::string line_;
  std::vector<JournalTrade> earlier_;
  std::uint64_t lines_ = 0;
  bool pending_ = false;
};

}  // namespace pitwire
