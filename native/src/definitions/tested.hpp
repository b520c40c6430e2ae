// The side of ours that a definition tests: a session, or several, and the connections to it, with
// the framing and the refusals of the real ones and no socket.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "pitwire/definitions/definition.hpp"
#include "pitwire/fix/session.hpp"
#include "pitwire/wire/fix_connection.hpp"
#include "pitwire/wire/fix_framer.hpp"

namespace pitwire {

class TestedSide : public FixSink {
 public:
  ~TestedSide() override = default;

  /// Each returns what speaks against it, empty where nothing does.
  std::string connect(Nanos now, int connection);
  std::string leave(Nanos now, int connection);
  std::string give(Nanos now, int connection, std::string_view bytes);
  virtual void time(Nanos now) = 0;
  /// `arguments` as they stand behind the command's name.
  virtual std::string command(Nanos now, std::string_view name, std::string_view arguments);
  /// The message that we send first, before it is sent: what it says of our session is believed.
  virtual void expects(std::string_view) {}

  [[nodiscard]] std::deque<std::string>& sent(int connection) { return links_[connection].sent; }
  [[nodiscard]] bool is_open(int connection) { return links_[connection].open; }

 protected:
  struct Link {
    std::unique_ptr<FixFramer> framer;
    std::deque<std::string> sent;
    FixSession* session = nullptr;
    bool open = false;
  };

  virtual std::string connected(Nanos now, Link& link) = 0;
  virtual void message(Nanos now, Link& link, std::string_view message) = 0;
  /// The link of a session, null where it has none.
  [[nodiscard]] Link* link_of(const FixSession* session);
  [[nodiscard]] Link* link_of(SessionId session);
  void received(Nanos now, Link& link, std::string_view message);

 private:
  void tx(SessionId session, std::string_view message, std::uint64_t, ClOrdId, bool, bool) override;
  void state(SessionId, const FixSessionState&) override {}
  void logged_on(SessionId) override {}
  void logged_out(SessionId, std::string_view) override {}
  void disconnect(SessionId session, std::string_view) override;
  void event(SessionId, std::uint32_t, std::string_view) override {}

  std::map<int, Link> links_;
  Sequence raw_ = 0;
};

/// Sessions FIX.4.2 and FIX.4.4 from ISLD to TW42, TW44 and TW, as QuickFIX's acceptance server has
/// them, and its application: an order or a security definition is sent back.
[[nodiscard]] std::unique_ptr<TestedSide> new_acceptor(Nanos now);
/// A session to be: version, CompIDs and heartbeat are those of the Logon that it must say first.
[[nodiscard]] std::unique_ptr<TestedSide> new_initiator();

}  // namespace pitwire
