// pitwire_load: ITCH over MoldUDP64 to a port of this host, open loop.
//
// Datagram k is due at start + k * interval by CLOCK_REALTIME, whatever became of those before it:
// a sender that is late does not move the schedule, so that who measures from the intended times
// sees what was held up (no coordinated omission). Sequence numbers begin at 1, so the intended
// time of any datagram follows from its first one; every message's ITCH time stamp is that time.
//
//   pitwire_load --port 26400 --rate 100000 --seconds 8 --messages-per-datagram 1 --symbols 50
//                --opening 45000 --toggle-every 500
//
// `--session` numbers the feed's session, for a second stream to the same daemon. `--sleeps 1`
// sleeps instead, where its core is another's too and the exact time does not matter.
//
// Prints the symbols as a line of JSON, makes the stream, and waits for a line on standard input;
// the end of the input before that is the end. When all is sent come heartbeats, the end of the
// session, and a second line: what was sent, how late, and how every book ends.
#include <immintrin.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "load/load_stream.hpp"
#include "pitwire/base/clock.hpp"
#include "pitwire/market/mold.hpp"

namespace pitwire::bench {
namespace {

constexpr Nanos kDay = 86'400 * kSecond;
constexpr Nanos kLead = 50 * kMillisecond;  // from the word to the first datagram
constexpr Nanos kYieldsBefore = 3'000;
constexpr std::size_t kPerDatagramMax = 25;
constexpr std::size_t kDatagramBytes = mold::kHeaderSize + kPerDatagramMax * 52;
constexpr std::size_t kTimestampAt = 5;  // in an ITCH message, 6 bytes
constexpr int kMarks = 6;                // heartbeats and, as the last, the end of the session
constexpr auto kMarkEvery = std::chrono::milliseconds(20);

struct Options {
  std::uint64_t port = 0;
  std::uint64_t rate = 0;  ///< messages a second
  std::uint64_t seconds = 0;
  std::uint64_t per_datagram = 1;
  std::uint64_t session = 0;  ///< another number is another session of the feed
  bool sleeps = false;  ///< until a datagram is due, instead of spinning: on a core that it shares
  LoadKind stream;
};

std::uint64_t number(std::string_view key, std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw std::invalid_argument(std::string(key) + ": expected a whole number, found " +
                                std::string(text));
  }
  return value;
}

void require(bool holds, const char* reason) {
  if (!holds) throw std::invalid_argument(reason);
}

Options parsed(std::span<char*> words) {
  Options out;
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
    const std::string_view key = words[i];
    const auto value = number(key, words[i + 1]);
    if (key == "--port")
      out.port = value;
    else if (key == "--rate")
      out.rate = value;
    else if (key == "--seconds")
      out.seconds = value;
    else if (key == "--messages-per-datagram")
      out.per_datagram = value;
    else if (key == "--symbols")
      out.stream.symbols = static_cast<std::uint32_t>(value);
    else if (key == "--opening")
      out.stream.opening = value;
    else if (key == "--toggle-every")
      out.stream.toggle_every = value;
    else if (key == "--session")
      out.session = value;
    else if (key == "--sleeps")
      out.sleeps = value != 0;
    else
      throw std::invalid_argument("unknown option " + std::string(key));
  }
  require(words.size() % 2 == 0, "an option has no value");
  require(out.port >= 1 && out.port <= 65'535, "--port: expected 1 to 65535");
  require(out.rate >= 1 && out.rate <= 100'000'000, "--rate: expected 1 to 100 million");
  require(out.seconds >= 1 && out.seconds <= 3'600, "--seconds: expected 1 to 3600");
  require(out.session <= 999'999, "--session: expected 0 to 999999");
  require(out.per_datagram >= 1 && out.per_datagram <= kPerDatagramMax,
          "--messages-per-datagram: expected 1 to 25");
  require(out.stream.symbols >= 1 && out.stream.symbols <= 60'000,
          "--symbols: expected 1 to 60000");
  out.stream.messages = out.rate * out.seconds;
  return out;
}

/// To a port of this host.
class Sender {
 public:
  explicit Sender(std::uint64_t port) : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    if (fd_ < 0 || ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) fail();
  }
  ~Sender() { ::close(fd_); }
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  void send(std::span<const std::byte> datagram) const {
    if (::send(fd_, datagram.data(), datagram.size(), 0) < 0) fail();
  }

 private:
  [[noreturn]] static void fail() { throw std::runtime_error(std::strerror(errno)); }
  int fd_;
};

/// One datagram at a time, stamped with when it is due.
class Datagrams {
 public:
  Datagrams(LoadStream& stream, const Options& options) : stream_(stream), options_(options) {
    header_.session = {'L', 'O', 'A', 'D', ' ', ' ', ' ', ' ', ' ', ' '};
    std::to_chars(&header_.session[4], header_.session.end(), options.session);
    header_.sequence = 1;
  }

  [[nodiscard]] std::span<const std::byte> next(Nanos due) {
    const auto left = options_.stream.messages + 1 - header_.sequence;
    header_.count = static_cast<std::uint16_t>(std::min(options_.per_datagram, left));
    mold::encode(header_, bytes_.data());
    std::size_t at = mold::kHeaderSize;
    for (std::uint16_t i = 0; i < header_.count; ++i) at = put(stream_.next(), due % kDay, at);
    header_.sequence += header_.count;
    return std::span(bytes_).first(at);
  }
  /// A heartbeat, or the end of the session.
  [[nodiscard]] std::span<const std::byte> mark(bool end) {
    header_.count = end ? mold::kEndOfSession : 0;
    mold::encode(header_, bytes_.data());
    return std::span(bytes_).first(mold::kHeaderSize);
  }

 private:
  std::size_t put(std::span<const std::byte> message, Nanos time_of_day, std::size_t at) {
    bytes_[at] = std::byte{0};
    bytes_[at + 1] = static_cast<std::byte>(message.size());
    std::memcpy(&bytes_[at + 2], message.data(), message.size());
    for (std::size_t i = 0; i < 6; ++i) {
      bytes_[at + 2 + kTimestampAt + i] = static_cast<std::byte>(time_of_day >> (40 - 8 * i));
    }
    return at + 2 + message.size();
  }

  LoadStream& stream_;
  const Options& options_;
  mold::Header header_;
  std::array<std::byte, kDatagramBytes> bytes_{};
};

struct Sent {
  Nanos start = 0;
  Nanos interval = 0;
  std::uint64_t bytes = 0;
  std::vector<Nanos> lateness{};  ///< of each datagram, when its sending began
};

/// The time at which it returns, not before `due`. Until shortly before that whoever else wants the
/// core may have it: a venue that spins on it too, and answers in less than a microsecond.
Nanos wait_until(Nanos due, bool sleeps) {
  if (sleeps) {
    const timespec until{due / kSecond, due % kSecond};
    ::clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, nullptr);
  }
  Nanos now = host_now();
  for (; now < due; now = host_now()) {
    due - now > kYieldsBefore ? static_cast<void>(::sched_yield()) : _mm_pause();
  }
  return now;
}

Sent send_all(const Options& options, LoadStream& stream) {
  const auto datagrams =
      (options.stream.messages + options.per_datagram - 1) / options.per_datagram;
  const Sender sender(options.port);
  Datagrams made(stream, options);
  Sent sent;
  sent.interval = std::llround(static_cast<double>(options.per_datagram * kSecond) /
                               static_cast<double>(options.rate));
  sent.lateness.resize(datagrams);
  sent.start = host_now() + kLead;
  for (std::size_t k = 0; k < datagrams; ++k) {
    const Nanos due = sent.start + static_cast<Nanos>(k) * sent.interval;
    const auto datagram = made.next(due);
    sent.lateness[k] = wait_until(due, options.sleeps) - due;
    sender.send(datagram);
    sent.bytes += datagram.size();
  }
  for (int i = 1; i <= kMarks; ++i) {
    sender.send(made.mark(i == kMarks));
    std::this_thread::sleep_for(kMarkEvery);
  }
  return sent;
}

Nanos percentile(std::vector<Nanos>& values, std::size_t percent) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) * percent / 100);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

void print_symbols(const LoadKind& kind) {
  std::printf("{\"symbols\":[");
  for (std::uint32_t i = 0; i < kind.symbols; ++i) {
    std::printf("%s\"%s\"", i == 0 ? "" : ",", symbol_name(i).c_str());
  }
  if (kind.toggle_every != 0) std::printf(",\"%s\"", kTriggerSymbol);
  std::printf("]}\n");
  std::fflush(stdout);
}

void print_sent(const Options& options, const LoadStream& stream, Sent& sent) {
  const auto late = [&](std::size_t percent) {
    return static_cast<long long>(percentile(sent.lateness, percent));
  };
  std::printf(
      "{\"start_ns\":%lld,\"interval_ns\":%lld,\"messages\":%zu,\"datagrams\":%zu,\"marks\":%d,"
      "\"messages_per_datagram\":%llu,\"bytes\":%llu,\"triggers\":%zu,"
      "\"lateness_ns_p50\":%lld,\"lateness_ns_p99\":%lld,\"lateness_ns_max\":%lld,"
      "\"endings\":[",
      static_cast<long long>(sent.start), static_cast<long long>(sent.interval),
      options.stream.messages, sent.lateness.size(), kMarks,
      static_cast<unsigned long long>(options.per_datagram),
      static_cast<unsigned long long>(sent.bytes), stream.triggers(), late(50), late(99),
      late(100));
  const char* comma = "";
  stream.for_each_ending([&](const std::string& symbol, const Ending& ending) {
    std::printf("%s[\"%s\",%lld,%lld,%lld,%lld]", comma, symbol.c_str(),
                static_cast<long long>(ending.bid_px), static_cast<long long>(ending.bid_qty),
                static_cast<long long>(ending.ask_px), static_cast<long long>(ending.ask_qty));
    comma = ",";
  });
  std::printf("]}\n");
}

/// False where the input ended before a line did.
bool told_to_start() {
  for (int read = std::getchar(); read != EOF; read = std::getchar()) {
    if (read == '\n') return true;
  }
  return false;
}

}  // namespace
}  // namespace pitwire::bench

int main(int argc, char** argv) {
  using namespace pitwire::bench;
  try {
    const auto options = parsed(std::span(argv + 1, static_cast<std::size_t>(argc - 1)));
    print_symbols(options.stream);
    LoadStream stream(options.stream);
    if (!told_to_start()) return 1;
    auto sent = send_all(options, stream);
    print_sent(options, stream, sent);
    return 0;
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "pitwire_load: %s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "pitwire_load: sending: %s\n", error.what());
    return 1;
  }
}
