// FIX's characters ↔ our enumerations, for both versions. Tables, not code, decide.
#pragma once

#include <string_view>

#include "pitwire/base/types.hpp"

namespace pitwire {

// Index: the enumerator's number. ExecType (150) in FIX 4.4; FIX 4.2 says trades, busts,
// corrections and status with ExecTransType (20), see exec_words_42.
inline constexpr std::string_view kExecTypeChars = "0123456789ABCDEFGHI";
inline constexpr std::string_view kOrdStatusChars = "0123456789ABCDE";

struct ExecWords42 {
  char exec_trans_type;
  char exec_type;
};

/// What FIX 4.2 says for one of FIX 4.4's ExecTypes.
///
/// | 4.4            | ExecTransType | ExecType                                          |
/// |----------------|---------------|---------------------------------------------------|
/// | TRADE          | 0 new         | 2 when OrdStatus is FILLED, else 1                |
/// | TRADE_CANCEL   | 1 cancel      | OrdStatus                                         |
/// | TRADE_CORRECT  | 2 correct     | OrdStatus                                         |
/// | ORDER_STATUS   | 3 status      | OrdStatus                                         |
/// | others         | 0 new         | the same character                                |
[[nodiscard]] constexpr ExecWords42 exec_words_42(ExecType type, OrdStatus status) noexcept {
  const char as_status = kOrdStatusChars[static_cast<std::size_t>(status)];
  switch (type) {
    case ExecType::TRADE:
      return {'0', status == OrdStatus::FILLED ? '2' : '1'};
    case ExecType::TRADE_CANCEL:
      return {'1', as_status};
    case ExecType::TRADE_CORRECT:
      return {'2', as_status};
    case ExecType::ORDER_STATUS:
      return {'3', as_status};
    default:
      return {'0', kExecTypeChars[static_cast<std::size_t>(type)]};
  }
}

/// Position of a one-character value in its table, or -1.
[[nodiscard]] constexpr int position(std::string_view table, std::string_view value) noexcept {
  if (value.size() != 1) return -1;
  const std::size_t at = table.find(value.front());
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

/// The inverse for both versions; -1 where the words mean nothing. ExecType 1 and 2 (4.2, and
/// venues that kept them) are TRADE.
[[nodiscard]] constexpr int exec_type_of(std::string_view exec_type,
                                         std::string_view exec_trans_type) noexcept {
  if (exec_trans_type == "1") return static_cast<int>(ExecType::TRADE_CANCEL);
  if (exec_trans_type == "2") return static_cast<int>(ExecType::TRADE_CORRECT);
  if (exec_trans_type == "3") return static_cast<int>(ExecType::ORDER_STATUS);
  const int type = position(kExecTypeChars, exec_type);
  return type == 1 || type == 2 ? static_cast<int>(ExecType::TRADE) : type;
}

// Highest OrdRejReason (103) and CxlRejReason (102) that FIX 4.2 knows; above, "broker option".
inline constexpr std::uint32_t kOrdRejReasonMax42 = 8;
inline constexpr std::uint16_t kCxlRejReasonMax42 = 3;

}  // namespace pitwire
