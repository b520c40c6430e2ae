#include "pitwire/wire/rehearsal_line.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "fix_socket.hpp"

namespace pitwire {
namespace {

constexpr std::size_t kOrderBytes = 200;  // of a NewOrderSingle

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

RehearsalLine::RehearsalLine() noexcept {
  const OwnedFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  OwnedFd from(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(0);
  const auto* const at = reinterpret_cast<const sockaddr*>(&address);
  if (!listener || !from || ::bind(listener.get(), at, sizeof address) != 0 ||
      ::listen(listener.get(), 1) != 0) {
    return;
  }
  address = loopback(port_of(listener.get()));
  if (::connect(from.get(), at, sizeof address) != 0) return;
  OwnedFd to(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!to || port_of_peer(to.get()) != port_of(from.get())) return;  // a stranger was there first
  set_no_delay(from.get());
  from_ = from.release();
  to_ = to.release();
}

RehearsalLine::~RehearsalLine() {
  if (from_ >= 0) ::close(from_);
  if (to_ >= 0) ::close(to_);
}

bool RehearsalLine::pass() noexcept {
  std::array<char, kOrderBytes> bytes{};
  return ::send(from_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0 &&
         ::recv(to_, bytes.data(), bytes.size(), MSG_DONTWAIT) > 0;
}

}  // namespace pitwire
