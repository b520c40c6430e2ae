// Memory that two threads or two processes see: one owner per mapping, unmapped with its object.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace pitwire {

/// A mapped, shared, zero-filled region. Throws std::invalid_argument naming path, call and reason
/// when it cannot be made; nothing throws afterwards. A child of fork() shares it.
class SharedMemory {
 public:
  /// No name and no descriptor: for the threads of this process and children it forks.
  [[nodiscard]] static SharedMemory anonymous(std::size_t size_bytes);
  /// A memfd whose descriptor can be passed to another process; `name` is shown in /proc only.
  [[nodiscard]] static SharedMemory memfd(const std::string& name, std::size_t size_bytes);
  /// Maps what another process made; takes its own copy of the descriptor.
  [[nodiscard]] static SharedMemory attach(int fd, bool writable = true);
  /// A file that appears under its name only when complete: replaces what was there.
  [[nodiscard]] static SharedMemory create_file(const std::string& path, std::size_t size_bytes,
                                                mode_t mode, std::span<const std::byte> prefix);
  [[nodiscard]] static SharedMemory open_file(const std::string& path, bool writable);

  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&& other) noexcept;
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory();

  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return size_bytes_; }
  /// -1 where the region is anonymous.
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  SharedMemory(std::byte* data, std::size_t size_bytes, int fd) noexcept;
  static SharedMemory map(int fd, std::size_t size_bytes, bool writable, const std::string& what);

  std::byte* data_ = nullptr;
  std::size_t size_bytes_ = 0;
  int fd_ = -1;
};

}  // namespace pitwire
