#include "pitwire/market/itch.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "../rounds.hpp"
#include "pitwire/market/itch_market.hpp"
#include "pitwire/market/mold.hpp"

namespace pitwire {
namespace {

template <class M>
M random_message(std::mt19937_64& random) {
  M message;
  message.header = {static_cast<std::uint16_t>(random()), static_cast<std::uint16_t>(random()),
                    random() & 0xffff'ffff'ffffULL};
  M::fields(message, [&random]<class T>(T& field) {
    if constexpr (std::is_integral_v<T>) {
      field = static_cast<T>(random());
    } else {
      for (auto& c : field) c = static_cast<char>('A' + random() % 26);
    }
  });
  return message;
}

TEST(Itch, EveryMessageTypeSurvivesEncodingAndDecoding) {
  std::mt19937_64 random(5);
  int types = 0;
  itch::for_each_type([&]<class M>() {
    ++types;
    for (int i = 0; i < 50; ++i) {
      const auto sent = random_message<M>(random);
      std::array<std::byte, itch::kMessageSizeMax> bytes{};
      ASSERT_EQ(itch::encode(sent, bytes.data()), M::kSize);
      std::size_t fields = itch::kHeaderSize;
      M::fields(sent, [&fields]<class T>(const T&) { fields += sizeof(T); });
      ASSERT_EQ(fields, M::kSize) << "the field list of '" << M::kType << "' has another size";
      M received;
      ASSERT_TRUE(itch::decode(std::span(bytes).first(M::kSize), received));
      EXPECT_EQ(received, sent) << M::kType;
      EXPECT_FALSE(itch::decode(std::span(bytes).first(M::kSize - 1), received));
    }
  });
  EXPECT_EQ(types, 22);
}

/// Big-endian bytes of a message one by one, as the specification's tables have them.
std::uint64_t plain_number(std::span<const std::byte> message, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    value = value * 256 + std::to_integer<std::uint64_t>(message[at + i]);
  }
  return value;
}

/// The numbers of what changes a book, read at the specification's offsets.
struct PlainNumbers {
  std::span<const std::byte> message;
  [[nodiscard]] std::uint64_t at(std::size_t offset, std::size_t size) const {
    return plain_number(message, offset, size);
  }
  template <class M>
  void operator()(const M& m) const {
    ASSERT_EQ(m.header.stock_locate, at(1, 2));
    ASSERT_EQ(m.header.tracking_number, at(3, 2));
    ASSERT_EQ(m.header.timestamp, at(5, 6));
    if constexpr (requires { m.order_ref; }) {
      ASSERT_EQ(m.order_ref, at(11, 8));
    }
    if constexpr (M::kType == 'A' || M::kType == 'F' || M::kType == 'P') {
      ASSERT_EQ(m.shares, at(20, 4));
      ASSERT_EQ(m.price, at(32, 4));
    } else if constexpr (M::kType == 'E' || M::kType == 'C' || M::kType == 'X') {
      ASSERT_EQ(m.shares, at(19, 4));
    } else if constexpr (M::kType == 'U') {
      ASSERT_EQ(m.new_order_ref, at(19, 8));
      ASSERT_EQ(m.shares, at(27, 4));
      ASSERT_EQ(m.price, at(31, 4));
    }
    if constexpr (M::kType == 'C') {
      ASSERT_EQ(m.price, at(32, 4));
    }
  }
};

TEST(Itch, AnyBytesOfAMessageAreReadAsTheSpecificationSaysAndWrittenBack) {
  testing::in_rounds(20'000, 20'000, [](std::uint64_t seed, std::uint64_t events) {
    std::mt19937_64 random(seed);
    constexpr std::string_view kTypes = "SRHYLVWKJhAFECXDUPQBIN";
    for (std::uint64_t i = 0; i < events && !::testing::Test::HasFailure(); ++i) {
      std::array<std::byte, itch::kMessageSizeMax> bytes{}, again{};
      for (auto& byte : bytes) byte = static_cast<std::byte>(random());
      bytes[0] = static_cast<std::byte>(kTypes[random() % kTypes.size()]);
      const auto size = itch::message_size(static_cast<char>(bytes[0]));
      const auto message = std::span<const std::byte>(bytes).first(size);
      const auto status = itch::visit(message, [&](const auto& decoded) {
        PlainNumbers{message}(decoded);
        itch::encode(decoded, again.data());
      });
      ASSERT_EQ(status, DecodeStatus::OK);
      ASSERT_TRUE(std::equal(message.begin(), message.end(), again.begin()));
    }
  });
}

TEST(Itch, OffsetsAreTheSpecifications) {
  itch::AddOrder add;
  add.header = {0x0102, 0x0304, 0x05060708090aULL};
  add.order_ref = 0x1112131415161718ULL;
  add.side = 'S';
  add.shares = 0x21222324;
  ASSERT_TRUE(itch::make_symbol("AAPL", add.stock));
  add.price = 0x31323334;
  std::array<std::byte, 36> bytes{};
  itch::encode(add, bytes.data());
  const unsigned char expected[] = {'A',  1,   2,    3,    4,    5,    6,    7,    8,
                                    9,    10,  0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
                                    0x18, 'S', 0x21, 0x22, 0x23, 0x24, 'A',  'A',  'P',
                                    'L',  ' ', ' ',  ' ',  ' ',  0x31, 0x32, 0x33, 0x34};
  EXPECT_EQ(std::memcmp(bytes.data(), expected, sizeof(expected)), 0);
}

/// Books of one symbol, fed with encoded messages.
class Feed : public ::testing::Test, public MarketListener {
 public:
  void on_book(InstrumentId, bool top_changed) { changes_ += top_changed ? 1 : 0; }
  void on_trade(InstrumentId, std::int64_t px, std::int64_t qty, Side side, Nanos ts) {
    trades_.push_back({px, qty, side, ts});
  }
  void on_trading(InstrumentId, TradingState state) { trading_ = state; }

 protected:
  struct Print {
    std::int64_t px, qty;
    Side aggressor;
    Nanos ts;
  };
  Feed() {
    market_.map_symbol("AAPL", InstrumentId{3}, 100);
    market_.set_midnight(1'000'000);
  }
  template <class M>
  DecodeStatus send(M message) {
    message.header.stock_locate = 9;
    message.header.timestamp = ++clock_;
    std::array<std::byte, itch::kMessageSizeMax> bytes{};
    const auto size = itch::encode(message, bytes.data());
    return market_.apply_message(std::span(bytes).first(size), static_cast<Feed&>(*this));
  }
  itch::AddOrder order(std::uint64_t ref, char side, std::uint32_t shares, std::uint32_t price,
                       std::string_view symbol = "AAPL") {
    itch::AddOrder add;
    add.order_ref = ref;
    add.side = side;
    add.shares = shares;
    add.price = price;
    EXPECT_TRUE(itch::make_symbol(symbol, add.stock));
    return add;
  }
  const Top& top() { return market_.book(InstrumentId{3}).top(); }

  ItchMarket market_;
  std::uint64_t clock_ = 0;
  int changes_ = 0;
  std::vector<Print> trades_;
  TradingState trading_ = TradingState::UNKNOWN;
};

TEST_F(Feed, AnExecutionIsATradeByTheOtherSideAtTheOrdersPrice) {
  send(order(1, 'B', 300, 10000));
  itch::OrderExecuted executed;
  executed.order_ref = 1;
  executed.shares = 100;
  EXPECT_EQ(send(executed), DecodeStatus::OK);
  ASSERT_EQ(trades_.size(), 1U);
  EXPECT_EQ(trades_[0].px, 100);
  EXPECT_EQ(trades_[0].qty, 100);
  EXPECT_EQ(trades_[0].aggressor, Side::SELL);
  EXPECT_EQ(trades_[0].ts, 1'000'002);
  EXPECT_EQ(top().bid_qty, 200);
}

TEST_F(Feed, NonPrintableExecutionsChangeTheBookWithoutATrade) {
  send(order(1, 'S', 300, 10000));
  itch::OrderExecutedWithPrice executed;
  executed.order_ref = 1;
  executed.shares = 300;
  executed.printable = 'N';
  executed.price = 9900;
  EXPECT_EQ(send(executed), DecodeStatus::OK);
  EXPECT_TRUE(trades_.empty());
  EXPECT_FALSE(top().has_ask());
}

TEST_F(Feed, ExecutionsAtAnotherPriceAreTradesAtThatPrice) {
  send(order(1, 'S', 300, 10000));
  itch::OrderExecutedWithPrice executed;
  executed.order_ref = 1;
  executed.shares = 100;
  executed.printable = 'Y';
  executed.price = 9900;
  send(executed);
  ASSERT_EQ(trades_.size(), 1U);
  EXPECT_EQ(trades_[0].px, 99);
  EXPECT_EQ(trades_[0].aggressor, Side::BUY);
}

TEST_F(Feed, UnknownOrdersAreCountedAndChangeNothing) {
  send(order(1, 'B', 300, 10000));
  const Top before = top();
  itch::OrderDelete gone;
  gone.order_ref = 99;
  EXPECT_EQ(send(gone), DecodeStatus::UNKNOWN_ORDER);
  itch::OrderReplace replaced;
  replaced.order_ref = 99;
  replaced.new_order_ref = 100;
  replaced.shares = 5;
  replaced.price = 10000;
  EXPECT_EQ(send(replaced), DecodeStatus::UNKNOWN_ORDER);
  EXPECT_EQ(top(), before);
  EXPECT_EQ(market_.count(DecodeStatus::UNKNOWN_ORDER), 2U);
}

TEST_F(Feed, PricesThatAreNoMultipleOfTheIncrementAreRefused) {
  EXPECT_EQ(send(order(1, 'B', 300, 10050)), DecodeStatus::INEXACT);
  EXPECT_FALSE(top().has_bid());
}

TEST_F(Feed, OtherSymbolsAndOtherLocatesAreSkipped) {
  EXPECT_EQ(send(order(1, 'B', 300, 10000, "MSFT")), DecodeStatus::SKIPPED);
  itch::OrderDelete gone;
  gone.order_ref = 1;
  EXPECT_EQ(send(gone), DecodeStatus::SKIPPED);
}

TEST_F(Feed, TradingStatesAreTold) {
  itch::StockTradingAction action;
  ASSERT_TRUE(itch::make_symbol("AAPL", action.stock));
  action.trading_state = 'H';
  EXPECT_EQ(send(action), DecodeStatus::OK);
  EXPECT_EQ(trading_, TradingState::HALTED);
  action.trading_state = 'z';
  EXPECT_EQ(send(action), DecodeStatus::MALFORMED);
  EXPECT_EQ(market_.trading(InstrumentId{3}), TradingState::HALTED);
}

TEST_F(Feed, MoreThanTheOrderHasRemovesItAndSaysSo) {
  send(order(1, 'B', 300, 10000));
  itch::OrderCancel cancel;
  cancel.order_ref = 1;
  cancel.shares = 301;
  EXPECT_EQ(send(cancel), DecodeStatus::QTY_EXCEEDED);
  EXPECT_FALSE(top().has_bid());
}

TEST_F(Feed, DatagramsAlreadySeenAreNotAppliedTwice) {
  mold::Packer packer({'S', '1'}, 1);
  std::array<std::byte, itch::kMessageSizeMax> bytes{};
  for (std::uint64_t ref = 1; ref <= 3; ++ref) {
    auto add = order(ref, 'B', 100, 10000);
    add.header.stock_locate = 9;
    ASSERT_TRUE(packer.add(std::span(bytes).first(itch::encode(add, bytes.data()))));
  }
  const auto datagram = packer.take();
  auto& listener = static_cast<Feed&>(*this);
  EXPECT_EQ(market_.apply_datagram(datagram, listener), DecodeStatus::OK);
  EXPECT_EQ(market_.next_sequence(), 4U);
  EXPECT_EQ(market_.apply_datagram(datagram, listener), DecodeStatus::OK);
  EXPECT_EQ(top().bid_qty, 300);
  EXPECT_EQ(market_.count(DecodeStatus::DUPLICATE_ORDER), 0U);
  market_.set_next_sequence(2);
  std::vector<std::byte> later(datagram.begin(), datagram.end());
  later[17] = std::byte{9};
  EXPECT_EQ(market_.apply_datagram(later, listener), DecodeStatus::GAP);
  EXPECT_EQ(market_.apply_datagram(std::span(later).first(30), listener), DecodeStatus::MALFORMED);
}

TEST_F(Feed, TruncatedAndRandomBytesNeverCrash) {
  std::mt19937_64 random(11);
  auto& listener = static_cast<Feed&>(*this);
  std::vector<std::byte> bytes;
  const std::string_view types = "SRHYLVWKJhAFECXDUPQBIN";
  for (int i = 0; i < 200000; ++i) {
    bytes.resize(random() % 60);
    for (auto& byte : bytes) byte = static_cast<std::byte>(random());
    if (!bytes.empty() && random() % 4 != 0)
      bytes[0] = static_cast<std::byte>(types[random() % 22]);
    if (bytes.size() > 2 && random() % 2 == 0) bytes[1] = std::byte{0}, bytes[2] = std::byte{9};
    const auto status = market_.apply_message(bytes, listener);
    if (bytes.size() < itch::kHeaderSize) {
      EXPECT_NE(status, DecodeStatus::OK);
    }
    (void)market_.apply_datagram(bytes, listener);
  }
}

TEST_F(Feed, SavedStateRestoresToTheSameBooksAndContinuesAlike) {
  send(order(1, 'B', 300, 10000));
  send(order(2, 'B', 200, 10000));
  send(order(3, 'S', 50, 10200));
  std::vector<std::byte> saved;
  ByteWriter writer(saved);
  market_.save(writer);

  ItchMarket other;
  other.map_symbol("AAPL", InstrumentId{3}, 100);
  ByteReader reader(saved);
  ASSERT_TRUE(other.restore(reader));
  EXPECT_EQ(reader.left(), 0U);
  EXPECT_EQ(other.book(InstrumentId{3}).top(), top());
  EXPECT_EQ(other.book(InstrumentId{3}).qty_ahead(2), 300);
  std::vector<std::byte> again;
  ByteWriter rewriter(again);
  other.save(rewriter);
  EXPECT_EQ(again, saved);

  for (std::size_t size = 0; size < saved.size(); ++size) {
    ByteReader cut{std::span(saved).first(size)};
    EXPECT_FALSE(other.restore(cut)) << size;
    EXPECT_FALSE(other.book(InstrumentId{3}).top().has_bid());
  }
}

TEST(Mold, PackersDatagramsReadBack) {
  mold::Packer packer({'0', '1', '2', '3', '4', '5', '6', '7', '8', '9'}, 41, 100);
  const std::array<std::byte, 30> message{};
  EXPECT_TRUE(packer.take().empty());
  EXPECT_TRUE(packer.add(message));
  EXPECT_TRUE(packer.add(message));
  EXPECT_FALSE(packer.add(message)) << "20 + 3 * 32 does not fit into 100";
  EXPECT_EQ(packer.next_sequence(), 43U);
  const auto datagram = packer.take();
  EXPECT_EQ(datagram.size(), 84U);
  mold::Header header;
  ASSERT_TRUE(mold::decode(datagram, header));
  EXPECT_EQ(header.sequence, 41U);
  EXPECT_EQ(header.messages(), 2);
  mold::Messages messages{std::span(datagram).subspan(mold::kHeaderSize)};
  std::span<const std::byte> out;
  EXPECT_TRUE(messages.next(out));
  EXPECT_EQ(out.size(), 30U);
  EXPECT_TRUE(messages.next(out));
  EXPECT_FALSE(messages.next(out));
  ASSERT_TRUE(mold::decode(packer.heartbeat(true), header));
  EXPECT_TRUE(header.end_of_session());
  EXPECT_EQ(header.messages(), 0);
  EXPECT_EQ(header.sequence, 43U);
  EXPECT_FALSE(mold::decode(datagram.first(19), header));
}

}  // namespace
}  // namespace pitwire
