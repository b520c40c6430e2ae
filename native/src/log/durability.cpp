#include "pitwire/log/durability.hpp"

#include <pthread.h>
#include <sys/statvfs.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

#include "pitwire/log/retention.hpp"

namespace pitwire {
namespace {

// Long enough for a burst at memory speed while a sync takes its milliseconds; the pages are dirty
// page cache, written out with the frames.
constexpr std::uint64_t kPopulateAheadBytes = 64ULL << 20;
constexpr std::uint64_t kPopulateAtStartBytes = 4ULL << 20;
// Between steps of what takes long the way ahead of the writer is seen to: a writer that faults its
// pages in itself is at a third of its speed.
constexpr std::uint64_t kSyncStepBytes = 16ULL << 20;
constexpr std::uint64_t kHashStepBytes = 8ULL << 20;

/// The host's clock: this thread is no part of the deterministic core, and nothing it reads here
/// reaches the log.
Nanos monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

/// Signals are for the daemon's main thread: one started with all of them blocked stays so.
std::thread start_without_signals(auto&& body) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::forward<decltype(body)>(body));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::pthread_setname_np(thread.native_handle(), "pitwire-log");
  return thread;
}

}  // namespace

Durability::Durability(const LogOptions& options, RecoveredTail& tail)
    : options_(options),
      log_uuid_(tail.log_uuid),
      lock_(std::move(tail.lock)),
      durable_(tail.last_sequence),
      current_(std::move(tail.segment)),
      synced_(tail.offset) {
  if (tail.previous_hash) current_->set_previous_hash(*tail.previous_hash);
  if (!current_->sync(0, current_->size())) throw_errno(current_->path(), "msync");
  // Only now: the marks never claim more than is synced.
  marks_ = Marks::create(options_.folder, tail.log_uuid, tail.last_sequence);
  chain_ = std::make_unique<ChainWriter>(options_.folder, *current_, tail.offset);
  sync_folder(options_.folder);
  current_->populated_below(tail.offset);
  committed(current_->index(), tail.offset, tail.last_sequence, false);
  synced_at_ = monotonic_ns();
  if (options_.prefault) current_->populate(tail.offset + kPopulateAtStartBytes);
  look_at_disk();
  thread_ = start_without_signals([this] { run(); });
}

Durability::~Durability() { close(); }

std::string Durability::failure() const {
  const std::lock_guard hold(mutex_);
  return failure_;
}

void Durability::fail(const std::string& what) noexcept {
  const std::lock_guard hold(mutex_);
  if (failure_.empty()) failure_ = what;
  failed_.store(true, std::memory_order_release);
  done_.notify_all();
  for (Doorbell* bell : bells_) bell->ring();
}

void Durability::fail_errno(const std::string& what) noexcept {
  fail(what + ": " + std::strerror(errno));
}

// ---------------------------------------------------------------- the writer's side

SegmentFile* Durability::wait_next() noexcept {
  std::unique_lock hold(mutex_);
  next_wanted_ = true;
  wake_.notify_one();
  SegmentFile* next = nullptr;
  done_.wait(hold, [&] { return (next = try_next()) != nullptr || failed() || stop_; });
  return next;
}

bool Durability::wait_durable(Sequence sequence) noexcept {
  if (durable() >= sequence) return true;
  std::unique_lock hold(mutex_);
  wanted_ = std::max(wanted_, sequence);
  wake_.notify_one();
  done_.wait(hold, [&] { return durable() >= sequence || failed() || stop_; });
  return durable() >= sequence;
}

void Durability::want_durable(Sequence sequence) noexcept {
  const std::lock_guard hold(mutex_);
  wanted_ = std::max(wanted_, sequence);
  wake_.notify_one();
}

void Durability::add_bell(Doorbell& bell) {
  const std::lock_guard hold(mutex_);
  bells_.push_back(&bell);
}

void Durability::remove_bell(Doorbell& bell) {
  const std::lock_guard hold(mutex_);
  std::erase(bells_, &bell);
}

bool Durability::close() noexcept {
  if (!thread_.joinable()) return !failed();
  {
    const std::lock_guard hold(mutex_);
    stop_ = true;
    wake_.notify_one();
  }
  thread_.join();
  lock_.reset();
  return !failed();
}

// ---------------------------------------------------------------- the thread

void Durability::run() noexcept {
  auto interval = options_.sync_interval_ns;
  for (bool stopping = false; !stopping;) {
    Sequence wanted = 0;
    {
      std::unique_lock hold(mutex_);
      wake_.wait_for(hold, std::chrono::nanoseconds(interval),
                     [&] { return stop_ || next_wanted_ || wanted_ > durable(); });
      stopping = stop_;
      wanted = stop_ ? sequence_.load(std::memory_order_acquire) : wanted_;
      next_wanted_ = false;
    }
    if (failed()) {
      interval = kSecond;  // nothing is done any more; only `stop` is waited for
      const std::lock_guard hold(mutex_);
      wanted_ = 0;
      continue;
    }
    try {
      const bool busy = round(wanted);
      interval =
          busy ? options_.sync_interval_ns : std::min(interval * 2, options_.sync_interval_idle_ns);
      if (stopping && !failed()) close_files();
    } catch (const std::exception& error) {
      fail(error.what());
    }
  }
  const std::lock_guard hold(mutex_);
  done_.notify_all();
}

Durability::Seen Durability::look() const noexcept {
  const auto sequence = sequence_.load(std::memory_order_acquire);
  const auto position = position_.load(std::memory_order_acquire);
  return {sequence, position >> kOffsetBits, position & ((1ULL << kOffsetBits) - 1)};
}

bool Durability::due(const Seen& seen, Sequence wanted) const noexcept {
  if (seen.offset == synced_) return false;
  // A skipped number has no frame: `wanted` may be above what was ever committed.
  const auto done = durable();
  return asked_.load(std::memory_order_relaxed) > done || wanted > done ||
         monotonic_ns() - synced_at_ >= options_.sync_interval_lazy_ns;
}

bool Durability::round(Sequence wanted) {
  const auto seen = look();
  populate_ahead();
  const bool finished = seen.index != current_->index();
  while (!failed() && current_->index() < seen.index) finish_current();
  const bool busy = finished || due(seen, wanted);
  if (busy && !failed()) sync_to(seen);
  if (!failed() && !prepared_) prepare_next();
  if (monotonic_ns() - disk_looked_at_ > kSecond) look_at_disk();
  return busy;
}

void Durability::sync_to(const Seen& seen) {
  if (options_.before_sync) options_.before_sync();
  if (!sync_steps(seen.offset)) return;
  synced_at_ = monotonic_ns();
  durable_.store(seen.sequence, std::memory_order_release);
  marks_->publish(sequence_.load(std::memory_order_acquire), seen.sequence);
  tell_waiters();
  // Behind the waiters' backs: hashing is not part of what makes a frame durable.
  (void)hash_steps();
}

/// Until `to` of the current segment is on disk.
bool Durability::sync_steps(std::uint64_t to) {
  while (synced_ < to) {
    const auto next = std::min(to, synced_ + kSyncStepBytes);
    if (!current_->sync(synced_, next)) {
      fail_errno(current_->path().string() + ": sync");
      return false;
    }
    synced_ = next;
    populate_ahead();
  }
  return true;
}

/// Until what is synced is in the chain.
bool Durability::hash_steps() {
  for (auto to = chain_->hashed_bytes(); to < synced_;) {
    to = std::min(synced_, to + kHashStepBytes);
    if (!chain_->extend(to)) {
      fail_errno(current_->path().string() + ": chain");
      return false;
    }
    populate_ahead();
  }
  return true;
}

void Durability::tell_waiters() noexcept {
  const std::lock_guard hold(mutex_);
  done_.notify_all();
  if (wanted_ == 0) return;
  for (Doorbell* bell : bells_) bell->ring();
  if (wanted_ <= durable()) wanted_ = 0;
}

void Durability::finish_current() {
  const auto used = current_->used_bytes.load(std::memory_order_acquire);
  const auto name = current_->path().string();
  if (!sync_steps(used) || !hash_steps()) return;
  const auto hash = chain_->finish(used);
  if (!hash) return fail_errno(name + ": chain");
  if (!current_->resize(std::min(trimmed_bytes(used), current_->size()))) {
    return fail_errno(name + ": trim");
  }
  // The writer is on the successor, which is the one prepared last.
  prepared_->set_previous_hash(*hash);
  if (!prepared_->sync(0, kSegmentHeaderBytes)) return fail_errno(name + ": sync of the successor");
  current_ = std::move(prepared_);
  synced_ = kSegmentHeaderBytes;
  chain_ = std::make_unique<ChainWriter>(options_.folder, *current_, kSegmentHeaderBytes);
  retain(options_, current_->index());
}

void Durability::prepare_next() {
  prepared_ =
      SegmentFile::prepare(options_.folder, current_->index() + 1, options_.segment_size_bytes);
  if (options_.prefault) prepared_->populate(kPopulateAheadBytes);
  next_.store(prepared_.get(), std::memory_order_release);
  const std::lock_guard hold(mutex_);
  done_.notify_all();
}

/// Wherever the writer is by now: it may have gone on to the segment behind the current one.
void Durability::populate_ahead() {
  if (!options_.prefault) return;
  const auto seen = look();
  SegmentFile* const at = seen.index == current_->index() ? current_.get() : prepared_.get();
  if (at != nullptr && at->index() == seen.index) at->populate(seen.offset + kPopulateAheadBytes);
}

void Durability::look_at_disk() {
  disk_looked_at_ = monotonic_ns();
  struct statvfs disk{};
  if (::statvfs(options_.folder.c_str(), &disk) != 0) return;
  const auto free_bytes = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  disk_low_.store(free_bytes < options_.low_disk_bytes, std::memory_order_relaxed);
}

void Durability::close_files() {
  const auto used = synced_;
  const auto name = current_->path().string();
  if (!chain_->finish(used)) return fail_errno(name + ": chain");
  if (!current_->resize(trimmed_bytes(used))) return fail_errno(name + ": trim");
  if (prepared_) std::filesystem::remove(prepared_->path());
  sync_folder(options_.folder);
  if (!marks_->close_clean()) fail_errno("marks: sync");
}

}  // namespace pitwire
