#include "nodeagent/netfault/hog.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>

#include <kj/thread.h>
#include <kj/vector.h>

#include "nodeagent/os/look_until.h"

namespace nodeagent::netfault {
namespace {

constexpr int kWrongWords = 64;
constexpr int kNoMemory = 71;
// Bytes written between two looks at the parent.
constexpr uint64_t kPartBytes = 16 << 20;
constexpr int64_t kLooksNs = 1'000'000'000;

int holdMemory(uint64_t bytes, pid_t keeper) {
  void* all = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED) return kNoMemory;
  auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  auto* memory = static_cast<volatile uint64_t*>(all);
  for (uint64_t offset = 0; offset < bytes && ::getppid() == keeper;) {
    // Pages of which no two are alike take room also where the kernel merges or compresses them.
    uint64_t end = offset + kPartBytes < bytes ? offset + kPartBytes : bytes;
    for (; offset < end; offset += page) memory[offset / sizeof(uint64_t)] = offset + 1;
  }
  while (!lookUntil(kLooksNs, [keeper]() { return ::getppid() != keeper; })) {
  }
  return 0;
}

int useProcessors(uint64_t threads, pid_t keeper) {
  std::atomic<bool> isOver = false;
  kj::Vector<kj::Own<kj::Thread>> all;
  for (uint64_t i = 0; i < threads; ++i) {
    all.add(kj::heap<kj::Thread>([&isOver]() {
      while (!isOver.load(std::memory_order_relaxed)) {
      }
    }));
  }
  while (!lookUntil(kLooksNs, [keeper]() { return ::getppid() != keeper; })) {
  }
  isOver = true;
  return 0;
}

}  // namespace

int runHog(const std::vector<std::string>& arguments) {
  if (arguments.size() != 3) return kWrongWords;
  uint64_t amount = strtoull(arguments[1].c_str(), nullptr, 10);
  auto keeper = static_cast<pid_t>(strtol(arguments[2].c_str(), nullptr, 10));
  if (amount == 0 || keeper <= 0) return kWrongWords;
  if (arguments[0] == kMemoryHog) return holdMemory(amount, keeper);
  if (arguments[0] == kCpuHog) return useProcessors(amount, keeper);
  return kWrongWords;
}

}  // namespace nodeagent::netfault
