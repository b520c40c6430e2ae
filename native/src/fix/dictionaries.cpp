#include "dictionaries.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <utility>

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

std::shared_ptr<FIX::DataDictionary> parse(const std::string& begin_string,
                                           bool allow_unknown_fields) {
  std::istringstream xml{std::string(xml_of(begin_string))};
  auto dictionary = std::make_shared<FIX::DataDictionary>(xml);
  dictionary->checkUserDefinedFields(!allow_unknown_fields);
  dictionary->allowUnknownMsgFields(allow_unknown_fields);
  // Username and Password came with FIX 4.3; venues that speak 4.2 take them too.
  if (begin_string == "FIX.4.2") {
    for (const int tag : {553, 554}) {
      dictionary->addField(tag);
      dictionary->addFieldType(tag, FIX::TYPE::String);
      dictionary->addMsgField("A", tag);
    }
  }
  return dictionary;
}

}  // namespace

FIX::DataDictionaryProvider dictionary_of(const std::string& begin_string,
                                          bool allow_unknown_fields) {
  static std::mutex mutex;
  static std::map<std::pair<std::string, bool>, std::shared_ptr<FIX::DataDictionary>> parsed;
  const std::lock_guard lock(mutex);
  auto& dictionary = parsed[{begin_string, allow_unknown_fields}];
  if (!dictionary) dictionary = parse(begin_string, allow_unknown_fields);
  FIX::DataDictionaryProvider provider;
  provider.addTransportDataDictionary(FIX::BeginString(begin_string), dictionary);
  return provider;
}

}  // namespace pitwire
