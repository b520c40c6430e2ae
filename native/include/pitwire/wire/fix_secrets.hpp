// Credentials live only here: the core and its log see placeholders.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pitwire {

/// A placeholder as the core writes it, and what goes on the wire instead.
struct FixSecret {
  std::string placeholder;
  std::string secret;
};

/// Substitutes field values that are a placeholder on the way out, and values that are a secret on
/// the way in, recomputing BodyLength, CheckSum and (for tag 96) RawDataLength.
class FixSecrets {
 public:
  /// Throws std::invalid_argument where a placeholder is empty, repeated or holds SOH, or a secret
  /// is empty or holds SOH; the message never holds a secret.
  explicit FixSecrets(std::vector<FixSecret> secrets = {});

  /// True when `out` was filled; false when there is nothing to substitute. Only Logon (A) and
  /// UserRequest (BE) are looked into.
  [[nodiscard]] bool reveal(std::string_view message, std::string& out) const;
  /// The reverse, in every message: an echo of a secret is masked wherever a value contains it (a
  /// secret under 6 bytes: is it). Fields that identify a session or an order are left alone.
  [[nodiscard]] bool mask(std::string_view message, std::string& out) const;
  [[nodiscard]] bool empty() const noexcept { return secrets_.empty(); }

 private:
  std::vector<FixSecret> secrets_;
};

}  // namespace pitwire
