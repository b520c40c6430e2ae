#include "pitwire/exchange/report_journal.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "pitwire/reflection.hpp"

namespace pitwire {
namespace {

constexpr std::string_view kHeading =
    "ts,session,symbol,cl_ord_id,orig_cl_ord_id,order_id,exec_id,exec_type,ord_status,side,"
    "last_qty,last_px,leaves_qty,cum_qty\n";

// Numbered from 0 without a gap.
std::string_view name_of(ExecType type) noexcept {
  return reflection::kExecTypeValues[static_cast<std::size_t>(type)].name;
}

std::string_view name_of(OrdStatus status) noexcept {
  return reflection::kOrdStatusValues[static_cast<std::size_t>(status)].name;
}

void append_hex(std::string& out, std::uint64_t value) {
  char digits[18];
  std::snprintf(digits, sizeof digits, "%016llX,", static_cast<unsigned long long>(value));
  out += digits;
}

}  // namespace

ReportJournal::ReportJournal(const std::string& path, std::vector<JournalInstrument> instruments,
                             std::vector<std::string> sessions, std::string exec_id_prefix)
    : instruments_(std::move(instruments)),
      sessions_(std::move(sessions)),
      prefix_(std::move(exec_id_prefix)) {
  if (path.empty()) return;
  file_.reset(std::fopen(path.c_str(), "ae"));
  if (!file_) throw std::invalid_argument("reports: " + path + ": " + std::strerror(errno));
  std::fseek(file_.get(), 0, SEEK_END);
  if (std::ftell(file_.get()) == 0) std::fputs(kHeading.data(), file_.get());
  pending_ = true;
}

void ReportJournal::record(const VenueReport& report) {
  if (!file_) return;
  const bool known = index(report.instrument) < instruments_.size();
  line_ = std::to_string(report.transact_time) + ',' + sessions_[index(report.session)] + ',';
  if (known) line_ += instruments_[index(report.instrument)].symbol;
  line_ += ',';
  append_hex(line_, report.cl_ord_id);
  append_hex(line_, report.orig_cl_ord_id);
  line_ += std::to_string(report.order_id) + ',' + prefix_ + std::to_string(report.exec_id) + ',';
  line_ += name_of(report.exec_type);
  line_ += ',';
  line_ += name_of(report.ord_status);
  line_ += report.side == Side::BUY ? ",BUY" : ",SELL";
  if (known) {
    const auto& of = instruments_[index(report.instrument)];
    line_ += ',' + of.qty.format(report.last_qty) + ',' + of.price.format(report.last_px) + ',' +
             of.qty.format(report.leaves_qty) + ',' + of.qty.format(report.cum_qty) + '\n';
  } else {
    line_ += ",,,,\n";
  }
  std::fwrite(line_.data(), 1, line_.size(), file_.get());
  pending_ = true;
}

bool ReportJournal::flush() noexcept {
  if (!pending_) return true;
  pending_ = false;
  return !file_ || (std::fflush(file_.get()) == 0 && std::ferror(file_.get()) == 0);
}

}  // namespace pitwire
