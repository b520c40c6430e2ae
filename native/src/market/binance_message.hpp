// The fields of a Binance market-data message as text, before any instrument gives them meaning.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "pitwire/base/types.hpp"

namespace pitwire {

struct BinanceLevelText {
  std::string_view px;
  std::string_view qty;
  Side side;
};

struct BinanceMessage {
  std::string_view event;   ///< "e"
  std::string_view symbol;  ///< "s"
  std::string_view bid_px, bid_qty, ask_px, ask_qty, px, qty, maker, execution;
  std::uint64_t first_id = 0, last_id = 0, previous_id = 0, snapshot_id = 0;
  std::uint64_t event_ms = 0, transaction_ms = 0;
  bool has_previous = false, has_last = false, has_snapshot = false;
  std::vector<BinanceLevelText> levels;  ///< kept between messages for its capacity

  /// Reads one message; false with reason and offset if it is not well-formed JSON of this kind.
  [[nodiscard]] bool read(std::span<const std::byte> bytes);

  const char* reason = "";
  std::size_t offset = 0;
};

}  // namespace pitwire
