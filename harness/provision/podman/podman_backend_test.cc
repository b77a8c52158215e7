// Tests the kind "podman" with podman itself. Needs root and podman; skipped otherwise.
#include "harness/provision/podman/podman_backend.h"

#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/cluster/cluster_file.h"
#include "harness/os/files.h"
#include "harness/os/process.h"
#include "harness/os/program_path.h"
#include "harness/provision/error.h"
#include "harness/provision/podman/podman_remains.h"
#include "harness/provision/podman/private_machine_testing.h"
#include "harness/provision/program/program_testing.h"
#include "harness/provision/programs.h"

namespace harness {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

class RecordedReport : public UpReport {
 public:
  void state(const std::string& node, const std::string& state, const std::string&) override {
    states.push_back(node + " " + state);
    if (states.size() == cancelAfter) isCancelled_ = true;
  }
  void keep(const nlohmann::json& value) override { kept = value; }
  bool isCancelled() const override { return isCancelled_; }

  std::vector<std::string> states;
  nlohmann::json kept;
  // The count of states at which nobody wants the cluster any more. 0: never.
  size_t cancelAfter = 0;

 private:
  bool isCancelled_ = false;
};

bool listens(const support::Endpoint& endpoint) {
  return waitUntil(after(std::chrono::seconds(20)), [&] {
    Fd socket(::socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ::connect(socket.get(), endpoint.socketAddress(), endpoint.addressBytes) == 0;
  });
}

class PodmanBackendTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!PrivateMachine::missing().empty()) GTEST_SKIP() << PrivateMachine::missing();
    cluster_.directory = scratch_.path();
  }
  void TearDown() override {
    if (IsSkipped()) return;
    backend_.down(cluster_);
    EXPECT_THAT(PrivateMachine::leftovers(name_), IsEmpty());
  }

  std::map<std::string, MadeNode> up(const std::string& text) {
    static const KindKeys kPodman = podmanKeys();
    cluster_.plan = parseClusterFile("name: " + name_ + "\n" + text, "f.yaml", {{&kPodman}});
    UpRequest request{.plan = cluster_.plan, .directory = scratch_.path()};
    request.agentProgram = findProgram("nodeagent");
    request.owner = "somebody";
    ClusterIdentity identity(name_);
    for (const NodePlan& node : cluster_.plan.nodes) {
      AgentSettings settings;
      settings.node = node.name;
      settings.listen = {agentListensAt("0.0.0.0")};
      request.agentFiles[node.name] = identity.nodeFiles(node.name);
      request.agentFiles[node.name].push_back(agentConfig(settings));
    }
    std::map<std::string, MadeNode> made = backend_.up(request, report_);
    cluster_.kept = report_.kept;
    return made;
  }

  // Returns the error of up().
  std::string refusal(const std::string& text) {
    try {
      up(text);
      return "";
    } catch (const std::exception& error) {
      return error.what();
    }
  }

  // Runs a command in the container of a node.
  std::string onNode(const std::string& node, std::vector<std::string> command) {
    std::vector<std::string> words = {"exec", containerName(name_, node)};
    words.insert(words.end(), command.begin(), command.end());
    return podman_.run(words);
  }

  void importEmptyImage() {
    std::string archive = scratch_.path() + "/empty.tar";
    putFile(archive, std::string(10240, '\0'), 0644);
    podman_.run({"import", "--quiet", archive, "localhost/empty:latest"});
  }

  const std::string name_ = "unit" + std::to_string(::getpid());
  ScratchDirectory scratch_;
  PodmanBackend backend_;
  Podman podman_{programInPath("podman")};
  RecordedReport report_;
  KnownCluster cluster_;
};

TEST_F(PodmanBackendTest, ImageNeedsNothingButTheAgent) {
  importEmptyImage();
  auto made = up("image: localhost/empty\nnodes: {n1: {role: x}}");
  EXPECT_TRUE(listens(made.at("n1").endpoint));
  EXPECT_THAT(onNode("n1", {"/usr/bin/nodeagent", "--version"}), HasSubstr("nodeagent"));
  EXPECT_THAT(report_.states, ElementsAre("n1 creating", "n1 starting"));
}

TEST_F(PodmanBackendTest, StrangersKeepTheirNames) {
  std::string container = containerName(name_, "n1");
  podman_.run({"create", "--name", container, "--rootfs", "/:O", "/bin/true"});
  EXPECT_THAT(refusal("rootfs: /\nnodes: {n1: {role: x}}"),
              HasSubstr("podman has a container " + container + " already"));
  EXPECT_TRUE(podman_.attempt({"container", "exists", container}).succeeded());
  podman_.run({"rm", container});
  podman_.run({"network", "create", networkName(name_)});
  EXPECT_THAT(refusal("rootfs: /\nnodes: {n1: {role: x}}"),
              HasSubstr("podman has a network " + networkName(name_) + " already"));
  EXPECT_TRUE(podman_.attempt({"network", "exists", networkName(name_)}).succeeded());
  podman_.run({"network", "rm", networkName(name_)});
}

TEST_F(PodmanBackendTest, LeftoverOfTheClusterIsReplaced) {
  up("rootfs: /\nnodes: {n1: {role: x}}");
  std::string before = podman_.run({"inspect", "--format", "{{.Id}}", containerName(name_, "n1")});
  up("rootfs: /\nnodes: {n1: {role: x}}");
  EXPECT_NE(podman_.run({"inspect", "--format", "{{.Id}}", containerName(name_, "n1")}), before);
}

TEST_F(PodmanBackendTest, BootCommandsThatFailEndUpWithTheirOutput) {
  EXPECT_THAT(
      refusal("rootfs: /\nnodes: {n1: {role: x, boot: [echo no disk, \"false\"]}}"),
      AllOf(HasSubstr("node n1: its boot commands ended with \"exit 1\""), HasSubstr("no disk")));
  EXPECT_THAT(PrivateMachine::leftovers(name_), IsEmpty());
}

TEST_F(PodmanBackendTest, NetworkThatIsThereStays) {
  std::string lab = name_ + "lab";
  podman_.run({"network", "create", "--subnet", "10.99.7.0/24", lab});
  auto made = up("rootfs: /\nnetwork: " + lab + "\nnodes: {n1: {role: x}}");
  EXPECT_THAT(made.at("n1").addresses, ElementsAre("10.99.7.11"));
  EXPECT_TRUE(listens(made.at("n1").endpoint));
  backend_.down(cluster_);
  EXPECT_TRUE(podman_.attempt({"network", "exists", lab}).succeeded());
  podman_.run({"network", "rm", lab});
}

TEST_F(PodmanBackendTest, NetworkOfTheFileIsMadeAndGoesWithTheCluster) {
  std::string lab = name_ + "lab";
  up("rootfs: /\nnetwork: " + lab + "\nnodes: {n1: {role: x}}");
  ClusterPlan other = cluster_.plan;
  other.name = "other";
  EXPECT_THAT(backend_.examine(other).missing,
              Contains(HasSubstr("made for the cluster \"" + name_)));
  backend_.down(cluster_);
  EXPECT_FALSE(podman_.attempt({"network", "exists", lab}).succeeded());
}

TEST_F(PodmanBackendTest, NobodyWantsTheClusterAnyMore) {
  report_.cancelAfter = 2;
  EXPECT_THAT(refusal("rootfs: /\nnodes: {\"n[1-3]\": {role: x}}"), HasSubstr("cancelled"));
  EXPECT_THAT(PrivateMachine::leftovers(name_), IsEmpty());
}

TEST_F(PodmanBackendTest, PowerCycleKeepsDiskAndAddress) {
  auto made = up("rootfs: /\nnodes: {n1: {role: x, boot: [\"echo boot >>/root/boots\"]}}");
  EXPECT_TRUE(listens(made.at("n1").endpoint));
  backend_.freeze(cluster_, "n1");
  backend_.powerOff(cluster_, "n1");
  EXPECT_THAT(backend_.state(cluster_), ElementsAre(Pair("n1", Power::kOff)));
  EXPECT_EQ(backend_.powerOn(cluster_, "n1"), PowerBefore::kOff);
  EXPECT_EQ(onNode("n1", {"cat", "/root/boots"}), "boot\nboot\n");
  EXPECT_TRUE(listens(made.at("n1").endpoint));
  EXPECT_THAT(onNode("n1", {"cat", "/proc/1/comm"}), "nodeagent\n");
}

TEST_F(PodmanBackendTest, SystemdStartsTheAgentAndNoneOfTheMachinesUnits) {
  auto made =
      up("rootfs: /\ninit: systemd\nnodes: {n1: {role: x, environment: {A: 'x \"%y'}, boot: [touch "
         "/ready]}}");
  EXPECT_TRUE(listens(made.at("n1").endpoint));
  EXPECT_EQ(onNode("n1", {"cat", "/proc/1/comm"}), "systemd\n");
  EXPECT_THAT(onNode("n1", {"systemctl", "show", "-P", "Environment", "nodeagent"}),
              HasSubstr("x \\\"%y"));
  EXPECT_THAT(onNode("n1", {"sh", "-c", "systemctl is-enabled systemd-udevd || true"}),
              HasSubstr("masked"));
  EXPECT_THAT(onNode("n1", {"ls", "/etc/systemd/system"}), IsEmpty());
  onNode("n1", {"touch", "/run/systemd/system/kvd.service"});
  backend_.powerOff(cluster_, "n1");
  // The end of the first start says nothing about the second one.
  putFile(scratch_.path() + "/nodes/n1" + kBootStatusFile, "exit 7\n", 0644);
  backend_.powerOn(cluster_, "n1");
  EXPECT_THAT(onNode("n1", {"ls", "/run/systemd/system"}), Not(HasSubstr("kvd.service")));
}

TEST_F(PodmanBackendTest, OnlyTheOwnersClustersAreListed) {
  up("rootfs: /\nnodes: {n1: {role: x}}");
  EXPECT_THAT(backend_.list("somebody"), Contains(name_));
  EXPECT_THAT(backend_.list("somebody else"), Not(Contains(name_)));
}

TEST_F(PodmanBackendTest, ThingsThatAreNotHereAreNamed) {
  cluster_.plan = {.name = name_, .nodes = {{.name = "n1", .role = "x"}}};
  cluster_.plan.settings["image"] = Setting("image", "localhost/none:1");
  cluster_.plan.settings["memory"] = Setting("memory", "900TiB");
  EXPECT_THAT(backend_.examine(cluster_.plan).missing,
              AllOf(Contains(HasSubstr("the image localhost/none:1: podman has none")),
                    Contains(HasSubstr("memory: the nodes may use"))));
  EXPECT_THAT(refusal("image: \"127.0.0.1:1/none\"\npull: missing\nnodes: {n1: {role: x}}"),
              HasSubstr("podman pull 127.0.0.1:1/none: "));
  EXPECT_THAT(refusal("rootfs: /\nnodes: {n1: {role: x, volumes: [\"/no/such:/x\"]}}"),
              AllOf(HasSubstr("node n1: "), HasSubstr("/no/such")));
}

TEST_F(PodmanBackendTest, ContainerThatPodmanForgotIsEnded) {
  // A podman with another store does not know those of this one.
  const std::vector<std::string> other = {"--root", "/run/other", "--runroot", "/run/other-run"};
  Podman others(programInPath("podman"), other);
  std::vector<std::string> words = {"run", "--detach", "--pids-limit=-1", "--network=none"};
  for (std::string& option : limitOptions(podmanFacts(others))) words.push_back(option);
  for (const std::string& word :
       {std::string("--name"), containerName(name_, "n1"), std::string("--rootfs"),
        std::string("/:O"), std::string("/bin/sleep"), std::string("1000")}) {
    words.push_back(word);
  }
  others.run(words);
  EXPECT_THAT(PrivateMachine::leftovers(name_), HasSubstr("monitor"));
  removeTorn(podman_, name_);
  EXPECT_THAT(PrivateMachine::leftovers(name_), Not(HasSubstr("monitor")));
  others.run({"rm", "--all", "--force"});
}

TEST_F(PodmanBackendTest, RemovalWaitsForAPodmanThatStillWorks) {
  std::string program = scratch_.path() + "/podman";
  std::filesystem::copy_file("/bin/sh", program);
  Pipe input = makePipe();
  SpawnOptions options = apart(
      {program, "-c", "read line; echo done >" + program + ".done", containerName(name_, "n1")});
  options.input = input.readEnd.get();
  Child orphan = spawn(options);
  input.readEnd.reset();
  auto waiting = std::async(std::launch::async, [this] { awaitOrphans(name_); });
  EXPECT_EQ(waiting.wait_for(std::chrono::milliseconds(200)), std::future_status::timeout);
  input.writeEnd.reset();
  EXPECT_TRUE(orphan.awaitEnd(after(std::chrono::seconds(20))).has_value());
  EXPECT_NO_THROW(waiting.get());
  EXPECT_TRUE(std::filesystem::exists(program + ".done"));
}

}  // namespace
}  // namespace harness
