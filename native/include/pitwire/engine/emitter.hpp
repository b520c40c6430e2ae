// How the rooms of the core speak: records into the journal, events to the Python phase, bytes to
// the edge. One object, owned by the core, lent to every room.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "pitwire/base/crc32c.hpp"
#include "pitwire/engine/events.hpp"
#include "pitwire/engine/journal.hpp"

namespace pitwire {

/// How far the core is with an order. It says so and reads no clock: the live edge stamps it.
enum class OrderStage : std::uint8_t {
  DECODED,      ///< a native rule has fired: books, signals and kernels are up to date
  DECIDED,      ///< a request has reached the gate, or for a cancel the desk
  RISK_PASSED,  ///< the gate let it pass
};

/// What leaves the core. The live edge writes it to sockets; in replay nobody listens.
class Egress {
 public:
  virtual ~Egress() = default;
  /// A FIX message, already in the log at `sequence`; `cl_ord_id` is 0 where it carries none.
  virtual void fix_tx(SessionId session, Sequence sequence, ClOrdId cl_ord_id,
                      std::string_view message) = 0;
  /// A request to the simulated venue inside the daemon, already in the log.
  virtual void venue_tx(SessionId session, Sequence sequence, RecordType type,
                        std::span<const std::byte> payload) = 0;
  /// The session wants its connection ended.
  virtual void disconnect(SessionId session, std::string_view reason) = 0;
  /// For whoever measures.
  virtual void reached(OrderStage) noexcept {}
  /// A venue answered the request that has this id; 0 where it named none.
  virtual void acknowledged(ClOrdId) noexcept {}
};

class Emitter {
 public:
  Emitter(Journal& journal, Egress& egress) : journal_(&journal), egress_(&egress) {}

  /// Begin applying an input: its time and sequence are those of everything it causes.
  void begin(Nanos now, Sequence cause) noexcept {
    now_ = now;
    cause_ = cause;
  }
  /// While facts of the log are applied nothing is written or sent; events are kept, because what
  /// became of their orders strategies are still to hear.
  void mute(bool muted) noexcept { muted_ = muted; }
  [[nodiscard]] bool muted() const noexcept { return muted_; }
  [[nodiscard]] Nanos now() const noexcept { return now_; }
  [[nodiscard]] Sequence cause() const noexcept { return cause_; }

  /// Writes an output and returns its sequence.
  template <class R>
  Sequence emit(const R& record, std::uint16_t source = 0, std::span<const std::byte> tail = {}) {
    static_assert(R::kClass == FrameClass::OUTPUT);
    if (muted_) return cause_;
    const auto fixed = record_bytes(record);
    outputs_crc_ = crc32c(outputs_crc_, fixed.data(), fixed.size());
    outputs_crc_ = crc32c(outputs_crc_, tail.data(), tail.size());
    ++outputs_;
    return journal_->output(now_, {R::kType, Origin::NONE, source, fixed, tail});
  }

  /// Writes what is never compared.
  template <class R>
  void observe(const R& record, std::uint16_t source = 0) {
    static_assert(R::kClass == FrameClass::OBSERVATION);
    if (muted_) return;
    journal_->observe(now_, {R::kType, Origin::NONE, source, record_bytes(record), {}});
  }

  /// See Journal::kill_here.
  [[nodiscard]] std::optional<rec::Kill> kill_here(bool pending) {
    if (muted_) return std::nullopt;
    return journal_->kill_here(pending, now_);
  }

  Event& event(EventKind kind, std::uint32_t strategy = kNoId, std::uint32_t instrument = kNoId) {
    events_.push_back(Event{kind, strategy, instrument, {}, {}});
    return events_.back();
  }

  [[nodiscard]] std::vector<Event>& events() noexcept { return events_; }
  [[nodiscard]] const std::vector<Event>& events() const noexcept { return events_; }
  [[nodiscard]] bool has_events() const noexcept { return !events_.empty(); }
  [[nodiscard]] Egress& egress() noexcept { return *egress_; }
  [[nodiscard]] std::uint32_t outputs_crc() const noexcept { return outputs_crc_; }
  void set_outputs_crc(std::uint32_t crc) noexcept { outputs_crc_ = crc; }
  [[nodiscard]] std::uint32_t outputs() const noexcept { return outputs_; }
  void reset_outputs() noexcept { outputs_ = 0; }

 private:
  Journal* journal_;
  Egress* egress_;
  Nanos now_ = 0;
  Sequence cause_ = 0;
  bool muted_ = false;
  std::uint32_t outputs_crc_ = 0;
  std::uint32_t outputs_ = 0;
  std::vector<Event> events_;
};

}  // namespace pitwire
