// F13, F14 and F17: disks are full, descriptors are used up, and programs cannot be started.
//
// Each gives a typed answer with the exact errno, and the agent goes on.
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests_d/muster/robustness/component.h"
#include "tests_d/muster/robustness/stream.h"

namespace robustness {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using muster::NodeError;
using muster::Outcome;
using Part = Agent::Part;

// A file system of one MiB, mounted for the object's life.
struct SmallDisk {
  explicit SmallDisk(std::string at) : path(std::move(at)) {
    fs::create_directory(path);
    if (mount("tmpfs", path.c_str(), "tmpfs", 0, "size=1m") != 0) {
      throw std::runtime_error("cannot mount a small disk at " + path);
    }
  }
  ~SmallDisk() { umount2(path.c_str(), MNT_DETACH); }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  const std::string path;
};

class LimitFaultTest : public FaultTest {
 protected:
  // Runs `argv` and returns its outcome.
  Outcome outcomeOf(const muster::Argv& argv, muster::RunOptions options = {}) {
    return node().run(argv, options).outcome;
  }
  void expectNotStarted(const muster::Argv& argv, int error, muster::RunOptions options = {}) {
    Outcome outcome = outcomeOf(argv, options);
    EXPECT_EQ(outcome.kind(), Outcome::Kind::kNotStarted) << argv[0] << ": " << outcome;
    EXPECT_EQ(outcome.errnoValue(), error) << argv[0] << ": " << outcome;
  }
  std::string file(const std::string& name, const std::string& content, int mode) {
    std::string path = directory_ + "/" + name;
    std::ofstream(path) << content;
    chmod(path.c_str(), static_cast<mode_t>(mode));
    return path;
  }
  void expectUsable() { EXPECT_EQ(outcomeOf({"true"}), Outcome::exited(0)); }
};

// A test that expects a failure must be able to tell a wrong path from a wrong permission.
TEST_F(LimitFaultTest, ExecErrorsAreExact) {
  startAgent();
  connect();
  expectNotStarted({"/nonexistent/program"}, ENOENT);
  expectNotStarted({"no-such-program-on-the-path"}, ENOENT);
  expectNotStarted({directory_}, EACCES);
  expectNotStarted({file("plain", "#!/bin/sh\n", 0644)}, EACCES);
  expectNotStarted({file("junk",
                         std::string("\x7f"
                                     "ELFjunk\0\1\2\3",
                                     11),
                         0755)},
                   ENOEXEC);
  expectNotStarted({file("script", "#!/nonexistent/interpreter\n", 0755)}, ENOENT);
  expectNotStarted({file("file", "", 0755) + "/below"}, ENOTDIR);
  fs::create_symlink("loop", directory_ + "/loop");
  expectNotStarted({directory_ + "/loop"}, ELOOP);
  expectNotStarted({"/bin/" + std::string(300, 'x')}, ENAMETOOLONG);
  {
    fs::copy_file("/bin/true", directory_ + "/busy");
    std::ofstream writer(directory_ + "/busy", std::ios::app);
    expectNotStarted({directory_ + "/busy"}, ETXTBSY);
  }
  EXPECT_EQ(outcomeOf({directory_ + "/busy"}), Outcome::exited(0));
  muster::RunOptions elsewhere;
  elsewhere.directory = "/nonexistent";
  expectNotStarted({"true"}, ENOENT, elsewhere);
}

// A shell reports a signal as a status above 128. Here the two stay apart, also at the edges.
TEST_F(LimitFaultTest, ExitStatusesAndSignalsAreExact) {
  startAgent();
  connect();
  for (int status : {0, 1, 2, 126, 127, 128, 137, 254, 255}) {
    EXPECT_EQ(outcomeOf({"sh", "-c", "exit " + std::to_string(status)}), Outcome::exited(status));
  }
  for (int number : {SIGHUP, SIGINT, SIGKILL, SIGTERM, SIGUSR1, SIGPIPE, SIGALRM, SIGRTMAX}) {
    Outcome outcome = outcomeOf({"sh", "-c", "kill -" + std::to_string(number) + " $$"});
    EXPECT_EQ(outcome.kind(), Outcome::Kind::kSignalled) << outcome;
    EXPECT_EQ(outcome.signal(), number) << outcome;
  }
}

TEST_F(LimitFaultTest, ArgumentTooLongForTheKernelIsReported) {
  startAgent();
  connect();
  // The argument is within the limits of the wire, but above the kernel's limit of 128 KiB.
  expectNotStarted({"true", std::string(200'000, 'x')}, E2BIG);
  expectUsable();
}

// A replaced file is the old one or the new one in full, also when the new one does not fit.
TEST_F(LimitFaultTest, FullTargetDiskIsATypedErrorAndKeepsTheOldFile) {
  startAgent();
  connect();
  SmallDisk small(directory_ + "/disk");
  const std::string& disk = small.path;
  muster::File target = node().file(disk + "/target");
  target.write("old");
  std::string big(3 << 20, 'x');
  try {
    target.write(big);
    ADD_FAILURE() << "void: three MiB fit on one";
  } catch (const NodeError& error) {
    EXPECT_EQ(error.kind(), NodeError::Kind::kSystem) << error.what();
    EXPECT_EQ(error.errnoValue(), ENOSPC) << error.what();
  }
  EXPECT_EQ(target.read(), "old");
  EXPECT_EQ(filesBelow(disk), std::vector<std::string>{"target"}) << "I4: temporary files left";
  target.write(std::string(500'000, 'y'));
  expectUsable();
}

// A command whose output does not fit into the spool must wait for its reader, not lose output.
TEST_F(LimitFaultTest, FullSpoolLosesNothing) {
  // The command writes far more than spool and pipe hold, and none of it is read before the command
  // has to wait.
  startAgent({.spoolBytesMax = 256 << 10});
  connect();
  std::string name = tag_ + ".spool";
  constexpr uint64_t kLines = 200'000;
  muster::Process process = node().start(streamArgv(name, kLines, 0), tagged());
  letPass(500ms);
  // process.running() would take output, so that a fast command could end meanwhile.
  EXPECT_FALSE(taggedProcesses(tag_).empty()) << "void: all of it found room";
  muster::Result result = process.wait(60s);
  EXPECT_EQ(result.outcome, Outcome::exited(0));
  EXPECT_EQ(result.outDroppedBytes, 0u);
  EXPECT_EQ(streamFlaw(name, kLines, result.out, Extent::kWhole), "");
  expectUsable();
}

// Opens connections that say nothing.
std::vector<int> strangers(const std::string& path, size_t count) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  std::vector<int> sockets;
  for (size_t i = 0; i < count; ++i) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
      sockets.push_back(fd);
    } else if (fd >= 0) {
      close(fd);
    }
  }
  return sockets;
}

// Strangers can use up the front's descriptors. The connection that is open must go on, and new
// ones must get in afterwards.
TEST_F(LimitFaultTest, FrontWithoutDescriptorsRecovers) {
  startAgent({.frontDescriptorsMax = 32});
  connect();
  expectUsable();
  size_t mostUsed = 0;
  for (size_t round = 0; round < trials(3, 0.02); ++round) {
    auto sockets = strangers(agent().frontSocket(), 100);
    becomesTrue([&] { return descriptorsOf(agent().pid(Part::kFront)) >= 30; }, 1s);
    mostUsed = std::max(mostUsed, descriptorsOf(agent().pid(Part::kFront)));
    expectUsable();
    for (int fd : sockets) close(fd);
    // A new connection gets in as soon as a descriptor is free.
    connect();
    expectUsable();
    ASSERT_TRUE(agent().alive(Part::kFront)) << agent().logs();
  }
  std::printf("F14 descriptors of the front: %zu of 32 used\n", mostUsed);
  EXPECT_GT(mostUsed, 20u) << "void: the front never came near its limit";
}

// Each job needs descriptors of the keeper. The one too many is refused, and the others go on.
TEST_F(LimitFaultTest, KeeperWithoutDescriptorsSaysSoAndRecovers) {
  startAgent({.keeperDescriptorsMax = 64});
  connect();
  std::vector<muster::Process> processes;
  std::string refusal;
  for (int i = 0; i < 64 && refusal.empty(); ++i) {
    try {
      std::string name = tag_ + "." + std::to_string(i);
      processes.push_back(node().start(escapeArgv("plain", name), tagged()));
      if (processes.back().pid() == 0) refusal = toString(processes.back().wait(5s).outcome);
    } catch (const NodeError& error) {
      refusal = error.what();
    }
  }
  std::printf("F14 after %zu jobs with 64 descriptors: %s\n", processes.size(), refusal.c_str());
  EXPECT_NE(refusal, "") << "void: the keeper never came near its limit";
  EXPECT_TRUE(agent().alive(Part::kKeeper)) << agent().logs();
  for (muster::Process& process : processes) process.kill();
  processes.clear();
  expectUsable();
}

}  // namespace
}  // namespace robustness
