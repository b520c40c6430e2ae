#include "pitwire/log/chain.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace pitwire {
namespace {

struct ChainHeader {
  std::array<char, 8> magic;
  std::uint32_t format_version;
  std::uint32_t block_bytes;
  std::uint64_t index;
  Uuid log_uuid;
  std::array<std::byte, 24> reserved;
};
static_assert(sizeof(ChainHeader) == kChainHeaderBytes);
constexpr std::array<char, 8> kChainMagic = {'P', 'I', 'T', 'W', 'C', 'H', 'N', '\n'};

std::filesystem::path chain_path(const std::filesystem::path& folder, std::uint64_t index) {
  return (folder / segment_name(index)).replace_extension(".chain");
}

ChainHeader header_for(const SegmentFile& segment) {
  return {kChainMagic,     kLogFormatVersion,         kChainBlockBytes,
          segment.index(), segment.header().log_uuid, {}};
}

off_t link_offset(std::uint64_t link) {
  return static_cast<off_t>(kChainHeaderBytes + link * sizeof(Hash));
}

bool read_at(int fd, void* to, std::size_t size, off_t offset) {
  return ::pread(fd, to, size, offset) == static_cast<ssize_t>(size);
}

bool write_at(int fd, const void* from, std::size_t size, off_t offset) {
  const auto written = ::pwrite(fd, from, size, offset);
  if (written >= 0 && written != static_cast<ssize_t>(size)) errno = ENOSPC;
  return written == static_cast<ssize_t>(size);
}

/// Links stored in a sidecar of this segment; 0 where its header is another's.
std::uint64_t stored_links(int fd, const SegmentFile& segment) {
  ChainHeader found{};
  const auto expected = header_for(segment);
  struct stat status{};
  if (::fstat(fd, &status) != 0 || !read_at(fd, &found, sizeof found, 0)) return 0;
  if (std::memcmp(&found, &expected, sizeof found) != 0) return 0;
  return (static_cast<std::uint64_t>(status.st_size) - kChainHeaderBytes) / sizeof(Hash);
}

}  // namespace

ChainHasher::ChainHasher() : context_(EVP_MD_CTX_new()) {
  if (context_ == nullptr) throw std::bad_alloc();
}
ChainHasher::~ChainHasher() { EVP_MD_CTX_free(context_); }

Hash ChainHasher::next(const Hash& link, const std::byte* block, std::uint64_t size) {
  Hash out;
  const bool hashed =
      EVP_DigestInit_ex(context_, EVP_sha256(), nullptr) == 1 &&
      EVP_DigestUpdate(context_, link.data(), link.size()) == 1 &&
      EVP_DigestUpdate(context_, block, size) == 1 &&
      EVP_DigestFinal_ex(context_, reinterpret_cast<unsigned char*>(out.data()), nullptr) == 1;
  if (!hashed) throw std::runtime_error("SHA-256 is not available from OpenSSL");
  return out;
}

Hash segment_hash(const std::byte* data, std::uint64_t used) {
  ChainHasher hasher;
  Hash link{};
  for (std::uint64_t at = 0; at < used; at += kChainBlockBytes) {
    link = hasher.next(link, data + at, std::min(kChainBlockBytes, used - at));
  }
  return link;
}

std::optional<Hash> stored_segment_hash(const std::filesystem::path& folder,
                                        const SegmentFile& segment, std::uint64_t used) {
  const int fd = ::open(chain_path(folder, segment.index()).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  Hash out{};
  const auto blocks = (used + kChainBlockBytes - 1) / kChainBlockBytes;
  const bool whole = blocks > 0 && stored_links(fd, segment) == blocks &&
                     read_at(fd, out.data(), out.size(), link_offset(blocks - 1));
  ::close(fd);
  return whole ? std::optional(out) : std::nullopt;
}

ChainWriter::ChainWriter(const std::filesystem::path& folder, const SegmentFile& segment,
                         std::uint64_t used_bytes)
    : segment_(segment), path_(chain_path(folder, segment.index())) {
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (fd_ < 0) throw_errno(path_, "open");
  resume(used_bytes);
  const auto header = header_for(segment_);
  if (::ftruncate(fd_, link_offset(links_)) != 0 || !write_at(fd_, &header, sizeof header, 0)) {
    throw_errno(path_, "write");
  }
}

ChainWriter::~ChainWriter() { ::close(fd_); }

// Each link is computed anew: of a sidecar that was being written when power was lost any part may
// be an older one's, or missing.
void ChainWriter::resume(std::uint64_t used_bytes) {
  const auto stored = std::min(stored_links(fd_, segment_), used_bytes / kChainBlockBytes);
  for (; links_ < stored; ++links_) {
    Hash found{};
    const auto* block = segment_.data() + links_ * kChainBlockBytes;
    const auto link = hasher_.next(last_, block, kChainBlockBytes);
    if (!read_at(fd_, found.data(), found.size(), link_offset(links_)) || found != link) return;
    last_ = link;
  }
}

bool ChainWriter::put(const Hash& link) {
  if (!write_at(fd_, link.data(), link.size(), link_offset(links_))) return false;
  last_ = link;
  ++links_;
  return true;
}

bool ChainWriter::extend(std::uint64_t used_bytes) {
  while ((links_ + 1) * kChainBlockBytes <= used_bytes) {
    const auto* block = segment_.data() + links_ * kChainBlockBytes;
    if (!put(hasher_.next(last_, block, kChainBlockBytes))) return false;
  }
  return true;
}

std::optional<Hash> ChainWriter::finish(std::uint64_t used_bytes) {
  if (!extend(used_bytes)) return std::nullopt;
  const auto at = links_ * kChainBlockBytes;
  if (at < used_bytes && !put(hasher_.next(last_, segment_.data() + at, used_bytes - at))) {
    return std::nullopt;
  }
  if (::fdatasync(fd_) != 0) return std::nullopt;
  return last_;
}

std::optional<LogFault> verify_chain(const std::filesystem::path& folder,
                                     const SegmentFile& segment, std::uint64_t used,
                                     bool finished) {
  const auto path = chain_path(folder, segment.index());
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const auto fault = [&](std::uint64_t at, std::string why) {
    if (fd >= 0) ::close(fd);
    return std::optional<LogFault>({path.string(), at, std::move(why)});
  };
  if (fd < 0) return fault(0, "hash chain is missing");
  const auto links = stored_links(fd, segment);
  const auto whole = used / kChainBlockBytes;
  const auto blocks = (used + kChainBlockBytes - 1) / kChainBlockBytes;
  if (links > blocks) {
    return fault(0, "chain has " + std::to_string(links) + " links, the segment only " +
                        std::to_string(blocks) + " blocks");
  }
  // While a segment is written its chain lags behind by what is not synced yet.
  if (finished && links < blocks) return fault(0, "chain ends after " + std::to_string(links));
  ChainHasher hasher;
  Hash link{};
  for (std::uint64_t i = 0; i < links; ++i) {
    Hash stored{};
    const auto at = i * kChainBlockBytes;
    link = hasher.next(link, segment.data() + at, i < whole ? kChainBlockBytes : used - at);
    const bool read = read_at(fd, stored.data(), stored.size(), link_offset(i));
    if (!read || stored != link) {
      return fault(static_cast<std::uint64_t>(link_offset(i)),
                   "link of the segment's bytes from " + std::to_string(at) + " is wrong");
    }
  }
  ::close(fd);
  return std::nullopt;
}

}  // namespace pitwire
