#include "pitwire/engine/rehearsal.hpp"

namespace pitwire {
namespace {

constexpr std::uint32_t kOrdersKept = 16;  // of the understudy's, before a slot is used again

OrderDeskConfig small() {
  OrderDeskConfig config;
  config.table.capacity = kOrdersKept;
  return config;
}

}  // namespace

/// Where the understudy's records and messages go.
class Rehearsal::Nowhere final : public Journal, public Egress {
 public:
  Sequence output(Nanos, const Record&) override { return 0; }
  void observe(Nanos, const Record&) override {}
  std::optional<rec::Kill> kill_here(bool, Nanos) override { return std::nullopt; }
  void fix_tx(SessionId, Sequence, ClOrdId, std::string_view) override {}
  void venue_tx(SessionId, Sequence, RecordType, std::span<const std::byte>) override {}
  void disconnect(SessionId, std::string_view) override {}
};

/// As far as the message; nothing was sent, so that the order ends at once.
class Rehearsal::Route final : public OrderRoute {
 public:
  explicit Route(OrderRoute& real) : real_(real) {}
  bool order(const rec::OrderSubmitted& record, const rec::OrderInstructions*) override {
    real_.rehearse(record);
    return false;
  }
  bool cancel(const rec::CancelRequested&, std::int64_t) override { return false; }
  bool replace(const rec::ReplaceRequested&, const rec::OrderInstructions*) override {
    return false;
  }
  bool status(const rec::StatusRequested&) override { return false; }
  bool positions(const rec::PositionsRequested&) override { return false; }
  [[nodiscard]] bool logged_on() const override { return real_.logged_on(); }

 private:
  OrderRoute& real_;
};

Rehearsal::Rehearsal(Core& core)
    : core_(core),
      nowhere_(std::make_unique<Nowhere>()),
      emitter_(*nowhere_, *nowhere_),
      understudy_(emitter_, core.instruments(), core.market(), small()) {
  for (std::size_t i = 0; i < core.orders().sessions(); ++i) {
    const auto session = static_cast<SessionId>(i);
    routes_.push_back(std::make_unique<Route>(core.orders().route(session)));
    understudy_.define_session(session, *routes_.back(), {});
  }
}

Rehearsal::~Rehearsal() = default;

void Rehearsal::run() {
  emitter_.begin(core_.now(), 0);
  core_.for_each_armed_rule(
      [this](const NativeRule& rule, const MarketSlot& slot) { run(rule.request(slot)); });
  if (const auto& last = core_.orders().last_submitted()) run(*last);
  emitter_.events().clear();
}

void Rehearsal::run(const OrderRequest& request) {
  const Verdict verdict = core_.orders().check(request);
  core_.orders().prefetch_send(request);
  if (request.order_qty > 0 && index(request.session) < routes_.size()) {
    understudy_.send(understudy_.new_cl_ord_id(), request, verdict);
  }
}

}  // namespace pitwire
