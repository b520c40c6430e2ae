// What the tests of orders start from: instruments, records, a small venue's words.
#pragma once

#include <cstring>
#include <string>
#include <string_view>

#include "../random.hpp"
#include "pitwire/orders/order_table.hpp"
#include "pitwire/orders/risk_gate.hpp"

namespace pitwire::testing {

inline constexpr InstrumentId kStock{0};
inline constexpr InstrumentId kInverse{1};
inline constexpr StrategyId kAlpha{0};
inline constexpr SessionId kRoute{0};

inline Instrument stock(std::uint32_t id, std::string symbol = "ACME") {
  Instrument instrument;
  instrument.id = InstrumentId{id};
  instrument.symbol = std::move(symbol);
  instrument.venue = "TEST";
  instrument.price_increment = {1, -2};
  instrument.money_exponent = -4;
  instrument.settlement_currency = instrument.quote_currency = "USD";
  return instrument;
}

/// A contract of 100 USD settled in BTC, price in 0.1 USD, money in 1e-8 BTC.
inline Instrument inverse(std::uint32_t id) {
  auto instrument = stock(id, "BTCUSD_PERP");
  instrument.product = ProductType::INVERSE;
  instrument.price_increment = {1, -1};
  instrument.multiplier = {100, 0};
  instrument.money_exponent = -8;
  instrument.settlement_currency = "BTC";
  instrument.risk_rate = {50'000, 0};
  return instrument;
}

inline InstrumentRegistry two_instruments() {
  InstrumentRegistry registry;
  registry.add(stock(0));
  registry.add(inverse(1));
  return registry;
}

template <std::size_t N>
void put_text(std::array<char, N>& field, std::string_view text) {
  field = {};
  std::memcpy(field.data(), text.data(), std::min(text.size(), N - 1));
}

inline rec::OrderSubmitted submitted(ClOrdId id, Side side, std::int64_t qty, std::int64_t px,
                                     InstrumentId instrument = kStock) {
  rec::OrderSubmitted record;
  record.cl_ord_id = id;
  record.instrument = index(instrument);
  record.side = static_cast<std::uint8_t>(side);
  record.ord_type = static_cast<std::uint8_t>(OrdType::LIMIT);
  record.price = px;
  record.order_qty = qty;
  return record;
}

inline rec::CancelRequested cancel(ClOrdId order, ClOrdId id) {
  rec::CancelRequested record;
  record.order = record.orig_cl_ord_id = order;
  record.cl_ord_id = id;
  return record;
}

inline rec::ReplaceRequested replace(ClOrdId order, ClOrdId id, std::int64_t qty, std::int64_t px) {
  rec::ReplaceRequested record;
  record.order = record.orig_cl_ord_id = order;
  record.cl_ord_id = id;
  record.order_qty = qty;
  record.price = px;
  return record;
}

/// A report of the venue, of whatever instrument the order has. ExecIDs count up unless one is
/// given.
inline rec::Execution report(ClOrdId id, ExecType type, OrdStatus status, Side side = Side::BUY) {
  static int counter = 0;
  rec::Execution record;
  record.cl_ord_id = id;
  record.instrument = kNoId;
  record.exec_type = static_cast<std::uint8_t>(type);
  record.ord_status = static_cast<std::uint8_t>(status);
  record.side = static_cast<std::uint8_t>(side);
  record.fee = kInt64Min;
  put_text(record.exec_id, std::to_string(++counter));
  return record;
}

inline rec::Execution fill(ClOrdId id, std::int64_t qty, std::int64_t px, Side side = Side::BUY) {
  auto record = report(id, ExecType::TRADE, OrdStatus::PARTIALLY_FILLED, side);
  record.last_qty = qty;
  record.last_px = px;
  return record;
}

inline rec::CancelRejected cancel_rejected(ClOrdId id, std::uint8_t response_to,
                                           OrdStatus status = OrdStatus::NEW) {
  rec::CancelRejected record;
  record.cl_ord_id = id;
  record.response_to = response_to;
  record.ord_status = static_cast<std::uint8_t>(status);
  return record;
}

/// A registry, a book and a table that belong together.
struct Desk {
  InstrumentRegistry registry = two_instruments();
  PositionBook positions{registry, 1'024, 16};
  OrderTable orders;
  explicit Desk(std::uint32_t capacity = 64, std::uint32_t exec_ids = 64)
      : orders({capacity, exec_ids}, positions) {}

  /// Applies and books, as the engine does.
  Transition take(const rec::Execution& record) {
    const auto transition = orders.apply(record);
    for (std::size_t i = 0; i < transition.bookings_size; ++i) {
      positions.book(*transition.order, transition.bookings[i]);
    }
    return transition;
  }
  /// A working order.
  const Order& working(ClOrdId id, Side side = Side::BUY, std::int64_t qty = 10,
                       std::int64_t px = 1'000) {
    orders.apply(submitted(id, side, qty, px));
    take(report(id, ExecType::NEW, OrdStatus::NEW, side));
    return *orders.find(id);
  }
};

}  // namespace pitwire::testing
