// Saved state as bytes: plain values, little-endian as the host, in a fixed order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

namespace pitwire {

/// Appends values to a vector that the caller owns.
class ByteWriter {
 public:
  explicit ByteWriter(std::vector<std::byte>& out) : out_(out) {}

  template <class T>
  void put(const T& value) {
    static_assert(std::has_unique_object_representations_v<T> || std::is_floating_point_v<T>,
                  "padding must never reach saved state");
    const auto* bytes = reinterpret_cast<const std::byte*>(&value);
    out_.insert(out_.end(), bytes, bytes + sizeof(T));
  }
  void put_bytes(std::span<const std::byte> bytes) {
    put(static_cast<std::uint64_t>(bytes.size()));
    out_.insert(out_.end(), bytes.begin(), bytes.end());
  }

 private:
  std::vector<std::byte>& out_;
};

/// Reads what ByteWriter wrote; after the first read beyond the end every read gives zero and
/// ok() is false, so that a caller checks once.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> in) : in_(in) {}

  template <class T>
  [[nodiscard]] T get() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value{};
    if (!ok_ || in_.size() - offset_ < sizeof(T)) {
      ok_ = false;
      return value;
    }
    std::memcpy(&value, in_.data() + offset_, sizeof(T));
    offset_ += sizeof(T);
    return value;
  }
  [[nodiscard]] std::span<const std::byte> get_bytes() {
    const auto size = get<std::uint64_t>();
    if (!ok_ || in_.size() - offset_ < size) {
      ok_ = false;
      return {};
    }
    const auto bytes = in_.subspan(offset_, size);
    offset_ += size;
    return bytes;
  }
  void fail() noexcept { ok_ = false; }
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] std::size_t offset() const noexcept { return offset_; }
  [[nodiscard]] std::size_t left() const noexcept { return in_.size() - offset_; }

 private:
  std::span<const std::byte> in_;
  std::size_t offset_ = 0;
  bool ok_ = true;
};

}  // namespace pitwire
