// The field table of a FIX message and all that our decoders read from it. The first byte says
// which version and which side reads.
#include <string>

#include "fix/decode.hpp"
#include "fix/fields.hpp"
#include "fix/timestamp.hpp"
#include "pitwire/fix/decimal.hpp"
#include "target.hpp"

namespace pitwire::fuzz {
namespace {

const FixSymbology& symbols() {
  static const auto* kept = [] {
    auto* made = new FixSymbology;  // as long as the process
    made->add({InstrumentId{0}, "AAA", {1, -2}, {1, 0}, {1, -4}});
    made->add({InstrumentId{7}, "BTCUSDT", {1, -1}, {1, -3}, {1, -8}});
    return made;
  }();
  return *kept;
}

void read_as_initiator(const Decoder& decoder, const FieldTable& fields) {
  const auto report = decoder.execution(fields, 1);
  require(report.record.exec_id.back() == '\0', "texts of a record end within it");
  (void)decoder.cancel_rejected(fields, 1);
  (void)decoder.mass_cancel_report(fields);
  (void)decoder.positions_ack(fields);
  (void)decoder.venue_position(fields, 1);
}

void read_as_acceptor(const Decoder& decoder, const FieldTable& fields) {
  Refusal why;
  if (FixNewOrder order; decoder.order(fields, 1, order, why)) {
    require(symbols().find(order.instrument) != nullptr, "an order is of an instrument we know");
  }
  FixReplace replace;
  (void)decoder.replace(fields, 1, replace, why);
  FixCancel cancel;
  (void)decoder.cancel(fields, 1, cancel, why);
  (void)decoder.status_request(fields, 1);
  FixMassCancel mass;
  (void)decoder.mass_cancel(fields, 1, mass, why);
  FixPositionsRequest positions;
  (void)decoder.positions_request(fields, 1, positions, why);
}

void check_value(std::string_view value) {
  constexpr DecimalStep kCent{1, -2};
  if (const auto read = parse_multiple(value, kCent); read.error == DecimalError::NONE) {
    std::string shown;
    append_multiple(shown, read.count, kCent);
    require(parse_multiple(shown, kCent).count == read.count, "a decimal reads back");
  }
  if (Nanos ts = 0; parse_timestamp(value, ts)) {
    std::string shown;
    TimestampText().append(shown, ts, 9);
    Nanos again = -1;
    require(parse_timestamp(shown, again) && again == ts, "a time reads back");
  }
  if (const auto id = parse_cl_ord_id(value); id != 0) {
    std::string shown;
    append_cl_ord_id(shown, id);
    require(shown == value, "a ClOrdID reads back");
  }
}

}  // namespace

void run(Bytes input) {
  if (input.empty()) return;
  const auto choice = std::to_integer<unsigned>(input[0]);
  FixSessionConfig config;
  config.initiator = (choice & 1) != 0;
  if ((choice & 2) != 0) config.begin_string = "FIX.4.2";
  const auto text = text_of(input.subspan(1));
  const FieldTable fields(text);
  for (const auto& field : fields.all()) {
    const auto* begin = field.value.data();
    require(begin >= text.data() && begin + field.value.size() <= text.data() + text.size(),
            "a value lies within its message");
    require(fields.has(field.tag), "what is there is found");
    check_value(field.value);
  }
  const Decoder decoder(config, symbols());
  config.initiator ? read_as_initiator(decoder, fields) : read_as_acceptor(decoder, fields);
}

}  // namespace pitwire::fuzz
