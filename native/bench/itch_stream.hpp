// The stream on which decoding, books and the whole core are measured, made from a seed;
// PITWIRE_ITCH_FILE names a file of length-prefixed messages to use instead (shared/tools/gen_itch
// makes them).
#pragma once

#include <algorithm>
#include <compare>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "pitwire/market/itch.hpp"

namespace pitwire::bench {

using Stream = std::vector<std::byte>;

template <class M>
void append(Stream& out, M message, std::uint16_t locate) {
  message.header.stock_locate = locate;
  const auto at = out.size();
  out.resize(at + 2 + M::kSize);
  out[at + 1] = static_cast<std::byte>(M::kSize);
  itch::encode(message, out.data() + at + 2);
}

inline std::string name_of(std::uint16_t locate) {
  return std::to_string(locate).insert(0, 1, 'S');
}

/// What a stream is made of; `spread` 0 numbers orders nearly in sequence, else anywhere below it.
struct Kind {
  std::size_t messages;
  std::size_t symbols;
  std::size_t live_orders;
  std::uint64_t spread = 0;
  auto operator<=>(const Kind&) const = default;
};
inline constexpr Kind kHot{1'000'000, 100, 100'000, 0};
inline constexpr Kind kHotSpread{1'000'000, 100, 100'000, std::uint64_t{1} << 40};
inline constexpr Kind kWide{2'500'000, 8'000, 815'000, 0};

/// Adds and deletes around a steady number of live orders, mostly near the touch.
inline Stream synthetic(const Kind& kind) {
  std::mt19937_64 random(1);
  Stream out;
  std::vector<std::pair<std::uint64_t, std::uint16_t>> live;
  std::uint64_t ref = 1;
  for (std::size_t i = 0; i < kind.messages; ++i) {
    if (live.size() < kind.live_orders || random() % 2 == 0) {
      const auto locate = static_cast<std::uint16_t>(1 + random() % kind.symbols);
      itch::AddOrder add;
      add.order_ref = ref = kind.spread == 0 ? ref + 1 + random() % 3 : random() % kind.spread;
      const bool buy = random() % 2 == 0;
      add.side = buy ? 'B' : 'S';
      add.shares = 100;
      const auto away =
          static_cast<std::uint32_t>(random() % 10 < 9 ? random() % 20 : random() % 300);
      add.price = 100 * (buy ? 5000 - away : 5001 + away);
      (void)itch::make_symbol(name_of(locate), add.stock);
      append(out, add, locate);
      live.emplace_back(add.order_ref, locate);
    } else {
      const auto recent = std::min<std::size_t>(live.size(), 600);
      const auto at =
          random() % 4 == 0 ? random() % live.size() : live.size() - 1 - random() % recent;
      itch::OrderDelete gone;
      gone.order_ref = live[at].first;
      append(out, gone, live[at].second);
      live[at] = live.back();
      live.pop_back();
    }
  }
  return out;
}

inline Stream read_or_make(const Kind& kind) {
  const char* path = std::getenv("PITWIRE_ITCH_FILE");
  if (path == nullptr) return synthetic(kind);
  std::ifstream file(path, std::ios::binary);
  std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
  const auto view = std::as_bytes(std::span(bytes));
  return {view.begin(), view.end()};
}

/// Made once a process: repetitions of a benchmark take the same.
inline const Stream& stream(const Kind& kind) {
  static std::map<Kind, Stream> made;
  const auto found = made.find(kind);
  return found != made.end() ? found->second : made.emplace(kind, read_or_make(kind)).first->second;
}

template <class F>
std::size_t for_each_message(const Stream& bytes, F&& f) {
  std::size_t count = 0;
  for (std::size_t at = 0; at + 2 < bytes.size(); ++count) {
    const std::size_t size = itch::load<std::uint16_t>(bytes.data() + at);
    f(std::span(bytes).subspan(at + 2, size));
    at += 2 + size;
  }
  return count;
}

/// In the order in which they first appear.
inline std::vector<std::string> symbols_of(const Stream& bytes) {
  std::vector<std::string> symbols;
  std::vector<bool> seen(65536);
  for_each_message(bytes, [&](std::span<const std::byte> message) {
    const auto note = [&](const itch::Header& header, const Symbol8& stock) {
      if (seen[header.stock_locate]) return;
      seen[header.stock_locate] = true;
      symbols.emplace_back(itch::symbol_text(stock));
    };
    if (itch::AddOrder a; itch::decode(message, a)) note(a.header, a.stock);
  });
  return symbols;
}

}  // namespace pitwire::bench
