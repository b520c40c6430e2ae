// An application message's own fields as bytes, "tag=value<SOH>" one behind the other.
//
// One buffer, reused: building the fields of an order allocates nothing once it has grown. They are
// written in ascending order of their tags, which is how QuickFIX orders a body, so that a message
// is the same bytes whether QuickFIX sends it or we do (session_fast.cpp). A dialect's own fields
// (extras.hpp) go in between, each before the first higher tag.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "extras.hpp"
#include "pitwire/fix/decimal.hpp"
#include "pitwire/fix/session.hpp"
#include "timestamp.hpp"

namespace pitwire {

class FixBody {
 public:
  explicit FixBody(const ClOrdIdText& ids) : ids_(ids) {}

  /// Empty, of this MsgType, with these fields of the dialect, which must outlive it; `facts` are
  /// what those need to know, and what prices and quantities are written by.
  void begin(std::string_view msg_type, std::span<const FixExtra> extras,
             const FixOrderFacts& facts) noexcept {
    msg_type_ = msg_type;
    extras_ = extras;
    facts_ = facts;
    bytes_.clear();
    last_tag_ = 0;
    ascending_ = fits_ = true;
  }
  /// The dialect's fields behind the last of ours. False where a number has more decimals than the
  /// dialect writes: it must not be sent.
  [[nodiscard]] bool finish();
  void put(int tag, std::string_view value) {
    put_tag(tag);
    bytes_ += value;
    bytes_ += '\x01';
  }
  void put(int tag, char value);
  /// Nothing where the value is empty.
  void put_text(int tag, std::string_view value) {
    if (!value.empty()) put(tag, value);
  }
  template <class Enum>
  void put_digit(int tag, Enum value) {
    put(tag, static_cast<char>('0' + static_cast<int>(value)));
  }
  void put_number(int tag, std::uint64_t value);
  void put_id(int tag, ClOrdId id);
  void put_decimal(int tag, std::int64_t count, DecimalStep step);
  /// Of the instrument's price and quantity steps, with the decimals that its venue wants.
  void put_price(int tag, std::int64_t count);
  void put_qty(int tag, std::int64_t count);
  void put_timestamp(int tag, Nanos ts, int digits);

  [[nodiscard]] std::string_view msg_type() const noexcept { return msg_type_; }
  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }
  /// Its ClOrdID, 0 where it has none.
  [[nodiscard]] ClOrdId cl_ord_id() const noexcept { return cl_ord_id_; }
  /// Every field's tag is above the one before.
  [[nodiscard]] bool ascending() const noexcept { return ascending_; }

 private:
  void put_tag(int tag);
  void put_extra(const FixExtra& extra);
  void put_counted(int tag, std::int64_t count, DecimalStep step, int decimals);

  const ClOrdIdText& ids_;
  std::span<const FixExtra> extras_;  // those still to come
  FixOrderFacts facts_;
  bool fits_ = true;
  std::string bytes_;
  std::string_view msg_type_;
  ClOrdId cl_ord_id_ = 0;
  int last_tag_ = 0;
  bool ascending_ = true;
  TimestampText timestamp_;
};

}  // namespace pitwire
