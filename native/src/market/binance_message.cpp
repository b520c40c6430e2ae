#include "binance_message.hpp"

#include <charconv>

#include "json_scanner.hpp"

namespace pitwire {
namespace {

class Reader {
 public:
  Reader(JsonScanner& scanner, BinanceMessage& out) : json_(scanner), out_(out) {}

  bool member(std::string_view key) {
    if (key.size() == 1) return letter(key[0]);
    if (key == "pu") return out_.has_previous = true, number(out_.previous_id);
    if (key == "lastUpdateId") return out_.has_snapshot = true, number(out_.snapshot_id);
    if (key == "bids") return levels(Side::BUY);
    if (key == "asks") return levels(Side::SELL);
    if ((key == "data" || key == "result") && json_.peek() == '{') return payload();
    return json_.skip();
  }

 private:
  /// The combined stream's inner object; only one level of it is opened.
  bool payload() {
    if (inside_) return json_.fail("data within data");
    inside_ = true;
    return json_.object([this](std::string_view key) { return member(key); });
  }
  bool letter(char key) {
    switch (key) {
      case 'e':
        return json_.scalar(out_.event);
      case 's':
        return json_.scalar(out_.symbol);
      case 'U':
        return number(out_.first_id);
      case 'u':
        return out_.has_last = true, number(out_.last_id);
      case 'E':
        return number(out_.event_ms);
      case 'T':
        return number(out_.transaction_ms);
      case 'p':
        return json_.scalar(out_.px);
      case 'q':
        return json_.scalar(out_.qty);
      case 'm':
        return json_.scalar(out_.maker);
      case 'X':
        return json_.scalar(out_.execution);
      case 'B':
        return text_or_skip(out_.bid_qty);
      case 'A':
        return text_or_skip(out_.ask_qty);
      case 'b':
        return json_.peek() == '[' ? levels(Side::BUY) : text_or_skip(out_.bid_px);
      case 'a':
        return json_.peek() == '[' ? levels(Side::SELL) : text_or_skip(out_.ask_px);
      default:
        return json_.skip();
    }
  }
  /// Other events use these letters for objects.
  bool text_or_skip(std::string_view& out) {
    const char next = json_.peek();
    return next == '{' || next == '[' ? json_.skip() : json_.scalar(out);
  }
  bool number(std::uint64_t& out) {
    const char next = json_.peek();
    if (next == '{' || next == '[') return json_.skip();
    std::string_view text;
    if (!json_.scalar(text)) return false;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    // Events that we skip may hold anything here; the ones we read are checked by their ids.
    if (error != std::errc{} || end != text.data() + text.size()) out = 0;
    return true;
  }
  bool levels(Side side) {
    return json_.array([&] {
      BinanceLevelText level{{}, {}, side};
      int items = 0;
      const bool read = json_.array([&] {
        std::string_view ignored;
        const int item = items++;
        return json_.scalar(item == 0 ? level.px : item == 1 ? level.qty : ignored);
      });
      if (!read) return false;
      if (items < 2) return json_.fail("a level needs a price and a quantity");
      out_.levels.push_back(level);
      return true;
    });
  }

  JsonScanner& json_;
  BinanceMessage& out_;
  bool inside_ = false;
};

}  // namespace

bool BinanceMessage::read(std::span<const std::byte> bytes) {
  auto capacity = std::move(levels);
  *this = {};
  levels = std::move(capacity);
  levels.clear();
  JsonScanner scanner(bytes);
  Reader reader(scanner, *this);
  const bool ok =
      scanner.object([&](std::string_view key) { return reader.member(key); }) && scanner.finish();
  reason = scanner.reason();
  offset = scanner.offset();
  return ok;
}

}  // namespace pitwire
