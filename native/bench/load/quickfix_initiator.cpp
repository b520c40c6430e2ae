// quickfix_initiator PORT ORDERS RATE FILE: the peer of P13. A stock QuickFIX initiator sends so
// many orders to the acceptor, open loop: order n is due n / RATE after the first, however late
// those before it were. For each order FILE gets three int64, ns of CLOCK_MONOTONIC: when it was
// due, when it was handed to QuickFIX, when QuickFIX handed over its first report; 0 where none
// came.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <thread>
#include <vector>

#include "SocketInitiator.h"
#include "load/quickfix_peer.hpp"

namespace pitwire::bench {
namespace {

namespace tag = FIX::FIELD;
using namespace std::chrono_literals;

constexpr auto kLogonMax = 10s;
constexpr auto kAnswersMax = 5s;  // behind the last order

std::int64_t now() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
}

struct Times {
  std::int64_t due = 0, sent = 0, answered = 0;
};

class Trader final : public QuickfixPeer {
 public:
  explicit Trader(std::size_t orders) : times(orders) {}

  void onLogon(const FIX::SessionID&) override { logged_on.store(true); }
  void fromApp(const FIX::Message& message, const FIX::SessionID&) override {
    const auto number = std::stoul(message.getField(tag::ClOrdID));
    if (number >= times.size() || times[number].answered != 0) return;
    times[number].answered = now();
    answered.fetch_add(1, std::memory_order_release);  // pairs with the last look at it
  }

  std::vector<Times> times;
  std::atomic<bool> logged_on{false};
  std::atomic<std::size_t> answered{0};
};

FIX::Message order(std::size_t number) {
  FIX::Message message;
  message.getHeader().setField(tag::MsgType, "D");
  message.setField(tag::ClOrdID, std::to_string(number));
  message.setField(tag::HandlInst, "1");
  message.setField(tag::Symbol, "TRIG");
  message.setField(tag::Side, "1");
  message.setField(FIX::TransactTime(FIX::UtcTimeStamp::now()));
  message.setField(tag::OrdType, "2");
  message.setField(tag::TimeInForce, "3");
  message.setField(tag::OrderQty, "1");
  message.setField(tag::Price, "100.01");
  return message;
}

template <class Holds>
void wait(Holds&& holds, std::chrono::seconds most) {
  const auto until = std::chrono::steady_clock::now() + most;
  while (!holds() && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(1ms);
}

void send_all(Trader& trader, std::int64_t rate) {
  const FIX::SessionID session("FIX.4.4", "PITWIRE", "EXCHANGE");
  const std::int64_t first = now();
  for (std::size_t number = 0; number < trader.times.size(); ++number) {
    auto& times = trader.times[number];
    times.due = first + static_cast<std::int64_t>(number) * 1'000'000'000 / rate;
    // Never spinning: QuickFIX's own thread and the acceptor need the cores.
    const auto left = std::chrono::nanoseconds(times.due - now());
    if (left > 0ns) std::this_thread::sleep_for(left);
    FIX::Message message = order(number);
    times.sent = now();
    FIX::Session::sendToTarget(message, session);
  }
}

int trade(int port, std::size_t orders, std::int64_t rate, const char* path) {
  Trader trader(orders);
  FIX::MemoryStoreFactory stores;
  const auto settings =
      quickfix_settings("PITWIRE", "EXCHANGE", "initiator", FIX::SOCKET_CONNECT_PORT, port);
  FIX::SocketInitiator initiator(trader, stores, settings);
  initiator.start();
  wait([&] { return trader.logged_on.load(); }, kLogonMax);
  if (!trader.logged_on.load()) throw std::runtime_error("not logged on");
  send_all(trader, rate);
  wait([&] { return trader.answered.load(std::memory_order_acquire) == orders; }, kAnswersMax);
  initiator.stop(true);
  std::FILE* file = std::fopen(path, "wb");
  if (file == nullptr) throw std::runtime_error(path);
  const auto written = std::fwrite(trader.times.data(), sizeof(Times), orders, file);
  std::fclose(file);
  return written == orders ? 0 : 1;
}

}  // namespace
}  // namespace pitwire::bench

int main(int argc, char** argv) {
  try {
    if (argc != 5) {
      throw std::invalid_argument("usage: quickfix_initiator PORT ORDERS RATE FILE");
    }
    return pitwire::bench::trade(std::atoi(argv[1]), std::strtoul(argv[2], nullptr, 10),
                                 std::atoll(argv[3]), argv[4]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "quickfix_initiator: %s\n", error.what());
    return 2;
  }
}
