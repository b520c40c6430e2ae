// Captures as a feed: what was recorded is handed over when its time has come, as a line hands over
// what it receives.
//
// The time is the caller's (a clock that stands still between two events, in a backtest): poll(now)
// hands over what was recorded up to now, in the order of the recorded times, ties by the order in
// which the captures were added. `waits()`: what comes next is only known when more of a capture
// was appended; until then nothing is due.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pitwire/market/capture_lines.hpp"
#include "pitwire/market/mold.hpp"
#include "pitwire/wire/feed_line.hpp"

namespace pitwire {

/// One capture. Where its recorded times go back, what is late is handed over at once.
class RecordedSource {
 public:
  virtual ~RecordedSource() = default;
  /// More of it; pieces may break anywhere. `last`: it ends here. Throws std::invalid_argument with
  /// the reason where the bytes are not what they should be.
  virtual void append(std::string_view piece, bool last) = 0;
  /// That wait; 0 where what comes next is not whole.
  [[nodiscard]] virtual std::size_t buffered_bytes() const noexcept = 0;
  [[nodiscard]] virtual bool waits() const noexcept = 0;
  [[nodiscard]] virtual bool ended() const noexcept = 0;
  /// When what comes next was recorded, ns since 1970 UTC; where it neither waits nor has ended.
  [[nodiscard]] virtual Nanos next_ts() const noexcept = 0;
  /// Hands over what comes next, as received at `ts_recv`; returns how many messages it was.
  virtual std::uint64_t deliver(Nanos ts_recv, FeedSink& sink) = 0;
  /// What could not be read, and why the last of it could not.
  [[nodiscard]] virtual std::uint64_t refused() const noexcept = 0;
  [[nodiscard]] virtual const std::string& defect() const noexcept = 0;
};

/// Lines of Binance's messages, of one instrument; snapshots among them are told as such.
class RecordedLines final : public RecordedSource {
 public:
  RecordedLines(FeedId feed, InstrumentId instrument) noexcept
      : feed_(feed), instrument_(instrument) {}
  void append(std::string_view piece, bool last) override { lines_.append(piece, last); }
  [[nodiscard]] std::size_t buffered_bytes() const noexcept override {
    return lines_.buffered_bytes();
  }
  [[nodiscard]] bool waits() const noexcept override { return lines_.waits(); }
  [[nodiscard]] bool ended() const noexcept override { return lines_.ended(); }
  [[nodiscard]] Nanos next_ts() const noexcept override { return lines_.next_ts(); }
  std::uint64_t deliver(Nanos ts_recv, FeedSink& sink) override;
  [[nodiscard]] std::uint64_t refused() const noexcept override { return lines_.refused(); }
  [[nodiscard]] const std::string& defect() const noexcept override { return lines_.defect(); }

 private:
  FeedId feed_;
  InstrumentId instrument_;
  CaptureLines lines_;
};

/// A file of ITCH 5.0: length (2 bytes, 0 where the writer left it out), message. It becomes the
/// packets of a MoldUDP64 session, each of the messages of one time stamp that fit into it,
/// wherever the pieces break.
class RecordedItch final : public RecordedSource {
 public:
  /// Messages count their time from `midnight`, ns since 1970 UTC. `name` is what errors call it.
  RecordedItch(FeedId feed, Nanos midnight, std::string name);
  void append(std::string_view piece, bool last) override;
  [[nodiscard]] std::size_t buffered_bytes() const noexcept override {
    return end_ == at_ ? 0 : buffer_.size() - at_;
  }
  [[nodiscard]] bool waits() const noexcept override { return end_ == at_ && !last_; }
  [[nodiscard]] bool ended() const noexcept override { return end_ == at_ && last_; }
  [[nodiscard]] Nanos next_ts() const noexcept override { return ts_; }
  std::uint64_t deliver(Nanos ts_recv, FeedSink& sink) override;
  [[nodiscard]] std::uint64_t refused() const noexcept override { return refused_; }
  [[nodiscard]] const std::string& defect() const noexcept override { return defect_; }

 private:
  void look();
  [[nodiscard]] std::span<const std::byte> message_at(std::size_t at) const;

  FeedId feed_;
  Nanos midnight_;
  std::string name_;
  std::string buffer_;
  std::size_t at_ = 0;   ///< where the next packet's messages begin
  std::size_t end_ = 0;  ///< and end; the same where there are none, or not all of them yet
  Nanos ts_ = 0;
  bool last_ = false;
  mold::Packer packer_;
  std::uint64_t refused_ = 0;
  std::string defect_;
};

class RecordedFeed final : public FeedPort {
 public:
  /// `align_start`: every capture begins when the earliest does, whatever day it is of.
  explicit RecordedFeed(bool align_start) noexcept : align_start_(align_start) {}

  void add(std::unique_ptr<RecordedSource> source);
  /// Behind the first pieces of every capture: when the first of them begins. Throws
  /// std::invalid_argument where none holds anything, std::logic_error where one still waits.
  Nanos start();
  [[nodiscard]] bool waits() const noexcept;
  /// Everything was handed over.
  [[nodiscard]] bool ended() const noexcept;
  [[nodiscard]] std::uint64_t messages() const noexcept { return messages_; }
  [[nodiscard]] std::size_t size() const noexcept { return captures_.size(); }
  [[nodiscard]] RecordedSource& source(std::size_t at) { return *captures_.at(at).source; }

  int poll(Nanos now, int budget, FeedSink& sink) override;
  [[nodiscard]] Nanos next_deadline() const noexcept override;
  void watch(Waiter&) override {}
  void unwatch(Waiter&) override {}
  [[nodiscard]] FeedLineStats stats() const noexcept override { return {}; }

 private:
  struct Capture {
    std::unique_ptr<RecordedSource> source;
    Nanos shift = 0;  ///< from its own time to the run's
  };
  [[nodiscard]] static Nanos due(const Capture& capture) noexcept;
  [[nodiscard]] const Capture* soonest() const noexcept;

  bool align_start_;
  std::vector<Capture> captures_;
  std::uint64_t messages_ = 0;
};

}  // namespace pitwire
