// NASDAQ TotalView-ITCH 5.0 messages, decoded and encoded from one table of fields each.
//
// Source: "NASDAQ TotalView-ITCH 5.0" interface specification, 03/06/2015; 'h' and the fields it
// brought are of the 2018 revision. Integers are big-endian, prices have 4 implied places (8 in
// 'V'), times are nanoseconds since midnight in 48 bits.
//
// Every message struct lists its fields once, in wire order, in `fields`; Reader and Writer walk
// that list with offsets that the compiler folds into constants, so decode is a row of byte-swapped
// loads and encode its mirror image: one cannot drift from the other.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "pitwire/market/status.hpp"
#include "pitwire/market/top.hpp"

namespace pitwire::itch {

using Alpha4 = std::array<char, 4>;
using Alpha2 = std::array<char, 2>;

/// The first eleven bytes of every message.
struct Header {
  std::uint16_t stock_locate = 0;
  std::uint16_t tracking_number = 0;
  std::uint64_t timestamp = 0;  ///< ns since midnight, 48 bits
  bool operator==(const Header&) const = default;
};
inline constexpr std::size_t kHeaderSize = 11;
inline constexpr std::size_t kMessageSizeMax = 50;

// The common part of a message: its type, its size, its header, and `fields`, which hands every
// field to f.
#define PITWIRE_ITCH(NAME, TYPE, SIZE, ...)                          \
  static constexpr char kType = TYPE;                                \
  static constexpr std::size_t kSize = SIZE;                         \
  Header header{};                                                   \
  template <class Self, class F>                                     \
  static constexpr void fields(Self& m, F&& f) noexcept {            \
    [&f](auto&... field) noexcept { (f(field), ...); }(__VA_ARGS__); \
  }                                                                  \
  bool operator==(const NAME&) const = default

struct SystemEvent {
  char event_code = ' ';
  PITWIRE_ITCH(SystemEvent, 'S', 12, m.event_code);
};
struct StockDirectory {
  Symbol8 stock{};
  char market_category = ' ', financial_status = ' ';
  std::uint32_t round_lot_size = 0;
  char round_lots_only = ' ', issue_classification = ' ';
  Alpha2 issue_sub_type{};
  char authenticity = ' ', short_sale_threshold = ' ', ipo_flag = ' ', luld_tier = ' ', etp = ' ';
  std::uint32_t etp_leverage_factor = 0;
  char inverse = ' ';
  PITWIRE_ITCH(StockDirectory, 'R', 39, m.stock, m.market_category, m.financial_status,
               m.round_lot_size, m.round_lots_only, m.issue_classification, m.issue_sub_type,
               m.authenticity, m.short_sale_threshold, m.ipo_flag, m.luld_tier, m.etp,
               m.etp_leverage_factor, m.inverse);
};
struct StockTradingAction {
  Symbol8 stock{};
  char trading_state = ' ', reserved = ' ';
  Alpha4 reason{};
  PITWIRE_ITCH(StockTradingAction, 'H', 25, m.stock, m.trading_state, m.reserved, m.reason);
};
struct RegSho {
  Symbol8 stock{};
  char action = ' ';
  PITWIRE_ITCH(RegSho, 'Y', 20, m.stock, m.action);
};
struct MarketParticipantPosition {
  Alpha4 mpid{};
  Symbol8 stock{};
  char primary_market_maker = ' ', market_maker_mode = ' ', participant_state = ' ';
  PITWIRE_ITCH(MarketParticipantPosition, 'L', 26, m.mpid, m.stock, m.primary_market_maker,
               m.market_maker_mode, m.participant_state);
};
struct MwcbDeclineLevel {
  std::uint64_t level1 = 0, level2 = 0, level3 = 0;  ///< 8 implied places
  PITWIRE_ITCH(MwcbDeclineLevel, 'V', 35, m.level1, m.level2, m.level3);
};
struct MwcbStatus {
  char breached_level = ' ';
  PITWIRE_ITCH(MwcbStatus, 'W', 12, m.breached_level);
};
struct IpoQuotingPeriod {
  Symbol8 stock{};
  std::uint32_t release_time = 0;  ///< seconds since midnight
  char release_qualifier = ' ';
  std::uint32_t price = 0;
  PITWIRE_ITCH(IpoQuotingPeriod, 'K', 28, m.stock, m.release_time, m.release_qualifier, m.price);
};
struct LuldAuctionCollar {
  Symbol8 stock{};
  std::uint32_t reference_price = 0, upper_price = 0, lower_price = 0, extension = 0;
  PITWIRE_ITCH(LuldAuctionCollar, 'J', 35, m.stock, m.reference_price, m.upper_price, m.lower_price,
               m.extension);
};
struct OperationalHalt {
  Symbol8 stock{};
  char market_code = ' ', action = ' ';
  PITWIRE_ITCH(OperationalHalt, 'h', 21, m.stock, m.market_code, m.action);
};
struct AddOrder {
  std::uint64_t order_ref = 0;
  char side = ' ';
  std::uint32_t shares = 0;
  Symbol8 stock{};
  std::uint32_t price = 0;
  PITWIRE_ITCH(AddOrder, 'A', 36, m.order_ref, m.side, m.shares, m.stock, m.price);
};
struct AddOrderMpid {
  std::uint64_t order_ref = 0;
  char side = ' ';
  std::uint32_t shares = 0;
  Symbol8 stock{};
  std::uint32_t price = 0;
  Alpha4 attribution{};
  PITWIRE_ITCH(AddOrderMpid, 'F', 40, m.order_ref, m.side, m.shares, m.stock, m.price,
               m.attribution);
};
struct OrderExecuted {
  std::uint64_t order_ref = 0;
  std::uint32_t shares = 0;
  std::uint64_t match_number = 0;
  PITWIRE_ITCH(OrderExecuted, 'E', 31, m.order_ref, m.shares, m.match_number);
};
struct OrderExecutedWithPrice {
  std::uint64_t order_ref = 0;
  std::uint32_t shares = 0;
  std::uint64_t match_number = 0;
  char printable = ' ';
  std::uint32_t price = 0;
  PITWIRE_ITCH(OrderExecutedWithPrice, 'C', 36, m.order_ref, m.shares, m.match_number, m.printable,
               m.price);
};
struct OrderCancel {
  std::uint64_t order_ref = 0;
  std::uint32_t shares = 0;
  PITWIRE_ITCH(OrderCancel, 'X', 23, m.order_ref, m.shares);
};
struct OrderDelete {
  std::uint64_t order_ref = 0;
  PITWIRE_ITCH(OrderDelete, 'D', 19, m.order_ref);
};
struct OrderReplace {
  std::uint64_t order_ref = 0, new_order_ref = 0;
  std::uint32_t shares = 0, price = 0;
  PITWIRE_ITCH(OrderReplace, 'U', 35, m.order_ref, m.new_order_ref, m.shares, m.price);
};
struct Trade {
  std::uint64_t order_ref = 0;
  char side = ' ';
  std::uint32_t shares = 0;
  Symbol8 stock{};
  std::uint32_t price = 0;
  std::uint64_t match_number = 0;
  PITWIRE_ITCH(Trade, 'P', 44, m.order_ref, m.side, m.shares, m.stock, m.price, m.match_number);
};
struct CrossTrade {
  std::uint64_t shares = 0;
  Symbol8 stock{};
  std::uint32_t price = 0;
  std::uint64_t match_number = 0;
  char cross_type = ' ';
  PITWIRE_ITCH(CrossTrade, 'Q', 40, m.shares, m.stock, m.price, m.match_number, m.cross_type);
};
struct BrokenTrade {
  std::uint64_t match_number = 0;
  PITWIRE_ITCH(BrokenTrade, 'B', 19, m.match_number);
};
struct Noii {
  std::uint64_t paired_shares = 0, imbalance_shares = 0;
  char imbalance_direction = ' ';
  Symbol8 stock{};
  std::uint32_t far_price = 0, near_price = 0, reference_price = 0;
  char cross_type = ' ', price_variation = ' ';
  PITWIRE_ITCH(Noii, 'I', 50, m.paired_shares, m.imbalance_shares, m.imbalance_direction, m.stock,
               m.far_price, m.near_price, m.reference_price, m.cross_type, m.price_variation);
};
struct RetailInterest {
  Symbol8 stock{};
  char interest_flag = ' ';
  PITWIRE_ITCH(RetailInterest, 'N', 20, m.stock, m.interest_flag);
};
#undef PITWIRE_ITCH

/// Calls f.operator()<Message>() for every message type of the format.
template <class F>
constexpr void for_each_type(F&& f) {
  const auto call = [&f]<class... M>() { (f.template operator()<M>(), ...); };
  call.template
  operator()<SystemEvent, StockDirectory, StockTradingAction, RegSho, MarketParticipantPosition,
             MwcbDeclineLevel, MwcbStatus, IpoQuotingPeriod, LuldAuctionCollar, OperationalHalt,
             AddOrder, AddOrderMpid, OrderExecuted, OrderExecutedWithPrice, OrderCancel,
             OrderDelete, OrderReplace, Trade, CrossTrade, BrokenTrade, Noii, RetailInterest>();
}

namespace detail {
inline constexpr auto kSizes = [] {
  std::array<std::uint8_t, 256> sizes{};
  for_each_type([&sizes]<class M>() {
    sizes[static_cast<unsigned char>(M::kType)] = static_cast<std::uint8_t>(M::kSize);
  });
  return sizes;
}();

template <class T>
[[nodiscard]] constexpr T from_big(T value) noexcept {
  if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(value));
  if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(value));
  if constexpr (sizeof(T) == 8) return static_cast<T>(__builtin_bswap64(value));
}

struct Reader {
  const std::byte* at;
  template <class T>
  void operator()(T& field) noexcept {
    std::memcpy(&field, at, sizeof(T));
    if constexpr (std::is_integral_v<T> && sizeof(T) > 1) field = from_big(field);
    at += sizeof(T);
  }
};
struct Writer {
  std::byte* at;
  template <class T>
  void operator()(const T& field) noexcept {
    T wire = field;
    if constexpr (std::is_integral_v<T> && sizeof(T) > 1) wire = from_big(wire);
    std::memcpy(at, &wire, sizeof(T));
    at += sizeof(T);
  }
};
}  // namespace detail

/// Bytes of a message of that type, 0 if ITCH 5.0 has none.
[[nodiscard]] constexpr std::size_t message_size(char type) noexcept {
  return detail::kSizes[static_cast<unsigned char>(type)];
}

/// The big-endian integer at `at`.
template <class T>
[[nodiscard]] inline T load(const std::byte* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return detail::from_big(value);
}

/// Timestamp of a message of at least kHeaderSize bytes, ns since midnight.
[[nodiscard]] inline std::uint64_t load_timestamp(const std::byte* message) noexcept {
  return (static_cast<std::uint64_t>(load<std::uint16_t>(message + 5)) << 32) |
         load<std::uint32_t>(message + 7);
}

/// Reads M from bytes whose type and size (>= M::kSize) the caller has checked.
template <class M>
[[nodiscard]] inline M decode_unchecked(const std::byte* message) noexcept {
  M out;
  out.header = {load<std::uint16_t>(message + 1), load<std::uint16_t>(message + 3),
                load_timestamp(message)};
  M::fields(out, detail::Reader{message + kHeaderSize});
  return out;
}

/// False if the bytes are too few or of another type; `out` is then untouched.
template <class M>
[[nodiscard]] bool decode(std::span<const std::byte> message, M& out) noexcept {
  if (message.size() < M::kSize || static_cast<char>(message[0]) != M::kType) return false;
  out = decode_unchecked<M>(message.data());
  return true;
}

/// Writes M::kSize bytes to `out`, which has room for them; returns M::kSize.
template <class M>
std::size_t encode(const M& message, std::byte* out) noexcept {
  out[0] = static_cast<std::byte>(M::kType);
  const auto locate = detail::from_big(message.header.stock_locate);
  const auto tracking = detail::from_big(message.header.tracking_number);
  const auto time = detail::from_big(message.header.timestamp << 16);  // its 48 bits come first
  std::memcpy(out + 1, &locate, 2);
  std::memcpy(out + 3, &tracking, 2);
  std::memcpy(out + 5, &time, 6);
  M::fields(message, detail::Writer{out + kHeaderSize});
  return M::kSize;
}

/// Decodes and hands the message, as its own type, to `visitor`. Longer than its type says is
/// accepted (later revisions append).
template <class Visitor>
DecodeStatus visit(std::span<const std::byte> message, Visitor&& visitor) {
  if (message.empty()) return DecodeStatus::TRUNCATED;
  const auto type = static_cast<char>(message[0]);
  const auto size = message_size(type);
  if (size == 0) return DecodeStatus::UNKNOWN_TYPE;
  if (message.size() < size) return DecodeStatus::TRUNCATED;
  for_each_type([&]<class M>() {
    if (M::kType == type) visitor(decode_unchecked<M>(message.data()));
  });
  return DecodeStatus::OK;
}

/// A symbol as ITCH writes it; false if it is empty, longer than eight or holds a space inside.
[[nodiscard]] bool make_symbol(std::string_view text, Symbol8& out) noexcept;
/// Without the padding.
[[nodiscard]] std::string_view symbol_text(const Symbol8& symbol) noexcept;

}  // namespace pitwire::itch
