// What every fuzz target is: one function that takes bytes from nowhere and must come back.
//
// A target is a .cpp beside this that defines `run`; nothing else differs between them. Built by
// clang with libFuzzer (libfuzzer.cpp, option PITWIRE_FUZZ) it is fed by coverage; built by any
// compiler with driver.cpp it takes files and seeded mutations of them, as part of the tests.
// Whatever `run` does is a function of its input alone: nothing is kept from one to the next.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>

namespace pitwire::fuzz {

using Bytes = std::span<const std::byte>;

void run(Bytes input);

/// Ends the process where a promise was broken: what the fuzzer then saves is the input.
inline void require(bool kept, const char* promise) {
  if (kept) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

[[nodiscard]] inline std::string_view text_of(Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The bytes up to the next `end`, which goes too; all of them where there is none.
[[nodiscard]] inline Bytes take_until(Bytes& rest, char end) noexcept {
  const auto at = text_of(rest).find(end);
  const auto part = at == std::string_view::npos ? rest : rest.first(at);
  rest = at == std::string_view::npos ? Bytes{} : rest.subspan(at + 1);
  return part;
}

}  // namespace pitwire::fuzz
