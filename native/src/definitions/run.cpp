#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "message.hpp"
#include "script.hpp"
#include "tested.hpp"

namespace pitwire {
namespace {

constexpr Nanos kStart = 1'700'000'000 * kSecond;
constexpr int kWithinSeconds = 60;

class Run {
 public:
  Run(DefinitionSide side, const FieldPatterns& patterns)
      : connects_(side == DefinitionSide::ACCEPTOR ? DefinitionVerb::PEER_CONNECTS
                                                   : DefinitionVerb::WE_CONNECT),
        side_(side == DefinitionSide::ACCEPTOR ? new_acceptor(kStart) : new_initiator()),
        patterns_(patterns) {}

  DefinitionOutcome operator()(const std::vector<DefinitionLine>& lines) {
    for (const DefinitionLine& line : lines) {
      if (line.verb == DefinitionVerb::WE_SAY) {
        side_->expects(line.text);
        break;
      }
    }
    for (const DefinitionLine& line : lines) {
      out_.line = line.number;
      out_.problem = step(line);
      if (!out_.problem.empty()) return out_;
    }
    out_.problem = nothing_left();
    out_.passed = out_.problem.empty();
    return out_;
  }

 private:
  std::string step(const DefinitionLine& line) {
    seen_ = std::max(seen_, line.connection);
    switch (line.verb) {
      case DefinitionVerb::PEER_CONNECTS:
      case DefinitionVerb::WE_CONNECT:
        if (line.verb != connects_) return "the other side connects: an acceptor never does";
        return side_->connect(now_, line.connection);
      case DefinitionVerb::PEER_LEAVES:
        return side_->leave(now_, line.connection);
      case DefinitionVerb::PEER_SAYS:
        return side_->give(now_, line.connection, framed(with_times(line.text, now_)));
      case DefinitionVerb::WE_SAY:
        return must_say(line.connection, framed(with_times(line.text, now_)));
      case DefinitionVerb::WE_LEAVE:
        return must_leave(line.connection);
      case DefinitionVerb::COMMAND:
        return command(line.text);
    }
    return "";
  }

  template <class Holds>
  bool wait(int seconds_max, Holds&& holds) {
    for (int seconds = 0; seconds < seconds_max && !holds(); ++seconds) {
      now_ += kSecond;
      side_->time(now_);
    }
    return holds();
  }

  std::string must_say(int connection, const std::string& expected) {
    auto& sent = side_->sent(connection);
    wait(within_, [&] { return !sent.empty() || !side_->is_open(connection); });
    out_.expected = shown(expected);
    if (sent.empty()) {
      return side_->is_open(connection)
                 ? "expected a message, got none in " + std::to_string(within_) + " s"
                 : "expected a message, got the end of the connection";
    }
    const std::string found = std::move(sent.front());
    sent.pop_front();
    out_.found = shown(found);
    const std::string problem = difference(expected, found, patterns_);
    if (problem.empty()) out_.expected = out_.found = "";
    return problem;
  }

  std::string must_leave(int connection) {
    if (!wait(within_, [&] { return !side_->is_open(connection); })) {
      return "expected the end of the connection, got none in " + std::to_string(within_) + " s";
    }
    return nothing_left();
  }

  std::string nothing_left() {
    for (int connection = 1; connection <= seen_; ++connection) {
      auto& sent = side_->sent(connection);
      if (sent.empty()) continue;
      out_.found = shown(sent.front());
      return "expected nothing more, got a message";
    }
    return "";
  }

  std::string command(std::string_view text) {
    const std::string_view name = text.substr(0, text.find(' '));
    const std::string_view arguments = text.substr(std::min(name.size() + 1, text.size()));
    if (name != "wait" && name != "within") return side_->command(now_, name, arguments);
    int seconds = 0;
    const auto parsed =
        std::from_chars(arguments.data(), arguments.data() + arguments.size(), seconds);
    if (parsed.ec != std::errc{} || seconds < 1) return "expected a number of seconds";
    if (name == "within") {
      within_ = seconds;
      return "";
    }
    wait(seconds, [&] { return !nothing_left().empty(); });
    return nothing_left();
  }

  const DefinitionVerb connects_;
  std::unique_ptr<TestedSide> side_;
  const FieldPatterns& patterns_;
  DefinitionOutcome out_;
  Nanos now_ = kStart;
  int within_ = kWithinSeconds;
  int seen_ = 1;
};

}  // namespace

DefinitionSide side_of_definition(std::string_view text) {
  for (const DefinitionLine& line : read_definition(text)) {
    if (line.verb == DefinitionVerb::WE_CONNECT) return DefinitionSide::INITIATOR;
    if (line.verb == DefinitionVerb::PEER_CONNECTS) break;
  }
  return DefinitionSide::ACCEPTOR;
}

DefinitionOutcome run_definition(std::string_view text, DefinitionSide side,
                                 const FieldPatterns& patterns) {
  return Run(side, patterns)(read_definition(text));
}

}  // namespace pitwire
