#include "body.hpp"

#include <charconv>

namespace pitwire {
namespace {

constexpr int kClOrdId = 11;

void append_number(std::string& out, std::uint64_t value) {
  char text[20];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  out.append(text, end);
}

}  // namespace

void FixBody::put_extra(const FixExtra& extra) {
  ascending_ = ascending_ && extra.tag > last_tag_;
  last_tag_ = extra.tag;
  append_extra(bytes_, extra, facts_);
}

bool FixBody::finish() {
  for (const FixExtra& extra : extras_) put_extra(extra);
  extras_ = {};
  return fits_;
}

void FixBody::put_tag(int tag) {
  while (!extras_.empty() && extras_.front().tag < tag) {
    put_extra(extras_.front());
    extras_ = extras_.subspan(1);
  }
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
  ids_.append(bytes_, id);
  bytes_ += '\x01';
}

void FixBody::put_decimal(int tag, std::int64_t count, DecimalStep step) {
  put_tag(tag);
  append_multiple(bytes_, count, step);
  bytes_ += '\x01';
}

void FixBody::put_counted(int tag, std::int64_t count, DecimalStep step, int decimals) {
  put_tag(tag);
  fits_ = append_decimals(bytes_, count, step, decimals) && fits_;
  bytes_ += '\x01';
}

void FixBody::put_price(int tag, std::int64_t count) {
  put_counted(tag, count, facts_.of->price_step, facts_.of->price_decimals);
}

void FixBody::put_qty(int tag, std::int64_t count) {
  put_counted(tag, count, facts_.of->qty_step, facts_.of->qty_decimals);
}

void FixBody::put_timestamp(int tag, Nanos ts, int digits) {
  put_tag(tag);
  timestamp_.append(bytes_, ts, digits);
  bytes_ += '\x01';
}

}  // namespace pitwire
