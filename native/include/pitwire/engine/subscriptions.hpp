// Who wants to hear of which instrument, and who has to be woken in this turn.
//
// Conflated subscribers run once, at the end of the drain: `mark` sets a flag per (instrument,
// strategy) pair and remembers the pair the first time; `drain` hands the pairs out by (strategy,
// instrument), whatever order the updates came in. Marking is O(subscribers of the instrument).
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "pitwire/base/types.hpp"
#include "pitwire/market/bytes.hpp"

namespace pitwire {

class Subscriptions {
 public:
  enum class Wake : std::uint8_t { CONFLATED, EVERY_UPDATE };

  /// Asking again changes the mode.
  void subscribe_book(StrategyId strategy, InstrumentId instrument, Wake wake) {
    for (auto& entry : at(books_, instrument)) {
      if (entry.strategy == strategy) {
        entry.wake = wake;
        return;
      }
    }
    insert(at(books_, instrument), Entry{strategy, wake, false});
  }

  void subscribe_trades(StrategyId strategy, InstrumentId instrument) {
    auto& list = at(trades_, instrument);
    const auto same = [&](const Entry& e) { return e.strategy == strategy; };
    if (std::none_of(list.begin(), list.end(), same)) insert(list, Entry{strategy, {}, false});
  }

  void unsubscribe_all(StrategyId strategy) {
    const auto of_strategy = [&](const Entry& e) { return e.strategy == strategy; };
    for (auto& list : books_) std::erase_if(list, of_strategy);
    for (auto& list : trades_) std::erase_if(list, of_strategy);
    std::erase_if(dirty_, [&](const Pair& pair) { return pair.strategy == strategy; });
  }

  /// The book changed. True when a subscriber of every update must see exactly this state.
  bool mark(InstrumentId instrument) {
    if (index(instrument) >= books_.size()) return false;
    bool every_update = false;
    for (auto& entry : books_[index(instrument)]) {
      every_update |= entry.wake == Wake::EVERY_UPDATE;
      ++counts_.updates;
      if (entry.dirty) {
        ++counts_.conflated;
        continue;
      }
      entry.dirty = true;
      dirty_.push_back({entry.strategy, instrument});
    }
    return every_update;
  }

  /// Since the start: changes of a book for one subscriber each, those that found it marked
  /// already, and those that woke it. Where nobody is marked the first is the sum of the others.
  struct Counts {
    std::uint64_t updates = 0, conflated = 0, delivered = 0;
  };
  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }

  [[nodiscard]] bool any_dirty() const noexcept { return !dirty_.empty(); }

  /// Calls `wake(strategy, instrument)` for every pair marked since the last call. With
  /// `every_update_only` the conflated ones stay marked for the end of the drain.
  template <class WakeUp>
  void drain(bool every_update_only, WakeUp&& wake) {
    std::sort(dirty_.begin(), dirty_.end());
    std::size_t kept = 0;
    for (const auto pair : dirty_) {
      auto& entry = entry_of(pair);
      if (every_update_only && entry.wake == Wake::CONFLATED) {
        dirty_[kept++] = pair;
        continue;
      }
      entry.dirty = false;
      ++counts_.delivered;
      wake(pair.strategy, pair.instrument);
    }
    dirty_.resize(kept);
  }

  template <class Visit>
  void for_each_trade_subscriber(InstrumentId instrument, Visit&& visit) const {
    if (index(instrument) >= trades_.size()) return;
    for (const auto& entry : trades_[index(instrument)]) visit(entry.strategy);
  }

  /// Only between turns, when nobody is marked.
  void save(ByteWriter& out) const {
    save_lists(books_, out);
    save_lists(trades_, out);
  }
  [[nodiscard]] bool restore(ByteReader& in) {
    dirty_.clear();
    return restore_lists(books_, in) && restore_lists(trades_, in);
  }

 private:
  struct Entry {
    StrategyId strategy{};
    Wake wake{};
    bool dirty = false;
  };
  struct Pair {
    StrategyId strategy{};
    InstrumentId instrument{};
    auto operator<=>(const Pair&) const = default;
  };
  using Lists = std::vector<std::vector<Entry>>;

  static void save_lists(const Lists& lists, ByteWriter& out) {
    out.put(static_cast<std::uint64_t>(lists.size()));
    for (const auto& list : lists) {
      out.put(static_cast<std::uint64_t>(list.size()));
      for (const Entry& entry : list) {
        out.put(entry.strategy);
        out.put(entry.wake);
      }
    }
  }
  static bool restore_lists(Lists& lists, ByteReader& in) {
    lists.clear();
    for (auto left = in.get<std::uint64_t>(); left > 0 && in.ok(); --left) {
      auto& list = lists.emplace_back();
      for (auto entries = in.get<std::uint64_t>(); entries > 0 && in.ok(); --entries) {
        const auto strategy = in.get<StrategyId>();
        list.push_back(Entry{strategy, in.get<Wake>(), false});
      }
    }
    return in.ok();
  }
  static std::vector<Entry>& at(Lists& lists, InstrumentId instrument) {
    if (index(instrument) >= lists.size()) lists.resize(index(instrument) + 1);
    return lists[index(instrument)];
  }
  static void insert(std::vector<Entry>& list, Entry entry) {
    const auto before = [](const Entry& a, const Entry& b) { return a.strategy < b.strategy; };
    list.insert(std::upper_bound(list.begin(), list.end(), entry, before), entry);
  }
  Entry& entry_of(Pair pair) {
    auto& list = books_[index(pair.instrument)];
    return *std::find_if(list.begin(), list.end(),
                         [&](const Entry& e) { return e.strategy == pair.strategy; });
  }

  Lists books_;
  Lists trades_;
  std::vector<Pair> dirty_;
  Counts counts_;
};

}  // namespace pitwire
