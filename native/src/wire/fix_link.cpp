#include "fix_link.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "fix_gap_fill.hpp"
#include "kernel_stamp.hpp"

namespace pitwire {
namespace {
constexpr std::size_t kTlsRecordBytes = 16 << 10;  // a write that blocked may have sent as much
constexpr std::size_t kCompactBytes = 64 << 10;
constexpr std::size_t kLookBytes = 32 << 10;  // of what waits, for one write

bool is_address(const std::string& host) {
  return host.find_first_not_of("0123456789.") == std::string::npos ||
         host.find(':') != std::string::npos;
}

ssl_st* new_tls(const FixLinkOptions& options, int fd) {
  SSL* const ssl = SSL_new(static_cast<SSL_CTX*>(options.tls->native()));
  SSL_set_fd(ssl, fd);
  if (options.server) {
    SSL_set_accept_state(ssl);
    return ssl;
  }
  SSL_set_connect_state(ssl);
  if (is_address(options.host_name)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), options.host_name.c_str());
  } else {
    SSL_set_tlsext_host_name(ssl, options.host_name.c_str());
    SSL_set1_host(ssl, options.host_name.c_str());
  }
  return ssl;
}

}  // namespace

FixLink::FixLink(OwnedFd fd, int epoll, const FixLinkOptions& options, const FixSecrets& secrets,
                 Nanos now)
    : fd_(std::move(fd)),
      epoll_(epoll),
      options_(options),
      secrets_(secrets),
      state_(options.server ? (options.tls ? State::HANDSHAKE : State::OPEN) : State::CONNECTING),
      framer_(options.limits.message_bytes_max),
      now_(now),
      deadline_(now + options.limits.handshake_timeout) {
  if (options_.tls) ssl_ = new_tls(options_, fd_.get());
  was_open_ = state_ == State::OPEN;
  writable_wanted_ = state_ == State::CONNECTING;
  watch(epoll_, fd_.get(), EPOLLIN | (writable_wanted_ ? EPOLLOUT : 0U), true);
}

FixLink::~FixLink() { SSL_free(ssl_); }

void FixLink::fail(std::string_view reason) {
  if (state_ == State::CLOSED) return;
  if (reason_.empty()) reason_ = reason;  // after close() its reason stands
  state_ = State::CLOSED;
  fd_.reset();  // leaves the epoll set by that
}

std::string FixLink::tls_reason() const {
  const long verified = SSL_get_verify_result(ssl_);
  if (verified != X509_V_OK) return X509_verify_cert_error_string(verified);
  char text[256] = "the peer closed during the handshake";
  const unsigned long code = ERR_peek_last_error();
  if (code != 0) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return text;
}

void FixLink::want_writable(bool wanted) {
  if (wanted == writable_wanted_ || !fd_) return;
  writable_wanted_ = wanted;
  watch(epoll_, fd_.get(), EPOLLIN | (wanted ? EPOLLOUT : 0U), false);
}

int FixLink::poll(Nanos now, int budget, FixLinkOwner& owner) {
  now_ = now;
  if (options_.rules.fenced()) fail("fenced: another process has taken the right to send");
  if (state_ == State::CONNECTING) check_connected(now);
  if (state_ == State::HANDSHAKE) handshake(owner);
  int done = 0;
  if (state_ == State::OPEN) {
    done += flush();
    report_out(owner);
    if (state_ == State::OPEN) done += receive(budget, owner);
  }
  report_out(owner);
  check_deadlines(now);
  return done;
}

void FixLink::check_connected(Nanos) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  int error = 0;
  socklen_t error_size = sizeof error;
  getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &error_size);
  if (error != 0) {
    fail(std::strerror(error));
  } else if (getpeername(fd_.get(), reinterpret_cast<sockaddr*>(&peer), &size) == 0) {
    state_ = State::HANDSHAKE;
    want_writable(false);
  }
}

void FixLink::handshake(FixLinkOwner& owner) {
  if (ssl_ == nullptr) {
    become_open(owner);
    return;
  }
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) {
    want_writable(false);
    become_open(owner);
    return;
  }
  const int error = SSL_get_error(ssl_, result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
    want_writable(error == SSL_ERROR_WANT_WRITE);
    return;
  }
  tls_failed_ = true;
  fail(tls_reason());
}

void FixLink::become_open(FixLinkOwner& owner) {
  state_ = State::OPEN;
  was_open_ = true;
  owner.opened(*this);
}

void FixLink::check_deadlines(Nanos now) {
  if (state_ == State::CLOSED) return;
  if (state_ != State::OPEN && now >= deadline_) {
    tls_failed_ = state_ == State::HANDSHAKE && ssl_ != nullptr;
    fail("timed out");
  } else if (closing_ && now >= deadline_) {
    fail("closed, with bytes unwritten");
  }
}

FixLink::Io FixLink::read_some(std::size_t& bytes) {
  const std::span<char> space = framer_.space();
  if (ssl_ != nullptr) {
    ERR_clear_error();
    const int result = SSL_read(ssl_, space.data(),
                                static_cast<int>(std::min<std::size_t>(space.size(), 1 << 20)));
    bytes = result > 0 ? static_cast<std::size_t>(result) : 0;
    ts_read_ = host_now();
    if (result > 0) return Io::DONE;
    const int error = SSL_get_error(ssl_, result);
    // With TLS 1.3 a server refuses our certificate only behind our own handshake: by an alert.
    if (error == SSL_ERROR_SSL && reason_.empty()) reason_ = tls_reason();
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? Io::BLOCKED : Io::ENDED;
  }
  const ssize_t result = receive_stamped(space);
  bytes = result > 0 ? static_cast<std::size_t>(result) : 0;
  if (result > 0) return Io::DONE;
  const bool again = result < 0 && (errno == EAGAIN || errno == EINTR);
  if (result < 0 && !again) reason_ = reason_.empty() ? std::strerror(errno) : reason_;
  return again ? Io::BLOCKED : Io::ENDED;
}

ssize_t FixLink::receive_stamped(std::span<char> space) {
  alignas(cmsghdr) std::byte control[64];
  iovec part{space.data(), space.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  const ssize_t result = recvmsg(fd_.get(), &header, 0);
  ts_read_ = 0;
  if (result <= 0) return result;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (const Nanos at = kernel_stamp(*c); at != 0) ts_read_ = at;
  }
  if (ts_read_ == 0) ts_read_ = host_now();
  return result;
}

FixLink::Io FixLink::write_some(std::string_view bytes, std::size_t& count) {
  count = 0;
  if (ssl_ != nullptr) {
    ERR_clear_error();
    const int result = SSL_write(ssl_, bytes.data(),
                                 static_cast<int>(std::min<std::size_t>(bytes.size(), 1 << 20)));
    count = result > 0 ? static_cast<std::size_t>(result) : 0;
    if (result > 0) return Io::DONE;
    const int error = SSL_get_error(ssl_, result);
    const bool blocked = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
    const std::uint64_t touched = written_offset_ + std::min(bytes.size(), kTlsRecordBytes);
    touched_offset_ = std::max(touched_offset_, touched);
    return blocked ? Io::BLOCKED : Io::ENDED;
  }
  const ssize_t result = send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  count = result > 0 ? static_cast<std::size_t>(result) : 0;
  if (result >= 0) return Io::DONE;
  return errno == EAGAIN || errno == EINTR ? Io::BLOCKED : Io::ENDED;
}

int FixLink::deliver(int budget, FixLinkOwner& owner) {
  int count = 0;
  more_framed_ = false;
  while (count < budget && state_ == State::OPEN && !closing_) {
    const FixFramer::Next next = framer_.next();
    if (next.defect == FrameDefect::OVERSIZE) {
      fail(text_of(next.defect));
    } else if (next.defect != FrameDefect::NONE) {
      owner.garbled(*this, std::string(text_of(next.defect)) + ", " +
                               std::to_string(next.dropped_bytes) + " bytes skipped");
    } else if (next.message.empty()) {
      return count;
    } else {
      const bool is_masked = secrets_.mask(next.message, masked_);
      ++count;
      owner.message(*this, ts_read_, is_masked ? std::string_view(masked_) : next.message);
    }
  }
  more_framed_ = state_ == State::OPEN && !closing_;
  return count;
}

int FixLink::receive(int budget, FixLinkOwner& owner) {
  if (closing_) {
    discard_input();
    return 0;
  }
  int count = more_framed_ ? deliver(budget, owner) : 0;
  while (count < budget && state_ == State::OPEN && !closing_) {
    std::size_t bytes = 0;
    const Io io = read_some(bytes);
    if (io == Io::BLOCKED) return count;
    if (io == Io::ENDED) {
      fail(reason_.empty() ? "closed by the peer" : std::string(reason_));
      return count;
    }
    if (options_.socket.quick_ack) set_quick_ack(fd_.get());
    framer_.received(bytes);
    count += deliver(budget - count, owner);
  }
  return count;
}

// Closing: the peer is to read all of ours, so we wait for its end; what it still says is too late.
void FixLink::discard_input() {
  if (written_offset_ == end_offset_ && !shut_down_) {
    if (ssl_ != nullptr) SSL_shutdown(ssl_);
    shutdown(fd_.get(), SHUT_WR);
    shut_down_ = true;
  }
  std::size_t bytes = 0;
  Io io = Io::DONE;
  for (int reads = 0; reads < 64 && io == Io::DONE; ++reads) {
    framer_.clear();
    io = read_some(bytes);
  }
  if (io == Io::ENDED) fail("closed");
}

/// Not all of what waits: a peer that does not read would have us walk it at every look.
std::uint64_t FixLink::releasable_end() const noexcept {
  if (options_.rules.fenced()) return written_offset_;  // the next poll ends the connection
  std::uint64_t end = written_offset_;
  for (const Entry& entry : entries_) {
    if (end - written_offset_ >= kLookBytes || !options_.rules.may_leave(entry.what)) break;
    end = entry.end;
  }
  return end;
}

/// Orders of which no byte can have left, while they may not leave: a gap fill takes the number of
/// each, so that the cancels behind it are in sequence at the venue.
void FixLink::withhold_orders() {
  const WithheldReason reason = options_.rules.withholds_orders();
  if (reason == WithheldReason{}) return;
  const std::uint64_t untouched = std::max(written_offset_, touched_offset_);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (!entries_[i].what.is_order || entries_[i].begin < untouched) continue;
    withheld_.push_back({entries_[i].what, reason});
    replace_by_gap_fill(i);
  }
}

void FixLink::replace_by_gap_fill(std::size_t at) {
  Entry& entry = entries_[at];
  const std::size_t from = entry.begin - buffer_offset_;
  const std::size_t size = entry.end - entry.begin;
  const std::string fill = gap_fill_for(std::string_view(buffer_).substr(from, size));
  buffer_.replace(from, size, fill);
  entry.what.is_order = entry.what.awaited = false;
  entry.end = entry.begin + fill.size();
  for (std::size_t i = at + 1; i < entries_.size(); ++i) {
    entries_[i].begin = entries_[i].begin - size + fill.size();
    entries_[i].end = entries_[i].end - size + fill.size();
  }
  end_offset_ = end_offset_ - size + fill.size();
}

int FixLink::flush() {
  int count = 0;
  if (state_ != State::OPEN || entries_.empty()) return count;
  withhold_orders();
  for (auto end = releasable_end(); written_offset_ < end;) {
    const std::string_view waiting =
        std::string_view(buffer_).substr(written_offset_ - buffer_offset_, end - written_offset_);
    std::size_t bytes = 0;
    const Io io = write_some(waiting, bytes);
    written_offset_ += bytes;
    touched_offset_ = std::max(touched_offset_, written_offset_);
    retire_written(count);
    if (io == Io::ENDED) {
      // Who refuses our certificate may have said why, behind a handshake that was over for us.
      if (std::size_t unread = 0; ssl_ != nullptr) (void)read_some(unread);
      fail("writing failed");
      return count;
    }
    if (io == Io::BLOCKED) {
      want_writable(true);
      return count;
    }
    if (written_offset_ == end) end = releasable_end();
  }
  want_writable(false);
  return count;
}

void FixLink::retire_written(int& count) {
  while (!entries_.empty() && entries_.front().end <= written_offset_) {
    last_whole_ = entries_.front().what.sequence;
    entries_.pop_front();
    ++count;
  }
  if (written_offset_ == end_offset_) {
    buffer_.clear();
    buffer_offset_ = end_offset_;
  } else if (written_offset_ - buffer_offset_ > kCompactBytes) {
    buffer_.erase(0, written_offset_ - buffer_offset_);
    buffer_offset_ = written_offset_;
  }
}

void FixLink::report_out(FixLinkOwner& owner) {
  for (const Withheld& each : std::exchange(withheld_, {})) {
    owner.withheld(*this, each.what, each.reason);
  }
  if (last_whole_ == reported_whole_) return;
  reported_whole_ = last_whole_;
  owner.written(*this, last_whole_, written_offset_);
}

bool FixLink::write(const Outbound& entry, std::string_view message) {
  if (!open()) return false;
  const std::string_view bytes =
      secrets_.reveal(message, revealed_) ? std::string_view(revealed_) : message;
  if (outbound_bytes() + bytes.size() > options_.limits.outbound_bytes_max) return false;
  const bool waiting = written_offset_ != end_offset_;
  buffer_ += bytes;
  entries_.push_back({entry, end_offset_, end_offset_ + bytes.size()});
  end_offset_ += bytes.size();
  if (!waiting) flush();
  return true;
}

void FixLink::close(std::string_view reason) {
  if (closing_ || state_ == State::CLOSED) return;
  reason_ = reason;
  if (state_ != State::OPEN) {
    fail(reason);
    return;
  }
  closing_ = true;
  deadline_ = now_ + options_.limits.close_timeout;
  flush();
}

Sequence FixLink::last_touched() const noexcept {
  Sequence last = last_whole_;
  for (const Entry& entry : entries_) {
    if (entry.begin >= touched_offset_) break;
    last = entry.what.sequence;
  }
  return last;
}

Nanos FixLink::next_deadline() const noexcept {
  if (more_framed_ || state_ == State::CLOSED || last_whole_ != reported_whole_ ||
      !withheld_.empty()) {
    return now_;
  }
  if (closing_ || state_ != State::OPEN) return deadline_;
  return std::numeric_limits<Nanos>::max();
}

}  // namespace pitwire
