#include "pitwire/exchange/trade_journal.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace pitwire {
namespace {

constexpr auto kHeading =
    "ts,symbol,match_number,cl_ord_id,exec_id,side,px,qty,fee,aggressor,session\n";

void append_hex(std::string& out, std::uint64_t value) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llX", static_cast<unsigned long long>(value));
  out += digits;
}

}  // namespace

TradeJournal::TradeJournal(const std::string& path, std::vector<JournalInstrument> instruments,
                           std::vector<std::string> sessions, std::string exec_id_prefix)
    : instruments_(std::move(instruments)),
      sessions_(std::move(sessions)),
      prefix_(std::move(exec_id_prefix)) {
  if (path.empty()) return;
  file_.reset(std::fopen(path.c_str(), "ae"));
  if (!file_) throw std::invalid_argument("trades: " + path + ": " + std::strerror(errno));
  std::fseek(file_.get(), 0, SEEK_END);
  if (std::ftell(file_.get()) == 0) std::fputs(kHeading, file_.get());
  pending_ = true;
}

void TradeJournal::record(const VenueReport& trade) {
  ++lines_;
  if (!file_) return;
  const auto& instrument = instruments_[index(trade.instrument)];
  line_.clear();
  line_ += std::to_string(trade.transact_time) + ',' + instrument.symbol + ',' +
           std::to_string(trade.match_number) + ',';
  append_hex(line_, trade.cl_ord_id);
  line_ += ',' + prefix_ + std::to_string(trade.exec_id);
  line_ += trade.side == Side::BUY ? ",BUY," : ",SELL,";
  line_ += instrument.price.format(trade.last_px) + ',' + instrument.qty.format(trade.last_qty) +
           ',' + instrument.fee.format(trade.fee);
  line_ += trade.aggressor ? ",1," : ",0,";
  line_ += sessions_[index(trade.session)] + '\n';
  std::fwrite(line_.data(), 1, line_.size(), file_.get());
  pending_ = true;
}

bool TradeJournal::flush() noexcept {
  if (!pending_) return true;
  pending_ = false;
  return !file_ || (std::fflush(file_.get()) == 0 && std::ferror(file_.get()) == 0);
}

}  // namespace pitwire
