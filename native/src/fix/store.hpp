// A session's numbers and, for an acceptor, what it sent: QuickFIX's message store over our
// storage.
#pragma once

#include <Exceptions.h>
#include <MessageStore.h>

#include <map>
#include <string>
#include <vector>

#include "pitwire/base/types.hpp"
#include "pitwire/fix/messages.hpp"
#include "pitwire/fix/session.hpp"

namespace pitwire {

[[nodiscard]] FIX::UtcTimeStamp to_utc(Nanos ts);
[[nodiscard]] Nanos from_utc(const FIX::DateTime& time);

/// Keeps messages up to a number of bytes, the oldest dropped first: what is not here any more is
/// gap-filled by the session. Numbers leave through state(), to be logged by whoever owns the
/// session.
class FixStore final : public FIX::MessageStore {
 public:
  FixStore(const FixRestored& restored, Nanos now, std::size_t bytes_max);

  bool set(FIX::SEQNUM number, const std::string& message) override;
  void get(FIX::SEQNUM begin, FIX::SEQNUM end, std::vector<std::string>& out) const override;
  FIX::SEQNUM getNextSenderMsgSeqNum() const override { return next_sender_; }
  FIX::SEQNUM getNextTargetMsgSeqNum() const override { return next_target_; }
  void setNextSenderMsgSeqNum(FIX::SEQNUM value) override { next_sender_ = value; }
  void setNextTargetMsgSeqNum(FIX::SEQNUM value) override { next_target_ = value; }
  void incrNextSenderMsgSeqNum() override { ++next_sender_; }
  void incrNextTargetMsgSeqNum() override { ++next_target_; }
  FIX::UtcTimeStamp getCreationTime() const override { return to_utc(creation_ts_); }
  void reset(const FIX::UtcTimeStamp& now) override;
  void refresh() override {}

  /// While set, reset() is ignored: QuickFIX's constructor resets by the time of day before it can
  /// be told that a session never stops.
  void keep_numbers(bool keep) noexcept { keep_numbers_ = keep; }
  [[nodiscard]] Nanos creation_ts() const noexcept { return creation_ts_; }
  /// The lowest number that may still be kept; below it, messages were dropped for room.
  [[nodiscard]] FIX::SEQNUM dropped_below() const noexcept { return dropped_below_; }
  [[nodiscard]] const std::map<FIX::SEQNUM, std::string>& messages() const noexcept {
    return messages_;
  }

 private:
  void drop_oldest();
  std::map<FIX::SEQNUM, std::string> messages_;
  std::size_t bytes_ = 0;
  std::size_t bytes_max_;
  FIX::SEQNUM next_sender_;
  FIX::SEQNUM next_target_;
  FIX::SEQNUM dropped_below_ = 0;
  Nanos creation_ts_;
  bool keep_numbers_ = false;
};

}  // namespace pitwire
