// What the process asks of the host: cores, locked memory, pages. Each says whether it got it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace pitwire {

/// Whether the host granted it, and the reason in words where it did not.
struct TuningResult {
  bool ok = false;
  std::string reason;
};

/// Binds the calling thread to these cores.
[[nodiscard]] TuningResult pin_thread(std::span<const int> cores);
/// Cores the calling thread may run on.
[[nodiscard]] std::vector<int> allowed_cores();
/// Locks present and future pages (mlockall); refused beyond RLIMIT_MEMLOCK without CAP_IPC_LOCK.
[[nodiscard]] TuningResult lock_memory();
/// Touches every page for writing without changing it.
[[nodiscard]] TuningResult prefault(void* address, std::size_t size_bytes);
/// Touches the calling thread's next `size_bytes` of stack.
void prefault_stack(std::size_t size_bytes) noexcept;
/// Asks for huge pages (MADV_HUGEPAGE) on the whole pages within.
[[nodiscard]] TuningResult advise_huge_pages(void* address, std::size_t size_bytes);
/// Name of the calling thread as `ps -L` shows it, at most 15 bytes.
[[nodiscard]] TuningResult name_thread(const std::string& name);
/// Threads of this process, from /proc/self/task.
[[nodiscard]] int thread_count();
/// Their names, in the order of /proc/self/task.
[[nodiscard]] std::vector<std::string> thread_names();
/// True under SCHED_FIFO or SCHED_RR, where an unbounded spin can lock the machine.
[[nodiscard]] bool is_real_time() noexcept;

}  // namespace pitwire
