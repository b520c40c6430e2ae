#include "pitwire/matching/venue_order.hpp"

#include <array>

namespace pitwire {
namespace {

constexpr std::array<std::string_view, 15> kRejects{
    "",
    "unknown instrument",
    "instrument is not trading",
    "side is neither buy nor sell",
    "price outside the instrument's range or off its tick",
    "quantity not positive, off the lot, above the maximum or less than is to be shown",
    "combination of order type, time in force and instructions not supported",
    "post-only order would have traded",
    "expire time has passed",
    "order table is full",
    "unknown order",
    "too late: executed, triggered or over already",
    "duplicate ClOrdID",
    "rejected at random, as configured",
    "not entitled to orders of that session",
};

constexpr std::array<std::string_view, 8> kCauses{
    "requested",
    "mass cancel",
    "immediate-or-cancel remainder",
    "fill-or-kill not fillable",
    "no liquidity left for a market order",
    "self-trade prevention",
    "expired",
    "canceled on behalf of the session",
};

bool combination_supported(const VenueOrder& order) noexcept {
  const bool immediate =
      order.time_in_force == TimeInForce::IOC || order.time_in_force == TimeInForce::FOK;
  if (order.post_only && (immediate || order.ord_type != OrdType::LIMIT)) return false;
  if (order.display_qty != 0 && (immediate || is_market(order.ord_type))) return false;
  return order.time_in_force != TimeInForce::GTD || !is_market(order.ord_type);
}

bool price_allowed(const VenueInstrument& rules, std::int64_t price) noexcept {
  return price >= rules.price_min && price <= rules.price_max && price % rules.tick == 0;
}

}  // namespace

std::string_view to_text(VenueReject reason) noexcept {
  return kRejects[static_cast<std::size_t>(reason)];
}

std::string_view to_text(CancelCause cause) noexcept {
  return kCauses[static_cast<std::size_t>(cause)];
}

VenueReject validate(const VenueInstrument& rules, const VenueOrder& order, Nanos now) noexcept {
  if (order.side != Side::BUY && order.side != Side::SELL) return VenueReject::SIDE;
  if (order.order_qty <= 0 || order.order_qty > rules.order_qty_max ||
      order.order_qty % rules.lot != 0 || order.display_qty < 0 ||
      order.display_qty % rules.lot != 0) {
    return VenueReject::QUANTITY;
  }
  if (!combination_supported(order)) return VenueReject::UNSUPPORTED;
  if (!is_market(order.ord_type) && !price_allowed(rules, order.price)) return VenueReject::PRICE;
  const bool trails = order.ord_type == OrdType::TRAILING_STOP;
  if (trails && order.peg_offset <= 0) return VenueReject::PRICE;
  if (is_stop(order.ord_type) && !trails && !price_allowed(rules, order.stop_px)) {
    return VenueReject::PRICE;
  }
  if (order.time_in_force == TimeInForce::GTD && order.expire_ts <= now) {
    return VenueReject::EXPIRED;
  }
  return VenueReject::NONE;
}

}  // namespace pitwire
