// The event log as Python sees it: batches of frames out, single frames in (tests and tools).
#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include <bitset>

#include "bindings.hpp"
#include "pitwire/log/log_reader.hpp"
#include "pitwire/log/log_writer.hpp"
#include "pitwire/log/segment.hpp"
#include "pitwire/log/verify.hpp"

namespace py = pybind11;

namespace pitwire {
namespace {

/// One row of a batch; daemon/log/schema.py has it as a NumPy dtype.
struct BatchRow {
  Sequence sequence;
  Nanos ts_core;
  std::uint64_t payload_at;  ///< in the batch's payload bytes
  std::uint32_t payload_size;
  std::uint16_t type;
  std::uint16_t source;
  std::uint8_t frame_class;
  std::uint8_t version;
  std::uint8_t origin;
  std::uint8_t flags;
  std::uint32_t reserved;
};
static_assert(sizeof(BatchRow) == 40);

using Types = std::bitset<1 << 16>;

py::tuple fault_of(const LogFault& fault) {
  return py::make_tuple(fault.file, fault.offset, fault.reason);
}

void put_row(const Frame& frame, std::string& rows, std::string& payloads) {
  const auto& header = *frame.header;
  const BatchRow row{header.sequence,
                     header.ts_core,
                     payloads.size(),
                     static_cast<std::uint32_t>(frame.payload.size()),
                     static_cast<std::uint16_t>(header.type),
                     header.source,
                     static_cast<std::uint8_t>(header.frame_class),
                     header.version,
                     static_cast<std::uint8_t>(header.origin),
                     header.flags,
                     0};
  rows.append(reinterpret_cast<const char*>(&row), sizeof row);
  payloads.append(reinterpret_cast<const char*>(frame.payload.data()), frame.payload.size());
  payloads.append((8 - payloads.size() % 8) % 8, '\0');  // so that NumPy reads aligned fields
}

/// Up to `limit` frames of the wanted types (none named: all); passes over the others, but looks
/// at no more than 64 times as many, so that a call stays short.
py::tuple read_batch(LogReader& reader, std::size_t limit,
                     const std::vector<std::uint16_t>& types) {
  auto wanted = std::make_unique<Types>();
  for (const auto type : types) wanted->set(type);
  std::string rows;
  std::string payloads;
  std::size_t count = 0;
  {
    const py::gil_scoped_release release;
    for (std::size_t looked = 0; count < limit && looked < limit * 64; ++looked) {
      const auto frame = reader.next();
      if (!frame) break;
      if (!types.empty() && !wanted->test(static_cast<std::size_t>(frame->type()))) continue;
      put_row(*frame, rows, payloads);
      ++count;
    }
  }
  return py::make_tuple(py::bytes(rows), py::bytes(payloads));
}

const char* status_name(const LogReader& reader) {
  switch (reader.status()) {
    case LogReader::Status::FRAME:
      return "frame";
    case LogReader::Status::END:
      return "end";
    case LogReader::Status::TORN:
      return "torn";
    case LogReader::Status::CORRUPT:
      return "corrupt";
  }
  return "corrupt";
}

void bind_reader(py::module_& module) {
  py::class_<LogReader>(module, "LogReader", "Reads frames of an event log in batches.")
      .def(py::init([](const std::string& folder, bool committed) {
             return LogReader(folder, committed ? Upto::COMMITTED : Upto::DURABLE);
           }),
           py::arg("folder"), py::arg("committed") = false)
      .def("read_batch", &read_batch, py::arg("limit"),
           py::arg("types") = std::vector<std::uint16_t>{})
      .def("seek", &LogReader::seek, py::arg("sequence"))
      .def_property_readonly("status", &status_name)
      .def_property_readonly("error", [](const LogReader& self) { return fault_of(self.error()); })
      .def_property_readonly("last_sequence", &LogReader::last_sequence)
      .def_property_readonly("durable_sequence", &LogReader::durable_sequence)
      .def_property_readonly("segment_index", &LogReader::segment_index)
      .def_property_readonly("offset", &LogReader::offset);
  py::class_<ReaderRegistration>(module, "ReaderRegistration",
                                 "Holds back retention up to a reader's position.")
      .def(py::init([](const std::string& folder, const std::string& name) {
             return std::make_unique<ReaderRegistration>(folder, name);
           }),
           py::arg("folder"), py::arg("name"))
      .def_property_readonly("position", &ReaderRegistration::position)
      .def("update", &ReaderRegistration::update, py::arg("sequence"))
      .def("forget", &ReaderRegistration::forget);
}

Sequence append(LogWriter& log, int type, Nanos ts_core, const std::string& payload,
                int frame_class, int origin, int source) {
  return log.append(static_cast<RecordType>(type), static_cast<FrameClass>(frame_class), ts_core,
                    static_cast<Origin>(origin), static_cast<std::uint16_t>(source),
                    std::as_bytes(std::span(payload.data(), payload.size())));
}

LogOptions options_of(const std::string& folder, std::uint64_t segment_size_bytes,
                      const std::string& log_uuid) {
  LogOptions options;
  options.folder = folder;
  options.segment_size_bytes = segment_size_bytes;
  if (!log_uuid.empty() && log_uuid.size() != sizeof options.log_uuid) {
    throw std::invalid_argument("log_uuid: expected 16 bytes");
  }
  if (!log_uuid.empty()) std::memcpy(options.log_uuid.data(), log_uuid.data(), log_uuid.size());
  return options;
}

py::dict report_of(const RecoveryReport& report) {
  constexpr const char* kVerdicts[] = {"empty", "clean", "torn_cut", "torn_below_durable"};
  py::dict out;
  out["verdict"] = kVerdicts[static_cast<std::size_t>(report.verdict)];
  out["segments"] = report.segments;
  out["frames"] = report.frames;
  out["last_sequence"] = report.last_sequence;
  out["durable_sequence"] = report.durable_sequence;
  out["cut_bytes"] = report.cut_bytes;
  out["cut_frames"] = report.cut_frames;
  out["cut"] = fault_of(report.cut);
  out["clean_close"] = report.clean_close;
  out["text"] = report.text();
  return out;
}

void bind_writer(py::module_& module) {
  const auto size = py::arg("segment_size_bytes") = LogOptions{}.segment_size_bytes;
  const auto uuid = py::arg("log_uuid") = py::bytes();
  py::class_<LogWriter>(module, "LogWriter", "The one writer of an event log.")
      .def_static(
          "create",
          [](const std::string& folder, std::uint64_t segment_size_bytes, const std::string& id) {
            return std::make_unique<LogWriter>(
                LogWriter::create(options_of(folder, segment_size_bytes, id)));
          },
          py::arg("folder"), size, uuid)
      .def_static(
          "recover",
          [](const std::string& folder, std::uint64_t segment_size_bytes, bool prefault,
             std::uint64_t retain_bytes, std::uint64_t retain_days, std::uint64_t low_disk_bytes,
             bool sync_market, bool sync_orders, std::vector<bool> sync_sessions) {
            LogOptions options = options_of(folder, segment_size_bytes, "");
            options.prefault = prefault;
            options.retain_bytes = retain_bytes;
            options.retain_days = retain_days;
            options.low_disk_bytes = low_disk_bytes;
            options.sync.market = sync_market;
            options.sync.orders = sync_orders;
            options.sync.by_session = std::move(sync_sessions);
            RecoveryReport report;
            auto log = std::make_unique<LogWriter>(LogWriter::recover(options, report));
            return py::make_tuple(std::move(log), report_of(report));
          },
          py::arg("folder"), size, py::arg("prefault") = LogOptions{}.prefault,
          py::arg("retain_bytes") = LogOptions{}.retain_bytes,
          py::arg("retain_days") = LogOptions{}.retain_days,
          py::arg("low_disk_bytes") = LogOptions{}.low_disk_bytes, py::arg("sync_market") = true,
          py::arg("sync_orders") = true, py::arg("sync_sessions") = std::vector<bool>{},
          "Frames of a class that is not synced ask for none; they go along with those that do.")
      .def("append", &append, py::arg("type"), py::arg("ts_core"), py::arg("payload"),
           py::arg("frame_class"), py::arg("origin") = 0, py::arg("source") = 0)
      .def("skip_sequences", &LogWriter::skip_sequences, py::arg("count"))
      .def("wait_durable", &LogWriter::wait_durable, py::arg("sequence"),
           py::call_guard<py::gil_scoped_release>())
      .def_property_readonly("last_sequence", &LogWriter::last_sequence)
      .def_property_readonly("last_ts_core", &LogWriter::last_ts_core)
      .def_property_readonly("durable_sequence", &LogWriter::durable_sequence)
      .def_property_readonly("bytes_appended", &LogWriter::bytes_appended)
      .def_property_readonly("disk_low", &LogWriter::disk_low)
      .def_property_readonly("segment_index", &LogWriter::segment_index)
      .def_property_readonly("failed", &LogWriter::failed)
      .def_property_readonly("failure", &LogWriter::failure)
      .def("close", &LogWriter::close, py::call_guard<py::gil_scoped_release>());
}

py::dict verify(const std::string& folder, const std::function<void(std::uint64_t)>& progress) {
  const auto report = verify_log(folder, progress);
  py::list faults;
  for (const auto& fault : report.faults) faults.append(fault_of(fault));
  py::dict out;
  out["faults"] = faults;
  out["segments"] = report.segments;
  out["frames"] = report.frames;
  out["bytes"] = report.bytes;
  out["first_sequence"] = report.first_sequence;
  out["last_sequence"] = report.last_sequence;
  out["epoch_gaps"] = report.epoch_gaps;
  out["hashed_blocks"] = report.hashed_blocks;
  return out;
}

}  // namespace

void bind_log(py::module_& module) {
  py::register_exception<LogError>(module, "LogError", PyExc_RuntimeError);
  bind_reader(module);
  bind_writer(module);
  module.def("verify_log", &verify, py::arg("folder"), py::arg("progress"),
             "Checks every promise of a log's bytes; calls progress(bytes_done) once a segment.");
}

}  // namespace pitwire
