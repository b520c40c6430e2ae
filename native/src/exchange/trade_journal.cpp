#include "pitwire/exchange/trade_journal.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace pitwire {
namespace {

constexpr std::string_view kHeading =
    "ts,symbol,match_number,cl_ord_id,exec_id,side,px,qty,fee,aggressor,session\n";
enum Column : std::size_t { SYMBOL = 1, SIDE = 5, PX = 6, QTY = 7, SESSION = 10, COLUMNS = 11 };

/// False where there are more or fewer columns.
bool split(std::string_view line, std::array<std::string_view, COLUMNS>& out) {
  for (std::size_t i = 0; i < COLUMNS; ++i) {
    const auto comma = line.find(',');
    if ((comma == std::string_view::npos) != (i + 1 == COLUMNS)) return false;
    out[i] = line.substr(0, comma);
    if (comma != std::string_view::npos) line.remove_prefix(comma + 1);
  }
  return true;
}

template <class Items, class Name>
std::uint32_t place_of(const Items& items, std::string_view name, Name&& name_of) {
  const auto found = std::find_if(items.begin(), items.end(),
                                  [&](const auto& item) { return name_of(item) == name; });
  return found == items.end() ? kNoId : static_cast<std::uint32_t>(found - items.begin());
}

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
  read(path);
  file_.reset(std::fopen(path.c_str(), "ae"));
  if (!file_) throw std::invalid_argument("trades: " + path + ": " + std::strerror(errno));
  std::fseek(file_.get(), 0, SEEK_END);
  if (std::ftell(file_.get()) == 0) std::fputs(kHeading.data(), file_.get());
  pending_ = true;
}

void TradeJournal::read(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    const char* fault = nullptr;
    if (number == 1) {
      if (line + '\n' != kHeading) fault = "not the heading of a record of trades";
    } else {
      fault = file.eof() ? "cut short" : read_line(line);
    }
    if (fault != nullptr) {
      throw std::invalid_argument("trades: " + path + ": line " + std::to_string(number) + ": " +
                                  fault);
    }
  }
}

const char* TradeJournal::read_line(std::string_view line) {
  std::array<std::string_view, COLUMNS> of;
  if (!split(line, of)) return "expected 11 columns";
  const auto instrument =
      place_of(instruments_, of[SYMBOL], [](const auto& each) { return each.symbol; });
  const auto session = place_of(sessions_, of[SESSION], [](const auto& each) { return each; });
  if (instrument == kNoId || session == kNoId) return nullptr;
  JournalTrade trade{SessionId{session}, InstrumentId{instrument}, 0, 0};
  if (instruments_[instrument].qty.parse(of[QTY], trade.signed_qty) != DecimalStatus::OK ||
      instruments_[instrument].price.parse(of[PX], trade.px) != DecimalStatus::OK) {
    return "px or qty is no multiple of the instrument's increment";
  }
  if (of[SIDE] == "SELL") {
    trade.signed_qty = -trade.signed_qty;
  } else if (of[SIDE] != "BUY") {
    return "side is neither BUY nor SELL";
  }
  earlier_.push_back(trade);
  return nullptr;
}

void TradeJournal::record(const VenueReport& report) {
  const bool undone =
      report.exec_type == ExecType::TRADE_CANCEL || report.exec_type == ExecType::TRADE_CORRECT;
  if (undone) write(report, report.old_px, -report.old_qty, -report.old_fee);
  if (report.exec_type == ExecType::TRADE || report.exec_type == ExecType::TRADE_CORRECT) {
    write(report, report.last_px, report.last_qty, report.fee);
  }
}

void TradeJournal::write(const VenueReport& trade, std::int64_t px, std::int64_t qty,
                         std::int64_t fee) {
  ++lines_;
  if (!file_) return;
  const auto& instrument = instruments_[index(trade.instrument)];
  line_.clear();
  line_ += std::to_string(trade.transact_time) + ',' + instrument.symbol + ',' +
           std::to_string(trade.match_number) + ',';
  append_hex(line_, trade.cl_ord_id);
  line_ += ',' + prefix_ + std::to_string(trade.exec_id);
  line_ += trade.side == Side::BUY ? ",BUY," : ",SELL,";
  line_ += instrument.price.format(px) + ',' + instrument.qty.format(qty) + ',' +
           instrument.fee.format(fee);
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
