// What the two QuickFIX programs of `pitwire bench load` share: QuickFIX as it comes, with its own
// sockets and threads, its memory store, no log, its data dictionary, and TCP_NODELAY.
#pragma once

#include <string>

#include "Application.h"
#include "MessageStore.h"
#include "Session.h"
#include "SessionSettings.h"

namespace pitwire::bench {

/// Callbacks of which only a few matter.
class QuickfixPeer : public FIX::Application {
 public:
  void onCreate(const FIX::SessionID&) override {}
  void onLogon(const FIX::SessionID&) override {}
  void onLogout(const FIX::SessionID&) override {}
  void toAdmin(FIX::Message&, const FIX::SessionID&) override {}
  void toApp(FIX::Message&, const FIX::SessionID&) override {}
  void fromAdmin(const FIX::Message&, const FIX::SessionID&) override {}
};

/// Of one session, FIX 4.4.
inline FIX::SessionSettings quickfix_settings(const std::string& sender, const std::string& target,
                                              const char* type, const char* port_key, int port) {
  FIX::Dictionary common;
  common.setString(FIX::CONNECTION_TYPE, type);
  common.setString(FIX::DATA_DICTIONARY, PITWIRE_FIX_SPEC "/FIX44.xml");
  common.setString(FIX::USE_DATA_DICTIONARY, "Y");
  common.setString(FIX::START_TIME, "00:00:00");
  common.setString(FIX::END_TIME, "00:00:00");
  common.setString(FIX::SOCKET_NODELAY, "Y");
  common.setString(FIX::SOCKET_CONNECT_HOST, "127.0.0.1");
  common.setInt(FIX::HEARTBTINT, 30);
  common.setInt(FIX::RECONNECT_INTERVAL, 1);
  common.setInt(port_key, port);
  FIX::SessionSettings settings;
  settings.set(common);
  settings.set(FIX::SessionID("FIX.4.4", sender, target), FIX::Dictionary());
  return settings;
}

}  // namespace pitwire::bench
