#pragma once

#include <array>
#include <cstring>
#include <span>

#include "pitwire/engine/emitter.hpp"
#include "pitwire/engine/order_desk.hpp"

namespace pitwire {

/// The way to the simulated venue inside the daemon: no session protocol, the records themselves.
class VenueRoute final : public OrderRoute {
 public:
  VenueRoute(Emitter& emitter, SessionId session) : emitter_(emitter), session_(session) {}

  bool order(const rec::OrderSubmitted& record, const rec::OrderInstructions* more) override {
    return send(record, more);
  }
  bool cancel(const rec::CancelRequested& record, std::int64_t) override { return send(record); }
  bool replace(const rec::ReplaceRequested& record, const rec::OrderInstructions* more) override {
    return send(record, more);
  }
  bool status(const rec::StatusRequested& record) override { return send(record); }
  bool positions(const rec::PositionsRequested& record) override { return send(record); }
  [[nodiscard]] bool logged_on() const override { return logged_on_; }
  void set_logged_on(bool logged_on) noexcept { logged_on_ = logged_on; }
  [[nodiscard]] bool connected() const noexcept { return connected_; }
  void set_connected(bool connected) noexcept { connected_ = logged_on_ = connected; }

 private:
  template <class R>
  bool send(const R& record, const rec::OrderInstructions* more = nullptr) {
    if (!logged_on_) return false;
    rec::VenueTx tx;
    tx.type = static_cast<std::uint32_t>(R::kType);
    tx.session = index(session_);
    std::array<std::byte, sizeof(R) + sizeof(rec::OrderInstructions)> bytes;
    std::memcpy(bytes.data(), &record, sizeof(R));
    if (more != nullptr) std::memcpy(bytes.data() + sizeof(R), more, sizeof *more);
    const auto payload =
        std::span<const std::byte>(bytes).first(more != nullptr ? bytes.size() : sizeof(R));
    const Sequence sequence =
        emitter_.emit(tx, static_cast<std::uint16_t>(index(session_)), payload);
    emitter_.egress().venue_tx(session_, sequence, R::kType, payload);
    return true;
  }

  Emitter& emitter_;
  SessionId session_;
  bool connected_ = false;
  bool logged_on_ = false;
};

}  // namespace pitwire
