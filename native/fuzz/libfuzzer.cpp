// libFuzzer's entry to a target.
#include <cstdint>

#include "target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  pitwire::fuzz::run({reinterpret_cast<const std::byte*>(bytes), size});
  return 0;
}
