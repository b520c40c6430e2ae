// What a message must look like to pass beside QuickFIX (session_fast.cpp): the tags of an ordinary
// order or report, those that the session's dialect adds, and values that need no second look.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fields.hpp"
#include "pitwire/fix/session.hpp"

namespace pitwire {

class FixShape {
 public:
  /// Of a report (8), or of a request (D, F, G). Takes the session's dictionary as it is.
  FixShape(const FixSessionConfig& config, char msg_type);
  /// Each field is of the shape, once, not empty and plainly right; every required one is there.
  [[nodiscard]] bool holds(const FieldTable& fields) const;

 private:
  static constexpr std::size_t kTagMax = 151;
  using Tags = std::bitset<kTagMax + 1>;
  /// A field of one character, and those that it may have.
  struct Word {
    std::uint32_t tag;
    std::string characters;
  };
  enum class Plain : std::uint8_t { TEXT, CHARACTER, INTEGER, DECIMAL, BOOLEAN, NEVER };
  /// A field that the dialect has a say in.
  struct Known {
    std::uint32_t tag;
    bool required;
    Plain plain;
    std::vector<std::string> values;  ///< empty: any
  };

  static Tags tags_of(std::initializer_list<std::size_t> tags);
  void set_report(const FixSessionConfig& config);
  void set_request(char msg_type);
  void add_dialect(const FixSessionConfig& config, const std::string& msg_type);
  void add_known(const FixSessionConfig& config, std::uint32_t tag, bool required,
                 std::vector<std::string> values);
  [[nodiscard]] bool has_shape(const FieldTable& fields) const;
  [[nodiscard]] bool is_block(const FieldTable& fields, std::size_t at) const;
  [[nodiscard]] static bool is_plain(const Known& known, std::string_view value);
  [[nodiscard]] bool has_plain_values(const FieldTable& fields) const;

  Tags required_, allowed_;
  std::vector<Word> words_;
  std::vector<Known> known_;
  /// NoPartyIDs and what stands behind it, as we write it: nothing else of it passes.
  std::vector<std::pair<std::uint32_t, std::string>> block_;
};

}  // namespace pitwire
