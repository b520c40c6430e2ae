// What a loop costs beside its own instructions: allocations and system calls, counted exactly.
//
// Allocations: this test program has its own malloc and its kin (hook.cpp), which count where the
// thread is being watched; operator new comes to them. System calls: the loop runs in a forked
// child whose seccomp filter lets nothing pass but the end of the process, so the first call ends
// it and says which it was. Both see what the loop does wherever it does it, in our code, in
// libraries, or in the standard library. Page faults are no system calls and are not counted.
#pragma once

#include <gtest/gtest.h>

#include <functional>

namespace pitwire::testing {

/// Allocations (also a realloc, and one that fails) of this thread while `loop` ran.
[[nodiscard]] std::uint64_t allocations_in(const std::function<void()>& loop);

/// Number of the first system call that `loop` makes, in a child process; -1 where it makes none.
/// What the loop changes is changed in the child alone. Throws std::runtime_error where the child
/// ended in another way.
[[nodiscard]] int first_system_call_in(const std::function<void()>& loop);

/// Neither. `loop` has warmed up and can run twice, going on the second time: first in the child,
/// from the same state (so none of it in shared memory), then here. PITWIRE_STEADY_TRAP=1 stops at
/// the first allocation (SIGTRAP), so that a debugger shows who asked.
[[nodiscard]] ::testing::AssertionResult is_steady(const std::function<void()>& loop);

}  // namespace pitwire::testing
