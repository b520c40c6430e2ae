// Whole feeds for Python: ITCH files and datagrams, Binance messages.
#include <pybind11/stl.h>

#include <algorithm>
#include <map>
#include <string>

#include "bindings.hpp"
#include "market_rows.hpp"
#include "pitwire/market/binance.hpp"
#include "pitwire/market/itch_market.hpp"

namespace py = pybind11;

namespace pitwire {
namespace {

using Bytes = std::span<const std::byte>;

Bytes bytes_of(const py::buffer_info& info) {
  if (info.itemsize != 1 || info.ndim != 1) throw py::value_error("expected bytes");
  return {static_cast<const std::byte*>(info.ptr), static_cast<std::size_t>(info.size)};
}

/// Books of an ITCH feed, all of its symbols or those that were mapped.
class PyItchBooks {
 public:
  PyItchBooks(std::size_t orders_expected, bool map_all)
      : market_(orders_expected), map_all_(map_all) {}

  void map_symbol(const std::string& symbol, std::int64_t increment) {
    const auto id = static_cast<std::uint32_t>(names_.size());
    market_.map_symbol(symbol, InstrumentId{id}, increment);
    names_.push_back(symbol);
  }
  void set_midnight(Nanos midnight) {
    midnight_ = midnight;
    market_.set_midnight(midnight);
  }
  /// A file's bytes: length (2 bytes, 0 where the writer left it out), message. Returns the bytes
  /// consumed; what is left is the start of a message, or garbage.
  std::size_t feed(const py::buffer& buffer) {
    const auto info = buffer.request();
    const auto bytes = bytes_of(info);
    std::size_t at = 0;
    while (bytes.size() - at >= 3) {
      const std::size_t stated = itch::load<std::uint16_t>(bytes.data() + at);
      const auto size = stated != 0 ? stated : itch::message_size(static_cast<char>(bytes[at + 2]));
      if (size == 0) throw py::value_error("byte " + std::to_string(at) + ": no ITCH 5.0 message");
      if (bytes.size() - at - 2 < size) break;
      apply(bytes.subspan(at + 2, size));
      at += 2 + size;
    }
    return at;
  }
  int apply_message(const py::buffer& buffer) {
    const auto info = buffer.request();
    return static_cast<int>(apply(bytes_of(info)));
  }
  int apply_datagram(const py::buffer& buffer) {
    const auto info = buffer.request();
    const auto bytes = bytes_of(info);
    if (map_all_ && bytes.size() >= mold::kHeaderSize) {
      mold::Messages messages(bytes.subspan(mold::kHeaderSize));
      Bytes message;
      while (messages.next(message)) map_new(message);
    }
    Listener listener{*this};
    return static_cast<int>(market_.apply_datagram(bytes, listener));
  }
  py::dict counts() const {
    py::dict out;
    for (std::size_t i = 0; i < kDecodeStatuses; ++i) {
      const auto status = static_cast<DecodeStatus>(i);
      if (market_.count(status) != 0) out[py::str(to_string(status))] = market_.count(status);
    }
    return out;
  }
  py::dict types() const {
    py::dict out;
    for (std::size_t i = 0; i < types_.size(); ++i) {
      if (types_[i] != 0) out[py::str(std::string(1, static_cast<char>(i)))] = types_[i];
    }
    return out;
  }
  const L3Book& book(const std::string& symbol) const {
    const auto at = std::find(names_.begin(), names_.end(), symbol);
    if (at == names_.end()) throw py::key_error(symbol);
    return market_.book(InstrumentId{static_cast<std::uint32_t>(at - names_.begin())});
  }
  const std::vector<std::string>& symbols() const { return names_; }
  std::uint64_t messages() const { return messages_; }
  RowRecorder rows;

 private:
  struct Listener : MarketListener {
    explicit Listener(PyItchBooks& books) : self(books) {}
    PyItchBooks& self;
    void on_book(InstrumentId id, bool) {
      if (!self.rows.every_message()) return;
      const auto& changed = self.market_.book(id);
      self.rows.add(changed, index(id), self.messages_, changed.top().ts_event);
    }
  };
  DecodeStatus apply(Bytes message) {
    ++messages_;
    if (!message.empty()) ++types_[static_cast<unsigned char>(message[0])];
    if (map_all_) map_new(message);
    if (message.size() >= itch::kHeaderSize) {
      const auto ts = midnight_ + static_cast<Nanos>(itch::load_timestamp(message.data()));
      if (rows.interval_ended(ts)) {
        for (std::uint32_t id = 0; id < names_.size(); ++id) {
          rows.add(market_.book(InstrumentId{id}), id, messages_ - 1, rows.boundary());
        }
      }
    }
    Listener listener{*this};
    return market_.apply_message(message, listener);
  }
  /// A symbol that the directory or an add names for the first time gets a book.
  void map_new(Bytes message) {
    Symbol8 symbol{};
    if (itch::StockDirectory m; itch::decode(message, m)) {
      symbol = m.stock;
    } else if (itch::AddOrder a; itch::decode(message, a)) {
      symbol = a.stock;
    } else if (itch::AddOrderMpid f; itch::decode(message, f)) {
      symbol = f.stock;
    } else {
      return;
    }
    const std::string name(itch::symbol_text(symbol));
    Symbol8 checked{};
    if (!itch::make_symbol(name, checked)) return;
    if (seen_.emplace(name, 0).second) map_symbol(name, 1);
  }

  ItchMarket market_;
  bool map_all_;
  std::map<std::string, int> seen_;
  std::vector<std::string> names_;
  std::array<std::uint64_t, 256> types_{};
  std::uint64_t messages_ = 0;
  Nanos midnight_ = 0;
};

/// Books of Binance streams.
class PyBinanceBooks {
 public:
  void map_symbol(const std::string& symbol, std::uint32_t id, std::pair<std::int64_t, int> price,
                  std::pair<std::int64_t, int> quantity, int kind) {
    if (kind < 0 || kind > 2) throw py::value_error("kind: expected 0 spot, 1 USD-M, 2 COIN-M");
    market.map_symbol(symbol, InstrumentId{id}, {price.first, price.second},
                      {quantity.first, quantity.second}, static_cast<BinanceKind>(kind));
  }
  int on_message(const py::buffer& buffer) {
    const auto info = buffer.request();
    Listener listener{*this};
    return static_cast<int>(market.on_message(bytes_of(info), listener));
  }
  int on_snapshot(std::uint32_t id, const py::buffer& buffer) {
    const auto info = buffer.request();
    Listener listener{*this};
    return static_cast<int>(market.on_snapshot(InstrumentId{id}, bytes_of(info), listener));
  }
  const L2Book& book(std::uint32_t id) const { return market.book(checked(id)); }
  InstrumentId checked(std::uint32_t id) const {
    if (!market.known(InstrumentId{id})) throw py::key_error(std::to_string(id));
    return InstrumentId{id};
  }
  py::tuple ticker(std::uint32_t id) const {
    const auto& t = market.ticker(checked(id));
    return py::make_tuple(t.update_id, t.bid_px, t.bid_qty, t.ask_px, t.ask_qty, t.ts_event);
  }
  BinanceMarket market;
  RowRecorder rows;
  std::uint64_t trades = 0;

 private:
  struct Listener : MarketListener {
    explicit Listener(PyBinanceBooks& books) : self(books) {}
    PyBinanceBooks& self;
    void on_book(InstrumentId id, bool) {
      const auto& changed = self.market.book(id);
      const auto ts = changed.top().ts_event;
      // A diff is applied whole before we hear of it: an interval is shown by its first update
      // after.
      const bool ended = self.rows.interval_ended(ts);
      if (ended || self.rows.every_message()) {
        self.rows.add(changed, index(id), self.market.update_id(id), ts);
      }
    }
    void on_trade(InstrumentId, std::int64_t, std::int64_t, Side, Nanos) { ++self.trades; }
  };
};

/// What both kinds of books show, by symbol or by instrument.
template <class Key, class Books>
void bind_books(py::class_<Books>& cls, const char* key) {
  cls.def(
         "top", [](const Books& self, const Key& of) { return top_tuple(self.book(of).top()); },
         py::arg(key))
      .def(
          "levels",
          [](const Books& self, const Key& of, int side, std::size_t depth) {
            return levels_list(self.book(of), side, depth);
          },
          py::arg(key), py::arg("side"), py::arg("depth"))
      .def(
          "level_count",
          [](const Books& self, const Key& of, int side) {
            return self.book(of).level_count(side_of(side));
          },
          py::arg(key), py::arg("side"))
      .def(
          "record",
          [](Books& self, std::size_t depth, Nanos every) { self.rows.start(depth, every); },
          py::arg("depth"), py::arg("every_ns") = 0)
      .def("take_rows", [](Books& self) { return self.rows.take(); });
}

void bind_itch(py::module_& module) {
  py::class_<PyItchBooks> books(module, "ItchBooks", "L3 books of an ITCH 5.0 feed.");
  books
      .def(py::init<std::size_t, bool>(), py::arg("orders_expected") = 65536,
           py::arg("map_all") = false)
      .def("map_symbol", &PyItchBooks::map_symbol, py::arg("symbol"), py::arg("increment") = 1,
           "Follow the symbol; prices count in multiples of `increment` × 0.0001.")
      .def("set_midnight", &PyItchBooks::set_midnight, py::arg("midnight"))
      .def("feed", &PyItchBooks::feed, py::arg("data"),
           "Apply length-prefixed messages; the bytes consumed. ValueError at what is none.")
      .def("apply_message", &PyItchBooks::apply_message, py::arg("message"), "DecodeStatus.")
      .def("apply_datagram", &PyItchBooks::apply_datagram, py::arg("datagram"), "DecodeStatus.")
      .def(
          "order_count",
          [](const PyItchBooks& self, const std::string& symbol) {
            return self.book(symbol).order_count();
          },
          py::arg("symbol"))
      .def(
          "qty_ahead",
          [](const PyItchBooks& self, const std::string& symbol, std::uint64_t ref) {
            return self.book(symbol).qty_ahead(ref);
          },
          py::arg("symbol"), py::arg("ref"))
      .def("symbols", &PyItchBooks::symbols)
      .def("messages", &PyItchBooks::messages)
      .def("counts", &PyItchBooks::counts, "Outcomes by name.")
      .def("types", &PyItchBooks::types, "Messages by type.");
  bind_books<std::string>(books, "symbol");
}

void bind_binance(py::module_& module) {
  py::class_<PyBinanceBooks> books(module, "BinanceBooks", "L2 books of Binance streams.");
  books.def(py::init<>())
      .def("map_symbol", &PyBinanceBooks::map_symbol, py::arg("symbol"), py::arg("instrument"),
           py::arg("price_increment"), py::arg("qty_increment"), py::arg("kind"),
           "Increments are (coefficient, scale): (1, 2) is 0.01. kind: 0 spot, 1 USD-M, 2 COIN-M.")
      .def("on_message", &PyBinanceBooks::on_message, py::arg("message"), "DecodeStatus.")
      .def("on_snapshot", &PyBinanceBooks::on_snapshot, py::arg("instrument"), py::arg("message"),
           "DecodeStatus.")
      .def_static(
          "is_snapshot",
          [](const py::buffer& buffer) {
            const auto info = buffer.request();
            return BinanceMarket::is_snapshot(bytes_of(info));
          },
          py::arg("message"))
      .def("ticker", &PyBinanceBooks::ticker, py::arg("instrument"),
           "(update_id, bid_px, bid_qty, ask_px, ask_qty, ts_event) as last announced.")
      .def(
          "state",
          [](const PyBinanceBooks& self, std::uint32_t id) {
            return static_cast<int>(self.market.state(self.checked(id)));
          },
          py::arg("instrument"), "BookState.")
      .def(
          "update_id",
          [](const PyBinanceBooks& self, std::uint32_t id) {
            return self.market.update_id(self.checked(id));
          },
          py::arg("instrument"))
      .def(
          "gaps",
          [](const PyBinanceBooks& self, std::uint32_t id) {
            return self.market.gaps(self.checked(id));
          },
          py::arg("instrument"))
      .def(
          "checks",
          [](const PyBinanceBooks& self, std::uint32_t id) {
            const auto& check = self.market.check(self.checked(id));
            return py::make_tuple(check.compared(), check.different());
          },
          py::arg("instrument"), "(compared, different): book beside bookTicker at one update id.")
      .def("trades", [](const PyBinanceBooks& self) { return self.trades; })
      .def("reason", [](const PyBinanceBooks& self) { return self.market.reason(); })
      .def("disconnected", [](PyBinanceBooks& self) { self.market.disconnected(); });
  bind_books<std::uint32_t>(books, "instrument");
}

}  // namespace

/// Python's DecodeStatus, so that numbers have names there too.
void bind_market_feeds(py::module_& module) {
  py::dict values;
  for (std::size_t i = 0; i < kDecodeStatuses; ++i) {
    values[py::str(to_string(static_cast<DecodeStatus>(i)))] = i;
  }
  module.attr("DecodeStatus") = py::module_::import("enum").attr("IntEnum")(
      "DecodeStatus", values, py::arg("module") = "daemon.core");
  bind_itch(module);
  bind_binance(module);
}

}  // namespace pitwire
