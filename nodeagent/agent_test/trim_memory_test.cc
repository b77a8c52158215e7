// Tries that memory is released, and that its content is the same afterwards. It stands here
// because these tests also run in the plain build: a sanitizer has an allocator of its own.
#include "nodeagent/os/trim_memory.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace nodeagent {
namespace {

constexpr size_t kBytes = 1 << 20;

// A constant and a variable of this program, in pages of their own.
alignas(4096) const char constant[kBytes] = {'c'};
alignas(4096) char variable[kBytes] = {'v'};

// Returns the resident KiB of the mapping that holds `address`, from smaps; -1 if there is none.
long residentKibAt(const void* address) {
  std::ifstream smaps("/proc/self/smaps");
  bool isHere = false;
  for (std::string line; std::getline(smaps, line);) {
    unsigned long begin = 0, end = 0;
    if (sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) {
      auto at = reinterpret_cast<unsigned long>(address);
      isHere = begin <= at && at < end;
    } else if (isHere && line.rfind("Rss:", 0) == 0) {
      return std::stol(line.substr(4));
    }
  }
  return -1;
}

size_t sum(const volatile char* bytes) {
  size_t total = 0;
  for (size_t i = 0; i < kBytes; i += 4096) total += static_cast<size_t>(bytes[i]);
  return total;
}

TEST(TrimMemoryTest, ConstantsAreReleasedAndReadBackUnchanged) {
  EXPECT_EQ(sum(constant), static_cast<size_t>('c'));
  long before = residentKibAt(constant);
  trimResidentMemory();
  EXPECT_LE(residentKibAt(constant), before - static_cast<long>(kBytes / 1024 / 2));
  EXPECT_EQ(sum(constant), static_cast<size_t>('c'));
}

TEST(TrimMemoryTest, WrittenDataStays) {
  memset(variable, 'w', kBytes);
  trimResidentMemory();
  EXPECT_EQ(sum(variable), kBytes / 4096 * 'w');
}

// Every second block stays, so that no free page is at the end of the heap.
TEST(TrimMemoryTest, FreePagesAreReturnedWhenWorkIsOver) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer's allocator keeps free pages";
#endif
  constexpr size_t kBlockBytes = 64 << 10;
  std::vector<std::unique_ptr<char[]>> kept;
  std::vector<std::unique_ptr<char[]>> freed;
  for (int i = 0; i < 200; ++i) {
    for (auto* blocks : {&kept, &freed}) {
      blocks->push_back(std::make_unique<char[]>(kBlockBytes));
      memset(blocks->back().get(), 'x', kBlockBytes);
    }
  }
  const char* inside = freed[100].get() + kBlockBytes / 2;
  auto isResident = [inside] {
    unsigned char state = 0;
    auto page = reinterpret_cast<uintptr_t>(inside) & ~uintptr_t{4095};
    return mincore(reinterpret_cast<void*>(page), 4096, &state) == 0 && (state & 1) != 0;
  };
  freed.clear();
  IdleTrim trim;
  EXPECT_FALSE(trim.look(5'000'000));
  EXPECT_FALSE(trim.look(1'000'000'000));
  EXPECT_TRUE(isResident());
  EXPECT_TRUE(trim.look(1'005'000'000));
  EXPECT_FALSE(isResident());
  EXPECT_FALSE(trim.look(1'010'000'000));
}

}  // namespace
}  // namespace nodeagent
