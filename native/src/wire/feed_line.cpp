#include "pitwire/wire/feed_line.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "pitwire/base/clock.hpp"
#include "pitwire/wire/datagram_socket.hpp"

namespace pitwire {
namespace {

std::string feed_key(const FeedLineConfig& config) {
  return "feed " + std::to_string(index(config.id));
}

const FeedLineConfig& checked(const FeedLineConfig& config) {
  const auto refuse = [&](const std::string& reason) {
    throw std::invalid_argument(feed_key(config) + "." + reason);
  };
  if (config.lines.empty() || config.lines.size() > 2) {
    refuse("lines: " + std::to_string(config.lines.size()) + " given, expected 1 or 2");
  }
  if (config.datagram_bytes_max < mold::kHeaderSize || config.datagram_bytes_max > 65535) {
    refuse("datagram_bytes_max: " + std::to_string(config.datagram_bytes_max) +
           " outside [20, 65535]");
  }
  if (config.sequencing.held_max == 0) refuse("sequencing.held_max: must be at least 1");
  if (config.sequencing.attempts_max == 0) refuse("sequencing.attempts_max: must be at least 1");
  if (config.sequencing.request_messages_max == 0) {
    refuse("sequencing.request_messages_max: must be at least 1");
  }
  if (config.sequencing.session.size() > 10) refuse("sequencing.session: longer than 10 bytes");
  if (config.sequencing.snapshot_first && !config.snapshot) {
    refuse("sequencing.snapshot_first: no snapshot server is given");
  }
  return config;
}

std::string text_of(const mold::Session& name) { return {name.data(), name.size()}; }

}  // namespace

struct FeedLine::Impl {
  struct Line {
    DatagramSocket socket;
    std::uint32_t number;
    std::uint32_t kernel_drops = 0;
  };

  explicit Impl(const FeedLineConfig& given);
  ~Impl() { ::close(epoll); }
  void watch(int fd, std::uint32_t events, int operation);
  void listen();
  [[nodiscard]] bool waits() const noexcept { return taken < received; }
  bool receive();
  void take(Nanos now, FeedSink& sink);
  int poll_snapshot(Nanos now, int budget, FeedSink& sink);
  void serve_request(Nanos now, FeedSink& sink);
  void start_snapshot(Nanos now, const FeedRequest& request, FeedSink& sink);
  void ask_again(const FeedRequest& request);

  FeedLineConfig config;
  int epoll;
  DatagramBatch batch;
  FeedSequencer sequencer;
  std::vector<Line> lines;
  std::size_t first = 0;  // the line that is read first takes turns
  std::size_t from = 0;   // the line that the batch is of
  int received = 0;       // datagrams in the batch, and how many of them were handed over
  int taken = 0;
  std::unique_ptr<SnapshotClient> snapshot;
  bool snapshot_began = false;
  bool snapshot_writing = false;
  FeedLineStats stats;
};

FeedLine::Impl::Impl(const FeedLineConfig& given)
    : config(checked(given)),
      epoll(::epoll_create1(EPOLL_CLOEXEC)),
      batch(given.datagram_bytes_max),
      sequencer(given.id, given.sequencing, given.retransmission.has_value(),
                given.snapshot.has_value(), given.datagram_bytes_max) {
  if (epoll < 0) {
    throw std::invalid_argument(feed_key(config) + ": epoll: " + std::strerror(errno));
  }
  try {
    listen();
  } catch (...) {
    ::close(epoll);
    throw;
  }
}

void FeedLine::Impl::listen() {
  const DatagramOptions options{config.receive_buffer_bytes, config.busy_poll_us,
                                config.kernel_stamps};
  for (std::uint32_t i = 0; i < config.lines.size(); ++i) {
    const auto& line = config.lines[i];
    const auto key = feed_key(config) + ".lines[" + std::to_string(i) + "]";
    lines.push_back({DatagramSocket::listen(line.endpoint, line.interface, options, key), i});
  }
  if (config.retransmission) {
    const auto key = feed_key(config) + ".retransmission";
    lines.push_back(
        {DatagramSocket::connect(*config.retransmission, options, key), kLineRetransmission});
  }
  if (config.snapshot) snapshot = std::make_unique<SnapshotClient>(*config.snapshot);
  if (config.resume) sequencer.resume(config.resume->session, config.resume->next_sequence);
  for (const Line& line : lines) {
    watch(line.socket.fd(), EPOLLIN, EPOLL_CTL_ADD);
    stats.receive_buffer_bytes[line.number] = line.socket.receive_buffer_bytes();
  }
}

void FeedLine::Impl::watch(int fd, std::uint32_t events, int operation) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  ::epoll_ctl(epoll, operation, fd, &event);
}

/// Asks the kernel, line by line, until one has something; false where none has.
bool FeedLine::Impl::receive() {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    from = first;
    first = (first + 1) % lines.size();
    taken = 0;
    received = batch.receive(lines[from].socket.fd(), DatagramBatch::kSize);
    if (received > 0) {
      stats.datagrams[lines[from].number] += static_cast<std::uint64_t>(received);
      return true;
    }
    // A refused request server shows here; the request's timeout deals with it.
    if (errno != EAGAIN && errno != EINTR) ++stats.receive_errors[lines[from].number];
  }
  received = 0;
  return false;
}

void FeedLine::Impl::take(Nanos now, FeedSink& sink) {
  Line& line = lines[from];
  const int position = taken++;
  const auto stamp = batch.stamp(position);
  if (stamp.drops) {
    // The kernel's count is of 32 bits; the difference survives its wrap.
    stats.kernel_drops[line.number] += *stamp.drops - line.kernel_drops;
    line.kernel_drops = *stamp.drops;
  }
  if (batch.truncated(position)) return sequencer.malformed(now, line.number, sink);
  const Nanos ts_recv = stamp.ts_recv != 0 ? stamp.ts_recv : host_now();
  sequencer.packet(now, line.number, ts_recv, batch.datagram(position), sink);
}

int FeedLine::Impl::poll_snapshot(Nanos now, int budget, FeedSink& sink) {
  if (!snapshot) return 0;
  using State = SnapshotClient::State;
  const auto before = snapshot->state();
  if (before != State::CONNECTING && before != State::RECEIVING) return 0;
  if (sequencer.state() != FeedSequencer::State::SNAPSHOT) {
    snapshot->stop();  // the session changed meanwhile
    return 0;
  }
  int count = 0;
  const auto state = snapshot->poll(now, budget, [&](std::span<const std::byte> message) {
    if (!snapshot_began) sequencer.snapshot_begin(sink);
    snapshot_began = true;
    sequencer.snapshot_message(now, message, sink);
    ++count;
  });
  if (state == State::DONE) {
    if (!snapshot_began) sequencer.snapshot_begin(sink);
    ++stats.snapshots;
    sequencer.snapshot_end(now, snapshot->session(), snapshot->next_sequence(), sink);
    return count + 1;
  }
  if (state == State::FAILED) {
    ++stats.snapshot_failures;
    sequencer.snapshot_failed(now, sink);
  } else if (snapshot_writing && !snapshot->wants_output()) {
    snapshot_writing = false;
    watch(snapshot->fd(), EPOLLIN, EPOLL_CTL_MOD);
  }
  return count;
}

void FeedLine::Impl::start_snapshot(Nanos now, const FeedRequest& request, FeedSink& sink) {
  const bool known = sequencer.has_session();
  snapshot->start(now, known ? text_of(request.session) : std::string(), request.sequence);
  snapshot_began = false;
  if (snapshot->state() == SnapshotClient::State::FAILED) {
    ++stats.snapshot_failures;
    return sequencer.snapshot_failed(now, sink);
  }
  snapshot_writing = snapshot->wants_output();
  watch(snapshot->fd(), snapshot_writing ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_ADD);
}

void FeedLine::Impl::ask_again(const FeedRequest& request) {
  std::array<std::byte, mold::kHeaderSize> bytes;
  mold::encode({request.session, request.sequence, request.count}, bytes.data());
  // The request server's socket is the last line. What is not sent is asked for after the timeout.
  const auto sent = ::send(lines.back().socket.fd(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (sent < 0) ++stats.receive_errors[kLineRetransmission];
}

void FeedLine::Impl::serve_request(Nanos now, FeedSink& sink) {
  const FeedRequest request = sequencer.take_request();
  if (request.kind == FeedRequest::Kind::RETRANSMIT) ask_again(request);
  if (request.kind == FeedRequest::Kind::SNAPSHOT) start_snapshot(now, request, sink);
}

FeedLine::FeedLine(const FeedLineConfig& config) : impl_(std::make_unique<Impl>(config)) {}
FeedLine::~FeedLine() = default;

int FeedLine::poll(Nanos now, int budget, FeedSink& sink) {
  Impl& own = *impl_;
  int done = 0;
  for (; done < budget && (own.waits() || own.receive()); ++done) own.take(now, sink);
  if (done < budget) done += own.poll_snapshot(now, budget - done, sink);
  own.sequencer.time(now, sink);
  own.serve_request(now, sink);
  return done;
}

Nanos FeedLine::next_deadline() const noexcept {
  if (impl_->waits()) return 0;
  Nanos earliest = impl_->sequencer.next_deadline();
  if (impl_->snapshot) earliest = std::min(earliest, impl_->snapshot->deadline());
  return earliest;
}

int FeedLine::epoll_fd() const noexcept { return impl_->epoll; }

std::uint64_t FeedLine::next_sequence() const noexcept { return impl_->sequencer.next_sequence(); }

std::string FeedLine::session() const {
  return impl_->sequencer.has_session() ? text_of(impl_->sequencer.session()) : std::string();
}

FeedId FeedLine::id() const noexcept { return impl_->config.id; }

std::uint16_t FeedLine::port(std::uint32_t line) const {
  return impl_->lines.at(line).socket.port();
}

FeedLineStats FeedLine::stats() const noexcept {
  FeedLineStats stats = impl_->stats;
  stats.sequencing = impl_->sequencer.stats();
  stats.next_sequence = impl_->sequencer.next_sequence();
  return stats;
}

}  // namespace pitwire
