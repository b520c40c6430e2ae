// The text of a definition's messages: times, length and checksum put in; two of them compared.
#pragma once

#include <string>
#include <string_view>

#include "pitwire/base/types.hpp"
#include "pitwire/definitions/definition.hpp"

namespace pitwire {

/// `<TIME±n>` as a time at `now`.
[[nodiscard]] std::string with_times(std::string_view text, Nanos now);
/// BodyLength and CheckSum put in where a message lacks them; other text as it is.
[[nodiscard]] std::string framed(std::string message);
/// SOH as `|`.
[[nodiscard]] std::string shown(std::string_view message);
/// The first difference, empty where there is none.
[[nodiscard]] std::string difference(std::string_view expected, std::string_view found,
                                     const FieldPatterns& patterns);

}  // namespace pitwire
