#include "pitwire/base/shared_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace pitwire {
namespace {

[[noreturn]] void refuse(const std::string& what, const char* call) {
  throw std::invalid_argument(what + ": " + call + ": " + std::strerror(errno));
}

/// Closes on every way out.
struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  int take() noexcept { return std::exchange(fd, -1); }
};

std::size_t file_size(int fd, const std::string& what) {
  struct stat facts{};
  if (::fstat(fd, &facts) != 0) refuse(what, "fstat");
  return static_cast<std::size_t>(facts.st_size);
}

}  // namespace

SharedMemory::SharedMemory(std::byte* data, std::size_t size_bytes, int fd) noexcept
    : data_(data), size_bytes_(size_bytes), fd_(fd) {}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)),
      fd_(std::exchange(other.fd_, -1)) {}

SharedMemory& SharedMemory::operator=(SharedMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_bytes_, other.size_bytes_);
  std::swap(fd_, other.fd_);
  return *this;
}

SharedMemory::~SharedMemory() {
  if (data_ != nullptr) ::munmap(data_, size_bytes_);
  if (fd_ >= 0) ::close(fd_);
}

SharedMemory SharedMemory::map(int fd, std::size_t size_bytes, bool writable,
                               const std::string& what) {
  if (size_bytes == 0) throw std::invalid_argument(what + ": is empty");
  const int flags = fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;
  const int access = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  void* at = ::mmap(nullptr, size_bytes, access, flags, fd, 0);
  if (at == MAP_FAILED) refuse(what, "mmap");
  return {static_cast<std::byte*>(at), size_bytes, fd};
}

SharedMemory SharedMemory::anonymous(std::size_t size_bytes) {
  return map(-1, size_bytes, true, "anonymous memory");
}

SharedMemory SharedMemory::memfd(const std::string& name, std::size_t size_bytes) {
  Descriptor made{::memfd_create(name.c_str(), MFD_CLOEXEC)};
  if (made.fd < 0) refuse(name, "memfd_create");
  if (::ftruncate(made.fd, static_cast<off_t>(size_bytes)) != 0) refuse(name, "ftruncate");
  auto memory = map(made.fd, size_bytes, true, name);
  made.take();
  return memory;
}

SharedMemory SharedMemory::attach(int fd, bool writable) {
  const std::string what = "descriptor " + std::to_string(fd);
  Descriptor copy{::fcntl(fd, F_DUPFD_CLOEXEC, 0)};
  if (copy.fd < 0) refuse(what, "dup");
  auto memory = map(copy.fd, file_size(copy.fd, what), writable, what);
  copy.take();
  return memory;
}

SharedMemory SharedMemory::create_file(const std::string& path, std::size_t size_bytes, mode_t mode,
                                       std::span<const std::byte> prefix) {
  const std::string building = path + ".new." + std::to_string(::getpid());
  ::unlink(building.c_str());
  Descriptor made{::open(building.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (made.fd < 0) refuse(path, "open");
  try {
    if (::ftruncate(made.fd, static_cast<off_t>(size_bytes)) != 0) refuse(path, "ftruncate");
    auto memory = map(made.fd, size_bytes, true, path);
    const int fd = made.take();
    if (!prefix.empty()) std::memcpy(memory.data(), prefix.data(), prefix.size());
    if (::fchmod(fd, mode) != 0) refuse(path, "fchmod");
    if (::rename(building.c_str(), path.c_str()) != 0) refuse(path, "rename");
    return memory;
  } catch (...) {
    ::unlink(building.c_str());
    throw;
  }
}

SharedMemory SharedMemory::open_file(const std::string& path, bool writable) {
  Descriptor opened{::open(path.c_str(), (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC)};
  if (opened.fd < 0) refuse(path, "open");
  auto memory = map(opened.fd, file_size(opened.fd, path), writable, path);
  opened.take();
  return memory;
}

}  // namespace pitwire
