#include <array>
#include <set>
#include <vector>

#include "tested.hpp"

namespace pitwire {
namespace {

class Acceptor final : public TestedSide {
 public:
  explicit Acceptor(Nanos now) {
    for (const char* const version : {"FIX.4.2", "FIX.4.4"}) {
      const std::string digits{version[4], version[6]};
      add(now, version, "TW" + digits);
      add(now, version, "TW");
    }
  }

  void time(Nanos now) override {
    now_ = now;
    for (const auto& session : sessions_) session->time(now);
  }

 private:
  void add(Nanos now, const std::string& version, const std::string& client) {
    FixSessionConfig config;
    config.id = SessionId{static_cast<std::uint32_t>(sessions_.size())};
    config.begin_string = version;
    config.sender_comp_id = "ISLD";
    config.target_comp_id = client;
    config.initiator = false;
    config.allow_unknown_fields = false;
    config.reset_on_logout = config.reset_on_disconnect = true;
    config.timestamp_digits = 3;
    sessions_.push_back(std::make_unique<FixSession>(config, symbology_, *this, now));
    accepted_.push_back({config.id, version, "ISLD", client});
  }

  std::string connected(Nanos now, Link&) override {
    now_ = now;
    return "";
  }

  void message(Nanos now, Link& link, std::string_view message) override {
    now_ = now;
    if (link.session == nullptr && !name(now, link, message)) return;
    received(now, link, message);
  }

  bool name(Nanos now, Link& link, std::string_view message) {
    const auto is_connected = [this](SessionId id) { return link_of(id) != nullptr; };
    const Recognition found = recognise(accepted_, message, is_connected);
    if (found.session == nullptr) {
      link.open = false;
      return false;
    }
    link.session = sessions_[index(found.session->id)].get();
    link.session->connected(now);
    return true;
  }

  /// An order that may have been sent before, and was, is not taken again.
  bool application(SessionId id, Sequence, std::string_view type,
                   std::string_view message) override {
    if (type != "D" && type != "d") return false;
    if (type == "D") {
      const bool is_new = seen_[index(id)].insert(std::string(fix_field(message, "11"))).second;
      if (fix_field(message, "97") == "Y" && !is_new) return true;
    }
    sessions_[index(id)]->send_application(now_, message);
    return true;
  }
  void logged_out(SessionId id, std::string_view) override { seen_[index(id)].clear(); }

  FixSymbology symbology_;
  std::vector<std::unique_ptr<FixSession>> sessions_;
  std::vector<AcceptedSession> accepted_;
  std::array<std::set<std::string>, 4> seen_;
  Nanos now_ = 0;
};

}  // namespace

std::unique_ptr<TestedSide> new_acceptor(Nanos now) { return std::make_unique<Acceptor>(now); }

}  // namespace pitwire
