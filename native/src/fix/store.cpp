#include "store.hpp"

namespace pitwire {
namespace {
constexpr Nanos kDay = 86400 * kSecond;
constexpr std::size_t kNodeBytes = 96;  // what a stored message costs beside its text
}  // namespace

FIX::UtcTimeStamp to_utc(Nanos ts) {
  const Nanos day = ts / kDay;
  return FIX::UtcTimeStamp(
      FIX::DateTime(static_cast<int>(FIX::DateTime::JULIAN_19700101 + day), ts - day * kDay));
}

Nanos from_utc(const FIX::DateTime& time) {
  return (time.m_date - FIX::DateTime::JULIAN_19700101) * kDay + time.m_time;
}

FixStore::FixStore(const FixRestored& restored, Nanos now, std::size_t bytes_max)
    : bytes_max_(bytes_max),
      next_sender_(restored.next_sender),
      next_target_(restored.next_target),
      creation_ts_(restored.creation_ts == 0 ? now : restored.creation_ts) {
  for (const auto& [number, message] : restored.messages) set(number, message);
}

bool FixStore::set(FIX::SEQNUM number, const std::string& message) {
  const auto [entry, is_new] = messages_.try_emplace(number, message);
  if (!is_new) {
    bytes_ -= entry->second.size() + kNodeBytes;
    entry->second = message;
  }
  bytes_ += message.size() + kNodeBytes;
  while (bytes_ > bytes_max_ && messages_.size() > 1) drop_oldest();
  return true;
}

void FixStore::drop_oldest() {
  const auto oldest = messages_.begin();
  bytes_ -= oldest->second.size() + kNodeBytes;
  dropped_below_ = oldest->first + 1;
  messages_.erase(oldest);
}

void FixStore::get(FIX::SEQNUM begin, FIX::SEQNUM end, std::vector<std::string>& out) const {
  for (auto entry = messages_.lower_bound(begin); entry != messages_.end() && entry->first <= end;
       ++entry) {
    out.push_back(entry->second);
  }
}

void FixStore::reset(const FIX::UtcTimeStamp& now) {
  if (keep_numbers_) return;
  messages_.clear();
  bytes_ = 0;
  dropped_below_ = 0;
  next_sender_ = 1;
  next_target_ = 1;
  creation_ts_ = from_utc(now);
}

}  // namespace pitwire
