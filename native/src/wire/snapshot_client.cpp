#include "pitwire/wire/snapshot_client.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "pitwire/wire/mold_packet.hpp"

namespace pitwire {
namespace {

constexpr std::size_t kSessionBytes = 10;
constexpr std::size_t kSequenceBytes = 20;

std::string left(std::string text, std::size_t width) {
  text.resize(width, ' ');
  return text;
}

std::string right(const std::string& text, std::size_t width) {
  return text.size() >= width ? text : std::string(width - text.size(), ' ') + text;
}

/// The number in a field padded with spaces or zeros on the left.
std::optional<std::uint64_t> number(std::span<const std::byte> field) {
  const char* begin = reinterpret_cast<const char*>(field.data());
  const char* end = begin + field.size();
  begin = std::find_if(begin, end, [](char c) { return c != ' '; });
  std::uint64_t value = 0;
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::string login_packet(const SnapshotConfig& config, const std::string& session,
                         std::uint64_t expected) {
  std::string body = "L";
  body += left(config.username, 6);
  body += left(config.password, 10);
  body += left(session, kSessionBytes);
  body += right(std::to_string(expected), kSequenceBytes);
  std::string packet(2, '\0');
  mold::store16(reinterpret_cast<std::byte*>(packet.data()),
                static_cast<std::uint16_t>(body.size()));
  return packet + body;
}

}  // namespace

SnapshotClient::SnapshotClient(SnapshotConfig config)
    : config_(std::move(config)),
      address_(socket_address(config_.server, "snapshot.server.address")),
      buffer_(2 * kPacketBytesMax) {}

SnapshotClient::~SnapshotClient() { stop(); }

void SnapshotClient::stop() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  to_send_.clear();
  if (state_ == State::CONNECTING || state_ == State::RECEIVING) state_ = State::IDLE;
}

void SnapshotClient::fail(const std::string& reason) noexcept {
  stop();
  state_ = State::FAILED;
  reason_ = reason;
}

void SnapshotClient::start(Nanos now, const std::string& session, std::uint64_t expected) {
  stop();
  begin_ = end_ = 0;
  ended_ = accepted_ = false;
  session_.clear();
  reason_.clear();
  next_sequence_ = 0;
  progress_ts_ = now;
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return fail(std::string("socket: ") + std::strerror(errno));
  const auto* generic = reinterpret_cast<const sockaddr*>(&address_);
  if (::connect(fd_, generic, sizeof address_) != 0 && errno != EINPROGRESS) {
    return fail(std::string("connect: ") + std::strerror(errno));
  }
  to_send_ = login_packet(config_, session, expected);
  state_ = State::CONNECTING;
}

/// True when the login is out.
bool SnapshotClient::flush_login() noexcept {
  if (to_send_.empty()) return true;
  const auto sent = ::send(fd_, to_send_.data(), to_send_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) {
    if (errno != EAGAIN && errno != EINTR && errno != ENOTCONN) {
      fail(std::string("connect: ") + std::strerror(errno));
    }
    return false;
  }
  to_send_.erase(0, static_cast<std::size_t>(sent));
  if (to_send_.empty()) state_ = State::RECEIVING;
  return to_send_.empty();
}

void SnapshotClient::receive(Nanos now) noexcept {
  if (state_ != State::CONNECTING && state_ != State::RECEIVING) return;
  if (now - progress_ts_ > config_.timeout_ns) {
    return fail("no progress for " + std::to_string(now - progress_ts_) + " ns");
  }
  if (!flush_login() || ended_) return;
  if (begin_ != 0) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
    end_ -= std::exchange(begin_, 0);
  }
  const std::size_t room = buffer_.size() - end_;
  if (room == 0) return;
  const auto got = ::recv(fd_, buffer_.data() + end_, room, MSG_DONTWAIT);
  if (got > 0) {
    end_ += static_cast<std::size_t>(got);
    progress_ts_ = now;
  } else if (got == 0) {
    ended_ = true;
  } else if (errno != EAGAIN && errno != EINTR) {
    fail(std::string("receive: ") + std::strerror(errno));
  }
}

/// The next message of the snapshot; false when there is none for now, or ever.
bool SnapshotClient::next(std::span<const std::byte>& payload) noexcept {
  while (state_ == State::RECEIVING) {
    const std::size_t available = end_ - begin_;
    const std::size_t size = available < 2 ? 0 : itch::load<std::uint16_t>(buffer_.data() + begin_);
    if (available < 2 || available < 2 + size) {
      if (ended_) fail("closed by the server before the end of the snapshot");
      return false;
    }
    const std::span<const std::byte> packet(buffer_.data() + begin_ + 2, size);
    begin_ += 2 + size;
    if (size == 0) {
      fail("packet without a type");
      return false;
    }
    payload = packet.subspan(1);
    if (handle(packet[0], payload)) return true;
  }
  return false;
}

/// True for a message of the snapshot.
bool SnapshotClient::handle(std::byte type, std::span<const std::byte> payload) noexcept {
  const char code = static_cast<char>(type);
  if (code == 'H' || code == '+') return false;
  if (code == 'J') {
    fail("login rejected" +
         (payload.empty() ? std::string() : ": " + std::string(1, static_cast<char>(payload[0]))));
  } else if (code == 'A' && payload.size() == kSessionBytes + kSequenceBytes) {
    session_.assign(reinterpret_cast<const char*>(payload.data()), kSessionBytes);
    accepted_ = true;
  } else if (code == 'S' && accepted_ && !payload.empty()) {
    return true;
  } else if (code == 'G' && accepted_) {
    finish(payload);
  } else {
    fail("unexpected packet of type " + std::to_string(static_cast<int>(type)) + " and " +
         std::to_string(payload.size()) + " bytes");
  }
  return false;
}

void SnapshotClient::finish(std::span<const std::byte> payload) noexcept {
  const auto sequence = payload.size() == kSequenceBytes ? number(payload) : std::nullopt;
  if (!sequence || *sequence == 0) return fail("end of snapshot without its sequence");
  stop();
  next_sequence_ = *sequence;
  state_ = State::DONE;
}

Nanos SnapshotClient::deadline() const noexcept {
  const bool active = state_ == State::CONNECTING || state_ == State::RECEIVING;
  return active ? progress_ts_ + config_.timeout_ns : std::numeric_limits<Nanos>::max();
}

}  // namespace pitwire
