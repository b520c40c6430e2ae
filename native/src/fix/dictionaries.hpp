// QuickFIX's data dictionaries, read from the binary.
#pragma once

#include <DataDictionaryProvider.h>

#include <string>

namespace pitwire {

/// The dictionary of a version, with the fields that we add. Parsed once a process and kept.
/// Throws std::invalid_argument for a version other than FIX.4.2 and FIX.4.4.
[[nodiscard]] FIX::DataDictionaryProvider dictionary_of(const std::string& begin_string,
                                                        bool allow_unknown_fields);

}  // namespace pitwire
