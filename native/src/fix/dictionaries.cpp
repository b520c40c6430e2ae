#include "dictionaries.hpp"

#include <map>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string_view>

extern "C" const char pitwire_fix42_xml[], pitwire_fix42_xml_end[];
extern "C" const char pitwire_fix44_xml[], pitwire_fix44_xml_end[];

namespace pitwire {
namespace {

std::string_view xml_of(const std::string& begin_string) {
  if (begin_string == "FIX.4.2") return {pitwire_fix42_xml, pitwire_fix42_xml_end};
  if (begin_string == "FIX.4.4") return {pitwire_fix44_xml, pitwire_fix44_xml_end};
  throw std::invalid_argument("begin_string: expected FIX.4.2 or FIX.4.4, found \"" + begin_string +
                              "\"");
}

[[noreturn]] void refuse(const std::string& key, const std::string& reason) {
  throw std::invalid_argument(key + ": " + reason);
}

/// The types that a dialect's own fields may have.
FIX::TYPE::Type type_of(const std::string& key, const std::string& name) {
  using namespace FIX::TYPE;
  static const std::map<std::string, FIX::TYPE::Type> kTypes{{"STRING", String},
                                                             {"CHAR", Char},
                                                             {"INT", Int},
                                                             {"FLOAT", Float},
                                                             {"PRICE", Price},
                                                             {"QTY", Qty},
                                                             {"AMT", Amt},
                                                             {"BOOLEAN", Boolean},
                                                             {"CURRENCY", Currency},
                                                             {"EXCHANGE", Exchange},
                                                             {"UTCTIMESTAMP", UtcTimeStamp}};
  const auto found = kTypes.find(name);
  if (found != kTypes.end()) return found->second;
  std::string known;
  for (const auto& [each, type] : kTypes) known += (known.empty() ? "" : ", ") + each;
  refuse(key, "\"" + name + "\": expected one of " + known);
}

void add_new(FIX::DataDictionary& dictionary, const FixDialectField& field,
             const std::string& key) {
  int other = 0;
  if (field.name.empty()) {
    refuse(key + ".name", "missing: the dictionary has no tag " + std::to_string(field.tag));
  }
  if (dictionary.getFieldTag(field.name, other)) {
    refuse(key + ".name", field.name + " is tag " + std::to_string(other));
  }
  dictionary.addField(field.tag);
  dictionary.addFieldType(field.tag, type_of(key + ".type", field.type));
  dictionary.addFieldName(field.tag, field.name);
  for (const std::string& value : field.values) {
    if (field.type == "CHAR" && value.size() != 1) {
      refuse(key + ".values", "\"" + value + "\" is no single character");
    }
    dictionary.addFieldValue(field.tag, value);
  }
}

/// A tag of the dictionary: a dialect may have fewer values of it, or more.
void add_known(FIX::DataDictionary& dictionary, const FixDialectField& field,
               const std::string& key) {
  std::string name;
  dictionary.getFieldName(field.tag, name);
  if (!field.name.empty() && field.name != name) {
    refuse(key + ".name", "tag " + std::to_string(field.tag) + " is " + name);
  }
  if (!field.type.empty()) refuse(key + ".type", "tag " + name + " has its type already");
  for (const std::string& value : field.values) dictionary.addFieldValue(field.tag, value);
}

void add_field(FIX::DataDictionary& dictionary, const FixDialectField& field,
               const std::string& key) {
  if (field.tag <= 0) refuse(key + ".tag", "expected above 0");
  if (dictionary.isHeaderField(field.tag) || dictionary.isTrailerField(field.tag)) {
    refuse(key + ".tag", std::to_string(field.tag) + " is the session's, in header or trailer");
  }
  dictionary.isField(field.tag) ? add_known(dictionary, field, key)
                                : add_new(dictionary, field, key);
  if (field.messages.empty() && field.required.empty()) refuse(key + ".messages", "is empty");
  for (const bool required : {false, true}) {
    for (const std::string& type : required ? field.required : field.messages) {
      if (!dictionary.isMsgType(type)) {
        refuse(key + (required ? ".required" : ".messages"), "there is no message " + type);
      }
      dictionary.addMsgField(type, field.tag);
      if (required) dictionary.addRequiredField(type, field.tag);
    }
  }
}

void lay_over(FIX::DataDictionary& dictionary, const FixDialect& dialect) {
  for (std::size_t i = 0; i < dialect.fields.size(); ++i) {
    add_field(dictionary, dialect.fields[i], "field[" + std::to_string(i) + "]");
  }
  for (std::size_t i = 0; i < dialect.puts.size(); ++i) {
    const FixDialectPut& put = dialect.puts[i];
    if (!dictionary.isField(put.tag)) {
      refuse("put[" + std::to_string(i) + "].tag",
             std::to_string(put.tag) + " is in no dictionary: needs a [[field]]");
    }
    for (const std::string& type : put.messages) dictionary.addMsgField(type, put.tag);
  }
  for (const int tag : {dialect.fee_tag, dialect.liquidity_tag, dialect.order_id_tag}) {
    if (tag == 0 || tag == 12 || tag == 37) continue;
    if (!dictionary.isField(tag)) {
      refuse("report", "tag " + std::to_string(tag) + " is in no dictionary: needs a [[field]]");
    }
    dictionary.addMsgField("8", tag);
  }
  if (const int tag = dialect.cancel_on_disconnect_tag; tag > 0) {
    if (!dictionary.isField(tag)) {
      dictionary.addField(tag);
      dictionary.addFieldType(tag, FIX::TYPE::String);
    }
    dictionary.addMsgField("A", tag);
  }
  for (const auto& [text, type] : dialect.exec_types) dictionary.addFieldValue(150, text);
  for (const auto& [text, status] : dialect.ord_statuses) dictionary.addFieldValue(39, text);
}

std::shared_ptr<FIX::DataDictionary> parse(const FixSessionConfig& config) {
  std::istringstream xml{std::string(xml_of(config.begin_string))};
  auto dictionary = std::make_shared<FIX::DataDictionary>(xml);
  dictionary->checkUserDefinedFields(!config.allow_unknown_fields);
  dictionary->allowUnknownMsgFields(config.allow_unknown_fields);
  // Username and Password came with FIX 4.3; venues that speak 4.2 take them too.
  if (config.begin_string == "FIX.4.2") {
    for (const int tag : {553, 554}) {
      dictionary->addField(tag);
      dictionary->addFieldType(tag, FIX::TYPE::String);
      dictionary->addMsgField("A", tag);
    }
  }
  lay_over(*dictionary, config.dialect);
  return dictionary;
}

/// Equal where the dictionary is: what lay_over reads.
std::string key_of(const FixSessionConfig& config) {
  std::string key = config.begin_string + (config.allow_unknown_fields ? "+" : "-");
  const auto add = [&key](const auto& texts) {
    for (const std::string& text : texts) key += text + '\x01';
    key += '\x02';
  };
  const FixDialect& dialect = config.dialect;
  for (const FixDialectField& field : dialect.fields) {
    key += std::to_string(field.tag) + '\x01' + field.name + '\x01' + field.type + '\x01';
    add(field.values);
    add(field.messages);
    add(field.required);
  }
  for (const FixDialectPut& put : dialect.puts) {
    key += std::to_string(put.tag) + '\x01';
    add(put.messages);
  }
  for (const int tag : {dialect.fee_tag, dialect.liquidity_tag, dialect.order_id_tag,
                        dialect.cancel_on_disconnect_tag}) {
    key += std::to_string(tag) + '\x01';
  }
  for (const auto& [text, type] : dialect.exec_types) key += text + '\x01';
  for (const auto& [text, status] : dialect.ord_statuses) key += '\x02' + text;
  return key;
}

}  // namespace

std::shared_ptr<const FIX::DataDictionary> dictionary_of(const FixSessionConfig& config) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<FIX::DataDictionary>> parsed;
  const std::lock_guard lock(mutex);
  auto& dictionary = parsed[key_of(config)];
  if (!dictionary) dictionary = parse(config);
  return dictionary;
}

FIX::DataDictionaryProvider provider_of(const FixSessionConfig& config) {
  FIX::DataDictionaryProvider provider;
  provider.addTransportDataDictionary(
      FIX::BeginString(config.begin_string),
      std::const_pointer_cast<FIX::DataDictionary>(dictionary_of(config)));
  return provider;
}

}  // namespace pitwire
