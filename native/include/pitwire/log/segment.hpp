// A segment of the log: its file, its mapping, its header page.
//
// Page 0 holds the header (summed) and, from byte 2048, the previous segment's hash, which is
// written later, by the durability thread, as soon as it is known; the rest of the page is zero.
// A file whose header is all zeros was prepared and never begun.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pitwire/base/types.hpp"
#include "pitwire/log/recovery.hpp"

namespace pitwire {

using Hash = std::array<std::byte, 32>;
using Uuid = std::array<std::byte, 16>;

inline constexpr std::uint64_t kPageBytes = 4096;
inline constexpr std::uint64_t kSegmentHeaderBytes = kPageBytes;
inline constexpr std::uint64_t kSegmentBytesMin = 4 * kPageBytes;
inline constexpr std::uint64_t kSegmentBytesMax = 2ULL << 30;
/// Room that every segment keeps for its END frame.
inline constexpr std::uint64_t kEndFrameBytes = 40;
inline constexpr std::uint32_t kLogFormatVersion = 1;
inline constexpr std::array<char, 8> kSegmentMagic = {'P', 'I', 'T', 'W', 'S', 'E', 'G', '\n'};

struct SegmentHeader {
  std::array<char, 8> magic;
  std::uint32_t format_version;
  std::uint32_t flags;  ///< bit 0 reserved: encrypted
  std::uint64_t index;
  Uuid log_uuid;
  Sequence first_sequence;  ///< every frame's sequence is at least this
  std::uint64_t segment_size_bytes;
  std::uint32_t reserved;
  std::uint32_t crc;  ///< CRC-32C of the bytes before it
};
static_assert(sizeof(SegmentHeader) == 64);

inline constexpr std::uint64_t kPreviousHashOffset = 2048;
inline constexpr std::uint64_t kPreviousHashKnown = 0x48534148'56455250;  // "PREVHASH"
struct PreviousHash {
  std::uint64_t state;  ///< 0 not known yet (and for segment 0), kPreviousHashKnown once it is
  Hash sha256;          ///< the last link of the previous segment's chain
  std::uint32_t crc;    ///< CRC-32C of the hash
  std::uint32_t reserved;
};
static_assert(sizeof(PreviousHash) == 48);

/// Why a stored previous hash cannot be one; nothing where it can (or is not known yet).
[[nodiscard]] std::optional<std::string> damaged_previous_hash(const PreviousHash& found,
                                                               std::uint64_t segment_index);

/// What a segment's first page says.
enum class HeaderState : std::uint8_t { VALID, VACANT, BAD };

class SegmentFile {
 public:
  /// Creates (or takes over) a file of this size, allocated and mapped for writing.
  /// Throws LogError.
  [[nodiscard]] static std::unique_ptr<SegmentFile> prepare(const std::filesystem::path& folder,
                                                            std::uint64_t index,
                                                            std::uint64_t size_bytes);
  /// Maps an existing file, as long as it is. Throws LogError.
  [[nodiscard]] static std::unique_ptr<SegmentFile> open(const std::filesystem::path& folder,
                                                         std::uint64_t index,
                                                         bool writable = false);
  /// The same to be read, null where it is not there, or not any more: a prepared segment goes when
  /// its log is closed or recovered, at any moment of a reader's.
  [[nodiscard]] static std::unique_ptr<SegmentFile> find(const std::filesystem::path& folder,
                                                         std::uint64_t index);
  SegmentFile(const SegmentFile&) = delete;
  SegmentFile& operator=(const SegmentFile&) = delete;
  ~SegmentFile();

  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint64_t index() const noexcept { return index_; }
  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  [[nodiscard]] const SegmentHeader& header() const noexcept;
  [[nodiscard]] PreviousHash previous_hash() const noexcept;
  [[nodiscard]] HeaderState header_state(std::string& reason) const;
  /// Writes the header into the mapping; the file is begun with this.
  void begin(const Uuid& uuid, Sequence first_sequence) noexcept;
  void set_previous_hash(const Hash& hash) noexcept;

  /// Offset behind the last byte from `from` on that is not zero; `from` where all are.
  [[nodiscard]] std::uint64_t written_end(std::uint64_t from) const;
  /// Makes [from, to) durable. False with errno on error.
  [[nodiscard]] bool sync(std::uint64_t from, std::uint64_t to) const noexcept;
  /// Sets the file's length and makes that durable. False with errno on error.
  [[nodiscard]] bool resize(std::uint64_t size_bytes) const noexcept;
  /// Faults pages in up to this offset, so that the writer does not. Called by one thread.
  void populate(std::uint64_t to) noexcept;
  /// Maps in what stands in [from, from + size), reading it from the disk where it must.
  void populate_for_reading(std::uint64_t from, std::uint64_t size) const noexcept;
  /// What stands below is written already and stays as it is.
  void populated_below(std::uint64_t offset) noexcept {
    populated_ = offset / kPageBytes * kPageBytes;
  }

  /// Where the frames end, END frame included; set by the writer when it leaves the segment.
  std::atomic<std::uint64_t> used_bytes{0};

 private:
  SegmentFile(std::filesystem::path path, std::uint64_t index) noexcept;
  void open_fd(int flags);
  void map_all(bool writable);
  void map(std::uint64_t size_bytes, bool writable);

  std::filesystem::path path_;
  std::uint64_t index_;
  int fd_ = -1;
  std::byte* data_ = nullptr;
  std::uint64_t size_ = 0;
  std::uint64_t populated_ = 0;
};

/// The length that a file of this many used bytes is trimmed to: a reader that waits behind the
/// last frame looks at the next length word, which must stay inside the file.
[[nodiscard]] constexpr std::uint64_t trimmed_bytes(std::uint64_t used) noexcept {
  return (used + 8 + kPageBytes - 1) / kPageBytes * kPageBytes;
}
[[nodiscard]] std::string segment_name(std::uint64_t index);
/// Indices of the segment files of a folder, rising.
[[nodiscard]] std::vector<std::uint64_t> segment_indices(const std::filesystem::path& folder);
/// Makes creations and removals in a folder durable. Throws LogError.
void sync_folder(const std::filesystem::path& folder);
[[noreturn]] void throw_errno(const std::filesystem::path& path, const std::string& what);

}  // namespace pitwire
