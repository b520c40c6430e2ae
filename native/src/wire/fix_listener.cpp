#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "fix_link.hpp"

namespace pitwire {

Recognition recognise(std::span<const AcceptedSession> sessions, std::string_view first_message,
                      const std::function<bool(SessionId)>& is_connected) {
  if (fix_field(first_message, "35") != "A") return {nullptr, "the first message is not a Logon"};
  const auto fits = [&](const AcceptedSession& session) {
    return session.begin_string == fix_field(first_message, "8") &&
           session.target_comp_id == fix_field(first_message, "49") &&
           session.sender_comp_id == fix_field(first_message, "56");
  };
  const auto session = std::ranges::find_if(sessions, fits);
  if (session == sessions.end()) {
    return {nullptr, "no session of this version and these CompIDs"};
  }
  if (is_connected(session->id)) return {nullptr, "the session has a connection already"};
  return {&*session, {}};
}

class FixListener::Impl final : private FixLinkOwner {
 public:
  explicit Impl(const ListenerConfig& config);

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  int poll(Nanos now, int budget, ConnectionSink& sink);
  bool write(SessionId session, Sequence sequence, std::string_view message);
  void close(SessionId session, std::string_view reason);
  void stop_accepting() noexcept { socket_.reset(); }
  [[nodiscard]] const FixLink* link_of(SessionId session) const noexcept;
  [[nodiscard]] int epoll_fd() const noexcept { return epoll_.get(); }
  [[nodiscard]] Nanos next_deadline() const noexcept;

 private:
  struct Peer {
    std::unique_ptr<FixLink> link;
    SessionId session{kNoId};  // until its first message
    Nanos logon_deadline = 0;
    std::string refusal;
  };

  void opened(FixLink&) override {}
  void message(FixLink& link, Nanos ts_recv, std::string_view message) override;
  void garbled(FixLink& link, std::string_view reason) override;
  void written(FixLink& link, Sequence sequence, std::uint64_t bytes) override;
  [[nodiscard]] bool somebody_waits() const noexcept;
  void accept_new(Nanos now);
  bool name(Peer& peer, std::string_view message);
  void refuse(Peer& peer, std::string_view reason);
  void ended(const Peer& peer);
  [[nodiscard]] Peer* peer_of(const FixLink& link) noexcept;
  [[nodiscard]] std::size_t nameless() const noexcept;

  const ListenerConfig config_;
  FixSecrets secrets_;
  FixLinkOptions options_;
  std::optional<TlsSource> tls_;
  OwnedFd socket_;
  OwnedFd epoll_;
  std::uint16_t port_;
  std::vector<std::unique_ptr<Peer>> peers_;
  ConnectionSink* sink_ = nullptr;
};

FixListener::Impl::Impl(const ListenerConfig& config)
    : config_(config),
      secrets_(config.secrets),
      socket_(listen_on(config.host, config.port)),
      epoll_(new_epoll()),
      port_(port_of(socket_.get())) {
  (void)FixFramer(config_.limits.message_bytes_max);  // refuses what it cannot be
  options_.limits = config_.limits;
  options_.server = true;
  if (config_.tls) tls_.emplace(*config_.tls, TlsSource::Side::SERVER);
  watch(epoll_.get(), socket_.get(), EPOLLIN, true);
}

/// accept4 makes a whole socket before it looks for somebody to give it to: asked in every poll,
/// that was two thirds of what a spinning exchange did.
bool FixListener::Impl::somebody_waits() const noexcept {
  if (!socket_) return false;
  pollfd listening{socket_.get(), POLLIN, 0};
  return ::poll(&listening, 1, 0) > 0;
}

void FixListener::Impl::accept_new(Nanos now) {
  while (somebody_waits()) {
    OwnedFd fd(accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return;
    if (nameless() >= config_.pending_max) {
      sink_->event(SessionId{kNoId}, ConnectionEvent::REFUSED, "too many connections not logged on",
                   0);
      continue;
    }
    set_no_delay(fd.get());
    if (tls_) {
      options_.tls = tls_->context();
      if (const std::string fault = tls_->take_fault(); !fault.empty()) {
        sink_->event(SessionId{kNoId}, ConnectionEvent::TLS_FAILED, fault, 0);
      }
    }
    auto peer = std::make_unique<Peer>();
    peer->link = std::make_unique<FixLink>(std::move(fd), epoll_.get(), options_, secrets_, now);
    peer->logon_deadline = now + config_.logon_timeout;
    peers_.push_back(std::move(peer));
  }
}

std::size_t FixListener::Impl::nameless() const noexcept {
  return static_cast<std::size_t>(std::count_if(peers_.begin(), peers_.end(), [](const auto& peer) {
    return index(peer->session) == kNoId;
  }));
}

FixListener::Impl::Peer* FixListener::Impl::peer_of(const FixLink& link) noexcept {
  for (const auto& peer : peers_) {
    if (peer->link.get() == &link) return peer.get();
  }
  return nullptr;
}

const FixLink* FixListener::Impl::link_of(SessionId session) const noexcept {
  for (const auto& peer : peers_) {
    if (peer->session == session) return peer->link.get();
  }
  return nullptr;
}

void FixListener::Impl::refuse(Peer& peer, std::string_view reason) {
  peer.refusal = reason;
  peer.link->close(reason);
}

bool FixListener::Impl::name(Peer& peer, std::string_view message) {
  const auto is_connected = [this](SessionId session) { return link_of(session) != nullptr; };
  const Recognition found = recognise(config_.sessions, message, is_connected);
  if (found.session == nullptr) {
    refuse(peer, found.refusal);
    return false;
  }
  peer.session = found.session->id;
  sink_->event(peer.session, ConnectionEvent::CONNECTED, "", 0);
  return true;
}

void FixListener::Impl::message(FixLink& link, Nanos ts_recv, std::string_view message) {
  Peer* const peer = peer_of(link);
  if (index(peer->session) == kNoId && !name(*peer, message)) return;
  sink_->message(peer->session, ts_recv, message);
}

void FixListener::Impl::garbled(FixLink& link, std::string_view reason) {
  Peer* const peer = peer_of(link);
  if (index(peer->session) == kNoId) {
    refuse(*peer, "the first bytes are not a FIX message");
  } else {
    sink_->event(peer->session, ConnectionEvent::GARBLED, reason, 0);
  }
}

void FixListener::Impl::written(FixLink& link, Sequence sequence, std::uint64_t bytes) {
  sink_->written(peer_of(link)->session, sequence, bytes, host_now());
}

void FixListener::Impl::ended(const Peer& peer) {
  if (index(peer.session) != kNoId) {
    sink_->event(peer.session, ConnectionEvent::DISCONNECTED, peer.link->reason(),
                 peer.link->last_touched());
    return;
  }
  const auto event =
      peer.link->tls_failed() ? ConnectionEvent::TLS_FAILED : ConnectionEvent::REFUSED;
  sink_->event(SessionId{kNoId}, event, peer.refusal.empty() ? peer.link->reason() : peer.refusal,
               0);
}

int FixListener::Impl::poll(Nanos now, int budget, ConnectionSink& sink) {
  sink_ = &sink;
  accept_new(now);
  int done = 0;
  for (std::size_t i = 0; i < peers_.size();) {
    Peer& peer = *peers_[i];
    done += peer.link->poll(now, budget, *this);
    const bool is_late = index(peer.session) == kNoId && now >= peer.logon_deadline;
    if (is_late && peer.refusal.empty()) refuse(peer, "no Logon in time");
    if (peer.link->state() != FixLink::State::CLOSED) {
      ++i;
      continue;
    }
    // Out of the list before it is reported, so that the session may log on again in this very
    // poll.
    const std::unique_ptr<Peer> gone = std::move(peers_[i]);
    peers_.erase(peers_.begin() + static_cast<std::ptrdiff_t>(i));
    ended(*gone);
  }
  return done;
}

bool FixListener::Impl::write(SessionId session, Sequence sequence, std::string_view message) {
  for (const auto& peer : peers_) {
    if (peer->session == session) return peer->link->write({sequence}, message);
  }
  return false;
}

void FixListener::Impl::close(SessionId session, std::string_view reason) {
  for (const auto& peer : peers_) {
    if (peer->session == session) peer->link->close(reason);
  }
}

Nanos FixListener::Impl::next_deadline() const noexcept {
  Nanos earliest = std::numeric_limits<Nanos>::max();
  for (const auto& peer : peers_) {
    earliest = std::min(earliest, peer->link->next_deadline());
    if (index(peer->session) == kNoId) earliest = std::min(earliest, peer->logon_deadline);
  }
  return earliest;
}

FixListener::FixListener(const ListenerConfig& config) : impl_(std::make_unique<Impl>(config)) {}
FixListener::~FixListener() = default;
std::uint16_t FixListener::port() const noexcept { return impl_->port(); }
int FixListener::poll(Nanos now, int budget, ConnectionSink& sink) {
  return impl_->poll(now, budget, sink);
}
bool FixListener::write(SessionId session, Sequence sequence, std::string_view message) {
  return impl_->write(session, sequence, message);
}
void FixListener::close(SessionId session, std::string_view reason) {
  impl_->close(session, reason);
}
void FixListener::stop_accepting() noexcept { impl_->stop_accepting(); }
bool FixListener::connected(SessionId session) const noexcept {
  const FixLink* const link = impl_->link_of(session);
  return link != nullptr && link->open();
}
std::size_t FixListener::outbound_bytes(SessionId session) const noexcept {
  const FixLink* const link = impl_->link_of(session);
  return link == nullptr ? 0 : link->outbound_bytes();
}
int FixListener::epoll_fd() const noexcept { return impl_->epoll_fd(); }
Nanos FixListener::next_deadline() const noexcept { return impl_->next_deadline(); }

}  // namespace pitwire
