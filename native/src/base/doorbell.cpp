#include "pitwire/base/doorbell.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

namespace pitwire {

Doorbell::Doorbell() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (fd_ < 0) throw std::invalid_argument(std::string("eventfd: ") + std::strerror(errno));
}

Doorbell::~Doorbell() { ::close(fd_); }

void Doorbell::disarm() noexcept {
  armed_.exchange(false, std::memory_order_acq_rel);
  std::uint64_t count = 0;
  // Read whether or not it rang: the ringer of an earlier sleep may have come to its write late.
  // EAGAIN where nothing was written.
  [[maybe_unused]] const auto got = ::read(fd_, &count, sizeof count);
}

void Doorbell::wake() noexcept {
  const std::uint64_t one = 1;
  // Fails only when the counter is at its maximum, and then the descriptor is readable already.
  [[maybe_unused]] const auto put = ::write(fd_, &one, sizeof one);
}

}  // namespace pitwire
