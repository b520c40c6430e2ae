// The hash chain of a segment, in a sidecar NNNNNNNN.chain: a header of 64 bytes, then 32 bytes
// per block of 64 KiB of the segment: link[i] = SHA-256(link[i-1] || block[i]), link[-1] zeros.
// The last block of a finished segment is as long as it is; its link is the segment's hash, which
// the next segment's header carries. Made by the durability thread, behind the writer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "pitwire/log/segment.hpp"

struct evp_md_ctx_st;

namespace pitwire {

inline constexpr std::uint64_t kChainBlockBytes = 64 << 10;
inline constexpr std::uint64_t kChainHeaderBytes = 64;

/// SHA-256 of `link` followed by a block.
class ChainHasher {
 public:
  ChainHasher();
  ~ChainHasher();
  ChainHasher(const ChainHasher&) = delete;
  ChainHasher& operator=(const ChainHasher&) = delete;
  [[nodiscard]] Hash next(const Hash& link, const std::byte* block, std::uint64_t size);

 private:
  evp_md_ctx_st* context_;
};

/// The hash of a segment's first `used` bytes: its chain's last link.
[[nodiscard]] Hash segment_hash(const std::byte* data, std::uint64_t used);

/// The same as a complete sidecar has it, without reading the segment; nothing where it is not
/// complete. Not checked against the segment: that is verify_chain's work.
[[nodiscard]] std::optional<Hash> stored_segment_hash(const std::filesystem::path& folder,
                                                      const SegmentFile& segment,
                                                      std::uint64_t used);

/// Writes one sidecar.
class ChainWriter {
 public:
  /// Goes on behind the links that agree with the segment, or from its beginning. Throws LogError.
  ChainWriter(const std::filesystem::path& folder, const SegmentFile& segment,
              std::uint64_t used_bytes);
  ChainWriter(const ChainWriter&) = delete;
  ChainWriter& operator=(const ChainWriter&) = delete;
  ~ChainWriter();
  /// Every block below has its link.
  [[nodiscard]] std::uint64_t hashed_bytes() const noexcept { return links_ * kChainBlockBytes; }
  /// Links every whole block below `used_bytes`. False with errno on error.
  [[nodiscard]] bool extend(std::uint64_t used_bytes);
  /// Links the rest too, syncs the sidecar. Nothing on error, with errno.
  [[nodiscard]] std::optional<Hash> finish(std::uint64_t used_bytes);

 private:
  /// Keeps as many stored links as there are whole blocks, if the last of them is right.
  void resume(std::uint64_t used_bytes);
  [[nodiscard]] bool put(const Hash& link);

  const SegmentFile& segment_;
  std::filesystem::path path_;
  int fd_ = -1;
  std::uint64_t links_ = 0;
  Hash last_{};
  ChainHasher hasher_;
};

/// Compares a sidecar with its segment; nothing where they agree. `used` is where the frames end;
/// `finished`: the segment has its END, so that the partial block must have its link too.
[[nodiscard]] std::optional<LogFault> verify_chain(const std::filesystem::path& folder,
                                                   const SegmentFile& segment, std::uint64_t used,
                                                   bool finished);

}  // namespace pitwire
