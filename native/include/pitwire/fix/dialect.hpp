// How a broker's FIX differs from the standard's: as data, stated per session.
//
// A dialect belongs to a session, never to a broker's name in code. Where a session has none, every
// default below is what FIX itself says. The acceptor of a rehearsal takes the same dialect: what
// the initiator writes it reads, what it writes the initiator reads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pitwire/base/types.hpp"

namespace pitwire {

/// ClOrdIDs as text: a prefix and the number in a fixed count of upper-case digits (16 in base 16,
/// 20 in base 10, 13 in base 36), so that every id is as long as every other.
class ClOrdIdText {
 public:
  ClOrdIdText() = default;  ///< 16 hexadecimal digits
  /// Throws std::invalid_argument for another base, or a prefix with what is no letter, digit or
  /// "-._".
  ClOrdIdText(std::string prefix, int base);
  void append(std::string& out, ClOrdId id) const;
  /// 0 where `text` is not exactly what `append` writes.
  [[nodiscard]] ClOrdId parse(std::string_view text) const noexcept;
  /// "expected 16 upper-case hexadecimal digits"
  [[nodiscard]] std::string expected() const;

 private:
  std::string prefix_;
  std::uint64_t base_ = 16;
  std::size_t digits_ = 16;
};

/// A field beside the version's dictionary, or one of it in further messages or with fewer values.
struct FixDialectField {
  int tag = 0;
  std::string name;                   ///< empty for a tag of the dictionary
  std::string type;                   ///< as the dictionary's XML has it: STRING, CHAR, INT, PRICE…
  std::vector<std::string> values;    ///< empty: any
  std::vector<std::string> messages;  ///< MsgTypes it may stand in
  std::vector<std::string> required;  ///< MsgTypes it must stand in
};

/// What a field of ours is filled from.
enum class FixSource : std::uint8_t {
  VALUE,        ///< `value`, in every message
  STRATEGY,     ///< the strategy's name; D, F and G
  ORDER_TAG,    ///< the number that the strategy gave with its order; D
  SECURITY_ID,  ///< of the instrument; made by `by_security_id`, not configured
};

/// A field that we write beside what every order has. Account (1) and HandlInst (21) may be
/// replaced so; other tags that pitwire writes by itself may not.
struct FixDialectPut {
  int tag = 0;
  std::string value;
  FixSource source = FixSource::VALUE;
  std::vector<std::string> messages;  ///< D, F, G, H, q, AF, AN: ours; 8, 9: the acceptor's
};

/// One entry of NoPartyIDs (453).
struct FixParty {
  std::string id;      ///< PartyID (448)
  std::string source;  ///< PartyIDSource (447)
  std::string role;    ///< PartyRole (452)
  bool operator==(const FixParty&) const = default;
};

struct FixDialect {
  std::string name;
  std::vector<FixDialectField> fields;
  std::vector<FixDialectPut> puts;
  std::vector<FixParty> parties;  ///< in D, F, G, and in 8 where it has any; FIX 4.4
  ClOrdIdText ids;

  // ---- which instrument
  bool by_security_id = false;     ///< SecurityID (48) names it, Symbol (55) does not
  std::string security_id_source;  ///< tag 22
  std::string symbol_text;         ///< what 55 says then; empty: the symbol as well

  // ---- what a report says where
  int fee_tag = 12;                        ///< Commission with CommType (13); another stands alone
  int liquidity_tag = 0;                   ///< 0: 851 in FIX 4.4, 9851 in FIX 4.2
  std::vector<std::string> added = {"1"};  ///< the first is what an acceptor writes
  std::vector<std::string> removed = {"2"};  ///< took liquidity: the aggressor
  int order_id_tag = 37;                     ///< where the venue's reference of an order stands
  std::vector<std::pair<std::string, ExecType>> exec_types;     ///< ExecType (150) of its own
  std::vector<std::pair<std::string, OrdStatus>> ord_statuses;  ///< OrdStatus (39) of its own

  /// The field of Logon that asks the venue to cancel on disconnect; tag 0: none does.
  int cancel_on_disconnect_tag = 0;
  std::string cancel_on_disconnect_value;

  std::vector<std::string> strategies;  ///< names by id, for FixSource::STRATEGY
};

struct FixSessionConfig;

/// Throws std::invalid_argument, "key: reason", where the session's dialect cannot be spoken: a tag
/// that pitwire or the header has, an unknown type or message, a value that its field does not
/// allow, a required field that nothing writes.
void check_dialect(const FixSessionConfig& config);

}  // namespace pitwire
