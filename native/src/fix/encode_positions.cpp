// RequestForPositions, its acknowledgement and PositionReport, FIX 4.4.
#include <algorithm>

#include "encode.hpp"
#include "put.hpp"
#include "timestamp.hpp"

namespace pitwire {
namespace {

constexpr std::string_view kTotal = "TOT";  // PosType: total transaction quantity

/// LocalMktDate; our days are UTC's.
std::string date_of(Nanos now) {
  std::string text;
  TimestampText().append(text, now, 0);
  return text.substr(0, 8);
}

}  // namespace

// Required in all three. Where no account is configured, the client's CompID names it: our
// exchange keeps its record by that.
void Encoder::put_account(FIX::Message& message, std::string_view account) const {
  const auto& client = config_.initiator ? config_.sender_comp_id : config_.target_comp_id;
  put(message, 1, account.empty() ? std::string_view(client) : account);
  put(message, 581, '1');  // AccountType: carried on the customer side of the books
}

FIX::Message Encoder::positions_request(Nanos now, std::uint64_t request) const {
  FIX::Message message = message_of("AN");
  put_id(message, 710, request, ids_);
  put(message, 724, '0');  // PosReqType: positions
  put(message, 263, '0');  // SubscriptionRequestType: a snapshot
  put_account(message, config_.account);
  put(message, 715, date_of(now));
  put_timestamp(message, 60, now);
  complete(message, nullptr);
  return message;
}

FIX::Message Encoder::positions_ack(const FixPositionsAck& ack) const {
  FIX::Message message = message_of("AO");
  std::string id;
  ids_.append(id, ack.request);
  put(message, 721, "ACK-" + id);
  put(message, 710, id);
  if (ack.reports >= 0) put_number(message, 727, static_cast<std::uint64_t>(ack.reports));
  put_number(message, 728, ack.result);
  put_number(message, 729, ack.status);
  put_account(message, {});
  put_text(message, 58, ack.text);
  return message;
}

Encoder::Built Encoder::position(Nanos now, const FixPosition& position) const {
  const FixInstrument* const of = symbology_.find(position.instrument);
  if (of == nullptr) return std::nullopt;
  FIX::Message message = message_of("AP");
  std::string id;
  ids_.append(id, position.request);
  put(message, 721, "POS-" + id + "-" + std::to_string(position.number));
  put(message, 710, id);
  put(message, 724, '0');
  put_number(message, 727, static_cast<std::uint64_t>(position.reports));
  put_number(message, 728, kPositionsValid);
  put(message, 715, date_of(now));
  put_account(message, {});
  complete(message, of);
  put_decimal(message, 730, position.settl_px, of->price_step);
  put(message, 731, '2');  // SettlPriceType: theoretical
  put_decimal(message, 734, position.settl_px, of->price_step);
  FIX::Group quantity(702, 703);
  put(quantity, 703, kTotal);
  put_decimal(quantity, 704, position.long_qty, of->qty_step);
  put_decimal(quantity, 705, position.short_qty, of->qty_step);
  message.addGroup(quantity);
  return message;
}

FIX::Message Encoder::refused_positions(const FieldTable& request, const Refusal& refusal,
                                        std::uint64_t number) const {
  FIX::Message message = message_of("AO");
  put(message, 721, "REFUSED-" + std::to_string(number));
  echo(message, 710, request);
  put(message, 727, '0');
  put_number(message, 728, refusal.reason);
  put_number(message, 729, kPositionsRejected);
  put_account(message, request[1]);
  put_text(message, 58, refusal.text);
  return message;
}

}  // namespace pitwire
