// Saved state of orders, positions and limits: values in host order, sizes stated, checked once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

namespace pitwire {

/// Appends values to bytes that the caller owns.
class StateWriter {
 public:
  explicit StateWriter(std::vector<std::byte>& out) : out_(out) {}

  template <class T>
  void put(const T& value) {
    static_assert(std::has_unique_object_representations_v<T>, "padding must not reach a state");
    const auto* bytes = reinterpret_cast<const std::byte*>(&value);
    out_.insert(out_.end(), bytes, bytes + sizeof(T));
  }

 private:
  std::vector<std::byte>& out_;
};

/// Reads what StateWriter wrote. Beyond the end every read gives zero and `ok()` stays false.
class StateReader {
 public:
  explicit StateReader(std::span<const std::byte> in) : in_(in) {}

  template <class T>
  [[nodiscard]] T get() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value{};
    if (in_.size() < sizeof(T)) {
      ok_ = false;
      in_ = {};
      return value;
    }
    std::memcpy(&value, in_.data(), sizeof(T));
    in_ = in_.subspan(sizeof(T));
    return value;
  }
  /// A count of items of at least `item_bytes` each; fails where the rest cannot hold them.
  [[nodiscard]] std::size_t count(std::size_t item_bytes) {
    const auto n = get<std::uint64_t>();
    if (n > in_.size() / item_bytes) fail();
    return ok_ ? static_cast<std::size_t>(n) : 0;
  }
  void fail() noexcept { ok_ = false; }
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  /// What was not read yet.
  [[nodiscard]] std::span<const std::byte> rest() const noexcept { return in_; }
  [[nodiscard]] bool at_end() const noexcept { return in_.empty(); }

 private:
  std::span<const std::byte> in_;
  bool ok_ = true;
};

}  // namespace pitwire
