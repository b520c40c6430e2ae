// The exchange's own record of its clients' trades, for comparison with what they believe.
//
// CSV, a line a client and trade (a trade between two clients has two), written when the trade
// happens and flushed to the file before its report leaves. Prices and quantities as exact
// decimals. Columns:
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

class TradeJournal {
 public:
  /// Appends to the file, with a heading where it is new. Throws std::invalid_argument with path
  /// and reason. An empty path writes nothing.
  TradeJournal(const std::string& path, std::vector<JournalInstrument> instruments,
               std::vector<std::string> sessions, std::string exec_id_prefix);

  void record(const VenueReport& trade);
  /// Hands what was recorded to the operating system. False, once, after a write failed.
  [[nodiscard]] bool flush() noexcept;
  [[nodiscard]] std::uint64_t lines() const noexcept { return lines_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
  std::vector<JournalInstrument> instruments_;
  std::vector<std::string> sessions_;
  std::string prefix_;
  std::string line_;
  std::uint64_t lines_ = 0;
  bool pending_ = false;
};

}  // namespace pitwire
