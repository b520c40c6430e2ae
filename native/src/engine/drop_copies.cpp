#include "pitwire/engine/drop_copies.hpp"

#include <algorithm>
#include <stdexcept>

#include "pitwire/orders/order_state.hpp"

namespace pitwire {
namespace {

bool same_order(const rec::Execution& a, const rec::Execution& b) noexcept {
  const bool by_name = a.cl_ord_id != 0 && a.cl_ord_id == b.cl_ord_id;
  return by_name || (a.order_id[0] != '\0' && a.order_id == b.order_id);
}

bool same_trade(const rec::Execution& a, const rec::Execution& b) noexcept {
  return a.instrument == b.instrument && a.exec_type == b.exec_type && a.last_px == b.last_px &&
         a.last_qty == b.last_qty && same_order(a, b);
}

}  // namespace

void DropCopies::define(SessionId line, SessionId copied, bool by_order) {
  if (is_line(copied) || of_copied(index(copied)) != nullptr) {
    throw std::invalid_argument("a session has one drop copy at most, and a copy none");
  }
  lines_.push_back({line, copied, by_order, {}});
}

const DropCopies::Line* DropCopies::find(SessionId line) const noexcept {
  const auto is = [&](const Line& each) { return each.line == line; };
  const auto found = std::ranges::find_if(lines_, is);
  return found == lines_.end() ? nullptr : &*found;
}

DropCopies::Line* DropCopies::of_copied(std::uint32_t session) noexcept {
  const auto is = [&](const Line& each) { return index(each.copied) == session; };
  const auto found = std::ranges::find_if(lines_, is);
  return found == lines_.end() ? nullptr : &*found;
}

SessionId DropCopies::copied_by(SessionId session) const noexcept {
  const Line* line = find(session);
  return line == nullptr ? session : line->copied;
}

bool DropCopies::is_trade(const rec::Execution& report) noexcept {
  switch (classify(report)) {
    case OrderEvent::FILL:
    case OrderEvent::BUST:
      return report.last_qty > 0;
    case OrderEvent::CORRECT:
      return true;
    default:
      return false;
  }
}

// ------------------------------------------------------------------ matching

/// The entry that the other line made of this trade.
DropCopies::Entries::iterator DropCopies::other(Line& line, const rec::Execution& report,
                                                bool ours) {
  const auto is = [&](const CopyEntry& entry) {
    if ((ours ? entry.theirs : entry.ours) == false || entry.report.side != report.side) {
      return false;
    }
    if (line.by_order) return same_trade(entry.report, report);
    return entry.report.exec_id == report.exec_id;
  };
  return std::ranges::find_if(line.entries, is);
}

/// `px` and `qty` are the copy's; the entry keeps them where they differ.
CopyMatch DropCopies::compare(CopyEntry& entry, std::int64_t px, std::int64_t qty) noexcept {
  entry.copy_px = px;
  entry.copy_qty = qty;
  if (entry.report.last_qty != qty) return CopyMatch::QUANTITY;
  return entry.report.last_px == px ? CopyMatch::EQUAL : CopyMatch::PRICE;
}

void DropCopies::add(Line& line, const rec::Execution& report, Nanos now, bool ours) {
  if (line.entries.size() == kEntriesMax) {
    line.entries.pop_front();
    ++forgotten_;
  }
  line.entries.push_back({report, now, ours, !ours, CopyMatch::AWAITED, 0, 0});
}

void DropCopies::ours(const rec::Execution& report, Nanos now) {
  Line* line = of_copied(report.session);
  if (line == nullptr || !is_trade(report)) return;
  const auto found = other(*line, report, true);
  if (found == line->entries.end()) return add(*line, report, now, true);
  const std::int64_t px = found->report.last_px, qty = found->report.last_qty;
  found->report = report;
  found->ours = true;
  found->match = compare(*found, px, qty);
  if (found->match == CopyMatch::EQUAL) line->entries.erase(found);
}

CopyMatch DropCopies::theirs(const rec::Execution& report, const SeenExecution* known, Nanos now) {
  Line* line = of_copied(report.session);
  if (line == nullptr) return CopyMatch::AWAITED;
  const auto found = other(*line, report, false);
  if (found != line->entries.end()) {
    const CopyMatch match = compare(*found, report.last_px, report.last_qty);
    found->theirs = true;
    found->match = match;
    if (match == CopyMatch::EQUAL) line->entries.erase(found);
    return match;
  }
  if (!line->by_order && known != nullptr) return CopyMatch::REPEATED;
  if (entry(line->copied, report.exec_id, report.side) != nullptr) return CopyMatch::REPEATED;
  add(*line, report, now, false);
  return CopyMatch::AWAITED;
}

const CopyEntry* DropCopies::entry(SessionId copied, const std::array<char, 40>& exec_id,
                                   std::uint8_t side) const noexcept {
  for (const Line& line : lines_) {
    if (line.copied != copied) continue;
    for (const CopyEntry& each : line.entries) {
      if (each.report.exec_id == exec_id && each.report.side == side) return &each;
    }
  }
  return nullptr;
}

void DropCopies::remove(SessionId copied, const std::array<char, 40>& exec_id, std::uint8_t side) {
  if (Line* line = of_copied(index(copied))) {
    std::erase_if(line->entries, [&](const CopyEntry& each) {
      return each.report.exec_id == exec_id && each.report.side == side;
    });
  }
}

// ------------------------------------------------------------------ checkpoints

void DropCopies::save(std::vector<std::byte>& out) const {
  ByteWriter writer(out);
  writer.put(std::uint64_t{lines_.size()});
  for (const Line& line : lines_) {
    writer.put(line.line);
    writer.put(line.copied);
    writer.put(std::uint64_t{line.entries.size()});
    for (const CopyEntry& each : line.entries) {
      writer.put(each.report);
      writer.put(each.since);
      writer.put(std::uint64_t{each.ours});
      writer.put(std::uint64_t{each.theirs});
      writer.put(static_cast<std::uint64_t>(each.match));
      writer.put(each.copy_px);
      writer.put(each.copy_qty);
    }
  }
}

bool DropCopies::restore(std::span<const std::byte> in) {
  ByteReader reader(in);
  for (Line& line : lines_) line.entries.clear();
  for (auto lines = reader.get<std::uint64_t>(); lines > 0 && reader.ok(); --lines) {
    const auto name = reader.get<SessionId>();
    const auto copied = reader.get<SessionId>();
    Entries entries;
    for (auto left = reader.get<std::uint64_t>(); left > 0 && reader.ok(); --left) {
      CopyEntry& each = entries.emplace_back();
      each.report = reader.get<rec::Execution>();
      each.since = reader.get<Nanos>();
      each.ours = reader.get<std::uint64_t>() != 0;
      each.theirs = reader.get<std::uint64_t>() != 0;
      each.match = static_cast<CopyMatch>(reader.get<std::uint64_t>());
      each.copy_px = reader.get<std::int64_t>();
      each.copy_qty = reader.get<std::int64_t>();
    }
    Line* line = of_copied(index(copied));
    if (line != nullptr && line->line == name) line->entries = std::move(entries);
  }
  return reader.ok();
}

}  // namespace pitwire
