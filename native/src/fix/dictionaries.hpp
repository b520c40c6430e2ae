// QuickFIX's data dictionaries, read from the binary, with a dialect's fields laid over them.
#pragma once

#include <DataDictionaryProvider.h>

#include <memory>
#include <string>

#include "pitwire/fix/session.hpp"

namespace pitwire {

/// The dictionary of a session. Parsed once a process for each version and dialect, and kept.
/// Throws std::invalid_argument, "key: reason", for a version other than FIX.4.2 and FIX.4.4 and
/// for a dialect's field that does not fit.
[[nodiscard]] std::shared_ptr<const FIX::DataDictionary> dictionary_of(
    const FixSessionConfig& config);

[[nodiscard]] FIX::DataDictionaryProvider provider_of(const FixSessionConfig& config);

}  // namespace pitwire
