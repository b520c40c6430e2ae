// What the venue says that a session holds: asked, and put beside what our own fills come to.
//
//   ask ──► POSITIONS_REQUESTED ──► the session's route
//   the venue's acknowledgement (how many reports), its reports ──► VENUE_POSITION, one each
//   the last of them ──► VENUE_POSITION "not mentioned" for what only we think to hold,
//                        POSITIONS_ANSWERED
//
// Ours is read when a report is applied, not when an actor hears of it: fills that the same turn
// brings after it are in neither number. One question a session; a new one replaces the old, and
// answers to that count for nothing.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "pitwire/engine/emitter.hpp"
#include "pitwire/engine/order_desk.hpp"
#include "pitwire/fix/messages.hpp"

namespace pitwire {

/// Bits of rec::VenuePosition::flags.
inline constexpr std::uint32_t kPositionUnreadable = 1, kPositionNotMentioned = 2;

class PositionDesk {
 public:
  PositionDesk(Emitter& emitter, OrderDesk& orders) : emitter_(emitter), orders_(orders) {}

  /// The question's number; 0 where the session does not take it (down, or no such message).
  std::uint64_t ask(SessionId session);
  /// False where they answer no open question.
  bool acknowledged(SessionId session, const FixPositionsAck& ack);
  bool reported(rec::VenuePosition record, std::int64_t reports, std::string_view defects);
  /// Our request was refused as a message.
  bool refused(SessionId session, std::string_view text);

  /// What a lot that nobody traded is valued at: the middle of the book, else the last trade, else
  /// the venue's settlement price; 0 without any.
  [[nodiscard]] std::int64_t price_of(InstrumentId instrument, std::int64_t settl_px) const;
  /// An operator accepted the venue's quantity: `change` lots go to no strategy, at `px`.
  void adjust(SessionId session, InstrumentId instrument, std::int64_t change, std::int64_t px,
              std::uint64_t report);

  /// The process that asked is gone.
  void begin_epoch() noexcept { questions_.clear(); }

  void save(ByteWriter& out) const;
  [[nodiscard]] bool restore(ByteReader& in);

 private:
  struct Question {
    std::uint64_t request = 0;  ///< 0: none
    bool acknowledged = false;
    std::uint32_t result = 0;
    std::uint32_t status = 0;
    std::int64_t expected = -1;  ///< reports, -1 while nobody said
    std::uint32_t received = 0;
    std::vector<std::uint32_t> mentioned;  ///< instruments
    std::string text;
  };

  [[nodiscard]] Question* open(std::uint32_t session, std::uint64_t request) noexcept;
  void say(rec::VenuePosition record, std::string_view defects);
  void conclude_if_whole(SessionId session);

  Emitter& emitter_;
  OrderDesk& orders_;
  std::vector<Question> questions_;  ///< by session
};

}  // namespace pitwire
