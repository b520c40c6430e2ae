#include "pitwire/market/signals.hpp"

#include <algorithm>
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

}  // namespace

double decay_factor(Nanos elapsed, Nanos tau) noexcept {
  if (elapsed <= 0) return 1.0;
  const double x = static_cast<double>(elapsed) / static_cast<double>(tau);
  if (x > 700.0) return 0.0;  // below the smallest normal double
  // e^-x = 2^-k e^-r with |r| <= ln2 / 2; ln2 in two parts so that r keeps its last bits.
  constexpr double kLog2e = 1.4426950408889634074;
  constexpr double kLn2High = 6.93147180369123816490e-01;
  constexpr double kLn2Low = 1.90821492927058770002e-10;
  const auto k = static_cast<std::int64_t>(x * kLog2e + 0.5);
  const double r = (static_cast<double>(k) * kLn2High - x) + static_cast<double>(k) * kLn2Low;
  // Taylor to r^13 / 13!: the rest is below 2^-60 there.
  double sum = 1.0;
  for (int n = 13; n >= 1; --n) sum = 1.0 + sum * r / n;
  return sum * std::bit_cast<double>(static_cast<std::uint64_t>(1023 - k) << 52);
}

SignalSet::SignalSet(const SignalConfig& config) : config_(config) {
  if (config.order_flow_tau <= 0 || config.volatility_tau <= 0 || config.trade_flow_tau <= 0) {
    throw std::invalid_argument("signals: every time constant is expected above 0 ns");
  }
  set_touch(Top{});
}

void SignalSet::Decayed::add(double x, Nanos now, Nanos tau) noexcept {
  sum = sum * decay_factor(now - ts, tau) + x;
  ts = now;
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

void SignalSet::age(Nanos ts) noexcept {
  trade_flow_.add(0.0, ts, config_.trade_flow_tau);
  trade_rate_.add(0.0, ts, config_.trade_flow_tau);
  set(Signal::TRADE_FLOW, trade_flow_.sum);
  set(Signal::TRADE_RATE, trade_rate_.sum);
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
  age(ts);
  // A mid of zero has no return (spreads may quote there).
  if (after.has_both() && value(Signal::MID) != 0.0) add_return(value(Signal::MID), ts);
}

void SignalSet::on_trade(std::int64_t qty, Side aggressor, Nanos ts) noexcept {
  ts = ts_last_ = std::max(ts, ts_last_);
  const auto lots = static_cast<double>(qty);
  const double sign = aggressor == Side::BUY ? 1.0 : aggressor == Side::SELL ? -1.0 : 0.0;
  trade_flow_.add(sign * lots, ts, config_.trade_flow_tau);
  trade_rate_.add(lots, ts, config_.trade_flow_tau);
  order_flow_.add(0.0, ts, config_.order_flow_tau);
  set(Signal::ORDER_FLOW, order_flow_.sum);
  set(Signal::TRADE_FLOW, trade_flow_.sum);
  set(Signal::TRADE_RATE, trade_rate_.sum);
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
