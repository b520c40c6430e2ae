#include "pitwire/engine/touch_writer.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <stdexcept>

namespace pitwire {
namespace {

constexpr std::size_t kLine = 64;

/// Who still reads the file of a process before is told to open the new one.
void tell_replaced(const std::string& path) {
  struct stat facts{};
  if (::stat(path.c_str(), &facts) != 0) return;
  const auto old = SharedMemory::open_file(path, true);
  auto& header = *reinterpret_cast<touch::Header*>(old.data());
  if (old.size_bytes() < sizeof header || header.magic != touch::kMagic) {
    throw std::invalid_argument(path + ": is something else than a touch page, and stays");
  }
  header.state.store(static_cast<std::uint32_t>(touch::WriterState::REPLACED),
                     std::memory_order_release);
}

touch::Row row_of(const std::string& path, const Instrument& instrument) {
  if (instrument.symbol.size() > touch::kSymbolBytes) {
    throw std::invalid_argument(path + ": symbol \"" + instrument.symbol + "\" is longer than " +
                                std::to_string(touch::kSymbolBytes) + " bytes");
  }
  touch::Row row{};
  std::copy(instrument.symbol.begin(), instrument.symbol.end(), row.symbol.begin());
  row.price_mantissa = instrument.price_increment.mantissa;
  row.qty_mantissa = instrument.qty_increment.mantissa;
  // NOLINTBEGIN(bugprone-signed-char-misuse): small numbers with a sign, and no characters
  row.price_exponent = instrument.price_increment.exponent;
  row.qty_exponent = instrument.qty_increment.exponent;
  // NOLINTEND(bugprone-signed-char-misuse)
  return row;
}

/// Header and table, with room for the slots behind.
std::vector<std::byte> beginning(const std::string& path, std::uint32_t epoch,
                                 const InstrumentRegistry& instruments, Nanos now) {
  const auto count = instruments.size();
  std::vector<std::byte> bytes(sizeof(touch::Header) + count * sizeof(touch::Row));
  auto* header = new (bytes.data()) touch::Header{};
  header->magic = touch::kMagic;
  header->version = touch::kVersion;
  header->header_bytes = sizeof(touch::Header);
  header->instruments = count;
  header->row_bytes = sizeof(touch::Row);
  header->slot_bytes = sizeof(touch::Slot);
  header->pid = static_cast<std::uint32_t>(::getpid());
  header->epoch = epoch;
  header->state.store(static_cast<std::uint32_t>(touch::WriterState::LIVE),
                      std::memory_order_relaxed);
  header->started_ts = now;
  header->slots_at = bytes.size();
  header->alive_ts.store(now, std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto row = row_of(path, instruments[InstrumentId{i}]);
    std::memcpy(bytes.data() + sizeof(touch::Header) + i * sizeof row, &row, sizeof row);
  }
  return bytes;
}

SharedMemory make_file(const std::string& path, mode_t mode, std::uint32_t epoch,
                       const InstrumentRegistry& instruments, Nanos now) {
  const auto bytes = beginning(path, epoch, instruments, now);
  tell_replaced(path);
  return SharedMemory::create_file(path, bytes.size() + instruments.size() * sizeof(touch::Slot),
                                   mode, bytes);
}

}  // namespace

static_assert(sizeof(touch::Header) % kLine == 0 && sizeof(touch::Row) % kLine == 0);

TouchWriter::TouchWriter(const std::string& path, mode_t mode, std::uint32_t epoch,
                         const InstrumentRegistry& instruments, const MarketDesk& market, Nanos now)
    : market_(market),
      memory_(make_file(path, mode, epoch, instruments, now)),
      slots_(reinterpret_cast<touch::Slot*>(memory_.data() + header().slots_at)),
      marked_(instruments.size(), 0) {
  changed_.reserve(marked_.size());
  for (std::uint32_t i = 0; i < marked_.size(); ++i) {
    const auto& slot = market.slot(InstrumentId{i});
    if (slot.updates != 0) mark(InstrumentId{i});
  }
  publish(0, 0);
}

TouchWriter::~TouchWriter() {
  header().state.store(static_cast<std::uint32_t>(touch::WriterState::ENDED),
                       std::memory_order_release);
}

void TouchWriter::heartbeat(std::uint64_t turn, Nanos now) noexcept {
  header().turn.store(turn, std::memory_order_relaxed);
  header().alive_ts.store(now, std::memory_order_release);
}

void TouchWriter::publish_changed(Sequence sequence, Nanos ts_recv) noexcept {
  for (const auto at : changed_) {
    marked_[at] = 0;
    publish_one(at, sequence, ts_recv);
  }
  changed_.clear();
}

void TouchWriter::publish_one(std::uint32_t at, Sequence sequence, Nanos ts_recv) noexcept {
  const auto& now = market_.slot(InstrumentId{at});
  touch::Touch touch;
  touch.bid_qty = now.bid_qty;
  touch.bid_px = now.bid_qty != 0 ? now.bid_px : 0;
  touch.ask_qty = now.ask_qty;
  touch.ask_px = now.ask_qty != 0 ? now.ask_px : 0;
  touch.book_state = static_cast<std::uint8_t>(now.state);
  touch.trading_state = static_cast<std::uint8_t>(now.trading);
  // Nobody else writes: this is what we published last, out of our own cache.
  constexpr auto relaxed = std::memory_order_relaxed;
  auto& slot = slots_[at];
  const bool same =
      slot.bid_px.load(relaxed) == touch.bid_px && slot.bid_qty.load(relaxed) == touch.bid_qty &&
      slot.ask_px.load(relaxed) == touch.ask_px && slot.ask_qty.load(relaxed) == touch.ask_qty &&
      slot.source.load(relaxed) >> touch::kSequenceBits ==
          touch::source_of(touch) >> touch::kSequenceBits;
  if (same && slot.lock.load(relaxed) != 0) return;
  touch.bid_orders = orders_at_touch(at, Side::BUY);
  touch.ask_orders = orders_at_touch(at, Side::SELL);
  touch.ts_event = now.ts_event;
  touch.ts_recv = ts_recv;
  touch.sequence = sequence;
  touch::publish(slot, touch);
}

std::uint16_t TouchWriter::orders_at_touch(std::uint32_t at, Side side) const noexcept {
  Level best;
  const auto found = market_.levels(InstrumentId{at}, side, std::span(&best, 1));
  constexpr std::uint32_t kMost = std::numeric_limits<std::uint16_t>::max();
  return static_cast<std::uint16_t>(found == 0 ? 0 : std::min(best.orders, kMost));
}

}  // namespace pitwire
