#include "pitwire/log/segment.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "pitwire/base/crc32c.hpp"
#include "pitwire/log/frame.hpp"

namespace pitwire {
namespace {

std::uint32_t header_crc(const SegmentHeader& header) {
  return crc32c(0, &header, offsetof(SegmentHeader, crc));
}

bool all_zero(const std::byte* from, std::uint64_t size) {
  return std::all_of(from, from + size, [](std::byte byte) { return byte == std::byte{0}; });
}

/// The end of the last byte in [from, to) that is not zero, or `none`.
std::uint64_t last_written(const std::byte* data, std::uint64_t from, std::uint64_t to,
                           std::uint64_t none) {
  while (to > from && data[to - 1] == std::byte{0}) --to;
  return to > from ? to : none;
}

// Linux 5.14; older C libraries do not name them.
constexpr int kPopulateRead = 22;
constexpr int kPopulateWrite = 23;

}  // namespace

void throw_errno(const std::filesystem::path& path, const std::string& what) {
  throw LogError({path.string(), 0, what + ": " + std::strerror(errno)});
}

std::string segment_name(std::uint64_t index) {
  char name[32];
  std::snprintf(name, sizeof name, "%08llu.seg", static_cast<unsigned long long>(index));
  return name;
}

std::vector<std::uint64_t> segment_indices(const std::filesystem::path& folder) {
  std::vector<std::uint64_t> out;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    const auto name = entry.path().filename().string();
    const auto digits = name.find_first_not_of("0123456789");
    if (digits == std::string::npos || digits < 8 || digits > 18) continue;
    if (name.substr(digits) == ".seg") out.push_back(std::stoull(name.substr(0, digits)));
  }
  std::sort(out.begin(), out.end());
  return out;
}

void sync_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) throw_errno(folder, "open");
  const int result = ::fsync(fd);
  ::close(fd);
  if (result != 0) throw_errno(folder, "fsync");
}

SegmentFile::SegmentFile(std::filesystem::path path, std::uint64_t index) noexcept
    : path_(std::move(path)), index_(index) {}

SegmentFile::~SegmentFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
  if (fd_ >= 0) ::close(fd_);
}

void SegmentFile::open_fd(int flags) {
  fd_ = ::open(path_.c_str(), flags | O_CLOEXEC, 0640);
  if (fd_ < 0) throw_errno(path_, "open");
}

void SegmentFile::map(std::uint64_t size_bytes, bool writable) {
  if (size_bytes == 0) return;
  void* at = ::mmap(nullptr, size_bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
                    fd_, 0);
  if (at == MAP_FAILED) throw_errno(path_, "mmap");
  data_ = static_cast<std::byte*>(at);
  size_ = size_bytes;
}

std::unique_ptr<SegmentFile> SegmentFile::prepare(const std::filesystem::path& folder,
                                                  std::uint64_t index, std::uint64_t size_bytes) {
  std::unique_ptr<SegmentFile> file(new SegmentFile(folder / segment_name(index), index));
  file->open_fd(O_RDWR | O_CREAT);
  const int error = ::posix_fallocate(file->fd_, 0, static_cast<off_t>(size_bytes));
  if (error != 0) {
    errno = error;
    throw_errno(file->path_, "allocate " + std::to_string(size_bytes) + " bytes");
  }
  if (::fsync(file->fd_) != 0) throw_errno(file->path_, "fsync");
  sync_folder(folder);
  file->map(size_bytes, true);
  return file;
}

std::unique_ptr<SegmentFile> SegmentFile::open(const std::filesystem::path& folder,
                                               std::uint64_t index, bool writable) {
  std::unique_ptr<SegmentFile> file(new SegmentFile(folder / segment_name(index), index));
  file->open_fd(writable ? O_RDWR : O_RDONLY);
  file->map_all(writable);
  return file;
}

std::unique_ptr<SegmentFile> SegmentFile::find(const std::filesystem::path& folder,
                                               std::uint64_t index) {
  std::unique_ptr<SegmentFile> file(new SegmentFile(folder / segment_name(index), index));
  file->fd_ = ::open(file->path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (file->fd_ < 0) {
    if (errno == ENOENT) return nullptr;
    throw_errno(file->path_, "open");
  }
  file->map_all(false);
  return file;
}

void SegmentFile::map_all(bool writable) {
  struct stat status{};
  if (::fstat(fd_, &status) != 0) throw_errno(path_, "fstat");
  map(static_cast<std::uint64_t>(status.st_size), writable);
}

const SegmentHeader& SegmentFile::header() const noexcept {
  return *reinterpret_cast<const SegmentHeader*>(data_);
}

PreviousHash SegmentFile::previous_hash() const noexcept {
  PreviousHash out;
  std::memcpy(&out, data_ + kPreviousHashOffset, sizeof out);
  return out;
}

HeaderState SegmentFile::header_state(std::string& reason) const {
  if (size_ == 0 || all_zero(data_, std::min(size_, kSegmentHeaderBytes))) {
    return HeaderState::VACANT;
  }
  const auto bad = [&reason](std::string why) {
    reason = std::move(why);
    return HeaderState::BAD;
  };
  if (size_ < kSegmentHeaderBytes) {
    return bad("header of " + std::to_string(kSegmentHeaderBytes) + " bytes expected, file has " +
               std::to_string(size_));
  }
  const auto& found = header();
  if (found.magic != kSegmentMagic) return bad("not a segment of a pitwire log (magic)");
  if (found.crc != header_crc(found)) return bad("checksum of the segment's header is wrong");
  if (found.format_version != kLogFormatVersion) {
    return bad("log format " + std::to_string(found.format_version) + ", this build reads " +
               std::to_string(kLogFormatVersion));
  }
  if (found.flags != 0) return bad("encrypted, or flags unknown to this build");
  if (found.index != index_) return bad("header says segment " + std::to_string(found.index));
  if (found.first_sequence == 0 || found.first_sequence > kSequenceMax) {
    return bad("header says first sequence " + std::to_string(found.first_sequence));
  }
  const auto segment_size = found.segment_size_bytes;
  if (segment_size < std::max(size_, kSegmentBytesMin) || segment_size > kSegmentBytesMax) {
    return bad("header says a segment of " + std::to_string(segment_size) + " bytes, expected " +
               std::to_string(std::max(size_, kSegmentBytesMin)) + " to " +
               std::to_string(kSegmentBytesMax));
  }
  const auto behind = kPreviousHashOffset + sizeof(PreviousHash);
  if (!all_zero(data_ + sizeof(SegmentHeader), kPreviousHashOffset - sizeof(SegmentHeader)) ||
      !all_zero(data_ + behind, kSegmentHeaderBytes - behind)) {
    return bad("reserved bytes of the header page are not zero");
  }
  return HeaderState::VALID;
}

void SegmentFile::begin(const Uuid& uuid, Sequence first_sequence) noexcept {
  SegmentHeader out{kSegmentMagic, kLogFormatVersion, 0, index_, uuid, first_sequence, size_, 0, 0};
  out.crc = header_crc(out);
  // The magic goes last: a reader that finds it finds the rest (partner: open_segment's acquire).
  std::memcpy(data_ + 8, reinterpret_cast<const std::byte*>(&out) + 8, sizeof out - 8);
  std::uint64_t magic;
  std::memcpy(&magic, out.magic.data(), 8);
  __atomic_store_n(reinterpret_cast<std::uint64_t*>(data_), magic, __ATOMIC_RELEASE);
}

void SegmentFile::set_previous_hash(const Hash& hash) noexcept {
  PreviousHash out{kPreviousHashKnown, hash, crc32c(0, hash.data(), hash.size()), 0};
  auto* at = data_ + kPreviousHashOffset;
  std::memcpy(at + 8, reinterpret_cast<const std::byte*>(&out) + 8, sizeof out - 8);
  __atomic_store_n(reinterpret_cast<std::uint64_t*>(at), out.state, __ATOMIC_RELEASE);
}

std::optional<std::string> damaged_previous_hash(const PreviousHash& found,
                                                 std::uint64_t segment_index) {
  const bool zero = found.sha256 == Hash{} && found.crc == 0;
  if (found.reserved != 0) return "reserved bytes behind the previous segment's hash are not zero";
  if (found.state == 0) {
    // A writer killed while it wrote the hash leaves it without its state: not damage, unknown.
    if (zero || segment_index > 0) return std::nullopt;
    return "segment 0 has a previous segment's hash";
  }
  if (found.state != kPreviousHashKnown || segment_index == 0) {
    return "state of the previous segment's hash is damaged";
  }
  if (found.crc != crc32c(0, found.sha256.data(), found.sha256.size())) {
    return "checksum of the previous segment's hash is wrong";
  }
  return std::nullopt;
}

std::uint64_t SegmentFile::written_end(std::uint64_t from) const {
  // Ranges that were allocated and never written are holes to the file system: they are not read.
  std::uint64_t end = from;
  for (auto at = static_cast<off_t>(from); at < static_cast<off_t>(size_);) {
    const off_t begin = ::lseek(fd_, at, SEEK_DATA);
    if (begin < 0 && errno == ENXIO) break;
    const off_t stop = begin < 0 ? static_cast<off_t>(size_) : ::lseek(fd_, begin, SEEK_HOLE);
    const auto to = std::min(size_, static_cast<std::uint64_t>(std::max<off_t>(stop, at + 1)));
    end = last_written(data_, static_cast<std::uint64_t>(std::max(begin, at)), to, end);
    at = static_cast<off_t>(to);
  }
  return end;
}

bool SegmentFile::sync(std::uint64_t from, std::uint64_t to) const noexcept {
  // msync of a range is fdatasync of that range: pages faulted in ahead are not written out.
  const std::uint64_t begin = from / kPageBytes * kPageBytes;
  return ::msync(data_ + begin, to - begin, MS_SYNC) == 0;
}

bool SegmentFile::resize(std::uint64_t size_bytes) const noexcept {
  return ::ftruncate(fd_, static_cast<off_t>(size_bytes)) == 0 && ::fsync(fd_) == 0;
}

void SegmentFile::populate(std::uint64_t to) noexcept {
  to = std::min(to / kPageBytes * kPageBytes, size_);
  if (to <= populated_) return;
  // Best effort: an older kernel refuses, and the writer takes its page faults itself.
  if (::madvise(data_ + populated_, to - populated_, kPopulateWrite) == 0) populated_ = to;
}

void SegmentFile::populate_for_reading(std::uint64_t from, std::uint64_t size) const noexcept {
  const auto begin = from / kPageBytes * kPageBytes;
  if (begin >= size_) return;
  // Best effort as well: the file may be trimmed meanwhile, and pages then come one by one.
  (void)::madvise(data_ + begin, std::min(size, size_ - begin), kPopulateRead);
}

}  // namespace pitwire
