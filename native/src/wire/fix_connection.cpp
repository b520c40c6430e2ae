#include "pitwire/wire/fix_connection.hpp"

#include <cerrno>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "fix_link.hpp"
#include "pitwire/base/clock.hpp"

namespace pitwire {

class FixConnection::Impl final : private FixLinkOwner {
 public:
  explicit Impl(const ConnectionConfig& config);

  int poll(Nanos now, int budget, ConnectionSink& sink);
  bool write(const Outbound& entry, std::string_view message) {
    return link_ && link_->write(entry, message);
  }
  void close(std::string_view reason) {
    if (link_) link_->close(reason);
  }
  void enable(bool enabled) noexcept;
  [[nodiscard]] int epoll_fd() const noexcept { return epoll_.get(); }
  [[nodiscard]] Nanos next_deadline() const noexcept;
  [[nodiscard]] bool connected() const noexcept { return link_ && link_->open(); }
  [[nodiscard]] Sequence last_written() const noexcept { return link_ ? link_->last_whole() : 0; }
  [[nodiscard]] std::size_t outbound_bytes() const noexcept {
    return link_ ? link_->outbound_bytes() : 0;
  }

 private:
  void opened(FixLink&) override { sink_->event(config_.id, ConnectionEvent::CONNECTED, "", 0); }
  void message(FixLink&, Nanos ts_recv, std::string_view message) override {
    sink_->message(config_.id, ts_recv, message);
  }
  void garbled(FixLink&, std::string_view reason) override {
    sink_->event(config_.id, ConnectionEvent::GARBLED, reason, 0);
  }
  void written(FixLink&, Sequence sequence, std::uint64_t bytes) override {
    sink_->written(config_.id, sequence, bytes, host_now());
  }
  void withheld(FixLink&, const Outbound& entry, WithheldReason reason) override {
    sink_->withheld(config_.id, entry, reason);
  }
  /// What was configured for a socket, of this one. False and errno where the host refuses.
  [[nodiscard]] bool ask(int fd) const noexcept {
    if (config_.socket.quick_ack) set_quick_ack(fd);
    if (config_.socket.kernel_stamps) ask_stamps(fd);
    return config_.socket.busy_poll_us == 0 || set_busy_poll(fd, config_.socket.busy_poll_us);
  }
  void connect(Nanos now);
  void ended(Nanos now);
  void refused(Nanos now, std::string_view reason);
  void back_off(Nanos now, bool lived);

  const ConnectionConfig config_;
  FixSecrets secrets_;
  FixLinkOptions options_;
  std::optional<TlsSource> tls_;
  std::vector<SocketAddress> addresses_;
  std::size_t next_address_ = 0;
  OwnedFd epoll_;
  std::unique_ptr<FixLink> link_;
  ConnectionSink* sink_ = nullptr;
  bool enabled_ = true;
  Nanos backoff_;
  Nanos connected_since_ = 0;
  Nanos attempt_ts_ = 0;
};

FixConnection::Impl::Impl(const ConnectionConfig& config)
    : config_(config),
      secrets_(config.secrets),
      addresses_(resolve(config.host, config.port, false)),
      epoll_(new_epoll()),
      backoff_(config.backoff_min) {
  if (config_.backoff_min <= 0 || config_.backoff_max < config_.backoff_min) {
    throw std::invalid_argument("backoff_min, backoff_max: expected 0 < min <= max");
  }
  (void)FixFramer(config_.limits.message_bytes_max);  // refuses what it cannot be
  const OwnedFd probe = new_stream_socket(addresses_.front().storage.ss_family);
  if (!ask(probe.get())) {
    throw std::invalid_argument(std::string("busy_poll_us: SO_BUSY_POLL (more than "
                                            "net.core.busy_read needs CAP_NET_ADMIN): ") +
                                std::strerror(errno));
  }
  options_.socket = config_.socket;
  options_.limits = config_.limits;
  options_.rules = config_.rules;
  if (config_.tls) {
    tls_.emplace(*config_.tls, TlsSource::Side::CLIENT);
    options_.host_name = config_.tls->host_name.empty() ? config_.host : config_.tls->host_name;
  }
}

void FixConnection::Impl::connect(Nanos now) {
  const SocketAddress& address = addresses_[next_address_++ % addresses_.size()];
  OwnedFd fd = new_stream_socket(address.storage.ss_family);
  if (!fd || !ask(fd.get())) {
    refused(now, std::strerror(errno));
    return;
  }
  const auto* const to = reinterpret_cast<const sockaddr*>(&address.storage);
  if (::connect(fd.get(), to, address.size) != 0 && errno != EINPROGRESS) {
    refused(now, std::strerror(errno));
    return;
  }
  connected_since_ = now;
  if (tls_) {
    options_.tls = tls_->context();
    if (const std::string fault = tls_->take_fault(); !fault.empty()) {
      sink_->event(config_.id, ConnectionEvent::TLS_FAILED, fault, 0);
    }
  }
  link_ = std::make_unique<FixLink>(std::move(fd), epoll_.get(), options_, secrets_, now);
}

void FixConnection::Impl::back_off(Nanos now, bool lived) {
  if (lived) backoff_ = config_.backoff_min;
  attempt_ts_ = now + backoff_;
  backoff_ = std::min(backoff_ * 2, config_.backoff_max);
}

void FixConnection::Impl::refused(Nanos now, std::string_view reason) {
  back_off(now, false);
  sink_->event(config_.id, ConnectionEvent::REFUSED, reason, 0);
}

void FixConnection::Impl::ended(Nanos now) {
  const std::unique_ptr<FixLink> link = std::move(link_);
  const bool lived = link->was_open() && now - connected_since_ > config_.backoff_max;
  back_off(now, lived);
  const ConnectionEvent event = link->was_open()     ? ConnectionEvent::DISCONNECTED
                                : link->tls_failed() ? ConnectionEvent::TLS_FAILED
                                                     : ConnectionEvent::REFUSED;
  sink_->event(config_.id, event, link->reason(), link->last_touched());
}

int FixConnection::Impl::poll(Nanos now, int budget, ConnectionSink& sink) {
  sink_ = &sink;
  const bool wanted = enabled_ && !config_.rules.fenced();
  if (!link_ && wanted && now >= attempt_ts_) connect(now);
  if (!link_) return 0;
  const int done = link_->poll(now, budget, *this);
  if (link_->state() == FixLink::State::CLOSED) ended(now);
  return done;
}

void FixConnection::Impl::enable(bool enabled) noexcept {
  if (enabled && !enabled_) attempt_ts_ = 0;
  enabled_ = enabled;
}

Nanos FixConnection::Impl::next_deadline() const noexcept {
  if (link_) return link_->next_deadline();
  const bool wanted = enabled_ && !config_.rules.fenced();
  return wanted ? attempt_ts_ : std::numeric_limits<Nanos>::max();
}

FixConnection::FixConnection(const ConnectionConfig& config)
    : impl_(std::make_unique<Impl>(config)) {}
FixConnection::~FixConnection() = default;
int FixConnection::poll(Nanos now, int budget, ConnectionSink& sink) {
  return impl_->poll(now, budget, sink);
}
bool FixConnection::write(const Outbound& entry, std::string_view message) {
  return impl_->write(entry, message);
}
void FixConnection::close(std::string_view reason) { impl_->close(reason); }
void FixConnection::enable(bool enabled) noexcept { impl_->enable(enabled); }
int FixConnection::epoll_fd() const noexcept { return impl_->epoll_fd(); }
Nanos FixConnection::next_deadline() const noexcept { return impl_->next_deadline(); }
Sequence FixConnection::last_written() const noexcept { return impl_->last_written(); }
bool FixConnection::connected() const noexcept { return impl_->connected(); }
std::size_t FixConnection::outbound_bytes() const noexcept { return impl_->outbound_bytes(); }

}  // namespace pitwire
