// Input and output of `muster exec` and `muster shell` have no limit: they flow as they come, in
// bounded memory. MUSTER_STREAM_BYTES=5368709120 makes the large ones larger.
#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/command/command.h"

namespace command {
namespace {

using ::testing::AllOf;
using ::testing::Field;
using ::testing::Lt;

// More than fits into any buffer, and more than an agent and a result hold together.
constexpr uint64_t kBulkBytes = 150'000'000;
constexpr uint64_t kHugeBytes = 650'000'000;
constexpr int64_t kResidentBytesMax = 100'000'000;

uint64_t orAsAsked(uint64_t bytes) {
  const char* given = std::getenv("MUSTER_STREAM_BYTES");
  return given == nullptr ? bytes : std::strtoull(given, nullptr, 10);
}

auto writes(const std::string& text) {
  return AllOf(exits(0), Field("out", &Ended::out, text),
               Field("residentBytesMax", &Ended::residentBytesMax, Lt(kResidentBytesMax)));
}

class StreamsTest : public OwnClusterTest {
 protected:
  void SetUp() override {
    OwnClusterTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_THAT(muster({"up", file("  server[1-2]: {role: server}\n")}), exits(0));
  }

  // Runs lines of a shell in which `muster` means this cluster, and `out` is a file.
  Ended shell(const std::string& lines) const {
    std::string program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "muster";
    return runProgram("/bin/sh",
                      {"-c", "out=" + directory_ + "/out\nexport MUSTER_CLUSTER=" + cluster_ +
                                 "\nmuster() { " + program + " \"$@\"; }\n" + lines});
  }
};

std::string zeros(uint64_t bytes) {
  return "head -c " + std::to_string(bytes) + " /dev/zero";
}

TEST_F(StreamsTest, InputOfEverySizeReachesOneNodeAndSeveral) {
  for (uint64_t size : {uint64_t{0}, uint64_t{1}, uint64_t{262'143}, uint64_t{262'144},
                        uint64_t{262'145}, orAsAsked(kBulkBytes)}) {
    std::string counted = std::to_string(size) + "\n";
    EXPECT_THAT(shell(zeros(size) + " | muster exec -i server1 -- wc -c"), writes(counted));
    EXPECT_THAT(shell(zeros(size) + " | muster exec -i @server -- wc -c"),
                writes("--- server[1-2]\n" + counted));
  }
}

TEST_F(StreamsTest, OutputOfEverySizeComesFromOneNodeAndSeveral) {
  uint64_t huge = orAsAsked(kHugeBytes);
  EXPECT_THAT(shell("muster exec server1 -- " + zeros(huge) + " | wc -c"),
              writes(std::to_string(huge) + "\n"));
  for (uint64_t size : {uint64_t{0}, uint64_t{1}, uint64_t{1'048'577}, orAsAsked(kBulkBytes)}) {
    std::string block = "--- server[1-2]\n";
    uint64_t all = block.size() + size + (size == 0 ? 0 : 1);
    EXPECT_THAT(shell("muster exec @server -- " + zeros(size) + " | wc -c"),
                writes(std::to_string(all) + "\n"));
  }
}

TEST_F(StreamsTest, InputGoesThroughACommandThatWritesItAndThroughAShell) {
  uint64_t size = orAsAsked(kBulkBytes);
  std::string counted = std::to_string(size) + "\n";
  EXPECT_THAT(shell(zeros(size) + " | muster exec -i server1 -- cat | wc -c"), writes(counted));
  EXPECT_THAT(shell("{ echo exec cat; " + zeros(size) + "; } | muster shell server1 | wc -c"),
              writes(counted));
}

// The second line is written when the first has arrived, or after five seconds.
TEST_F(StreamsTest, InputIsPassedOnAsItComes) {
  EXPECT_THAT(shell(R"(
n=0
{ echo first
  while [ ! -s $out ] && [ $n -lt 100 ]; do n=$((n + 1)); sleep 0.05; done
  echo arrived $((n < 100))
} | muster exec -i server1 -- cat > $out
cat $out)"),
              writes("first\narrived 1\n"));
}

TEST_F(StreamsTest, EndlessInputEndsWithItsCommand) {
  EXPECT_THAT(shell("yes | muster exec -i server1 -- head -1"), writes("y\n"));
  EXPECT_THAT(shell("yes | muster exec -i @server -- head -1"), writes("--- server[1-2]\ny\n"));
}

TEST_F(StreamsTest, CommandThatDoesNotReadItsInputIsNotHeldUp) {
  EXPECT_THAT(shell(zeros(30'000'000) + " | muster exec -i server1 -- sh -c 'sleep 0.2; echo a'"),
              writes("a\n"));
  EXPECT_THAT(
      shell(zeros(30'000'000) + " | muster exec -i server1 -- sh -c 'exec <&-; sleep 0.2; echo a'"),
      writes("a\n"));
}

// As behind other programs, nobody complains, and the shell sees SIGPIPE.
TEST_F(StreamsTest, EndOfTheReaderEndsTheCommandQuietly) {
  Ended ended = shell("{ muster exec server1 -- yes; echo $? >&2; } | head -1");
  EXPECT_THAT(ended, AllOf(exits(0), Field(&Ended::out, "y\n"), Field(&Ended::err, "141\n")));
  EXPECT_THAT(muster({"ps", "--cluster", cluster_}), ::testing::Not(prints("yes")));
}

TEST_F(StreamsTest, InputThatCannotBeReadIsAFailure) {
  EXPECT_THAT(shell("muster exec -i server1 -- cat < /"),
              AllOf(exits(74), complains("standard input: Is a directory")));
}

TEST_F(StreamsTest, ArgumentsThatAreTooLargeAreRefusedHere) {
  std::vector<std::string> arguments = {"server1", "--", "echo"};
  for (int i = 0; i < 11; ++i) arguments.push_back(std::string(100'000, 'x'));
  EXPECT_THAT(onCluster("exec", arguments),
              AllOf(exits(64), complains(" argv: more than 1048576 bytes")));
}

}  // namespace
}  // namespace command
