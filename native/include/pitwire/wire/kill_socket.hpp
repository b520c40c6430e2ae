// The way to stop trading that no strategy can block: a native thread with a socket of its own.
//
// Protocol, over a Unix SOCK_SEQPACKET socket, one datagram a request and one JSON line a reply:
//   "kill"    sets the kill word        {"killed": true, "word": 1, "uid": 1000, "ts": ns}
//   "status"  asks                      {"killed": false, "word": 0, "uid": null, "ts": ns,
//                                        "turn": n, "turn_ts": ns, "pid": n}
//   other     is refused                {"error": "unknown request"}
// A peer whose user or group (SO_PEERCRED) is not allowed gets {"error": "not permitted"} and is
// closed. `ts` is the host clock, ns since 1970 UTC, taken after the word was set.
//
// The socket has its mode before it is bound (fchmod), is bound under a temporary name, listens,
// and is then renamed: at no instant can it be connected to with other rights.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "pitwire/base/doorbell.hpp"
#include "pitwire/wire/shared_status.hpp"

namespace pitwire {

struct KillSocketConfig {
  std::string path = {};  // its directory must exist and not be writable by others
  mode_t mode = 0600;
  std::vector<uid_t> uids_allowed = {};  // root and our own user always may
  std::vector<gid_t> gids_allowed = {};  // the peer's primary group
};

/// Serves until destroyed. Throws std::invalid_argument with path and reason. A Waiter that watches
/// it wakes at a kill, and goes on waking until seen().
class KillSocket final : public WakeSource {
 public:
  /// `status` outlives this.
  KillSocket(KillSocketConfig config, SharedStatus& status);
  ~KillSocket() override;
  KillSocket(const KillSocket&) = delete;
  KillSocket& operator=(const KillSocket&) = delete;

  /// True from a kill, by this socket or any other process, until seen().
  [[nodiscard]] bool ready() const noexcept override {
    return status_.kill_word().load(std::memory_order_acquire) !=
           seen_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] Doorbell& doorbell() noexcept override { return bell_; }
  /// Core's thread: the word as it is now has been dealt with (a KILL input appended).
  void seen() noexcept {
    seen_.store(status_.kill_word().load(std::memory_order_acquire), std::memory_order_relaxed);
  }

  /// Requests refused because of the peer's credentials.
  [[nodiscard]] std::uint64_t refused() const noexcept {
    return refused_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr int kPeersMax = 16;
  struct Peer {
    int fd = -1;
    std::uint32_t uid = 0;
  };

  void listen();
  void serve() noexcept;
  void accept_peer() noexcept;
  [[nodiscard]] bool answer(const Peer& peer) noexcept;
  void reply_kill(const Peer& peer) noexcept;
  void reply_status(int fd) noexcept;
  [[nodiscard]] bool permitted(uid_t uid, gid_t gid) const noexcept;

  KillSocketConfig config_;
  SharedStatus& status_;
  Doorbell bell_;
  std::atomic<std::uint32_t> seen_{0};
  int listener_ = -1;
  int stop_fd_ = -1;
  std::vector<Peer> peers_;
  std::atomic<std::uint64_t> refused_{0};
  std::thread thread_;
};

}  // namespace pitwire
