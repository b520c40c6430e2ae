// A recorded Binance market, replayed: its messages go out as they came in, and our orders are
// matched against the book and the trades that they make.
//
// Input: the lines of a capture (capture_lines.hpp), one stream of them a symbol, given in pieces
// by append(). Streams are merged by receive time, ties by symbol. REST snapshots inside the stream
// feed the book and are not sent on.
//
// Pace: `speed` recorded seconds a second; 0 is as fast as possible. The recorded clock starts at
// the first line when start() is called, and never overtakes a symbol whose lines have not been
// appended yet.
//
// Update-id bridging and exact decimals are BinanceMarket's; a line that it refuses is counted,
// told by `defect`, and still sent on, as the venue did.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "pitwire/market/binance.hpp"
#include "pitwire/market/capture_lines.hpp"
#include "pitwire/matching/recorded_matcher.hpp"

namespace pitwire {

struct CaptureSymbol {
  std::string symbol;
  BinanceKind kind = BinanceKind::SPOT;
  Decimal price_increment{1, 2};
  Decimal qty_increment{1, 3};
};

/// One message to send to those who subscribed its stream.
struct StreamMessage {
  std::size_t symbol = 0;    ///< place in the configuration
  std::string_view stream;   ///< such as btcusdt@depth@0ms
  std::string_view message;  ///< whole, as combined streams send it
  std::string_view payload;  ///< what a single stream sends: the value of "data"
};

class CaptureMarket {
 public:
  /// Instrument i of the matcher is symbol i. Throws std::invalid_argument as BinanceMarket does.
  CaptureMarket(const std::vector<CaptureSymbol>& symbols, double speed, bool align_start,
                RecordedMatcher& matcher, VenueSink& sink);
  CaptureMarket(const CaptureMarket&) = delete;
  CaptureMarket& operator=(const CaptureMarket&) = delete;

  /// More of a symbol's lines; pieces may break anywhere. `last`: the recording ends here.
  void append(std::size_t symbol, std::string_view piece, bool last);
  /// Bytes of the symbol that wait, 0 without a whole line; the caller keeps this above nothing.
  [[nodiscard]] std::size_t buffered_bytes(std::size_t symbol) const noexcept;

  void start(Nanos now) noexcept;
  [[nodiscard]] bool started() const noexcept { return started_; }
  /// Applies what is due at `now`, at most `lines_max`, and adds the messages to `out` (valid until
  /// the next call of advance or append); returns how many lines.
  std::size_t advance(Nanos now, std::size_t lines_max, std::vector<StreamMessage>& out);
  /// When the next line is due; maximum int64 when there is none or it is not started.
  [[nodiscard]] Nanos next_due() const noexcept;
  /// Every line of every symbol has been applied.
  [[nodiscard]] bool ended() const noexcept;

  /// The answer to a REST depth request, at most `limit` levels a side; empty while the symbol's
  /// book is not LIVE.
  [[nodiscard]] std::string depth(std::size_t symbol, std::size_t limit) const;
  [[nodiscard]] const BinanceMarket& market(std::size_t symbol) const noexcept {
    return markets_[symbol];
  }
  [[nodiscard]] std::uint64_t lines() const noexcept { return lines_; }
  [[nodiscard]] std::uint64_t refused() const noexcept;
  /// Why the last line that the market refused was refused, else one that has no time.
  [[nodiscard]] std::string defect() const;

 private:
  struct Listener;

  void apply(Nanos now, std::size_t symbol, std::vector<StreamMessage>& out);
  /// When the symbol's next line was received, counted from its first one where starts are aligned.
  [[nodiscard]] Nanos merged_ts(std::size_t symbol) const noexcept {
    return sources_[symbol].next_ts() - (align_start_ ? sources_[symbol].first_ts() : 0);
  }
  [[nodiscard]] std::size_t soonest() const noexcept;
  [[nodiscard]] bool waits_for_lines() const noexcept;

  std::vector<CaptureSymbol> symbols_;
  std::vector<IncrementScale> prices_;
  std::vector<IncrementScale> quantities_;
  double speed_;
  RecordedMatcher& matcher_;
  VenueSink& sink_;
  bool align_start_;
  std::vector<BinanceMarket> markets_;  ///< one a symbol
  std::vector<DepthOf<L2Book, Level>> books_;
  std::vector<CaptureLines> sources_;
  bool started_ = false;
  Nanos start_now_ = 0;
  Nanos start_ts_ = 0;
  Nanos event_ts_ = 0;  ///< of the newest line, for REST answers
  std::uint64_t lines_ = 0;
  std::uint64_t refused_ = 0;
  std::string defect_;
};

}  // namespace pitwire
