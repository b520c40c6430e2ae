#include "body.hpp"

#include <charconv>

#include "fields.hpp"

namespace pitwire {
namespace {

constexpr int kClOrdId = 11;

void append_number(std::string& out, std::uint64_t value) {
  char text[20];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  out.append(text, end);
}

}  // namespace

void FixBody::put_tag(int tag) {
  ascending_ = ascending_ && tag > last_tag_;
  last_tag_ = tag;
  char text[12];
  char* const end = std::to_chars(text, text + sizeof text - 1, tag).ptr;
  *end = '=';
  bytes_.append(text, end + 1);
}

void FixBody::put(int tag, char value) {
  put_tag(tag);
  const char text[] = {value, '\x01'};
  bytes_.append(text, sizeof text);
}

void FixBody::put_number(int tag, std::uint64_t value) {
  put_tag(tag);
  append_number(bytes_, value);
  bytes_ += '\x01';
}

void FixBody::put_id(int tag, ClOrdId id) {
  if (tag == kClOrdId) cl_ord_id_ = id;
  put_tag(tag);
  append_cl_ord_id(bytes_, id);
  bytes_ += '\x01';
}

void FixBody::put_decimal(int tag, std::int64_t count, DecimalStep step) {
  put_tag(tag);
  append_multiple(bytes_, count, step);
  bytes_ += '\x01';
}

void FixBody::put_timestamp(int tag, Nanos ts, int digits) {
  put_tag(tag);
  timestamp_.append(bytes_, ts, digits);
  bytes_ += '\x01';
}

FIX::Message FixBody::message() const {
  FIX::Message message;
  message.getHeader().setField(35, std::string(msg_type_));
  const FieldTable fields(bytes_);
  for (const auto& [tag, value] : fields.all()) {
    message.setField(static_cast<int>(tag), std::string(value));
  }
  return message;
}

}  // namespace pitwire
