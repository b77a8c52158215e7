// Nothing stays of a local cluster that cannot be made, nor of one whose directories are deleted.
// Needs root; skipped otherwise.
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <filesystem>
#include <functional>

#include <nlohmann/json.hpp>

#include "harness/os/command.h"
#include "harness/os/error.h"
#include "harness/provision/error.h"
#include "harness/provision/local/hub/cgroup.h"
#include "harness/provision/local/hub/spec.h"
#include "harness/provision/local/local_testing.h"

namespace harness {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class LocalLeftoversTest : public LocalProvisionerTest {
 protected:
  // Makes a standing cluster of one node, and returns its hub, which is a child of this process.
  pid_t makeCluster() {
    LocalProvisioner(options()).up(planOf(name_, 1), Tenure::kStanding);
    return hubProcessOf(name_)->pid;
  }

  // Waits for the end of a hub that nobody tells to end.
  static bool endsByItself(pid_t hub) {
    return waitUntil(after(std::chrono::seconds(10)),
                     [hub] { return ::waitpid(hub, nullptr, WNOHANG) == hub; });
  }

  const std::string run_ = runDirectoryOf(name_);
  const std::string data_ = ClusterPaths(name_).data;
};

TEST_F(LocalLeftoversTest, HubWithoutItsDirectoryEndsWhenItsNodesAreCollected) {
  if (cgroupRoot().empty()) GTEST_SKIP() << "no cgroup2: nodes are found by the deleted directory";
  pid_t hub = makeCluster();
  std::filesystem::remove_all(run_);
  EXPECT_THAT(LocalProvisioner(options()).collect(), Contains(name_));
  EXPECT_TRUE(endsByItself(hub));
  EXPECT_THAT(localLeftovers(name_), IsEmpty());
}

TEST_F(LocalLeftoversTest, HubWithoutNodesEndsWhenItsDirectoryGoes) {
  pid_t hub = makeCluster();
  LocalProvisioner local(options());
  local.powerOff(name_, "server1");
  EXPECT_EQ(local.state(name_).power.at("server1"), Power::kOff);
  std::filesystem::remove_all(run_);
  EXPECT_TRUE(endsByItself(hub));
  EXPECT_THAT(localLeftovers(name_), IsEmpty());
}

// The first hub loses its node to the second `up`. It stands still until the second cluster is up,
// which it must not take along.
TEST_F(LocalLeftoversTest, HubThatLostItsNameLeavesItToTheNextCluster) {
  if (cgroupRoot().empty()) GTEST_SKIP() << "no cgroup2: nodes are found by the deleted directory";
  pid_t hub = makeCluster();
  std::filesystem::remove_all(run_);
  ::kill(hub, SIGSTOP);
  LocalProvisioner local(options());
  ClusterDescription next = local.up(planOf(name_, 1), Tenure::kOwned);
  ::kill(hub, SIGCONT);
  EXPECT_TRUE(endsByItself(hub));
  EXPECT_EQ(ask(next, 0, "echo alive"), "alive\n");
  EXPECT_EQ(local.find(name_).nodes.size(), 1u);
}

TEST_F(LocalLeftoversTest, DataOfSomebodyElseIsNamedAndKept) {
  auto refusesFor = [this](const std::string& path) {
    EXPECT_THAT([this] { LocalProvisioner(options()).up(planOf(name_, 1), Tenure::kOwned); },
                ::testing::ThrowsMessage<ProvisionError>(
                    AllOf(HasSubstr(data_ + " is there, and muster has not made it: move it away"),
                          Not(HasSubstr("is up already")))));
    EXPECT_TRUE(std::filesystem::exists(path));
    EXPECT_FALSE(std::filesystem::exists(run_));
  };
  makeDirectories(data_);
  putFile(data_ + "/theirs", "x", 0600);
  refusesFor(data_ + "/theirs");
  std::filesystem::remove_all(data_);
  putFile(data_, "a file", 0600);
  refusesFor(data_);
  std::filesystem::remove(data_);
}

TEST_F(LocalLeftoversTest, HubThatEndsWithoutAWordIsCleanedUpAfter) {
  LocalOptions wrong = options();
  wrong.hubProgram = "/tmp/muster-hub-" + name_;
  putFile(wrong.hubProgram, "#!/bin/sh\nmkdir -p " + run_ + "/n\nkill -9 $$\n", 0755);
  EXPECT_THAT([&] { LocalProvisioner(wrong).up(planOf(name_, 1), Tenure::kStanding); },
              ::testing::ThrowsMessage<ProvisionError>(HasSubstr("it ended without an answer")));
  std::filesystem::remove(wrong.hubProgram);
  EXPECT_THAT(localLeftovers(name_), IsEmpty());
}

// Sets a limit in a child of the test, tries `up` there, and returns the reason of its failure.
std::string refusalUnder(__rlimit_resource resource, rlim_t value, const std::string& cluster) {
  Pipe told = makePipe();
  pid_t child = ::fork();
  if (child == 0) {
    rlimit limit{value, value};
    std::string reason = "it came up";
    try {
      LocalProvisioner local(fakeAgentOptions());
      check(::setrlimit(resource, &limit), "setrlimit");
      local.up(planOf(cluster, 2), Tenure::kStanding);
    } catch (const std::exception& error) {
      reason = error.what();
    }
    writeAll(told.writeEnd.get(), reason, "to the test");
    ::_exit(0);
  }
  told.writeEnd.reset();
  std::string reason(4096, '\0');
  ssize_t size = ::read(told.readEnd.get(), reason.data(), reason.size());
  reason.resize(static_cast<size_t>(std::max<ssize_t>(0, size)));
  ::waitpid(child, nullptr, 0);
  return reason;
}

TEST_F(LocalLeftoversTest, LimitsThatAreTooLowAreNamedBeforeAnythingIsMade) {
  EXPECT_THAT(refusalUnder(RLIMIT_FSIZE, 0, name_),
              HasSubstr("the size of files is limited to 0 bytes; lift it with \"ulimit -f"));
  EXPECT_THAT(localLeftovers(name_), IsEmpty());
  EXPECT_THAT(refusalUnder(RLIMIT_NOFILE, 8, name_),
              HasSubstr("72 open files for 2 nodes: the limit is 8; raise it with \"ulimit -n 72"));
  EXPECT_THAT(localLeftovers(name_), IsEmpty());
}

// Nobody looks at the limits of a hub that is started by itself, as an older muster did it.
TEST_F(LocalLeftoversTest, HubMeetsALimitInOrder) {
  HubSpec spec;
  spec.cluster = name_;
  spec.owned = true;
  CommandResult hub = runCommand(
      {"/bin/sh", "-c", "ulimit -f 0; exec " + findProgram("muster-hub")}, {}, toJson(spec) + "\n");
  EXPECT_THAT(hub.output, HasSubstr("File too large"));
  EXPECT_THAT(localLeftovers(name_), IsEmpty());
}

}  // namespace
}  // namespace harness
