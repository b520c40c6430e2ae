// The fields that a dialect has us write, made ready once: most are bytes that never change.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pitwire/fix/session.hpp"

namespace pitwire {

/// What a message is about, as far as its extra fields need it.
struct FixOrderFacts {
  const FixInstrument* of = nullptr;  ///< null: of none
  std::uint32_t strategy = kNoId;
  std::uint64_t order_tag = 0;
};

/// One field, or a whole NoPartyIDs group under its counter's tag.
struct FixExtra {
  int tag = 0;
  FixSource source = FixSource::VALUE;
  std::string text;  ///< VALUE: "207=XNAS<SOH>"; others: "9004="
  const std::vector<std::string>* strategies = nullptr;
};

void append_extra(std::string& out, const FixExtra& extra, const FixOrderFacts& facts);

/// All of a session's, by MsgType, each in ascending order of tags. Account and HandlInst are among
/// them: a dialect may replace those.
class FixExtras {
 public:
  explicit FixExtras(const FixSessionConfig& config);
  FixExtras(const FixExtras&) = delete;
  FixExtras& operator=(const FixExtras&) = delete;
  [[nodiscard]] std::span<const FixExtra> of(std::string_view msg_type) const noexcept;

 private:
  void add(const std::string& msg_type, FixExtra extra);
  std::map<std::string, std::vector<FixExtra>, std::less<>> by_type_;
  std::vector<std::string> strategies_;
};

/// 453 and its entries, as QuickFIX's dictionary orders them; empty where there are none.
[[nodiscard]] std::string party_block(const std::vector<FixParty>& parties);

}  // namespace pitwire
