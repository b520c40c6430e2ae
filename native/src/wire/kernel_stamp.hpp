// SO_TIMESTAMPNS: when the kernel received what a socket gives, by the host's clock.
#pragma once

#include <sys/socket.h>
#include <time.h>

#include <cstring>

#include "pitwire/base/types.hpp"

namespace pitwire {

/// The stamp that a control message carries; 0 where it is another.
[[nodiscard]] inline Nanos kernel_stamp(cmsghdr& control) noexcept {
  if (control.cmsg_level != SOL_SOCKET || control.cmsg_type != SCM_TIMESTAMPNS) return 0;
  timespec at;
  std::memcpy(&at, CMSG_DATA(&control), sizeof at);
  return static_cast<Nanos>(at.tv_sec) * kSecond + at.tv_nsec;
}

}  // namespace pitwire
