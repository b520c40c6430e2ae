#include "pitwire/base/shared_counters.hpp"

#include <unistd.h>

#include <array>
#include <cstring>
#include <span>
#include <stdexcept>

namespace pitwire {
namespace {

constexpr std::uint64_t kMagic = 0x544e554f43544950;  // "PITCOUNT", little-endian
constexpr std::uint32_t kVersion = 1;
enum Kind : std::uint32_t { FREE = 0, COUNTER = 1, HISTOGRAM = 2 };

struct Header {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t pid;
  std::uint32_t counters_max;
  std::uint32_t histograms_max;
  std::uint64_t histogram_words;
  std::byte reserved[32];
};
static_assert(sizeof(Header) == 64);

struct Entry {
  std::atomic<std::uint32_t> kind;  // stored last: an entry that has one is complete
  std::uint32_t index;
  char name[SharedCounters::kNameBytesMax + 1];
  std::uint64_t reserved;
};
static_assert(sizeof(Entry) == 64);

/// Where everything lies, from the header alone.
struct Layout {
  std::byte* base;

  Header& header() const { return *reinterpret_cast<Header*>(base); }
  std::size_t entry_count() const {
    return std::size_t{header().counters_max} + header().histograms_max;
  }
  std::span<Entry> entries() const {
    return {reinterpret_cast<Entry*>(base + sizeof(Header)), entry_count()};
  }
  std::byte* words() const { return base + sizeof(Header) + entry_count() * sizeof(Entry); }
  std::atomic<std::uint64_t>* counter(std::uint32_t index) const {
    return reinterpret_cast<std::atomic<std::uint64_t>*>(words()) + index;
  }
  std::span<std::uint64_t> histogram(std::uint32_t index) const {
    auto* first = reinterpret_cast<std::uint64_t*>(words()) + header().counters_max;
    return {first + std::size_t{index} * Histogram::kWords, Histogram::kWords};
  }
  static std::size_t size_bytes(std::uint32_t counters_max, std::uint32_t histograms_max) {
    const std::size_t entries = std::size_t{counters_max} + histograms_max;
    const std::size_t words = counters_max + std::size_t{histograms_max} * Histogram::kWords;
    return sizeof(Header) + entries * sizeof(Entry) + words * sizeof(std::uint64_t);
  }
};

struct Found {
  std::uint32_t index;
  bool is_new;
};

/// The entry of this kind and name, made where there is none; not yet published when new.
Entry& find(const Layout& layout, std::string_view name, Kind kind, Found& found) {
  const std::string quoted = "counter '" + std::string(name) + "'";
  if (name.empty() || name.size() > SharedCounters::kNameBytesMax) {
    throw std::invalid_argument(quoted + ": name must have 1 to 47 bytes");
  }
  std::uint32_t used = 0;
  for (Entry& entry : layout.entries()) {
    const auto entry_kind = entry.kind.load(std::memory_order_relaxed);
    if (entry_kind == FREE) {
      const auto limit =
          kind == COUNTER ? layout.header().counters_max : layout.header().histograms_max;
      if (used == limit) break;
      std::memcpy(entry.name, name.data(), name.size());
      entry.index = used;
      found = {used, true};
      return entry;
    }
    if (name == entry.name) {
      if (entry_kind != kind) throw std::invalid_argument(quoted + ": is of the other kind");
      found = {entry.index, false};
      return entry;
    }
    if (entry_kind == kind) ++used;
  }
  throw std::invalid_argument(quoted + ": table is full");
}

}  // namespace

SharedCounters::SharedCounters(const std::string& path, std::uint32_t counters_max,
                               std::uint32_t histograms_max, mode_t mode)
    : memory_([&] {
        Header header{};
        header.magic = kMagic;
        header.version = kVersion;
        header.pid = static_cast<std::uint32_t>(::getpid());
        header.counters_max = counters_max;
        header.histograms_max = histograms_max;
        header.histogram_words = Histogram::kWords;
        return SharedMemory::create_file(path, Layout::size_bytes(counters_max, histograms_max),
                                         mode, std::as_bytes(std::span(&header, 1)));
      }()) {}

SharedCounter SharedCounters::counter(std::string_view name) {
  const Layout layout{memory_.data()};
  Found found{};
  Entry& entry = find(layout, name, COUNTER, found);
  // Pairs with the reader's load: name and index are in place.
  if (found.is_new) entry.kind.store(COUNTER, std::memory_order_release);
  return SharedCounter(layout.counter(found.index));
}

Histogram& SharedCounters::histogram(std::string_view name) {
  const Layout layout{memory_.data()};
  Found found{};
  Entry& entry = find(layout, name, HISTOGRAM, found);
  if (!found.is_new) return histograms_[found.index].second;
  histograms_.emplace_back(std::string(name), Histogram(layout.histogram(found.index)));
  entry.kind.store(HISTOGRAM, std::memory_order_release);  // as above
  return histograms_.back().second;
}

SharedCountersReader::SharedCountersReader(const std::string& path)
    : memory_(SharedMemory::open_file(path, false)) {
  const auto refuse = [&](const char* reason) {
    throw std::invalid_argument(path + ": not a counters file of this version: " + reason);
  };
  if (memory_.size_bytes() < sizeof(Header)) refuse("too short");
  const Header& header = Layout{memory_.data()}.header();
  if (header.magic != kMagic) refuse("magic");
  if (header.version != kVersion) refuse("version");
  if (header.histogram_words != Histogram::kWords) refuse("histogram layout");
  if (memory_.size_bytes() < Layout::size_bytes(header.counters_max, header.histograms_max)) {
    refuse("cut short");
  }
}

std::vector<std::pair<std::string, std::uint64_t>> SharedCountersReader::counters() const {
  const Layout layout{memory_.data()};
  std::vector<std::pair<std::string, std::uint64_t>> result;
  for (const Entry& entry : layout.entries()) {
    if (entry.kind.load(std::memory_order_acquire) != COUNTER) continue;
    result.emplace_back(entry.name, layout.counter(entry.index)->load(std::memory_order_relaxed));
  }
  return result;
}

std::vector<std::pair<std::string, Histogram>> SharedCountersReader::histograms() const {
  const Layout layout{memory_.data()};
  std::vector<std::pair<std::string, Histogram>> result;
  for (const Entry& entry : layout.entries()) {
    if (entry.kind.load(std::memory_order_acquire) != HISTOGRAM) continue;
    // Copied through a view of the mapping, which is read-only and only read.
    const Histogram shared(layout.histogram(entry.index));
    result.emplace_back(entry.name, shared);
  }
  return result;
}

std::uint32_t SharedCountersReader::writer_pid() const noexcept {
  return Layout{memory_.data()}.header().pid;
}

}  // namespace pitwire
