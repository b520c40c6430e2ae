// quickfix_acceptor PORT: a stock QuickFIX acceptor that acknowledges every NewOrderSingle and
// fills it at its own price, the venue of P13's second half. Says "ready" when it listens, ends
// with its standard input.
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "SocketAcceptor.h"
#include "load/quickfix_peer.hpp"

namespace pitwire::bench {
namespace {

namespace tag = FIX::FIELD;

class Venue final : public QuickfixPeer {
 public:
  void fromApp(const FIX::Message& message, const FIX::SessionID& session) override {
    if (message.getHeader().getField(tag::MsgType) != "D") throw FIX::UnsupportedMessageType();
    const auto quantity = message.getField(tag::OrderQty);
    report(message, session, "0", "0", "0", quantity);
    report(message, session, "F", "2", quantity, "0");
  }

 private:
  void report(const FIX::Message& order, const FIX::SessionID& session, const char* exec_type,
              const char* status, const std::string& done, const std::string& leaves) {
    FIX::Message report;
    report.getHeader().setField(tag::MsgType, "8");
    for (const int copied : {tag::ClOrdID, tag::Symbol, tag::Side, tag::OrderQty, tag::Price}) {
      report.setField(copied, order.getField(copied));
    }
    report.setField(tag::OrderID, order.getField(tag::ClOrdID));
    report.setField(tag::ExecID, std::to_string(++executions_));
    report.setField(tag::ExecType, exec_type);
    report.setField(tag::OrdStatus, status);
    report.setField(tag::LastQty, done);
    report.setField(tag::LastPx, order.getField(tag::Price));
    report.setField(tag::CumQty, done);
    report.setField(tag::LeavesQty, leaves);
    report.setField(tag::AvgPx, done == "0" ? "0" : order.getField(tag::Price));
    FIX::Session::sendToTarget(report, session);
  }

  long executions_ = 0;
};

int accept(int port) {
  Venue venue;
  FIX::MemoryStoreFactory stores;
  const auto settings =
      quickfix_settings("EXCHANGE", "PITWIRE", "acceptor", FIX::SOCKET_ACCEPT_PORT, port);
  FIX::SocketAcceptor acceptor(venue, stores, settings);
  acceptor.start();
  std::puts("ready");
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  acceptor.stop(true);
  return 0;
}

}  // namespace
}  // namespace pitwire::bench

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw std::invalid_argument("usage: quickfix_acceptor PORT");
    return pitwire::bench::accept(std::atoi(argv[1]));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "quickfix_acceptor: %s\n", error.what());
    return 2;
  }
}
