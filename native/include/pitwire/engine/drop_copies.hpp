// A second truth about trades: what a drop-copy session tells, beside what our own session told.
//
// Each trade of a copied session is expected on both lines, in either order. The first that tells
// it makes an entry, the second takes the entry away: by ExecID and side, or, where the venue gives
// its copies ExecIDs of their own, by order, price and quantity. An entry that stays, and one whose
// two sides do not say the same, is a difference; when it is one is for an actor to decide, by
// time. Nothing here is booked: a trade that only the copy told is booked when an operator accepts
// it, as the own line's report, under its ExecID, so that it is known should that line tell it too.
//
// Cost: an entry is searched from the oldest, and the two lines tell in the same order, so it is
// among the first. Limit: kEntriesMax a session; beyond, the oldest goes and is counted.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "pitwire/market/bytes.hpp"
#include "pitwire/orders/execution_ids.hpp"
#include "pitwire/records.hpp"

namespace pitwire {

/// A trade that was not told on both lines, or not in the same way.
struct CopyEntry {
  rec::Execution report;  ///< as the first line that told it; its session the one that is copied
  Nanos since = 0;
  bool ours = false;
  bool theirs = false;
  CopyMatch match = CopyMatch::AWAITED;
  std::int64_t copy_px = 0;  ///< where the two differ: what the copy says
  std::int64_t copy_qty = 0;
};

class DropCopies final {
 public:
  static constexpr std::size_t kEntriesMax = 65'536;

  /// `line` tells the trades of `copied`. `by_order`: its ExecIDs are not the own line's.
  void define(SessionId line, SessionId copied, bool by_order);
  [[nodiscard]] bool is_line(SessionId session) const noexcept { return find(session) != nullptr; }
  /// The session whose trades the line tells; itself for any other.
  [[nodiscard]] SessionId copied_by(SessionId session) const noexcept;

  /// The own line told a trade that is no duplicate.
  void ours(const rec::Execution& report, Nanos now);
  /// The copy told one, `report.session` already the copied one; `known` is what the own line's
  /// ExecIDs remember of it, or null.
  CopyMatch theirs(const rec::Execution& report, const SeenExecution* known, Nanos now);
  /// Null where there is no such entry.
  [[nodiscard]] const CopyEntry* entry(SessionId copied, const std::array<char, 40>& exec_id,
                                       std::uint8_t side) const noexcept;
  void remove(SessionId copied, const std::array<char, 40>& exec_id, std::uint8_t side);

  /// f(const CopyEntry&) for each entry of the line, oldest first.
  template <class F>
  void for_each(SessionId line, F&& f) const {
    const Line* found = find(line);
    if (found == nullptr) return;
    for (const CopyEntry& each : found->entries) f(each);
  }
  [[nodiscard]] std::uint64_t forgotten() const noexcept { return forgotten_; }

  /// Whether a report is of a trade: a fill, a bust or a correction.
  [[nodiscard]] static bool is_trade(const rec::Execution& report) noexcept;

  void save(std::vector<std::byte>& out) const;
  /// Of the same lines; those that are not defined any more are left out.
  [[nodiscard]] bool restore(std::span<const std::byte> in);

 private:
  using Entries = std::deque<CopyEntry>;
  struct Line {
    SessionId line{};
    SessionId copied{};
    bool by_order = false;
    Entries entries;
  };

  [[nodiscard]] const Line* find(SessionId line) const noexcept;
  [[nodiscard]] Line* of_copied(std::uint32_t session) noexcept;
  [[nodiscard]] static Entries::iterator other(Line& line, const rec::Execution& report, bool ours);
  static CopyMatch compare(CopyEntry& entry, std::int64_t px, std::int64_t qty) noexcept;
  void add(Line& line, const rec::Execution& report, Nanos now, bool ours);

  std::vector<Line> lines_;
  std::uint64_t forgotten_ = 0;
};

}  // namespace pitwire
