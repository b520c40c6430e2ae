// Sleeping and spinning until there is work: one epoll set over every native descriptor.
//
// Two sets. The inner holds native descriptors (feed lines, FIX connections, doorbells) and is the
// one descriptor that the loop watches with add_reader. The outer holds the inner and the loop's
// own backend descriptor, so that wait() also ends when the loop has work; they are two because an
// epoll set may not contain one that contains it.
#pragma once

#include <cstdint>
#include <vector>

#include "pitwire/base/doorbell.hpp"
#include "pitwire/base/types.hpp"

namespace pitwire {

/// How wait() passes the time. Any spin is bounded by its `spin_ns`.
enum class WaitMode : std::uint8_t {
  PARK = 0,            // sleep at once
  SPIN = 1,            // look again and again for `spin_ns`, then return without sleeping
  SPIN_THEN_PARK = 2,  // spin, then sleep for what is left of the timeout
};

/// Bits of what wait() ended for; 0 is the timeout. WAIT_NATIVE may be said once without cause: a
/// producer that rang for a sleep already over.
enum WaitResult : unsigned { WAIT_TIMEOUT = 0, WAIT_NATIVE = 1, WAIT_LOOP = 2 };

/// One thread uses it; what it is given must be removed before it is closed or destroyed.
class Waiter {
 public:
  Waiter();
  ~Waiter();
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  /// Watches a descriptor for input (level-triggered), for output too when asked. Throws
  /// std::invalid_argument with the descriptor and the reason.
  void add(int fd, bool want_output = false);
  void modify(int fd, bool want_output);
  void remove(int fd);
  /// Watches a doorbell, armed before each sleep.
  void add(WakeSource& source);
  void remove(WakeSource& source);
  /// The loop's own descriptor (uvloop: loop._get_backend_id()), so that wait() yields to it.
  /// What was added to the loop in its present iteration is seen from its next one on.
  void watch_loop(int backend_fd);
  /// For the loop's add_reader.
  [[nodiscard]] int epoll_fd() const noexcept { return inner_; }

  /// Arms every doorbell before a sleep elsewhere (in the loop's own epoll): false when something
  /// is ready already and nobody should sleep. After waking, call disarm().
  [[nodiscard]] bool arm() noexcept;
  void disarm() noexcept;

  /// Until work, or `timeout_ns` from now (negative: no limit). Under real-time scheduling spinning
  /// is refused and every mode parks: on two cores a spin there locks the machine. Holds no
  /// interpreter lock in the binding.
  [[nodiscard]] unsigned wait(WaitMode mode, Nanos spin_ns, Nanos timeout_ns) noexcept;

 private:
  [[nodiscard]] bool any_ready() const noexcept;
  [[nodiscard]] unsigned look(Nanos timeout_ns) noexcept;
  [[nodiscard]] unsigned spin(Nanos until) noexcept;

  int inner_ = -1;
  int outer_ = -1;
  int loop_fd_ = -1;
  std::vector<WakeSource*> sources_;
};

}  // namespace pitwire
