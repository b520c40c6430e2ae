// Machine code that arrived as bytes: an ELF shared object, mapped without a file of its own, so
// that what runs is what was read, byte for byte, whatever happens to folders meanwhile.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace pitwire {

/// Mapped until destroyed; pointers from `symbol` end with it. Not copied, may be moved.
class SharedObject {
 public:
  /// Throws std::runtime_error with the loader's words where it cannot be mapped or a symbol that
  /// it needs is nowhere. `name` is for /proc and debuggers.
  SharedObject(const std::string& name, std::span<const std::byte> bytes);
  SharedObject(SharedObject&& other) noexcept;
  SharedObject& operator=(SharedObject&& other) noexcept;
  SharedObject(const SharedObject&) = delete;
  SharedObject& operator=(const SharedObject&) = delete;
  ~SharedObject();

  /// Null where it has none of that name.
  [[nodiscard]] void* symbol(const char* name) const noexcept;

 private:
  void close() noexcept;

  int fd_ = -1;  ///< open as long as the mapping: the loader knows objects by their path, which has
                 ///< this number in it
  void* handle_ = nullptr;
};

}  // namespace pitwire
