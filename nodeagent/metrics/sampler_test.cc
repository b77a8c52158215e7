// Samples this machine, and children whose names are the test's own.
#include "nodeagent/metrics/sampler.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "nodeagent/metrics/recording.h"
#include "nodeagent/os/wait_testing.h"

namespace nodeagent::metrics {
namespace {

// A shell with this argv[0], which is killed in the end.
class NamedChild {
 public:
  NamedChild(const std::string& name, const char* script) {
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::execl("/bin/sh", name.c_str(), "-c", script, nullptr);
      ::_exit(127);
    }
  }
  ~NamedChild() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  NamedChild(const NamedChild&) = delete;
  NamedChild& operator=(const NamedChild&) = delete;
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
};

kj::Array<kj::String> namesOf(const std::string& name) {
  return kj::arr(kj::str(name.c_str()));
}

// Returns the sample that has `count` processes of the name.
Sample sampleOf(const std::string& name, size_t count) {
  Sampler sampler(namesOf(name));
  Sample sample;
  EXPECT_TRUE(becomesTrue([&] {
    sample = sampler.take();
    return sample.processes.size() == count;
  }));
  return sample;
}

TEST(SamplerTest, NodeTellsEveryNumber) {
  Sample sample = Sampler(nullptr).take();
  const NodeUsage& node = sample.node;
  for (int64_t number :
       {int64_t{node.processors}, node.busyNs, node.idleNs, node.memoryTotalBytes,
        node.memoryAvailableBytes, node.swapTotalBytes, node.descriptors, node.processes}) {
    EXPECT_GE(number, 0);
  }
  EXPECT_GE(node.load1, 0);
  EXPECT_LE(node.memoryAvailableBytes, node.memoryTotalBytes);
  EXPECT_TRUE(sample.processes.empty());
}

TEST(SamplerTest, ProcessIsFoundByAnOddArgument) {
  std::string name = "mu) (x " + std::to_string(::getpid());
  NamedChild child("/odd place/" + name, "while :; do sleep 0.05; done");
  Sample sample = sampleOf(name, 1);
  ASSERT_EQ(sample.processes.size(), 1u);
  const ProcessUsage& usage = sample.processes[0];
  EXPECT_EQ(usage.pid, child.pid());
  EXPECT_EQ(usage.name, name);
  EXPECT_GT(usage.startTicks, 0u);
  EXPECT_EQ(usage.threads, 1);
  EXPECT_GE(usage.descriptors, 3);
  EXPECT_GT(usage.residentBytes, 0);
  EXPECT_GT(usage.anonymousBytes, 0);
  EXPECT_LE(usage.anonymousBytes, usage.residentBytes);
  EXPECT_GE(usage.cpuNs, 0);
}

TEST(SamplerTest, ProcessThatHasEndedIsLeftOut) {
  std::string name = "mued" + std::to_string(::getpid());
  NamedChild child(name, "sleep 60; true");
  sampleOf(name, 1);
  ::kill(child.pid(), SIGKILL);
  sampleOf(name, 0);
}

Sample sampleOfBytes(size_t bytes) {
  Sample sample;
  sample.processes.resize(1);
  sample.processes[0].name.assign(bytes - sizeof(Sample) - sizeof(ProcessUsage), 'x');
  return sample;
}

TEST(SampleRingTest, OldestAreDroppedAndCounted) {
  SampleRing ring(3000);
  for (int i = 0; i < 10; ++i) ring.add(sampleOfBytes(1000));
  EXPECT_EQ(ring.bytes(), 3000u);
  EXPECT_EQ(ring.last(), 10u);
  EXPECT_EQ(ring.lostTo(), 7u);
  auto kept = ring.after(0, 100, 1 << 20);
  ASSERT_EQ(kept.size(), 3u);
  EXPECT_EQ(kept.front()->number, 8u);
  EXPECT_EQ(kept.back()->number, 10u);
}

TEST(SampleRingTest, AnswerIsBoundedAndNeverEmpty) {
  SampleRing ring(1 << 20);
  for (int i = 0; i < 10; ++i) ring.add(sampleOfBytes(1000));
  EXPECT_EQ(ring.after(0, 4, 1 << 20).size(), 4u);
  EXPECT_EQ(ring.after(0, 100, 2500).size(), 2u);
  EXPECT_EQ(ring.after(0, 100, 10).size(), 1u);
  EXPECT_EQ(ring.after(9, 100, 1 << 20).front()->number, 10u);
  EXPECT_TRUE(ring.after(10, 100, 1 << 20).empty());
  EXPECT_TRUE(ring.after(UINT64_MAX, 100, 1 << 20).empty());
}

TEST(SampleRingTest, SampleOverTheBoundIsKeptAlone) {
  SampleRing ring(1500);
  ring.add(sampleOfBytes(1000));
  ring.add(sampleOfBytes(9000));
  EXPECT_EQ(ring.lostTo(), 1u);
  EXPECT_EQ(ring.after(0, 100, 1 << 20).size(), 1u);
  EXPECT_TRUE(SampleRing(100).after(0, 1, 1).empty());
}

}  // namespace
}  // namespace nodeagent::metrics
