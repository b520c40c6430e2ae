// ITCH 5.0: messages, each behind its length in two bytes, decoded and applied to two books. The
// first byte says whether the books are saved and restored at the end, which takes most of the
// time.
#include "pitwire/market/itch.hpp"

#include "market_checks.hpp"
#include "pitwire/market/itch_market.hpp"

namespace pitwire::fuzz {
namespace {

/// A decoded message encodes to the bytes it came from.
void check_round_trip(Bytes message) {
  std::byte again[64];
  (void)itch::visit(message, [&]<class M>(const M& decoded) {
    static_assert(M::kSize <= sizeof again);
    const auto size = itch::encode(decoded, again);
    require(std::equal(again, again + size, message.begin()), "ITCH encodes as it decodes");
  });
}

/// A market of two books, made once and put back to its beginning for each input.
class Market {
 public:
  Market() {
    market_.map_symbol("S1", InstrumentId{0}, 100);
    market_.map_symbol("S2", InstrumentId{1}, 1);
    ByteWriter writer(empty_);
    market_.save(writer);
  }
  ItchMarket& begin() {
    ByteReader reader(empty_);
    require(market_.restore(reader), "an empty market is restored");
    return market_;
  }

 private:
  ItchMarket market_{8};
  std::vector<std::byte> empty_;
};

}  // namespace

void run(Bytes input) {
  if (input.empty()) return;
  const bool saves = (std::to_integer<unsigned>(input[0]) & 7) == 7;
  input = input.subspan(1);
  static Market one, other;
  auto& market = one.begin();
  MarketListener nobody;
  while (input.size() >= 2) {
    const std::size_t said = itch::load<std::uint16_t>(input.data());
    const auto size = std::min(said, input.size() - 2);
    const auto message = input.subspan(2, size);
    check_round_trip(message);
    (void)market.apply_message(message, nobody);
    input = input.subspan(2 + size);
  }
  const auto orders =
      market.book(InstrumentId{0}).order_count() + market.book(InstrumentId{1}).order_count();
  require(orders == market.store().size(), "every order of the store is in a book");
  check_book(market.book(InstrumentId{0}));
  check_book(market.book(InstrumentId{1}));
  if (!saves) return;
  check_saved(market, other.begin());
}

}  // namespace pitwire::fuzz
