#include "pitwire/wire/shared_status.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <new>
#include <span>
#include <stdexcept>
#include <utility>

#include "pitwire/base/clock.hpp"

namespace pitwire {
namespace {

SharedMemory open_or_create(const std::string& path, mode_t mode) {
  struct stat facts{};
  if (::stat(path.c_str(), &facts) == 0) return SharedMemory::open_file(path, true);
  alignas(StatusPage) std::byte bytes[sizeof(StatusPage)];
  auto* fresh = new (bytes) StatusPage{};
  fresh->magic = StatusPage::kMagic;
  fresh->version = StatusPage::kVersion;
  fresh->kill_uid.store(kNoId, std::memory_order_relaxed);
  return SharedMemory::create_file(path, 4096, mode, bytes);
}

}  // namespace

SharedStatus::SharedStatus(SharedMemory memory, const std::string& path)
    : memory_(std::move(memory)), page_(reinterpret_cast<StatusPage*>(memory_.data())) {
  if (memory_.size_bytes() < sizeof(StatusPage) || page_->magic != StatusPage::kMagic) {
    throw std::invalid_argument(path + ": is not a status page");
  }
  if (page_->version != StatusPage::kVersion) {
    throw std::invalid_argument(path + ": status page of version " +
                                std::to_string(page_->version) + ", expected " +
                                std::to_string(StatusPage::kVersion));
  }
}

SharedStatus::SharedStatus(const std::string& path, mode_t mode)
    : SharedStatus(open_or_create(path, mode), path) {
  page_->pid.store(static_cast<std::uint32_t>(::getpid()), std::memory_order_relaxed);
  page_->started_ts.store(host_now(), std::memory_order_relaxed);
}

SharedStatus SharedStatus::open(const std::string& path, bool writable) {
  return SharedStatus(SharedMemory::open_file(path, writable), path);
}

void SharedStatus::heartbeat(std::uint64_t turn, Nanos ts_core) noexcept {
  page_->turn_ts.store(ts_core, std::memory_order_relaxed);
  // Release: who sees the turn sees its stamp, or a later one.
  page_->turn.store(turn, std::memory_order_release);
}

void SharedStatus::set_positions(Sequence committed, Sequence durable) noexcept {
  page_->durable_sequence.store(durable, std::memory_order_relaxed);
  page_->committed_sequence.store(committed, std::memory_order_relaxed);
}

void SharedStatus::set_phase(std::uint32_t phase) noexcept {
  page_->phase.store(phase, std::memory_order_release);
}

std::uint32_t SharedStatus::kill(std::uint32_t uid) noexcept {
  std::int64_t unset = 0;
  // One of several killers writes who and when; then each raises the word. Release: the gate that
  // acquires the word sees them.
  if (page_->kill_ts.compare_exchange_strong(unset, host_now(), std::memory_order_relaxed)) {
    page_->kill_uid.store(uid, std::memory_order_relaxed);
  }
  const auto before = page_->kill_word.fetch_add(1, std::memory_order_release);
  return before + 1;
}

void SharedStatus::clear_kill() noexcept {
  page_->kill_word.store(0, std::memory_order_relaxed);
  page_->kill_uid.store(kNoId, std::memory_order_relaxed);
  page_->kill_ts.store(0, std::memory_order_release);
}

std::uint64_t SharedStatus::acquire_fence() noexcept {
  // acq_rel pairs with holds(): the loser that reads our token stops before we send.
  return page_->fence.fetch_add(1, std::memory_order_acq_rel) + 1;
}

}  // namespace pitwire
