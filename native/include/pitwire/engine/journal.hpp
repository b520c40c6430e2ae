// Where the core's records go: into the log when live, against the log when replayed.
//
// The core does not know which. It asks for a record to be written and is told the record's
// sequence; a replaying journal answers with the sequence the logged one had, and notes the first
// output that differs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "pitwire/base/types.hpp"
#include "pitwire/log/log_reader.hpp"
#include "pitwire/log/log_writer.hpp"

namespace pitwire {

/// A record to be written: its fixed part and the variable bytes behind it.
struct Record {
  RecordType type{};
  Origin origin = Origin::NONE;
  std::uint16_t source = 0;
  std::span<const std::byte> fixed;
  std::span<const std::byte> tail;
};

[[nodiscard]] inline std::span<const std::byte> text_bytes(std::string_view text) noexcept {
  return std::as_bytes(std::span(text.data(), text.size()));
}

[[nodiscard]] inline std::string_view text_view(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class Journal {
 public:
  virtual ~Journal() = default;
  virtual Sequence output(Nanos ts_core, const Record& record) = 0;
  virtual void observe(Nanos ts_core, const Record& record) = 0;
  /// Asked before each gate check: the KILL input, if it belongs at exactly this position. Live,
  /// `pending` (the word is set and not yet applied) appends one; replay finds it in the log.
  virtual std::optional<rec::Kill> kill_here(bool pending, Nanos ts_core) = 0;
};

/// Appends to the log.
class LiveJournal final : public Journal {
 public:
  explicit LiveJournal(LogWriter& log) : log_(log) {}
  Sequence input(Nanos ts_core, const Record& record);
  Sequence output(Nanos ts_core, const Record& record) override;
  void observe(Nanos ts_core, const Record& record) override;
  std::optional<rec::Kill> kill_here(bool pending, Nanos ts_core) override;
  /// Who set the kill word and to what, as the kill path's page has it.
  void set_kill_source(std::function<rec::Kill()> source) { kill_source_ = std::move(source); }
  [[nodiscard]] LogWriter& log() noexcept { return log_; }

 private:
  LogWriter& log_;
  std::function<rec::Kill()> kill_source_;
};

/// The first place where a replay's output is not the logged one.
struct Divergence {
  Sequence sequence{};  ///< of the logged frame; of the last frame where the log has no more
  Nanos ts_core{};
  RecordType expected_type{};
  RecordType found_type{};
  std::size_t offset = 0;  ///< first differing byte of the payload
  std::string reason;
  std::string expected_payload;
  std::string found_payload;
};

/// Compares with the log, frame by frame. After the first divergence nothing is compared any more.
class ReplayJournal final : public Journal {
 public:
  explicit ReplayJournal(LogReader& log) : log_(log) {}

  /// The next input, or nothing at the end or after a divergence. Outputs that stand before it
  /// were not produced: that is a divergence too.
  std::optional<Frame> next_input();
  /// Nothing that counts is left.
  [[nodiscard]] bool at_end() { return peek() == nullptr; }
  /// The next frame whatever it is, if its sequence is at most `last`: facts are not compared.
  std::optional<Frame> next_fact(Sequence last);
  Sequence output(Nanos ts_core, const Record& record) override;
  void observe(Nanos, const Record&) override {}
  std::optional<rec::Kill> kill_here(bool pending, Nanos ts_core) override;

  [[nodiscard]] const std::optional<Divergence>& divergence() const noexcept { return divergence_; }
  [[nodiscard]] std::uint64_t outputs_compared() const noexcept { return outputs_compared_; }
  [[nodiscard]] Sequence last_sequence() const noexcept { return last_sequence_; }
  /// Past this sequence the log is not read (0: to its end).
  void stop_after(Sequence sequence) noexcept { stop_after_ = sequence; }
  /// `look` is shown the logged frame of this sequence before the core applies what it says: the
  /// core is then as it was when it decided. `look` must change nothing.
  void look_before(Sequence sequence, std::function<void(const Frame&)> look) {
    look_before_ = sequence;
    look_ = std::move(look);
  }

 private:
  /// The next frame that counts, without taking it.
  const Frame* peek();
  void take() noexcept;
  void look_at(const Frame& frame) const;
  void diverge(const Frame* expected, Nanos ts_core, const Record* found, std::string reason);

  LogReader& log_;
  std::optional<Frame> peeked_;
  std::optional<Divergence> divergence_;
  std::uint64_t outputs_compared_ = 0;
  Sequence last_sequence_ = 0;
  Sequence stop_after_ = 0;
  Sequence look_before_ = 0;
  std::function<void(const Frame&)> look_;
};

}  // namespace pitwire
