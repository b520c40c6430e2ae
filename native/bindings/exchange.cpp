// The simulated exchange for the process that runs it: configured by one dictionary, driven by
// poll().
#include "pitwire/exchange/exchange.hpp"

#include <pybind11/stl.h>
#include <sched.h>

#include <memory>

#include "bindings.hpp"
#include "dialect.hpp"
#include "pitwire/base/clock.hpp"

namespace py = pybind11;

namespace pitwire {
namespace {

/// A nested dictionary; every key must be there and of its type, or the error names it.
class Settings {
 public:
  Settings(py::dict values, std::string path)
      : values_(std::move(values)), path_(std::move(path)) {}

  template <class T>
  [[nodiscard]] T get(const char* key) const {
    try {
      return value(key).cast<T>();
    } catch (const py::cast_error&) {
      throw std::invalid_argument(path_ + key + ": of the wrong type");
    }
  }
  [[nodiscard]] bool has(const char* key) const {
    return values_.contains(key) && !values_[key].is_none();
  }
  [[nodiscard]] Settings part(const char* key) const {
    return {get<py::dict>(key), path_ + key + "."};
  }
  [[nodiscard]] std::vector<Settings> list(const char* key) const {
    std::vector<Settings> parts;
    for (const auto& item : get<py::list>(key)) {
      parts.emplace_back(item.cast<py::dict>(),
                         path_ + key + "[" + std::to_string(parts.size()) + "].");
    }
    return parts;
  }
  /// An exact decimal from its text.
  [[nodiscard]] Decimal decimal(const char* key) const {
    Decimal value;
    const auto text = get<std::string>(key);
    if (const auto status = parse_decimal(text, value); status != DecimalStatus::OK) {
      throw std::invalid_argument(path_ + key + ": \"" + text +
                                  "\": " + std::string(to_string(status)));
    }
    return value;
  }

 private:
  [[nodiscard]] py::object value(const char* key) const {
    if (!values_.contains(key)) throw std::invalid_argument(path_ + key + ": missing");
    return values_[key];
  }
  py::dict values_;
  std::string path_;
};

Scaled scaled(const Decimal& value) { return {value.coefficient, -value.scale}; }

FeeSchedule fees_of(const Settings& given, const Decimal& price, const Decimal& qty) {
  FeeSchedule fees;
  fees.product = given.get<bool>("inverse") ? ProductType::INVERSE : ProductType::LINEAR;
  fees.price_increment = scaled(price);
  fees.qty_increment = scaled(qty);
  fees.multiplier = scaled(given.decimal("multiplier"));
  fees.fee_exponent = -given.get<int>("fee_decimals");
  fees.maker_rate_e8 = given.get<std::int64_t>("maker_rate_e8");
  fees.taker_rate_e8 = given.get<std::int64_t>("taker_rate_e8");
  return fees;
}

AgentInstrument agent_of(const Settings& given, const VenueInstrument& rules) {
  AgentInstrument agent;
  agent.instrument = rules.id;
  agent.tick = rules.tick;
  agent.lot = rules.lot;
  agent.start_px = given.get<std::int64_t>("start_px");
  agent.order_lots_max = given.get<std::int64_t>("order_lots_max");
  agent.volatility_ticks = given.get<double>("volatility_ticks");
  agent.spread_ticks = given.get<std::int64_t>("spread_ticks");
  agent.depth_ticks = given.get<std::int64_t>("depth_ticks");
  agent.live_orders_max = given.get<std::uint32_t>("live_orders_max");
  agent.follows = given.get<std::uint32_t>("follows");
  agent.beta = given.get<double>("beta");
  agent.spread_reversion_per_second = given.get<double>("spread_reversion_per_second");
  agent.spread_volatility_ticks = given.get<double>("spread_volatility_ticks");
  return agent;
}

ExchangeInstrument instrument_of(const Settings& given, std::uint32_t id) {
  ExchangeInstrument made;
  made.symbol = given.get<std::string>("symbol");
  made.price_increment = given.decimal("price_increment");
  made.qty_increment = given.decimal("qty_increment");
  made.rules.id = InstrumentId{id};
  made.rules.tick = given.get<std::int64_t>("tick");
  made.rules.lot = given.get<std::int64_t>("lot");
  made.rules.order_qty_max = given.get<std::int64_t>("order_qty_max");
  made.rules.price_max = given.get<std::int64_t>("price_max");
  made.fees = fees_of(given.part("fees"), made.price_increment, made.qty_increment);
  made.agent = agent_of(given.part("agent"), made.rules);
  return made;
}

FixSessionConfig session_of(const Settings& given, std::uint32_t id) {
  FixSessionConfig made;
  made.id = SessionId{id};
  made.initiator = false;
  made.begin_string = given.get<std::string>("begin_string");
  made.sender_comp_id = given.get<std::string>("sender_comp_id");
  made.target_comp_id = given.get<std::string>("target_comp_id");
  made.check_latency = given.get<bool>("check_latency");
  made.cancel_on_disconnect = given.get<bool>("cancel_on_disconnect");
  made.stored_bytes_max = given.get<std::size_t>("stored_bytes_max");
  made.timestamp_digits = made.begin_string == "FIX.4.2" ? 3 : 6;
  made.dialect = dialect_of(given.get<py::dict>("dialect"));
  return made;
}

std::optional<TlsConfig> tls_of(const Settings& given) {
  if (!given.has("tls")) return std::nullopt;
  const auto part = given.part("tls");
  TlsConfig tls;
  tls.certificate = part.get<std::string>("certificate");
  tls.private_key = part.get<std::string>("private_key");
  tls.ca_file = part.get<std::string>("ca_file");
  tls.crl_file = part.get<std::string>("crl_file");
  tls.require_client_certificate = part.get<bool>("require_client_certificate");
  return tls;
}

Latency latency_of(const Settings& given) {
  return {given.get<Nanos>("base_ns"), given.get<Nanos>("jitter_ns")};
}

FixAcceptorConfig fix_of(const Settings& given) {
  FixAcceptorConfig fix;
  fix.listener.host = given.get<std::string>("host");
  fix.listener.port = given.get<std::uint16_t>("port");
  fix.listener.tls = tls_of(given);
  for (const auto& session : given.list("sessions")) {
    fix.sessions.push_back(session_of(session, static_cast<std::uint32_t>(fix.sessions.size())));
    fix.copies.push_back(SessionId{session.get<std::uint32_t>("copies")});
    fix.cancels_for.push_back(session.get<std::vector<std::string>>("cancels_for"));
    fix.instruments.push_back(instruments_of(session.get<py::list>("instruments")));
  }
  fix.latency_in = latency_of(given.part("latency_in"));
  fix.latency_out = latency_of(given.part("latency_out"));
  fix.rejects_per_million = given.get<std::int64_t>("rejects_per_million");
  fix.disconnects_per_hour = given.get<double>("disconnects_per_hour");
  fix.exec_id_prefix = given.get<std::string>("exec_id_prefix");
  return fix;
}

Endpoint endpoint_of(const Settings& given) {
  return {given.get<std::string>("host"), given.get<std::uint16_t>("port")};
}

MoldServerConfig mold_of(const Settings& given, std::uint64_t seed) {
  MoldServerConfig mold;
  mold.session = given.get<std::string>("session");
  for (const auto& line : given.list("lines")) {
    mold.lines.push_back({endpoint_of(line), line.get<std::string>("interface"),
                          line.get<std::int64_t>("drop_per_million")});
  }
  mold.retransmission = endpoint_of(given.part("retransmission"));
  mold.heartbeat_ns = given.get<Nanos>("heartbeat_ns");
  mold.datagram_bytes_max = given.get<std::size_t>("datagram_bytes_max");
  mold.seed = seed;
  return mold;
}

CaptureSymbol capture_symbol_of(const Settings& given, const ExchangeInstrument& instrument) {
  const auto kind = given.get<std::string>("market");
  CaptureSymbol symbol;
  symbol.symbol = given.get<std::string>("feed_symbol");
  symbol.kind = kind == "spot"   ? BinanceKind::SPOT
                : kind == "usdm" ? BinanceKind::USDM
                                 : BinanceKind::COINM;
  symbol.price_increment = instrument.price_increment;
  symbol.qty_increment = instrument.qty_increment;
  return symbol;
}

ExchangeConfig config_of(const py::dict& values) {
  const Settings given(values, "");
  ExchangeConfig config;
  config.seed = given.get<std::uint64_t>("seed");
  const bool recorded = given.has("capture");
  for (const auto& instrument : given.list("instruments")) {
    const auto id = static_cast<std::uint32_t>(config.instruments.size());
    config.instruments.push_back(instrument_of(instrument, id));
    if (recorded) {
      config.capture.push_back(capture_symbol_of(instrument, config.instruments.back()));
    }
  }
  config.fix = fix_of(given.part("fix"));
  config.trades_path = given.get<std::string>("trades_path");
  config.reports_path = given.get<std::string>("reports_path");
  config.orders_max = given.get<std::uint32_t>("orders_max");
  config.client_orders_max = given.get<std::uint32_t>("client_orders_max");
  if (recorded) {
    config.capture_speed = given.part("capture").get<double>("speed");
    config.capture_align_start = given.part("capture").get<bool>("align_start");
    return config;
  }
  const auto agents = given.part("agents");
  config.actions_per_second = agents.get<double>("actions_per_second");
  config.mix = {agents.get<std::uint32_t>("makers"), agents.get<std::uint32_t>("noise"),
                agents.get<std::uint32_t>("trend"), agents.get<std::uint32_t>("informed")};
  config.history_messages = given.get<std::size_t>("history_messages");
  if (given.has("mold")) config.mold = mold_of(given.part("mold"), config.seed);
  return config;
}

py::bytes bytes_of(std::string_view text) { return {text.data(), text.size()}; }

class PyExchange {
 public:
  explicit PyExchange(const py::dict& config) : exchange_(config_of(config), host_now()) {}

  std::size_t poll() { return exchange_.poll(host_now()); }
  /// Polls again and again until `spin_ns` have passed, with the interpreter's lock released. Who
  /// else wants the core gets it whenever there was nothing to do.
  std::size_t spin(Nanos spin_ns) {
    const py::gil_scoped_release unlocked;
    std::size_t done = 0;
    const auto end = host_now() + spin_ns;
    for (auto now = host_now(); now < end; now = host_now()) {
      const auto polled = exchange_.poll(now);
      if (polled == 0) ::sched_yield();
      done += polled;
    }
    return done;
  }
  /// Nanoseconds until poll() must be called at the latest; negative when it is late.
  Nanos wait_ns() const {
    const auto deadline = exchange_.next_deadline();
    return deadline == std::numeric_limits<Nanos>::max() ? deadline : deadline - host_now();
  }
  std::vector<int> fds() const { return exchange_.fds(); }
  void shut_down() { exchange_.shut_down(host_now()); }
  bool anyone_connected() const { return exchange_.anyone_connected(); }
  std::uint16_t fix_port() { return exchange_.fix().port(); }
  std::uint16_t retransmission_port() const { return exchange_.retransmission_port(); }
  py::bytes snapshot() { return bytes_of(exchange_.snapshot(host_now())); }
  py::bytes mold_session() const { return bytes_of(exchange_.mold_session()); }
  std::uint64_t next_sequence() const { return exchange_.next_sequence(); }
  bool set_trading(const std::string& symbol, int state) {
    return exchange_.set_trading(host_now(), symbol, static_cast<TradingState>(state));
  }
  bool withhold(const std::string& target_comp_id, std::uint32_t count) {
    return exchange_.withhold(target_comp_id, count);
  }
  /// Numbers in the instrument's increments.
  bool provoke(const std::string& target_comp_id, int kind, const std::string& symbol,
               ClOrdId cl_ord_id, int side, std::int64_t price, std::int64_t qty,
               std::uint64_t exec_id) {
    VenueProvocation what;
    what.kind = static_cast<Provocation>(kind);
    what.cl_ord_id = cl_ord_id;
    what.side = static_cast<Side>(side);
    what.price = price;
    what.qty = qty;
    what.exec_id = exec_id;
    return exchange_.provoke(host_now(), target_comp_id, symbol, what);
  }
  bool drop(const std::string& target_comp_id) { return exchange_.drop(target_comp_id); }

  py::list notes() {
    py::list out;
    for (const auto& note : exchange_.fix().take_notes()) {
      out.append(py::make_tuple(note.severity, py::str(note.text.data(), note.text.size())));
    }
    return out;
  }
  py::dict counts() const {
    const auto counts = exchange_.counts();
    py::dict out;
    out["requests"] = counts.requests;
    out["reports"] = counts.reports;
    out["trades_recorded"] = counts.trades_recorded;
    out["actions"] = counts.actions;
    out["messages"] = counts.messages;
    out["matches"] = counts.matches;
    out["datagrams"] = counts.datagrams;
    out["datagrams_refused"] = counts.datagrams_refused;
    out["retransmitted"] = counts.retransmitted;
    out["capture_lines"] = counts.capture_lines;
    out["capture_refused"] = counts.capture_refused;
    return out;
  }
  /// Levels of an agents' book, best first: [(price increments, quantity)].
  std::vector<std::pair<std::int64_t, std::int64_t>> levels(std::uint32_t instrument, int side) {
    std::vector<std::pair<std::int64_t, std::int64_t>> out;
    const auto* engine = exchange_.engine();
    if (engine == nullptr || instrument >= engine->instruments()) return out;
    const auto& ladder = engine->ladder(InstrumentId{instrument}, static_cast<Side>(side));
    for (auto at = ladder.levels().rbegin(); at != ladder.levels().rend(); ++at) {
      out.emplace_back(at->price, at->qty);
    }
    return out;
  }

  // ---- capture
  void append(std::size_t symbol, const py::bytes& piece, bool last) {
    capture().append(symbol, std::string_view(piece), last);
  }
  std::size_t buffered(std::size_t symbol) { return capture().buffered_bytes(symbol); }
  void start_capture() { capture().start(host_now()); }
  bool capture_ended() { return capture().ended(); }
  /// [(symbol, stream, whole message, payload)] of the lines that were due.
  py::list advance(std::size_t lines_max) {
    messages_.clear();
    exchange_.advance_capture(host_now(), lines_max, messages_);
    py::list out;
    for (const auto& message : messages_) {
      out.append(py::make_tuple(message.symbol,
                                py::str(message.stream.data(), message.stream.size()),
                                bytes_of(message.message), bytes_of(message.payload)));
    }
    return out;
  }
  py::bytes depth(std::size_t symbol, std::size_t limit) {
    return bytes_of(capture().depth(symbol, limit));
  }
  std::string capture_defect() { return capture().defect(); }

 private:
  CaptureMarket& capture() {
    auto* market = exchange_.capture();
    if (market == nullptr) throw std::logic_error("the exchange replays no capture");
    return *market;
  }
  Exchange exchange_;
  std::vector<StreamMessage> messages_;
};

}  // namespace

void bind_exchange(py::module_& module) {
  py::class_<PyExchange>(module, "Exchange",
                         "The simulated exchange, see pitwire/exchange/exchange.hpp.")
      .def(py::init<const py::dict&>(), py::arg("config"))
      .def("poll", &PyExchange::poll)
      .def("spin", &PyExchange::spin, py::arg("spin_ns"))
      .def("wait_ns", &PyExchange::wait_ns)
      .def("fds", &PyExchange::fds)
      .def("shut_down", &PyExchange::shut_down)
      .def("anyone_connected", &PyExchange::anyone_connected)
      .def_property_readonly("fix_port", &PyExchange::fix_port)
      .def_property_readonly("retransmission_port", &PyExchange::retransmission_port)
      .def("snapshot", &PyExchange::snapshot)
      .def("mold_session", &PyExchange::mold_session)
      .def("next_sequence", &PyExchange::next_sequence)
      .def("set_trading", &PyExchange::set_trading, py::arg("symbol"), py::arg("state"))
      .def("withhold", &PyExchange::withhold)
      .def("provoke", &PyExchange::provoke)
      .def("drop", &PyExchange::drop, py::arg("target_comp_id"))
      .def("notes", &PyExchange::notes)
      .def("counts", &PyExchange::counts)
      .def("levels", &PyExchange::levels, py::arg("instrument"), py::arg("side"))
      .def("append", &PyExchange::append, py::arg("symbol"), py::arg("piece"), py::arg("last"))
      .def("buffered", &PyExchange::buffered, py::arg("symbol"))
      .def("start_capture", &PyExchange::start_capture)
      .def("capture_ended", &PyExchange::capture_ended)
      .def("advance", &PyExchange::advance, py::arg("lines_max"))
      .def("depth", &PyExchange::depth, py::arg("symbol"), py::arg("limit"))
      .def("capture_defect", &PyExchange::capture_defect);
}

}  // namespace pitwire
