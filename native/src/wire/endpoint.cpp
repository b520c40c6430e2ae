#include "pitwire/wire/endpoint.hpp"

#include <arpa/inet.h>

#include <stdexcept>

namespace pitwire {

sockaddr_in socket_address(const Endpoint& endpoint, const std::string& key) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  if (::inet_pton(AF_INET, endpoint.address.c_str(), &address.sin_addr) != 1) {
    throw std::invalid_argument(key + ": '" + endpoint.address + "' is not a numeric IPv4 address");
  }
  return address;
}

}  // namespace pitwire
