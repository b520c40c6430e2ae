// The exchange's own record of every execution report that it made: a line each, as it was made,
// whatever became of it on its way.
//
//   ts,session,symbol,cl_ord_id,orig_cl_ord_id,order_id,exec_id,exec_type,ord_status,side,
//   last_qty,last_px,leaves_qty,cum_qty
//
// `ts` is the exchange's time of the report, ns since 1970 UTC; types and states have the names of
// ExecType and OrdStatus. A copy of a report that another session asked for is a line of its own.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "pitwire/exchange/trade_journal.hpp"
#include "pitwire/matching/order_gateway.hpp"

namespace pitwire {

class ReportJournal {
 public:
  /// Appends to the file, with a heading where it is new. Throws std::invalid_argument with path
  /// and reason. An empty path writes nothing.
  ReportJournal(const std::string& path, std::vector<JournalInstrument> instruments,
                std::vector<std::string> sessions, std::string exec_id_prefix);

  void record(const VenueReport& report);
  /// Hands what was recorded to the operating system. False, once, after a write failed.
  [[nodiscard]] bool flush() noexcept;

 private:
  struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
  std::vector<JournalInstrument> instruments_;
  std::vector<std::string> sessions_;
  std::string prefix_;
  std::string line_;
  bool pending_ = false;
};

}  // namespace pitwire
