#include "pitwire/log/marks.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace pitwire {
namespace {

constexpr std::array<char, 8> kMarksMagic = {'P', 'I', 'T', 'W', 'M', 'R', 'K', '\n'};

MarksPage* map_page(int fd, int protection) {
  void* at = ::mmap(nullptr, kPageBytes, protection, MAP_SHARED, fd, 0);
  return at == MAP_FAILED ? nullptr : static_cast<MarksPage*>(at);
}

struct flock whole_file(short kind) {
  struct flock lock{};
  lock.l_type = kind;
  lock.l_whence = SEEK_SET;
  return lock;
}

}  // namespace

std::unique_ptr<Marks> Marks::open(const std::filesystem::path& folder) {
  const int fd = ::open((folder / "marks").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return nullptr;
  struct stat status{};
  const bool whole = ::fstat(fd, &status) == 0 && status.st_size >= off_t{kPageBytes};
  auto* page = whole ? map_page(fd, PROT_READ) : nullptr;
  ::close(fd);
  if (page == nullptr) return nullptr;
  std::unique_ptr<Marks> marks(new Marks(page));
  return page->magic == kMarksMagic && page->format_version == kLogFormatVersion ? std::move(marks)
                                                                                 : nullptr;
}

std::unique_ptr<Marks> Marks::create(const std::filesystem::path& folder, const Uuid& uuid,
                                     Sequence sequence) {
  const auto path = folder / "marks";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (fd < 0) throw_errno(path, "open");
  const int error = ::posix_fallocate(fd, 0, kPageBytes);
  auto* page = error == 0 ? map_page(fd, PROT_READ | PROT_WRITE) : nullptr;
  if (error != 0) errno = error;
  ::close(fd);
  if (page == nullptr) throw_errno(path, "map");
  std::unique_ptr<Marks> marks(new Marks(page));
  marks->publish(sequence, sequence);
  page->log_uuid = uuid;
  page->clean_close = 0;
  page->writer_pid = static_cast<std::uint64_t>(::getpid());
  page->format_version = kLogFormatVersion;
  page->magic = kMarksMagic;
  if (::msync(page, kPageBytes, MS_SYNC) != 0) throw_errno(path, "msync");
  return marks;
}

Marks::~Marks() { ::munmap(page_, kPageBytes); }

bool Marks::close_clean() noexcept {
  page_->clean_close = 1;
  return ::msync(page_, kPageBytes, MS_SYNC) == 0;
}

// Locks of the open file description: a second writer in the same process is refused too, and
// closing some other descriptor of the file does not give the lock away.
WriterLock::WriterLock(const std::filesystem::path& folder) {
  const auto path = folder / "lock";
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (fd_ < 0) throw_errno(path, "open");
  auto lock = whole_file(F_WRLCK);
  if (::fcntl(fd_, F_OFD_SETLK, &lock) == 0) return;
  ::close(fd_);
  throw LogError({path.string(), 0, "another writer holds this log"});
}

WriterLock::~WriterLock() { ::close(fd_); }

bool WriterLock::held(const std::filesystem::path& folder) noexcept {
  const int fd = ::open((folder / "lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno == EACCES;
  auto lock = whole_file(F_WRLCK);
  const bool asked = ::fcntl(fd, F_OFD_GETLK, &lock) == 0;
  ::close(fd);
  return asked && lock.l_type != F_UNLCK;
}

}  // namespace pitwire
