// Runs every file of the saved corpus through its target, so that no bug that was found comes back.
//
// That happens in the ordinary builds and under g++'s sanitizers, which see leaks that clang's are
// told to ignore.
#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace {

namespace fs = std::filesystem;

using Function = int (*)(const uint8_t* data, size_t size);

struct Target {
  const char* name;
  Function run;
};

void PrintTo(const Target& target, std::ostream* out) {
  *out << target.name;
}

}  // namespace

#define MUSTER_TARGET(name) extern "C" int musterFuzz_##name(const uint8_t* data, size_t size);
#include "fuzz_targets.inc"
#undef MUSTER_TARGET

namespace {

const Target kTargets[] = {
#define MUSTER_TARGET(name) {#name, musterFuzz_##name},
#include "fuzz_targets.inc"
#undef MUSTER_TARGET
};

class CorpusTest : public testing::TestWithParam<Target> {};

std::vector<fs::path> filesOf(const std::string& target) {
  std::vector<fs::path> files;
  for (auto& entry : fs::directory_iterator(fs::path(MUSTER_FUZZ_CORPUS) / target))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// Runs a target on a thread of its own, because a thread has one event loop and targets make
// theirs.
void runAlone(const Target& target, const std::string& bytes) {
  std::exception_ptr failure;
  std::thread([&] {
    try {
      target.run(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    } catch (...) {
      failure = std::current_exception();
    }
  }).join();
  if (failure) std::rethrow_exception(failure);
}

TEST_P(CorpusTest, HoldsWithEverySavedInput) {
  std::vector<fs::path> files = filesOf(GetParam().name);
  EXPECT_GE(files.size(), 3u) << "a target without seeds finds nothing in a minute";
  for (const fs::path& path : files) {
    SCOPED_TRACE(path);
    std::ifstream file(path, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(file), {}};
    EXPECT_NO_THROW(runAlone(GetParam(), bytes));
  }
}

TEST_P(CorpusTest, HoldsWithNothingAndWithNoise) {
  runAlone(GetParam(), "");
  for (size_t size : {1, 8, 100, 3000}) {
    std::string noise(size, '\0');
    for (size_t i = 0; i < size; ++i) noise[i] = static_cast<char>((i * 2654435761u) >> 13);
    runAlone(GetParam(), noise);
  }
}

INSTANTIATE_TEST_SUITE_P(Fuzz, CorpusTest, testing::ValuesIn(kTargets),
                         [](const auto& target) { return std::string(target.param.name); });

}  // namespace
