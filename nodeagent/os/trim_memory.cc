#include "nodeagent/os/trim_memory.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

namespace nodeagent {
namespace {

// Drops the segments of the program itself that nobody can have changed. The program is the first
// object, so the iteration ends after it.
int dropConstantSegments(struct dl_phdr_info* object, size_t, void*) {
  auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    uintptr_t begin = (object->dlpi_addr + segment.p_vaddr) & ~(page - 1);
    uintptr_t end = object->dlpi_addr + segment.p_vaddr + segment.p_memsz;
    madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 1;
}

constexpr auto kLook = 2 * kj::SECONDS;
// The CPU time between two looks above which the process works, and below which it is idle.
constexpr int64_t kWorkNs = 200'000'000;
constexpr int64_t kIdleNs = 20'000'000;

int64_t cpuNsNow() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return used.tv_sec * int64_t{1'000'000'000} + used.tv_nsec;
}

}  // namespace

void trimResidentMemory() {
  malloc_trim(0);
  dl_iterate_phdr(dropConstantSegments, nullptr);
}

kj::Promise<void> IdleTrim::run(kj::Timer& timer) {
  return timer.afterDelay(kLook).then([this, &timer]() {
    look(cpuNsNow());
    return run(timer);
  });
}

bool IdleTrim::look(int64_t cpuNs) {
  int64_t usedNs = cpuNs - lastCpuNs_;
  lastCpuNs_ = cpuNs;
  if (usedNs >= kWorkNs) hasWorked_ = true;
  if (!hasWorked_ || usedNs >= kIdleNs) return false;
  hasWorked_ = false;
  malloc_trim(0);
  return true;
}

}  // namespace nodeagent
