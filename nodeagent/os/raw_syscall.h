// Makes system calls that touch neither errno nor any other thread-local state. They are for the
// moment between clone and execve, when a child may share the keeper's memory, and with it the
// thread-local storage of the thread that made it.
#pragma once

#include <linux/sched.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace nodeagent {

#if defined(__x86_64__)

// Says whether a child may run in the keeper's memory, on a stack of its own.
constexpr bool kCanShareMemory = true;

// Returns the result, or minus the errno.
inline long rawSyscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0) {
  long result;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
               : "rcx", "r11", "memory");
  return result;
}

// Calls clone3 for a child that gets its own stack. The child calls `entry(argument)`, which must
// not return.
inline long rawCloneOnStack(clone_args* arguments, void (*entry)(void*), void* argument) {
  long result;
  register auto r8 asm("r8") = entry;
  register auto r9 asm("r9") = argument;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %%r9, %%rdi\n\t"
      "call *%%r8\n\t"
      "hlt\n"
      "1:"
      : "=a"(result)
      : "a"(static_cast<long>(SYS_clone3)), "D"(arguments), "S"(sizeof(*arguments)), "r"(r8),
        "r"(r9)
      : "rcx", "r11", "memory", "cc");
  return result;
}

#else

constexpr bool kCanShareMemory = false;

// Uses errno, which is the child's own where memory is not shared.
inline long rawSyscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0) {
  long result = syscall(number, a, b, c, d, e);
  return result < 0 ? -errno : result;
}

inline long rawCloneOnStack(clone_args*, void (*)(void*), void*) {
  return -ENOSYS;
}

#endif

}  // namespace nodeagent
