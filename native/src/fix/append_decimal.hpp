// A decimal of 128 bits as text; shared by prices and the average price, which needs more digits.
#pragma once

#include <string>

#include "int128.hpp"

namespace pitwire {

/// value × 10^exponent, with -exponent decimals where it is negative.
void append_decimal(std::string& out, Int128 value, int exponent);

}  // namespace pitwire
