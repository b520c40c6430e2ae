#include "pitwire/wire/kill_socket.hpp"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "pitwire/base/clock.hpp"
#include "pitwire/base/tuning.hpp"

namespace pitwire {
namespace {

using Reply = std::array<char, 256>;

[[noreturn]] void refuse(const std::string& path, const char* call) {
  throw std::invalid_argument(path + ": " + call + ": " + std::strerror(errno));
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw std::invalid_argument(path + ": longer than " +
                                std::to_string(sizeof address.sun_path - 1) + " bytes");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

/// Who may write the directory may put a socket of his own in our place.
void check_directory(const std::string& path) {
  const auto directory = std::filesystem::path(path).parent_path();
  struct stat facts{};
  if (::stat(directory.c_str(), &facts) != 0) refuse(directory, "stat");
  if ((facts.st_mode & S_IWOTH) != 0) {
    throw std::invalid_argument(path + ": its directory can be written by others");
  }
}

/// A thread without signals: they belong to the interpreter's thread.
template <class F>
std::thread quiet_thread(F&& f) {
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::forward<F>(f));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

void send_reply(int fd, const char* text, int size) noexcept {
  if (size > 0) ::send(fd, text, static_cast<std::size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void send_error(int fd, std::string_view reason) noexcept {
  Reply reply;
  const int size = std::snprintf(reply.data(), reply.size(), "{\"error\": \"%.*s\"}\n",
                                 static_cast<int>(reason.size()), reason.data());
  send_reply(fd, reply.data(), size);
}

}  // namespace

KillSocket::KillSocket(KillSocketConfig config, SharedStatus& status)
    : config_(std::move(config)), status_(status) {
  peers_.reserve(kPeersMax);
  check_directory(config_.path);
  try {
    stop_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (stop_fd_ < 0) refuse(config_.path, "eventfd");
    listen();
    thread_ = quiet_thread([this] { serve(); });
  } catch (...) {
    if (listener_ >= 0) ::close(listener_);
    if (stop_fd_ >= 0) ::close(stop_fd_);
    throw;
  }
}

KillSocket::~KillSocket() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto put = ::write(stop_fd_, &one, sizeof one);
  thread_.join();
  ::unlink(config_.path.c_str());
  for (const Peer& peer : peers_) ::close(peer.fd);
  ::close(listener_);
  ::close(stop_fd_);
}

void KillSocket::listen() {
  const std::string building = config_.path + ".new";
  const auto address = address_of(building);
  address_of(config_.path);
  listener_ = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener_ < 0) refuse(config_.path, "socket");
  // On Linux the mode of the socket is the mode its file is made with.
  if (::fchmod(listener_, config_.mode) != 0) refuse(config_.path, "fchmod");
  ::unlink(building.c_str());
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(listener_, generic, sizeof address) != 0) refuse(building, "bind");
  // The process's umask took bits away above; nobody can connect before listen().
  const bool ready = ::chmod(building.c_str(), config_.mode) == 0 &&
                     ::listen(listener_, kPeersMax) == 0 &&
                     ::rename(building.c_str(), config_.path.c_str()) == 0;
  if (ready) return;
  const int reason = errno;
  ::unlink(building.c_str());
  errno = reason;
  refuse(config_.path, "chmod, listen, rename");
}

void KillSocket::serve() noexcept {
  [[maybe_unused]] const auto named = name_thread("pitwire-kill");
  for (;;) {
    std::array<pollfd, kPeersMax + 2> waits;
    waits[0] = {stop_fd_, POLLIN, 0};
    waits[1] = {listener_, POLLIN, 0};
    const std::size_t count = peers_.size();
    for (std::size_t i = 0; i < count; ++i) waits[i + 2] = {peers_[i].fd, POLLIN, 0};
    if (::poll(waits.data(), count + 2, -1) < 0) continue;
    if (waits[0].revents != 0) return;
    for (std::size_t i = count; i-- > 0;) {
      if (waits[i + 2].revents == 0 || answer(peers_[i])) continue;
      ::close(peers_[i].fd);
      peers_.erase(peers_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (waits[1].revents != 0) accept_peer();
  }
}

bool KillSocket::permitted(uid_t uid, gid_t gid) const noexcept {
  const auto in = [](const auto& list, auto id) {
    return std::find(list.begin(), list.end(), id) != list.end();
  };
  return uid == 0 || uid == ::geteuid() || in(config_.uids_allowed, uid) ||
         in(config_.gids_allowed, gid);
}

void KillSocket::accept_peer() noexcept {
  const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return;
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool known = ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  if (!known || !permitted(peer.uid, peer.gid)) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    send_error(fd, "not permitted");
    ::close(fd);
    return;
  }
  if (peers_.size() == kPeersMax) {
    // The oldest goes: idle connections must not keep a kill out.
    ::close(peers_.front().fd);
    peers_.erase(peers_.begin());
  }
  peers_.push_back({fd, peer.uid});
}

/// False when the peer is gone.
bool KillSocket::answer(const Peer& peer) noexcept {
  std::array<char, 64> request;
  const auto got = ::recv(peer.fd, request.data(), request.size(), MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;
  std::string_view text(request.data(), static_cast<std::size_t>(got));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\0')) text.remove_suffix(1);
  if (text == "kill") {
    reply_kill(peer);
  } else if (text == "status") {
    reply_status(peer.fd);
  } else {
    send_error(peer.fd, "unknown request");
  }
  return true;
}

void KillSocket::reply_kill(const Peer& peer) noexcept {
  const std::uint32_t word = status_.kill(peer.uid);
  const Nanos ts = host_now();
  bell_.ring();
  Reply reply;
  const int size = std::snprintf(reply.data(), reply.size(),
                                 "{\"killed\": true, \"word\": %u, \"uid\": %u, \"ts\": %lld}\n",
                                 word, peer.uid, static_cast<long long>(ts));
  send_reply(peer.fd, reply.data(), size);
}

void KillSocket::reply_status(int fd) noexcept {
  const StatusPage& page = status_.page();
  const auto word = page.kill_word.load(std::memory_order_acquire);
  const auto uid = page.kill_uid.load(std::memory_order_relaxed);
  const std::string_view who = uid == kNoId ? "null" : "";
  std::array<char, 16> number{};
  std::snprintf(number.data(), number.size(), "%u", uid);
  Reply reply;
  const int size =
      std::snprintf(reply.data(), reply.size(),
                    "{\"killed\": %s, \"word\": %u, \"uid\": %s, \"ts\": %lld, \"turn\": %llu, "
                    "\"turn_ts\": %lld, \"pid\": %u}\n",
                    word != 0 ? "true" : "false", word, who.empty() ? number.data() : who.data(),
                    static_cast<long long>(host_now()),
                    static_cast<unsigned long long>(page.turn.load(std::memory_order_acquire)),
                    static_cast<long long>(page.turn_ts.load(std::memory_order_relaxed)),
                    page.pid.load(std::memory_order_relaxed));
  send_reply(fd, reply.data(), size);
}

}  // namespace pitwire
