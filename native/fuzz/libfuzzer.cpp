// libFuzzer's entry to a target.
#include <cstdint>

#include "target.hpp"

/// What is read once a process, as QuickFIX's dictionaries are, is not read while an input is
/// timed.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  for (const std::byte choice : {std::byte{0}, std::byte{1}}) pitwire::fuzz::run({&choice, 1});
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  pitwire::fuzz::run({reinterpret_cast<const std::byte*>(bytes), size});
  return 0;
}
