// Acceptance definitions: one rule of FIX's session layer a file, as QuickFIX writes them, run
// against our acceptor or our initiator in virtual time.
//
// | line                        | what it does                                                    |
// |-----------------------------|-----------------------------------------------------------------|
// | `# ...`, empty              | nothing                                                         |
// | `iCONNECT`, `iDISCONNECT`   | the counterparty connects, disconnects                          |
// | `eCONNECT`, `eDISCONNECT`   | we must                                                         |
// | `I8=...` (also `R8=...`)    | the counterparty sends this                                     |
// | `E8=...`                    | the next message that we send must be this                      |
// | `i2,CONNECT`, `I2,8=...`    | the same on connection 2, of 1 to 9; 1 where none is named      |
//
// Fields end with SOH, or with `|` where a file has no SOH. `<TIME>`, `<TIME+n>` and `<TIME-n>` are
// now and n seconds from it. BodyLength and CheckSum of what the counterparty sends are put in
// where they are absent, and sent as they stand where they are not. What we send is compared field
// by field, in order; a tag that FieldPatterns has by its pattern. BodyLength and CheckSum are not
// compared with the file's (they depend on the decimals of a time): the message must be whole by
// its own. Time passes only while something is waited for, second by second.
//
// Of ours beside QuickFIX's, for what a counterparty alone cannot bring about:
//
// | line                        | what it does                                                    |
// |-----------------------------|-----------------------------------------------------------------|
// | `!set KEY=VALUE`            | a setting of our session, before the first connection           |
// | `!within SECONDS`           | how long later E and e lines wait (60)                          |
// | `!wait SECONDS`             | as much time passes, and we must say nothing                    |
// | `!order ID QTY PRICE`       | our strategy buys, `!cancel ID ORIG QTY` cancels                |
// | `!logout TEXT`, `!logon`    | our operator's commands                                         |
// | `!restart`                  | our process dies, and is started again from its logged numbers  |
// | `!heard A, B`               | what our order desk heard since the last such line, in order    |
#pragma once

#include <cstdint>
#include <map>
#include <regex>
#include <string>
#include <string_view>

namespace pitwire {

/// Which side of ours is tested.
enum class DefinitionSide : std::uint8_t { ACCEPTOR, INITIATOR };

/// Fields that are compared by a regular expression instead of by their value.
class FieldPatterns {
 public:
  /// Times, and CheckSum: as QuickFIX's `fields.fmt`.
  FieldPatterns();
  /// A line each: tag, `=`, expression. Throws std::invalid_argument with the line.
  explicit FieldPatterns(std::string_view text);
  /// Null where the value itself is compared.
  [[nodiscard]] const std::regex* of(std::string_view tag) const;

 private:
  std::map<std::string, std::regex, std::less<>> patterns_;
};

struct DefinitionOutcome {
  bool passed = false;
  unsigned line = 0;     ///< where it did not hold, from 1
  std::string problem;   ///< the first difference, SOH as `|`; empty when passed
  std::string expected;  ///< the messages that differ, where two were compared
  std::string found;
};

/// Our initiator where we connect first, else our acceptor. Throws as run_definition.
[[nodiscard]] DefinitionSide side_of_definition(std::string_view text);

/// Runs one definition. Throws std::invalid_argument, line first, where `text` is none.
[[nodiscard]] DefinitionOutcome run_definition(std::string_view text, DefinitionSide side,
                                               const FieldPatterns& patterns = {});

}  // namespace pitwire
