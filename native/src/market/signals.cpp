#include "pitwire/market/signals.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace pitwire {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Order-flow contribution of one side, positive when it grew stronger (Cont, Kukanov, Stoikov
/// 2014, equation 3): all of the new quantity if the price improved, all of the old gone if it
/// worsened, the difference if it stayed. `better` compares prices by the side's own sense.
double flow(bool had, bool has, std::int64_t px0, std::int64_t qty0, std::int64_t px1,
            std::int64_t qty1, bool bids) noexcept {
  const bool not_worse = !had || (has && (bids ? px1 >= px0 : px1 <= px0));
  const bool not_better = !has || (had && (bids ? px1 <= px0 : px1 >= px0));
  const double gained = has && not_worse ? static_cast<double>(qty1) : 0.0;
  const double lost = had && not_better ? static_cast<double>(qty0) : 0.0;
  return gained - lost;
}

/// 2^(-j/32), correctly rounded.
constexpr std::array<double, 32> kRoots{
    0x1.0000000000000p+0, 0x1.f50765b6e4540p-1, 0x1.ea4afa2a490dap-1, 0x1.dfc97337b9b5fp-1,
    0x1.d5818dcfba487p-1, 0x1.cb720dcef9069p-1, 0x1.c199bdd85529cp-1, 0x1.b7f76f2fb5e47p-1,
    0x1.ae89f995ad3adp-1, 0x1.a5503b23e255dp-1, 0x1.9c49182a3f090p-1, 0x1.93737b0cdc5e5p-1,
    0x1.8ace5422aa0dbp-1, 0x1.82589994cce13p-1, 0x1.7a11473eb0187p-1, 0x1.71f75e8ec5f74p-1,
    0x1.6a09e667f3bcdp-1, 0x1.6247eb03a5585p-1, 0x1.5ab07dd485429p-1, 0x1.5342b569d4f82p-1,
    0x1.4bfdad5362a27p-1, 0x1.44e086061892dp-1, 0x1.3dea64c123422p-1, 0x1.371a7373aa9cbp-1,
    0x1.306fe0a31b715p-1, 0x1.29e9df51fdee1p-1, 0x1.2387a6e756238p-1, 0x1.1d4873168b9aap-1,
    0x1.172b83c7d517bp-1, 0x1.11301d0125b51p-1, 0x1.0b5586cf9890fp-1, 0x1.059b0d3158574p-1};

}  // namespace

/// e^-x = 2^-k × 2^(-j/32) × e^-r with |r| <= ln2 / 64. The polynomial's rest is below 2^-57, and
/// its terms do not wait for one another: three decays an update are most of what a signal costs.
double decay_factor(Nanos elapsed, Nanos tau) noexcept {
  if (elapsed <= 0) return 1.0;
  const double x = static_cast<double>(elapsed) / static_cast<double>(tau);
  if (x > 700.0) return 0.0;  // below the smallest normal double
  constexpr double k32PerLn2 = 46.16624130844683;
  constexpr double kLn2By32High = 0x1.62e42fep-6;  // its product with n is exact
  constexpr double kLn2By32Low = 0x1.f473de6af278fp-35;
  const auto n = static_cast<std::int64_t>(x * k32PerLn2 + 0.5);
  const auto whole = static_cast<double>(n);
  const double r = (x - whole * kLn2By32High) - whole * kLn2By32Low;
  const double rr = r * r;
  const double low = (1.0 / 2 - r * (1.0 / 6)) * rr;
  const double high = ((1.0 / 24 - r * (1.0 / 120)) + rr * (1.0 / 720)) * (rr * rr);
  const double power = std::bit_cast<double>(static_cast<std::uint64_t>(1023 - (n >> 5)) << 52);
  return kRoots[static_cast<std::size_t>(n & 31)] * ((1.0 - r) + (low + high)) * power;
}

SignalSet::SignalSet(const SignalConfig& config) : config_(config) {
  if (config.order_flow_tau <= 0 || config.volatility_tau <= 0 || config.trade_flow_tau <= 0) {
    throw std::invalid_argument("signals: every time constant is expected above 0 ns");
  }
  set_touch(Top{});
}

void SignalSet::Decayed::add(double x, Nanos now, Nanos tau) noexcept {
  add_decayed(x, now, decay_factor(now - ts, tau));
}

/// Flow and rate of trades are always of one time, so one factor serves both.
void SignalSet::add_trade(double signed_lots, double lots, Nanos ts) noexcept {
  const double factor = decay_factor(ts - trade_flow_.ts, config_.trade_flow_tau);
  trade_flow_.add_decayed(signed_lots, ts, factor);
  trade_rate_.add_decayed(lots, ts, factor);
  set(Signal::TRADE_FLOW, trade_flow_.sum);
  set(Signal::TRADE_RATE, trade_rate_.sum);
}

void SignalSet::set_touch(const Top& top) noexcept {
  if (!top.has_both()) {
    set(Signal::MID, kNaN);
    set(Signal::MICROPRICE, kNaN);
    set(Signal::SPREAD, kNaN);
    set(Signal::IMBALANCE, 0.0);
    return;
  }
  const auto bid = static_cast<double>(top.bid_px);
  const auto ask = static_cast<double>(top.ask_px);
  const auto bid_qty = static_cast<double>(top.bid_qty);
  const auto ask_qty = static_cast<double>(top.ask_qty);
  const double both = bid_qty + ask_qty;
  set(Signal::MID, (bid + ask) / 2);
  set(Signal::MICROPRICE, (bid * ask_qty + ask * bid_qty) / both);
  set(Signal::SPREAD, ask - bid);
  set(Signal::IMBALANCE, (bid_qty - ask_qty) / both);
}

/// Variance per ns is decayed squared returns over the decayed time in which they were seen, which
/// is unbiased however irregular the updates are.
void SignalSet::add_return(double mid, Nanos ts) noexcept {
  if (last_mid_ != 0.0) {
    const double ret = (mid - last_mid_) / last_mid_;
    const double decay = decay_factor(ts - ts_mid_, config_.volatility_tau);
    const auto tau = static_cast<double>(config_.volatility_tau);
    squared_returns_ = squared_returns_ * decay + ret * ret;
    observed_ns_ = observed_ns_ * decay + tau * (1.0 - decay);
  }
  last_mid_ = mid;
  ts_mid_ = ts;
  const double variance = observed_ns_ > 0.0 ? squared_returns_ / observed_ns_ : 0.0;
  set(Signal::VOLATILITY, std::sqrt(variance * static_cast<double>(kSecond)));
}

void SignalSet::on_top(const Top& before, const Top& after, Nanos ts) noexcept {
  ts = ts_last_ = std::max(ts, ts_last_);
  const double bids = flow(before.has_bid(), after.has_bid(), before.bid_px, before.bid_qty,
                           after.bid_px, after.bid_qty, true);
  const double asks = flow(before.has_ask(), after.has_ask(), before.ask_px, before.ask_qty,
                           after.ask_px, after.ask_qty, false);
  order_flow_.add(bids - asks, ts, config_.order_flow_tau);
  set(Signal::ORDER_FLOW, order_flow_.sum);
  set_touch(after);
  add_trade(0.0, 0.0, ts);
  // A mid of zero has no return (spreads may quote there).
  if (after.has_both() && value(Signal::MID) != 0.0) add_return(value(Signal::MID), ts);
}

void SignalSet::on_trade(std::int64_t qty, Side aggressor, Nanos ts) noexcept {
  ts = ts_last_ = std::max(ts, ts_last_);
  const auto lots = static_cast<double>(qty);
  const double sign = aggressor == Side::BUY ? 1.0 : aggressor == Side::SELL ? -1.0 : 0.0;
  add_trade(sign * lots, lots, ts);
  order_flow_.add(0.0, ts, config_.order_flow_tau);
  set(Signal::ORDER_FLOW, order_flow_.sum);
}

void SignalSet::save(ByteWriter& out) const {
  for (const double value : values_) out.put(value);
  for (const auto* decayed : {&order_flow_, &trade_flow_, &trade_rate_}) {
    out.put(decayed->sum);
    out.put(decayed->ts);
  }
  for (const double value : {squared_returns_, observed_ns_, last_mid_}) out.put(value);
  out.put(ts_mid_);
  out.put(ts_last_);
}

bool SignalSet::restore(ByteReader& in) {
  for (double& value : values_) value = in.get<double>();
  for (auto* decayed : {&order_flow_, &trade_flow_, &trade_rate_}) {
    decayed->sum = in.get<double>();
    decayed->ts = in.get<Nanos>();
  }
  for (double* value : {&squared_returns_, &observed_ns_, &last_mid_}) *value = in.get<double>();
  ts_mid_ = in.get<Nanos>();
  ts_last_ = in.get<Nanos>();
  if (!in.ok()) *this = SignalSet(config_);
  return in.ok();
}

}  // namespace pitwire
