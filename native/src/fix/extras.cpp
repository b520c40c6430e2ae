#include "extras.hpp"

#include <algorithm>
#include <charconv>

namespace pitwire {
namespace {

std::string field(int tag, std::string_view value) {
  std::string text = std::to_string(tag) + "=";
  text += value;
  return text + '\x01';
}

}  // namespace

std::string party_block(const std::vector<FixParty>& parties) {
  if (parties.empty()) return {};
  std::string text = field(453, std::to_string(parties.size()));
  for (const FixParty& party : parties) {
    text += field(448, party.id) + field(447, party.source) + field(452, party.role);
  }
  return text;
}

void append_extra(std::string& out, const FixExtra& extra, const FixOrderFacts& facts) {
  out += extra.text;
  switch (extra.source) {
    case FixSource::VALUE:
      return;
    case FixSource::SECURITY_ID:
      if (facts.of != nullptr) out += facts.of->security_id;
      break;
    case FixSource::STRATEGY:
      // An operator's closing order is a strategy's too; what has none is the firm's.
      out += facts.strategy < extra.strategies->size() ? (*extra.strategies)[facts.strategy]
                                                       : std::string("firm");
      break;
    case FixSource::ORDER_TAG: {
      char text[20];
      const auto end = std::to_chars(text, text + sizeof text, facts.order_tag).ptr;
      out.append(text, end);
      break;
    }
  }
  out += '\x01';
}

FixExtras::FixExtras(const FixSessionConfig& config) : strategies_(config.dialect.strategies) {
  const FixDialect& dialect = config.dialect;
  for (const FixDialectPut& put : dialect.puts) {
    for (const std::string& type : put.messages) {
      const bool fixed = put.source == FixSource::VALUE;
      add(type, {put.tag, put.source,
                 fixed ? field(put.tag, put.value) : std::to_string(put.tag) + "=", &strategies_});
    }
  }
  for (const char* const type : {"D", "F", "G"}) {
    if (!config.account.empty()) add(type, {1, FixSource::VALUE, field(1, config.account)});
  }
  for (const char* const type : {"D", "F", "G", "8"}) {
    if (!dialect.parties.empty()) {
      add(type, {453, FixSource::VALUE, party_block(dialect.parties)});
    }
  }
  // HandlInst: automated, no broker intervention; required in 4.2.
  for (const char* const type : {"D", "G"}) add(type, {21, FixSource::VALUE, field(21, "1")});
  if (!dialect.by_security_id) return;
  for (const char* const type : {"D", "F", "G", "H", "8", "AP"}) {
    if (!dialect.security_id_source.empty()) {
      add(type, {22, FixSource::VALUE, field(22, dialect.security_id_source)});
    }
    add(type, {48, FixSource::SECURITY_ID, "48="});
  }
}

/// The first of a tag stays: what the dialect says comes before what everybody says.
void FixExtras::add(const std::string& msg_type, FixExtra extra) {
  auto& extras = by_type_[msg_type];
  const auto at = std::ranges::lower_bound(extras, extra.tag, {}, &FixExtra::tag);
  if (at == extras.end() || at->tag != extra.tag) extras.insert(at, std::move(extra));
}

std::span<const FixExtra> FixExtras::of(std::string_view msg_type) const noexcept {
  const auto found = by_type_.find(msg_type);
  return found == by_type_.end() ? std::span<const FixExtra>{} : found->second;
}

}  // namespace pitwire
