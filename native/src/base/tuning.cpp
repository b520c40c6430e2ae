#include "pitwire/base/tuning.hpp"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace pitwire {
namespace {

TuningResult result_of(int error, const std::string& what) {
  if (error == 0) return {true, ""};
  return {false, what + ": " + std::strerror(error)};
}

std::size_t page_bytes() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

}  // namespace

TuningResult pin_thread(std::span<const int> cores) {
  if (cores.empty()) return {false, "pin_thread: no core named"};
  cpu_set_t set;
  CPU_ZERO(&set);
  std::string names;
  for (const int core : cores) {
    if (!names.empty()) names += ',';
    names += std::to_string(core);
    if (core < 0 || core >= CPU_SETSIZE) return {false, "pin_thread: no such core: " + names};
    CPU_SET(static_cast<std::size_t>(core), &set);
  }
  const int error = ::sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : errno;
  return result_of(error, "sched_setaffinity to cores " + names);
}

std::vector<int> allowed_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(static_cast<std::size_t>(core), &set)) cores.push_back(core);
  }
  return cores;
}

TuningResult lock_memory() {
  const int error = ::mlockall(MCL_CURRENT | MCL_FUTURE) == 0 ? 0 : errno;
  return result_of(error, "mlockall (see RLIMIT_MEMLOCK, CAP_IPC_LOCK)");
}

TuningResult prefault(void* address, std::size_t size_bytes) {
  if (size_bytes == 0) return {true, ""};
  const std::size_t page = page_bytes();
  const auto begin = reinterpret_cast<std::uintptr_t>(address);
  for (std::uintptr_t at = begin; at < begin + size_bytes; at = (at | (page - 1)) + 1) {
    // Adding nothing writes the page and cannot undo what another thread writes meanwhile.
    std::atomic_ref(*reinterpret_cast<unsigned char*>(at)).fetch_or(0, std::memory_order_relaxed);
  }
  return {true, ""};
}

// A frame per page, so that the stack grows by what was asked and not at once beyond its guard.
[[gnu::noinline]] void prefault_stack(std::size_t size_bytes) noexcept {
  volatile unsigned char page[4096];
  page[0] = 0;
  if (size_bytes > sizeof page) prefault_stack(size_bytes - sizeof page);
  page[sizeof page - 1] = page[0];  // after the call: no tail call, each frame stays its own
}

TuningResult advise_huge_pages(void* address, std::size_t size_bytes) {
  const std::size_t page = page_bytes();
  const auto first = (reinterpret_cast<std::uintptr_t>(address) + page - 1) & ~(page - 1);
  const auto last = (reinterpret_cast<std::uintptr_t>(address) + size_bytes) & ~(page - 1);
  if (last <= first) return {false, "madvise: no whole page within"};
  const int error =
      ::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE) == 0 ? 0 : errno;
  return result_of(error, "madvise(MADV_HUGEPAGE)");
}

TuningResult name_thread(const std::string& name) {
  return result_of(::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str()),
                   "pthread_setname_np");
}

std::vector<std::string> thread_names() {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task", error)) {
    std::string name;
    std::ifstream file(entry.path() / "comm");
    std::getline(file, name);
    names.push_back(name);
  }
  return names;
}

int thread_count() { return static_cast<int>(thread_names().size()); }

bool is_real_time() noexcept {
  const int policy = ::sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
  return policy == SCHED_FIFO || policy == SCHED_RR;
}

}  // namespace pitwire
