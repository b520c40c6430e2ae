// The fields of one message, as they stand in its bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace pitwire {

/// Tag → value of the first field with that tag. Data fields (RawData and its like) are taken by
/// their length, so that an SOH inside is not the end. Fixed memory: fields beyond kFieldsMax are
/// not seen and `truncated()` says so. A lookup of a tag below kIndexed, which those of orders and
/// reports are, is one of an array; of another a linear search over what a message has, 20 to 40.
class FieldTable {
  struct Field {
    std::uint32_t tag;
    std::string_view value;
  };
  static constexpr std::uint32_t kIndexed = 256;

 public:
  static constexpr std::size_t kFieldsMax = 256;
  explicit FieldTable(std::string_view message) noexcept;
  /// Empty where absent.
  [[nodiscard]] std::string_view operator[](std::uint32_t tag) const noexcept {
    const Field* const field = find(tag);
    return field == nullptr ? std::string_view{} : field->value;
  }
  [[nodiscard]] bool has(std::uint32_t tag) const noexcept { return find(tag) != nullptr; }
  [[nodiscard]] std::uint64_t number(
      std::uint32_t tag) const noexcept;  ///< 0 where absent or not one
  [[nodiscard]] bool is_set(std::uint32_t tag) const noexcept { return (*this)[tag] == "Y"; }
  [[nodiscard]] bool truncated() const noexcept { return truncated_; }
  /// All of them, as they stand: for repeating groups.
  [[nodiscard]] std::span<const Field> all() const& noexcept { return {fields(), count_}; }
  void all() const&& = delete;  // of a table that is gone at the loop's first step

 private:
  [[nodiscard]] const char* end_of_value(std::uint32_t tag, const char* value,
                                         const char* end) const noexcept;
  [[nodiscard]] const Field* fields() const noexcept {
    return reinterpret_cast<const Field*>(room_.data());
  }
  [[nodiscard]] const Field* find(std::uint32_t tag) const noexcept {
    if (tag >= kIndexed) return search(tag);
    return place_[tag] == 0 ? nullptr : fields() + place_[tag] - 1;
  }
  [[nodiscard]] const Field* search(std::uint32_t tag) const noexcept;
  void add(std::uint32_t tag, std::string_view value) noexcept;

  // Bytes and not fields: those would all be set to nothing, 6 KiB a message.
  alignas(Field) std::array<std::byte, kFieldsMax * sizeof(Field)> room_;
  std::array<std::uint16_t, kIndexed> place_{};  ///< of the first with that tag, from 1; 0: none
  std::size_t count_ = 0;
  bool truncated_ = false;
};

}  // namespace pitwire
