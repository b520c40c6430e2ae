#include "pitwire/base/shared_object.hpp"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace pitwire {
namespace {

bool write_whole(int fd, std::span<const std::byte> bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

SharedObject::SharedObject(const std::string& name, std::span<const std::byte> bytes) {
  fd_ = ::memfd_create(name.c_str(), MFD_CLOEXEC);
  if (fd_ < 0 || !write_whole(fd_, bytes)) {
    const std::string reason = std::strerror(errno);
    close();
    throw std::runtime_error(name + ": no memory file: " + reason);
  }
  const std::string path = "/proc/self/fd/" + std::to_string(fd_);
  handle_ = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle_ == nullptr) {
    const char* words = ::dlerror();
    const std::string reason = words != nullptr ? words : "unknown";
    close();
    throw std::runtime_error(name + ": cannot be loaded: " + reason);
  }
}

SharedObject::SharedObject(SharedObject&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), handle_(std::exchange(other.handle_, nullptr)) {}

SharedObject& SharedObject::operator=(SharedObject&& other) noexcept {
  if (this == &other) return *this;
  close();
  fd_ = std::exchange(other.fd_, -1);
  handle_ = std::exchange(other.handle_, nullptr);
  return *this;
}

SharedObject::~SharedObject() { close(); }

void* SharedObject::symbol(const char* name) const noexcept { return ::dlsym(handle_, name); }

void SharedObject::close() noexcept {
  if (handle_ != nullptr) ::dlclose(handle_);
  if (fd_ >= 0) ::close(fd_);
  handle_ = nullptr;
  fd_ = -1;
}

}  // namespace pitwire
