// Where a socket is: numeric address and port.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <string>

namespace pitwire {

/// IPv4, numeric: names are resolved by whoever reads the configuration.
struct Endpoint {
  std::string address;
  std::uint16_t port = 0;
};

/// Throws std::invalid_argument naming `key` when the address is not numeric IPv4.
[[nodiscard]] sockaddr_in socket_address(const Endpoint& endpoint, const std::string& key);

}  // namespace pitwire
