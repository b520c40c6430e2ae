// A TCP connection of this process with itself, to keep the kernel's way out warm.
#pragma once

#include "pitwire/base/types.hpp"

namespace pitwire {

/// An order that is sent a hundredth of a second after the one before finds the kernel's TCP code
/// and data in no cache: the send takes three times as long. What passes here goes the same way as
/// far as the kernel's loopback device; a network card's driver is not on it. Source: Carl Cook,
/// "When a Microsecond Is an Eternity", CppCon 2017, on cache warming.
class RehearsalLine {
 public:
  /// Without effect where the host has no loopback: then it stays closed.
  RehearsalLine() noexcept;
  ~RehearsalLine();
  RehearsalLine(const RehearsalLine&) = delete;
  RehearsalLine& operator=(const RehearsalLine&) = delete;

  [[nodiscard]] bool open() const noexcept { return from_ >= 0; }
  /// Sends as much as an order has and reads it again; false where that did not work. Two system
  /// calls, and never blocks.
  bool pass() noexcept;

 private:
  int from_ = -1;
  int to_ = -1;
};

}  // namespace pitwire
