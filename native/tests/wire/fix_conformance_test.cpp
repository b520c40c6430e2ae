// QuickFIX's acceptance definitions (one file a rule) against our acceptor, and the client's
// against our initiator, in virtual time.
//
// A line of a definition: i CONNECT / DISCONNECT (the peer does it), e the same (we are to), I or R
// a message to us (length and checksum are added where absent, <TIME±n> is now), E the message that
// must come next. Where nothing has come, time passes, second by second. Read from the shared data
// folder, or skipped.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <regex>
#include <set>
#include <sstream>

#include "pitwire/fix/session.hpp"
#include "pitwire/wire/fix_framer.hpp"

namespace pitwire {
namespace {

namespace fs = std::filesystem;
constexpr char kSoh = '\x01';

// PITWIRE_TEST_DATA, else the folder beside the checkout.
fs::path definitions() {
  const char* const root = std::getenv("PITWIRE_TEST_DATA");
  const fs::path checkout = fs::path(__FILE__).parent_path() / "../../..";
  const fs::path folder = root != nullptr ? fs::path(root) : checkout / "../shared/data";
  return folder / "fix/quickfix_definitions";
}

std::string timestamp(Nanos ts) {
  const std::time_t seconds = ts / kSecond;
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%d-%H:%M:%S", std::gmtime(&seconds));
  return text;
}

std::string shown(std::string text) {
  std::replace(text.begin(), text.end(), kSoh, '|');
  return text;
}

std::vector<std::pair<std::string, std::string>> fields_of(const std::string& message) {
  std::vector<std::pair<std::string, std::string>> fields;
  std::istringstream in(message);
  for (std::string field; std::getline(in, field, kSoh);) {
    const std::size_t equals = field.find('=');
    fields.emplace_back(field.substr(0, equals),
                        equals == field.npos ? "" : field.substr(equals + 1));
  }
  return fields;
}

// The application of QuickFIX's own acceptance server: what it knows it sends back.
class Echo : public FixSink {
 public:
  FixSession* session = nullptr;
  Nanos now = 0;
  std::deque<std::string> sent;
  bool disconnected = false;

  void tx(SessionId, std::string_view message, std::uint64_t, ClOrdId, bool, bool) override {
    sent.emplace_back(message);
  }
  void state(SessionId, const FixSessionState&) override {}
  void logged_on(SessionId) override {}
  void logged_out(SessionId, std::string_view) override {}
  void disconnect(SessionId, std::string_view) override { disconnected = true; }
  void event(SessionId, std::uint32_t, std::string_view) override {}
  bool application(SessionId, Sequence, std::string_view type, std::string_view message) override {
    if (type != "D" && type != "d") return false;
    const std::string id(fix_field(message, "11"));
    const bool is_new = ids_.insert(id).second;
    if (fix_field(message, "97") == "Y" && !is_new) return true;
    session->send_application(now, message);
    return true;
  }

 private:
  std::set<std::string> ids_;
};

class Run {
 public:
  static FixSessionConfig acceptor(const std::string& version) {
    FixSessionConfig config;
    config.begin_string = version == "44" ? "FIX.4.4" : "FIX.4.2";
    config.sender_comp_id = "ISLD";
    config.target_comp_id = "TW" + version;
    config.initiator = false;
    config.allow_unknown_fields = false;
    config.reset_on_logout = config.reset_on_disconnect = true;
    config.timestamp_digits = 3;
    return config;
  }
  static FixSessionConfig initiator(const std::string& begin_string) {
    FixSessionConfig config;
    config.begin_string = begin_string;
    config.sender_comp_id = "TW";
    config.target_comp_id = "ISLD";
    config.heart_bt_int_seconds = 30;
    config.timestamp_digits = 0;
    return config;
  }
  explicit Run(const FixSessionConfig& config) {
    session_ = std::make_unique<FixSession>(config, symbols_, sink_, now_);
    sink_.session = session_.get();
  }

  // Empty where the line holds, else what was expected and found.
  std::string line(const std::string& text) {
    if (text == "iCONNECT" || text == "eCONNECT") return connect();
    if (text == "iDISCONNECT") return leave();
    if (text == "eDISCONNECT") return must_disconnect();
    if (text[0] == 'I' || text[0] == 'R') return give(text.substr(1));
    if (text[0] == 'E') return must_say(text.substr(1));
    return "unknown line: " + text;
  }
  std::string end() {
    return sink_.sent.empty() ? "" : "said without being asked: " + shown(sink_.sent.front());
  }

 private:
  std::string connect() {
    sink_.sent.clear();
    sink_.disconnected = false;
    framer_.clear();
    session_->connected(now_);
    return "";
  }
  std::string leave() {
    session_->disconnected(now_);
    return "";
  }
  template <class Holds>
  bool wait(Holds&& holds) {
    for (int seconds = 0; seconds < 60 && !holds(); ++seconds) {
      now_ += kSecond;
      sink_.now = now_;
      session_->time(now_);
    }
    return holds();
  }
  std::string must_disconnect() {
    if (!wait([&] { return sink_.disconnected; })) return "expected to disconnect";
    return end();
  }
  std::string must_say(const std::string& expected) {
    if (!wait([&] { return !sink_.sent.empty() || sink_.disconnected; }) || sink_.sent.empty()) {
      return "expected " + shown(expected) + ", found nothing";
    }
    const std::string found = sink_.sent.front();
    sink_.sent.pop_front();
    return same(expected, found) ? ""
                                 : "expected " + shown(expected) + "\nfound    " + shown(found);
  }
  // BodyLength and CheckSum depend on the time: FixFramer vouches for them.
  static std::vector<std::pair<std::string, std::string>> compared(const std::string& message) {
    auto fields = fields_of(message);
    std::erase_if(fields,
                  [](const auto& field) { return field.first == "9" || field.first == "10"; });
    return fields;
  }
  // Tag by tag, in order; times by their form (fields.fmt).
  static bool same(const std::string& expected, const std::string& found) {
    static const std::regex time(R"(\d{8}-\d{2}:\d{2}:\d{2}([.]\d{3})?)");
    static const std::set<std::string> times{"42", "52", "60", "122"};
    const auto wanted = compared(expected), got = compared(found);
    if (wanted.size() != got.size()) return false;
    for (std::size_t i = 0; i < got.size(); ++i) {
      const auto& [tag, value] = got[i];
      if (tag != wanted[i].first) return false;
      if (times.contains(tag) ? !std::regex_match(value, time) : value != wanted[i].second)
        return false;
    }
    FixFramer framer(4096);
    std::copy(found.begin(), found.end(), framer.space().begin());
    framer.received(found.size());
    return framer.next().message == found;
  }
  std::string give(std::string message) {
    message = with_times(message);
    if (message.find("\x01"
                     "9=") == message.npos) {
      const std::size_t body = message.find(kSoh) + 1;
      const std::size_t end = std::min(message.find("\x01"
                                                    "10="),
                                       message.size() - 1) +
                              1;
      const std::string length = "9=" + std::to_string(end - body) + kSoh;
      message.insert(body, length);
    }
    if (message.find("\x01"
                     "10=") == message.npos) {
      char trailer[16];
      std::snprintf(trailer, sizeof trailer, "10=%03u\x01", fix_check_sum(message));
      message += trailer;
    }
    sink_.now = now_;
    std::copy(message.begin(), message.end(), framer_.space().begin());
    framer_.received(message.size());
    bool is_first = !session_->logged_on();
    for (;;) {
      const FixFramer::Next next = framer_.next();
      if (next.message.empty() && next.defect == FrameDefect::NONE) return "";
      // As FixListener: a connection whose first bytes are no Logon of the session is closed.
      const bool is_ours = fix_field(next.message, "8") == session_->config().begin_string;
      if (is_first && !is_ours) sink_.disconnected = true;
      if (!next.message.empty() && !(is_first && !is_ours))
        session_->received(now_, ++raw_, next.message);
      is_first = false;
    }
  }
  [[nodiscard]] std::string with_times(const std::string& message) const {
    static const std::regex time("<TIME([+-]\\d+)?>");
    std::string out;
    std::size_t at = 0;
    for (std::sregex_iterator found(message.begin(), message.end(), time), last; found != last;
         ++found) {
      out += message.substr(at, static_cast<std::size_t>(found->position()) - at);
      const Nanos offset = (*found)[1].matched ? std::stoll((*found)[1]) * kSecond : 0;
      out += timestamp(now_ + offset);
      at = static_cast<std::size_t>(found->position() + found->length());
    }
    return out + message.substr(at);
  }

  FixSymbology symbols_;
  Echo sink_;
  FixFramer framer_{4096};
  Nanos now_ = 1'700'000'000 * kSecond;
  Sequence raw_ = 0;
  std::unique_ptr<FixSession> session_;
};

std::string run(const fs::path& file, const FixSessionConfig& config) {
  Run session(config);
  std::ifstream in(file);
  int number = 0;
  for (std::string text; std::getline(in, text);) {
    ++number;
    while (!text.empty() && (text.back() == '\r' || text.back() == ' ')) text.pop_back();
    if (text.empty() || text[0] == '#') continue;
    const std::string problem = session.line(text);
    if (!problem.empty()) return "line " + std::to_string(number) + ": " + problem;
  }
  return session.end();
}

class FixConformance : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Versions, FixConformance, ::testing::Values("42", "44"),
                         [](const auto& version) { return std::string("FIX") + version.param; });

TEST_P(FixConformance, every_definition_holds) {
  const fs::path folder = definitions() / "server" / (std::string("fix") + GetParam());
  if (!fs::exists(folder)) GTEST_SKIP() << folder << " is absent";
  int passed = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    // Two connections of one session: FixListener's, and tested there.
    if (entry.path().filename() == "AlreadyLoggedOn.def") continue;
    const std::string problem = run(entry.path(), Run::acceptor(GetParam()));
    EXPECT_EQ(problem, "") << entry.path().filename();
    passed += problem.empty() ? 1 : 0;
  }
  std::printf("FIX %s: %d definitions hold\n", GetParam(), passed);
}

TEST(FixConformanceOfTheClient, the_normal_life_of_a_session_holds) {
  const fs::path file = definitions() / "client/Normal.def";
  if (!fs::exists(file)) GTEST_SKIP() << file << " is absent";
  EXPECT_EQ(run(file, Run::initiator("FIX.4.2")), "");
}

}  // namespace
}  // namespace pitwire
