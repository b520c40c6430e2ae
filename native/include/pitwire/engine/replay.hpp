// Runs a log's inputs through a core again and compares every output.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "pitwire/engine/core.hpp"

namespace pitwire {

/// Where nothing leaves: the egress of a replay.
class NoEgress final : public Egress {
 public:
  void fix_tx(SessionId, Sequence, ClOrdId, std::string_view) override {}
  void venue_tx(SessionId, Sequence, RecordType, std::span<const std::byte>) override {}
  void disconnect(SessionId, std::string_view) override {}
};

class ReplayDriver {
 public:
  /// Why `run_native` came back.
  enum class Stop : std::uint8_t {
    PYTHON_PHASE = 0,  ///< a TURN was read: run the Python phase, then call again
    EPOCH = 1,         ///< a start of the daemon was read: `epoch_json()`
    END = 2,           ///< the log, or what was asked of it, ends here
    DIVERGED = 3,      ///< `journal().divergence()`
    BUDGET = 4,        ///< `inputs_max` were applied: call again
  };

  /// What an ABANDONED record says: recovery took frames as facts, and so does replay.
  struct Facts {
    Sequence at{};      ///< of the record
    bool anew = false;  ///< strategies began anew there: not a part of what runs before it
    Sequence from{};
    Sequence last{};
  };

  /// `facts` are those of all the log's ABANDONED records, rising.
  ReplayDriver(LogReader& log, const CoreConfig& config, const std::vector<Facts>& facts = {});

  /// Before the first run: begin with this ABANDONED record, by which a process began anew.
  /// Everything before it is taken as facts, from the log's beginning or from where `facts_from`
  /// says, as that process did. False where the log has no such record.
  [[nodiscard]] bool begin_anew(Sequence abandoned, Sequence facts_from);

  /// Applies inputs until something else has to be done.
  Stop run_native(std::uint64_t inputs_max);

  [[nodiscard]] Core& core() noexcept { return core_; }
  [[nodiscard]] ReplayJournal& journal() noexcept { return journal_; }
  [[nodiscard]] const std::string& epoch_json() const noexcept { return epoch_json_; }
  [[nodiscard]] std::uint64_t inputs() const noexcept { return inputs_; }
  [[nodiscard]] Nanos first_ts() const noexcept { return first_ts_; }

 private:
  /// True when the log goes on with frames that were taken as facts; they are applied.
  bool apply_facts();

  NoEgress egress_;
  ReplayJournal journal_;
  Core core_;
  std::vector<Facts> facts_;  ///< rising
  /// The input being applied, copied: comparing its outputs may take the log into the next segment.
  FrameHeader header_{};
  std::vector<std::byte> payload_;
  std::string epoch_json_;
  std::uint64_t inputs_ = 0;
  Nanos first_ts_ = 0;
  bool in_turn_ = false;
  bool anew_ = false;  ///< what the facts tell is for nobody: no strategy knows these orders
};

}  // namespace pitwire
