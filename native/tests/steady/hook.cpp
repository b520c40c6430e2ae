#include "hook.hpp"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <stdexcept>
#include <string>

// glibc's own allocator, under the names that it keeps for those who stand in front of it.
// NOLINTBEGIN(bugprone-reserved-identifier): they are glibc's to name
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}
// NOLINTEND(bugprone-reserved-identifier)

namespace {

thread_local bool watched = false;
thread_local std::uint64_t allocations = 0;
bool trap = false;

void count() noexcept {
  if (!watched) return;
  ++allocations;
  if (trap) std::raise(SIGTRAP);
}

}  // namespace

extern "C" {
void* malloc(std::size_t size) {
  count();
  return __libc_malloc(size);
}
void* calloc(std::size_t many, std::size_t size) {
  count();
  return __libc_calloc(many, size);
}
void* realloc(void* memory, std::size_t size) {
  count();
  return __libc_realloc(memory, size);
}
void* memalign(std::size_t alignment, std::size_t size) {
  count();
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  count();
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  count();
  *memory = __libc_memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}
}

namespace pitwire::testing {
namespace {

/// What the child leaves for its parent: the number of the call that ended it.
volatile int* told = nullptr;

void on_system_call(int, siginfo_t* info, void*) {
  *told = info->si_syscall;
  ::syscall(SYS_exit_group, 1);
}

/// From here on this process may end, and nothing else.
void forbid_system_calls() {
  struct sigaction action{};
  action.sa_sigaction = on_system_call;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGSYS, &action, nullptr);
  constexpr auto kNumber = static_cast<unsigned>(offsetof(seccomp_data, nr));
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kNumber),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
  };
  const sock_fprog program{std::size(filter), filter};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    *told = -errno - 1'000;
    ::_exit(2);
  }
}

}  // namespace

/// What tools/instructions.py has callgrind count: the loop and nothing around it.
extern "C" [[gnu::noinline]] void pitwire_counted_loop(const std::function<void()>& loop) {
  loop();
  asm volatile("");  // no tail call: the loop is within
}

std::uint64_t allocations_in(const std::function<void()>& loop) {
  trap = std::getenv("PITWIRE_STEADY_TRAP") != nullptr;
  allocations = 0;
  watched = true;
  pitwire_counted_loop(loop);
  watched = false;
  return allocations;
}

int first_system_call_in(const std::function<void()>& loop) {
  // Under callgrind there is no child: it would be counted too, and valgrind makes calls of its
  // own.
  if (std::getenv("PITWIRE_STEADY_COUNTING") != nullptr) return -1;
  auto* shared = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) throw std::runtime_error("mmap: errno " + std::to_string(errno));
  told = static_cast<volatile int*>(shared);
  *told = -1;
  const auto child = ::fork();
  if (child == 0) {
    forbid_system_calls();
    loop();
    ::syscall(SYS_exit_group, 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  const int found = *told;
  ::munmap(shared, 4096);
  if (found < -1) {
    throw std::runtime_error("seccomp is not to be had: errno " + std::to_string(-found - 1'000));
  }
  if (found == -1 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
    throw std::runtime_error("the child ended with status " + std::to_string(status));
  }
  return found;
}

::testing::AssertionResult is_steady(const std::function<void()>& loop) {
  const int call = first_system_call_in(loop);
  if (call != -1) return ::testing::AssertionFailure() << "system call " << call;
  const auto count = allocations_in(loop);
  if (count != 0) return ::testing::AssertionFailure() << count << " allocations";
  return ::testing::AssertionSuccess();
}

}  // namespace pitwire::testing
