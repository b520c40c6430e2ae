// The fields of one message, as they stand in its bytes.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace pitwire {

/// Tag → value of the first field with that tag. Data fields (RawData and its like) are taken by
/// their length, so that an SOH inside is not the end. Fixed memory: fields beyond kFieldsMax are
/// not seen and `truncated()` says so. A lookup is a linear search over what a message has, 20 to
/// 40 fields.
class FieldTable {
  struct Field {
    std::uint32_t tag;
    std::string_view value;
  };

 public:
  static constexpr std::size_t kFieldsMax = 256;
  explicit FieldTable(std::string_view message) noexcept;
  /// Empty where absent.
  [[nodiscard]] std::string_view operator[](std::uint32_t tag) const noexcept;
  [[nodiscard]] bool has(std::uint32_t tag) const noexcept;
  [[nodiscard]] std::uint64_t number(
      std::uint32_t tag) const noexcept;  ///< 0 where absent or not one
  [[nodiscard]] bool is_set(std::uint32_t tag) const noexcept { return (*this)[tag] == "Y"; }
  [[nodiscard]] bool truncated() const noexcept { return truncated_; }
  /// All of them, as they stand: for repeating groups.
  [[nodiscard]] std::span<const Field> all() const noexcept { return {fields_.data(), count_}; }

 private:
  std::array<Field, kFieldsMax> fields_;
  std::size_t count_ = 0;
  bool truncated_ = false;
};

}  // namespace pitwire
