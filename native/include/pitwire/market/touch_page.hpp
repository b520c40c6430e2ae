// The best bid and ask of every instrument, in a mapped file that any process may read.
//
// This file stands alone: layout, reader and the writer's one function, and nothing of pitwire but
// this. docs/touch.md says the layout byte by byte.
//
// A slot is one cache line under a seqlock: the writer never waits, a reader that looked while the
// slot changed looks again. Every field is an atomic, so that a read beside a write is no data race
// but a value that is thrown away; the fields are stored with release and loaded with acquire
// instead of fences, which ThreadSanitizer does not see. On x86 each of them is a plain move.
//   H.-J. Boehm, "Can seqlocks get along with programming language memory models?", MSPC 2012,
//   section 4.
// One writer a file, any number of readers, none of which can hold it up.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace pitwire::touch {

inline constexpr std::uint64_t kMagic = 0x4843'5554'5754'4950;  ///< "PITWTUCH", little-endian
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::size_t kSymbolBytes = 32;
/// A slot that was being written for as long as this many looks: its writer stands still or is
/// gone.
inline constexpr int kLooksMax = 10'000;

enum class WriterState : std::uint32_t {
  LIVE = 1,     ///< or killed without a word: its heartbeat tells
  ENDED = 2,    ///< it closed the file; what stands there is its last word
  REPLACED = 3  ///< another process writes a new file of this name: open it again
};

/// The file's beginning. What does not change, then the writer's heartbeat on a line of its own.
struct Header {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t header_bytes;  ///< where the table of instruments begins
  std::uint32_t instruments;   ///< rows of the table, and slots
  std::uint32_t row_bytes;
  std::uint32_t slot_bytes;
  std::uint32_t pid;
  std::uint32_t epoch;                 ///< of the log that the sequences are of
  std::atomic<std::uint32_t> state;    ///< WriterState
  std::int64_t started_ts;             ///< ns since 1970 UTC
  std::uint64_t slots_at;              ///< where the slots begin, a multiple of 64
  std::uint64_t reserved;              ///< 0
  std::atomic<std::int64_t> alive_ts;  ///< when its newest turn was, ns since 1970 UTC
  std::atomic<std::uint64_t> turn;     ///< how many turns it took
  std::array<std::uint64_t, 6> reserved_too;
};
static_assert(sizeof(Header) == 128 && offsetof(Header, alive_ts) == 64);

/// What the instrument's numbers count. A price is `px` times mantissa times 10^exponent.
struct Row {
  std::array<char, kSymbolBytes> symbol;  ///< NUL padded
  std::int64_t price_mantissa;
  std::int64_t qty_mantissa;
  std::int32_t price_exponent;
  std::int32_t qty_exponent;
  std::uint64_t reserved;  ///< 0
};
static_assert(sizeof(Row) == 64);

/// One instrument's touch as it lies in the file.
struct alignas(64) Slot {
  std::atomic<std::uint32_t> lock;        ///< odd while it is written; 0: never was
  std::atomic<std::uint16_t> bid_orders;  ///< 65,535 stands for more
  std::atomic<std::uint16_t> ask_orders;
  std::atomic<std::int64_t> bid_px;
  std::atomic<std::int64_t> bid_qty;
  std::atomic<std::int64_t> ask_px;
  std::atomic<std::int64_t> ask_qty;
  std::atomic<std::int64_t> ts_event;
  std::atomic<std::int64_t> ts_recv;
  std::atomic<std::uint64_t> source;  ///< sequence, and above its 56 bits book and trading state
};
static_assert(sizeof(Slot) == 64 && offsetof(Slot, source) == 56);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

/// A touch as a reader gets it. Prices in price increments, quantities in lots.
struct Touch {
  std::uint32_t version = 0;  ///< rises by one with each that was published; 0: none was
  std::int64_t bid_px = 0;    ///< 0 where bid_qty is 0: there is no bid
  std::int64_t bid_qty = 0;
  std::int64_t ask_px = 0;
  std::int64_t ask_qty = 0;
  std::uint16_t bid_orders = 0;  ///< 0 where the feed tells none
  std::uint16_t ask_orders = 0;
  std::int64_t ts_event = 0;       ///< the venue's time, ns since 1970 UTC; 0 where it says none
  std::int64_t ts_recv = 0;        ///< when the message came to the writer's host
  std::uint64_t sequence = 0;      ///< of the frame in the writer's log
  std::uint8_t book_state = 0;     ///< BookState of the log: 2 is LIVE, nothing else to trade on
  std::uint8_t trading_state = 0;  ///< TradingState of the log
  bool operator==(const Touch&) const = default;
};

inline constexpr int kSequenceBits = 56;
inline constexpr int kStateBits = 4;

/// What `Slot::source` holds.
[[nodiscard]] inline std::uint64_t source_of(const Touch& touch) noexcept {
  const auto states = static_cast<std::uint64_t>(touch.trading_state) << kStateBits |
                      static_cast<std::uint64_t>(touch.book_state);
  return states << kSequenceBits | touch.sequence;
}

/// `publish` without the lock.
inline void store_fields(Slot& slot, const Touch& touch) noexcept {
  // Each release pairs with a reader's acquire of the same field: who sees the new value sees the
  // odd lock as well, and throws the value away.
  constexpr auto release = std::memory_order_release;
  slot.bid_orders.store(touch.bid_orders, release);
  slot.ask_orders.store(touch.ask_orders, release);
  slot.bid_px.store(touch.bid_px, release);
  slot.bid_qty.store(touch.bid_qty, release);
  slot.ask_px.store(touch.ask_px, release);
  slot.ask_qty.store(touch.ask_qty, release);
  slot.ts_event.store(touch.ts_event, release);
  slot.ts_recv.store(touch.ts_recv, release);
  slot.source.store(source_of(touch), release);
}

/// The writer's only; `touch.version` is not looked at.
inline void publish(Slot& slot, const Touch& touch) noexcept {
  const auto lock = slot.lock.load(std::memory_order_relaxed);
  slot.lock.store(lock + 1, std::memory_order_relaxed);
  store_fields(slot, touch);
  // Pairs with the first load of try_read. Behind 2^31 publications 0 is passed over: it is
  // "never".
  slot.lock.store(lock + 2 == 0 ? 2 : lock + 2, std::memory_order_release);
}

/// One look; nothing where the slot was being written.
[[nodiscard]] inline std::optional<Touch> try_read(const Slot& slot) noexcept {
  constexpr auto acquire = std::memory_order_acquire;
  const auto lock = slot.lock.load(acquire);
  if ((lock & 1) != 0) return std::nullopt;
  Touch out;
  out.version = lock / 2;
  out.bid_orders = slot.bid_orders.load(acquire);
  out.ask_orders = slot.ask_orders.load(acquire);
  out.bid_px = slot.bid_px.load(acquire);
  out.bid_qty = slot.bid_qty.load(acquire);
  out.ask_px = slot.ask_px.load(acquire);
  out.ask_qty = slot.ask_qty.load(acquire);
  out.ts_event = slot.ts_event.load(acquire);
  out.ts_recv = slot.ts_recv.load(acquire);
  const auto source = slot.source.load(acquire);
  out.sequence = source & ((1ULL << kSequenceBits) - 1);
  out.book_state = static_cast<std::uint8_t>(source >> kSequenceBits & 15);
  out.trading_state = static_cast<std::uint8_t>(source >> (kSequenceBits + kStateBits));
  // Behind the acquires above: where one of them saw a later publication, this sees its odd lock.
  if (slot.lock.load(std::memory_order_relaxed) != lock) return std::nullopt;
  return out;
}

/// The reader's end, in any process, any thread.
class Reader {
 public:
  /// Throws std::runtime_error with path and reason where there is no such file, or it is not one
  /// of these, or of another version.
  explicit Reader(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) refuse(path, std::strerror(errno));
    struct stat facts{};
    const bool known = ::fstat(fd, &facts) == 0;
    size_bytes_ = known ? static_cast<std::size_t>(facts.st_size) : 0;
    void* at = size_bytes_ < sizeof(Header)
                   ? MAP_FAILED
                   : ::mmap(nullptr, size_bytes_, PROT_READ, MAP_SHARED, fd, 0);
    ::close(fd);
    if (at == MAP_FAILED) refuse(path, "is not a touch page");
    memory_ = static_cast<const std::byte*>(at);
    if (const auto reason = unusable(); !reason.empty()) {
      unmap();
      refuse(path, reason);
    }
  }
  Reader(Reader&& other) noexcept
      : memory_(std::exchange(other.memory_, nullptr)), size_bytes_(other.size_bytes_) {}
  Reader& operator=(Reader&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(size_bytes_, other.size_bytes_);
    return *this;
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { unmap(); }

  [[nodiscard]] const Header& header() const noexcept {
    return *reinterpret_cast<const Header*>(memory_);
  }
  [[nodiscard]] std::uint32_t size() const noexcept { return header().instruments; }
  /// Precondition of these: at < size().
  [[nodiscard]] const Row& row(std::uint32_t at) const noexcept {
    return reinterpret_cast<const Row*>(memory_ + header().header_bytes)[at];
  }
  [[nodiscard]] std::string_view symbol(std::uint32_t at) const noexcept {
    const auto& name = row(at).symbol;
    return {name.data(), ::strnlen(name.data(), name.size())};
  }
  [[nodiscard]] const Slot& slot(std::uint32_t at) const noexcept {
    return reinterpret_cast<const Slot*>(memory_ + header().slots_at)[at];
  }
  /// Where the symbol stands.
  [[nodiscard]] std::optional<std::uint32_t> find(std::string_view name) const noexcept {
    for (std::uint32_t at = 0; at < size(); ++at) {
      if (symbol(at) == name) return at;
    }
    return std::nullopt;
  }
  /// The newest touch, never a mixture of two; nothing where a writer has stood still within a
  /// publication (it was killed there, or sleeps).
  [[nodiscard]] std::optional<Touch> read(std::uint32_t at) const noexcept {
    for (int look = 0; look < kLooksMax; ++look) {
      if (const auto touch = try_read(slot(at))) return touch;
    }
    return std::nullopt;
  }
  [[nodiscard]] WriterState state() const noexcept {
    return static_cast<WriterState>(header().state.load(std::memory_order_acquire));
  }
  /// LIVE, and its newest turn is less than `silence_max_ns` before `now`, both of the host's
  /// clock. A daemon takes a turn every second though nothing happens.
  [[nodiscard]] bool alive(std::int64_t now, std::int64_t silence_max_ns) const noexcept {
    return state() == WriterState::LIVE &&
           now - header().alive_ts.load(std::memory_order_acquire) < silence_max_ns;
  }

 private:
  [[noreturn]] static void refuse(const std::string& path, const std::string& reason) {
    throw std::runtime_error(path + ": " + reason);
  }
  [[nodiscard]] std::string unusable() const {
    const auto& head = header();
    if (head.magic != kMagic) return "is not a touch page";
    if (head.version != kVersion) {
      return "touch page of version " + std::to_string(head.version) + ", expected " +
             std::to_string(kVersion);
    }
    const bool fits = head.header_bytes >= sizeof(Header) && head.row_bytes == sizeof(Row) &&
                      head.slot_bytes == sizeof(Slot) && head.slots_at % alignof(Slot) == 0 &&
                      head.slots_at >= head.header_bytes + std::uint64_t{64} * head.instruments &&
                      head.slots_at <= size_bytes_ &&
                      (size_bytes_ - head.slots_at) / sizeof(Slot) >= head.instruments;
    return fits ? "" : "touch page is cut off or damaged";
  }
  void unmap() noexcept {
    if (memory_ != nullptr) ::munmap(const_cast<std::byte*>(memory_), size_bytes_);
    memory_ = nullptr;
  }

  const std::byte* memory_ = nullptr;
  std::size_t size_bytes_ = 0;
};

}  // namespace pitwire::touch
