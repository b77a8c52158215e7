// Tries that memory is released, and that its content is the same afterwards.
#include "nodeagent/os/trim_memory.h"

#include <string.h>
#include <unistd.h>

#include <fstream>
#include <string>

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

}  // namespace
}  // namespace nodeagent
