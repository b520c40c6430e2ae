// Requests as text against a builder that knows nothing of speed: a map of fields, printed in the
// order of their tags behind the header.
#include <gtest/gtest.h>

#include <ctime>
#include <map>

#include "../rounds.hpp"
#include "pair.hpp"

namespace pitwire::testing {
namespace {

using Fields = std::map<int, std::string>;

/// `count` times 10^-places, as many digits behind the point.
std::string plain_decimal(std::int64_t count, std::size_t places) {
  auto digits = std::to_string(count < 0 ? -count : count);
  if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
  if (places > 0) digits.insert(digits.size() - places, ".");
  return (count < 0 ? "-" : "") + digits;
}

std::string plain_time(Nanos ts, int digits) {
  const std::time_t second = ts / kSecond;
  std::tm parts{};
  gmtime_r(&second, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%d-%H:%M:%S", &parts);
  const auto fraction = std::to_string(kSecond + ts % kSecond).substr(1);
  return std::string(text) + "." + fraction.substr(0, static_cast<std::size_t>(digits));
}

std::string plain_id(ClOrdId id) {
  char text[20];
  std::snprintf(text, sizeof text, "%016llX", static_cast<unsigned long long>(id));
  return text;
}

std::string plain_message(const std::string& version, const std::string& type, std::uint64_t number,
                          const std::string& time, const Fields& fields) {
  std::string body =
      "35=" + type + "|34=" + std::to_string(number) + "|49=FIRM|52=" + time + "|56=VENUE|";
  for (const auto& [tag, value] : fields) body += std::to_string(tag) + "=" + value + "|";
  std::string out = "8=" + version + "|9=" + std::to_string(body.size()) + "|" + body;
  unsigned sum = 0;
  for (const char c : out) sum += c == '|' ? 1U : static_cast<unsigned char>(c);
  char trailer[16];
  std::snprintf(trailer, sizeof trailer, "10=%03u|", sum % 256);
  return out + trailer;
}

/// The two instruments of a Pair: symbol, digits behind the point of price and quantity.
struct Known {
  std::uint32_t id;
  const char* symbol;
  std::size_t price_places, qty_places;
};
constexpr Known kKnown[]{{0, "AAA", 2, 0}, {7, "BTCUSDT", 1, 3}};

class Builder {
 public:
  Builder(const std::string& version, std::uint64_t seed) : version_(version), random_(seed) {
    pair_.build();
    pair_.connect();
  }
  void step() {
    if (random_() % 8 == 0) pair_.now += static_cast<Nanos>(random_() % 3'000'000'000);
    of_ = &kKnown[random_() % 2];
    pair_.firm_sink.sent.clear();
    pair_.firm_sink.wire.clear();
    number_ = pair_.firm->state().next_sender;
    switch (random_() % 3) {
      case 0:
        return order();
      case 1:
        return cancel();
      default:
        return replace();
    }
  }

 private:
  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(n));
  }
  std::int64_t amount() { return below(2) == 0 ? 1 + below(1'000) : 1 + below(1'000'000'000'000); }
  [[nodiscard]] int digits() const { return version_ == "FIX.4.2" ? 3 : 6; }
  [[nodiscard]] std::string price(std::int64_t count) const {
    return plain_decimal(count, of_->price_places);
  }
  [[nodiscard]] std::string qty(std::int64_t count) const {
    return plain_decimal(count, of_->qty_places);
  }
  [[nodiscard]] std::string now() const { return plain_time(pair_.now, digits()); }

  void order() {
    rec::OrderSubmitted record;
    record.cl_ord_id = random_();
    record.instrument = of_->id;
    record.side = static_cast<std::uint8_t>(1 + below(2));
    record.ord_type = static_cast<std::uint8_t>(1 + below(4));
    record.time_in_force = static_cast<std::uint8_t>(below(7));
    record.flags = static_cast<std::uint8_t>(below(2));
    record.price = amount() - 500;
    record.stop_px = amount();
    record.order_qty = amount();
    record.expire_ts = pair_.now + below(kSecond * 90'000);
    Fields fields{{11, plain_id(record.cl_ord_id)},
                  {21, "1"},
                  {38, qty(record.order_qty)},
                  {40, std::to_string(record.ord_type)},
                  {54, std::to_string(record.side)},
                  {55, of_->symbol},
                  {59, std::to_string(record.time_in_force)},
                  {60, now()}};
    if (record.flags == 1) fields[18] = "6";
    if (record.ord_type == 2 || record.ord_type == 4) fields[44] = price(record.price);
    if (record.ord_type == 3 || record.ord_type == 4) fields[99] = price(record.stop_px);
    if (static_cast<TimeInForce>(record.time_in_force) == TimeInForce::GTD) {
      fields[126] = plain_time(record.expire_ts, digits());
    }
    ASSERT_TRUE(pair_.firm->send_order(pair_.now, record));
    expect("D", fields);
  }
  void cancel() {
    rec::CancelRequested record;
    record.cl_ord_id = random_();
    record.orig_cl_ord_id = random_();
    record.instrument = of_->id;
    record.side = static_cast<std::uint8_t>(1 + below(2));
    const auto order_qty = amount();
    ASSERT_TRUE(pair_.firm->send_cancel(pair_.now, record, order_qty));
    expect("F", {{11, plain_id(record.cl_ord_id)},
                 {38, qty(order_qty)},
                 {41, plain_id(record.orig_cl_ord_id)},
                 {54, std::to_string(record.side)},
                 {55, of_->symbol},
                 {60, now()}});
  }
  void replace() {
    rec::ReplaceRequested record;
    record.cl_ord_id = random_();
    record.orig_cl_ord_id = random_();
    record.instrument = of_->id;
    record.side = static_cast<std::uint8_t>(1 + below(2));
    record.ord_type = 2;
    record.time_in_force = static_cast<std::uint8_t>(below(5));
    record.price = amount() - 500;
    record.order_qty = amount();
    ASSERT_TRUE(pair_.firm->send_replace(pair_.now, record));
    expect("G", {{11, plain_id(record.cl_ord_id)},
                 {21, "1"},
                 {38, qty(record.order_qty)},
                 {40, "2"},
                 {41, plain_id(record.orig_cl_ord_id)},
                 {44, price(record.price)},
                 {54, std::to_string(record.side)},
                 {55, of_->symbol},
                 {59, std::to_string(record.time_in_force)},
                 {60, now()}});
  }
  void expect(const std::string& type, const Fields& fields) {
    ASSERT_EQ(pair_.firm_sink.sent.size(), 1U);
    ASSERT_EQ(shown(pair_.firm_sink.sent[0].text),
              plain_message(version_, type, number_, now(), fields));
  }

  std::string version_;
  std::mt19937_64 random_;
  Pair pair_{version_};
  const Known* of_ = nullptr;
  std::uint64_t number_ = 0;
};

TEST(PlainMessages, RequestsAreTheBytesOfAPlainBuilder) {
  in_rounds(10'000, 5'000, [](std::uint64_t seed, std::uint64_t events) {
    Builder builder(seed % 2 == 0 ? "FIX.4.2" : "FIX.4.4", seed);
    for (std::uint64_t i = 0; i < events && !::testing::Test::HasFailure(); ++i) builder.step();
  });
}

}  // namespace
}  // namespace pitwire::testing
