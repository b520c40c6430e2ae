// Fields of a message being built, of a repeating group too.
#pragma once

#include <Message.h>

#include <string>
#include <string_view>

#include "append_decimal.hpp"
#include "fields.hpp"
#include "pitwire/fix/session.hpp"

namespace pitwire {

inline FIX::Message message_of(const char* msg_type) {
  FIX::Message message;
  message.getHeader().setField(35, msg_type);
  return message;
}

inline void put(FIX::FieldMap& message, int tag, std::string_view value) {
  message.setField(tag, std::string(value));
}
inline void put(FIX::FieldMap& message, int tag, char value) {
  message.setField(tag, std::string(1, value));
}
inline void put_number(FIX::FieldMap& message, int tag, std::uint64_t value) {
  message.setField(tag, std::to_string(value));
}
inline void put_id(FIX::FieldMap& message, int tag, ClOrdId id, const ClOrdIdText& ids) {
  std::string text;
  ids.append(text, id);
  message.setField(tag, text);
}
inline void put_decimal(FIX::FieldMap& message, int tag, std::int64_t count, DecimalStep step) {
  std::string text;
  append_multiple(text, count, step);
  message.setField(tag, text);
}
inline void put_text(FIX::FieldMap& message, int tag, std::string_view value) {
  if (!value.empty()) put(message, tag, value);
}
// A NUL-free, SOH-free echo of a field, when there is one.
inline void echo(FIX::FieldMap& message, int tag, const FieldTable& fields) {
  put_text(message, tag, fields[static_cast<std::uint32_t>(tag)]);
}

template <class Enum>
void put_digit(FIX::FieldMap& message, int tag, Enum value) {
  put(message, tag, static_cast<char>('0' + static_cast<int>(value)));
}

}  // namespace pitwire
