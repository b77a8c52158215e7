// The manners of the built program: streams that are closed, full or broken, and signals.
#include <fcntl.h>
#include <pty.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/cli/command.h"
#include "harness/cli/interrupt.h"
#include "harness/os/error.h"
#include "harness/os/process.h"
#include "harness/rpc/fake/fake_agent.h"

namespace harness {
namespace {

using ::testing::AllOf;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;
using Words = std::vector<std::string>;

constexpr std::chrono::seconds kWait{20};

std::string program() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "muster";
}

// Where standard output leads to.
enum class Sink { kNull, kClosed, kFull, kBroken };

Fd openSink(Sink sink) {
  if (sink == Sink::kBroken) return std::move(makePipe().writeEnd);
  const char* path = sink == Sink::kFull ? "/dev/full" : "/dev/null";
  return Fd(::open(path, O_WRONLY | O_CLOEXEC));
}

struct Ended {
  // Minus its number if a signal ended the program.
  int status = 0;
  std::string errors;
};

void PrintTo(const Ended& ended, std::ostream* out) {
  *out << "status " << ended.status << ", and says: " << ended.errors;
}

// `muster` with these words, as long as a test needs it.
class Running {
 public:
  Running(Words words, Sink sink, const std::string& beforehand = "", int input = -1)
      : errors_(::memfd_create("errors", MFD_CLOEXEC)) {
    Fd output = openSink(sink);
    SpawnOptions options;
    options.argv = {"/bin/sh", "-c", beforehand + "exec \"$0\" \"$@\"", program()};
    if (sink == Sink::kClosed) options.argv[2] += " >&-";
    options.argv.insert(options.argv.end(), words.begin(), words.end());
    options.input = input;
    options.output = output.get();
    options.errors = errors_.get();
    options.dispositions = Dispositions::kDefault;
    child_ = spawn(options);
  }

  void signal(int number) const { child_.signal(number); }

  Ended end() {
    int status = child_.endBy(after(kWait));
    std::string text(64 << 10, '\0');
    text.resize(
        static_cast<size_t>(check(::pread(errors_.get(), text.data(), text.size(), 0), "")));
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), text};
  }

 private:
  Fd errors_;
  Child child_;
};

Ended muster(const Words& words, Sink sink = Sink::kNull) {
  return Running(words, sink).end();
}

auto endsWith(int status, const std::string& text) {
  return AllOf(Field("status", &Ended::status, status),
               Field("errors", &Ended::errors, HasSubstr(text)));
}

auto endsQuietlyWith(int status) {
  return AllOf(Field("status", &Ended::status, status), Field("errors", &Ended::errors, ""));
}

void expectThatLostOutputIsAFailure(const Words& words) {
  EXPECT_THAT(muster(words, Sink::kClosed), endsWith(74, "Bad file descriptor"));
  EXPECT_THAT(muster(words, Sink::kFull), endsWith(74, "No space left on device"));
  EXPECT_THAT(muster(words, Sink::kBroken), endsQuietlyWith(-SIGPIPE));
}

class CommandMannersTest : public testing::TestWithParam<const Command*> {};

TEST_P(CommandMannersTest, HasTheMannersOfItsKind) {
  std::istringstream name(GetParam()->name);
  Words words(std::istream_iterator<std::string>(name), {});
  words.push_back("--help");
  EXPECT_THAT(muster(words), endsQuietlyWith(0));
  expectThatLostOutputIsAFailure(words);
  words.back() = "--no-such-option";
  EXPECT_THAT(muster(words), endsWith(64, "--no-such-option"));
}

INSTANTIATE_TEST_SUITE_P(Commands, CommandMannersTest, testing::ValuesIn(commands()),
                         [](const auto& tested) {
                           std::string name = tested.param->name;
                           std::erase_if(name, [](char c) { return std::isalnum(c) == 0; });
                           return name;
                         });

// A cluster of one node, n1, with an agent in this process.
class MannersTest : public testing::Test {
 protected:
  MannersTest() {
    char pattern[] = "/tmp/muster-manners-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    file_ = directory_ + "/c.yaml";
    std::ofstream(file_) << "provisioner: static\nnodes:\n  n1: {role: server, address: \""
                         << agent_.description().route.endpoint.text() << "\"}\n";
  }
  ~MannersTest() override { std::filesystem::remove_all(directory_); }

  Words onCluster(Words words) const {
    words.insert(words.begin() + 1, "--cluster=" + file_);
    return words;
  }

  // A command on the node that does not end by itself, and has begun.
  Running hang(const std::string& beforehand = "") {
    unsigned hellos = agent_.hellos();
    Running running(onCluster({"exec", "n1", "--", "hang"}), Sink::kNull, beforehand);
    EXPECT_TRUE(waitUntil(after(kWait), [&] {
      if (agent_.hellos() <= hellos) return false;
      auto session = agent_.session();
      return !session.closed && session.jobs.count(1) != 0 && session.jobs.at(1).starts != 0;
    }));
    return running;
  }

  FakeAgent agent_;
  std::string directory_;
  std::string file_;
};

TEST_F(MannersTest, LostOutputIsAFailureWhateverPrintsIt) {
  Words check = {"check", file_};
  Words checkJson = {"check", "--json", file_};
  for (const Words& words :
       {check, checkJson, Words{"--version"}, Words{"completion", "bash"},
        Words{"__complete", "muster ", ""}, onCluster({"nodes"}), onCluster({"nodes", "--json"}),
        onCluster({"ps", "--json"}), onCluster({"exec", "n1", "--", "emit", "x"}),
        onCluster({"exec", "--json", "n1", "--", "emit", "x"}),
        onCluster({"exec", "--events", "n1", "--", "emit", "x"}),
        onCluster({"exec", "--prefix", "n1", "--", "emit", "x"})}) {
    SCOPED_TRACE(testing::PrintToString(words));
    EXPECT_THAT(muster(words, Sink::kClosed), endsWith(74, "Bad file descriptor"));
    EXPECT_THAT(muster(words, Sink::kFull), endsWith(74, "No space left on device"));
    EXPECT_THAT(muster(words, Sink::kBroken), Field("status", &Ended::status, -SIGPIPE));
  }
}

TEST_F(MannersTest, FormsOfOutputAndVariablesThatCannotBeAreRefused) {
  for (const char* other : {"--json", "--prefix", "--detach"}) {
    EXPECT_THAT(muster(onCluster({"exec", "n1", "--events", other, "--", "emit", "x"})),
                endsWith(64, "--events"));
  }
  for (const char* variable : {"A", "=a", ""}) {
    EXPECT_THAT(muster(onCluster({"exec", "n1", "--env", variable, "--", "emit", "x"})),
                endsWith(64, "is not of the form NAME=VALUE"));
  }
}

TEST_F(MannersTest, SignalEndsTheSessionAndThenTheProgram) {
  for (int number : {SIGINT, SIGTERM, SIGHUP}) {
    Running running = hang();
    running.signal(number);
    EXPECT_THAT(running.end(), endsWith(-number, "n1"));
    EXPECT_TRUE(agent_.session().closed);
  }
}

// Its calls fail then as they do for a node that may come back.
TEST_F(MannersTest, SignalEndsACommandThatFollowsLogsWithoutASecondOne) {
  agent_.change([](FakeAgent::Script& script) { script.grantsLogs = true; });
  Running running(onCluster({"logs", "n1", "--file", "/log", "--follow"}), Sink::kNull);
  EXPECT_TRUE(waitUntil(after(kWait), [&] { return agent_.logWaits() > 0; }));
  auto begin = std::chrono::steady_clock::now();
  running.signal(SIGTERM);
  EXPECT_EQ(running.end().status, -SIGTERM);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, Interrupt::kUnwindTime);
}

TEST_F(MannersTest, SecondSignalEndsItAtOnce) {
  Running running = hang();
  agent_.change([](FakeAgent::Script& script) { script.mute = true; });
  running.signal(SIGINT);
  running.signal(SIGTERM);
  EXPECT_THAT(running.end(), endsQuietlyWith(-SIGTERM));
}

// As nohup(1) does it.
TEST_F(MannersTest, SignalThatIsIgnoredStaysIgnored) {
  Running running = hang("trap '' HUP; ");
  running.signal(SIGHUP);
  running.signal(SIGTERM);
  EXPECT_EQ(running.end().status, -SIGTERM);
}

TEST_F(MannersTest, EndOfTheLifelineEndsTheSessionAndThenTheProgram) {
  Pipe lifeline = makePipe();
  Fd inherited(::dup(lifeline.readEnd.get()));
  std::string number = std::to_string(inherited.get());
  Running running = hang("export " + std::string(kLifelineVariable) + "=" + number + "; ");
  lifeline.writeEnd.reset();
  EXPECT_THAT(running.end(), endsWith(-SIGTERM, "n1"));
  EXPECT_TRUE(agent_.session().closed);
}

TEST_F(MannersTest, LifelineThatIsNoDescriptorIsRefused) {
  for (const char* number : {"", "x", "-1", "7x", "999999"}) {
    Running running(onCluster({"exec", "n1", "--", "emit", "x"}), Sink::kNull,
                    "export " + std::string(kLifelineVariable) + "=" + number + "; ");
    EXPECT_THAT(running.end(), endsWith(64, "is to be the number of an open descriptor"));
  }
}

// What tcsetattr can change, as bytes.
std::string modeOf(const Fd& terminal) {
  termios mode{};
  check(::tcgetattr(terminal.get(), &mode), "tcgetattr");
  return {reinterpret_cast<const char*>(&mode), sizeof mode};
}

TEST_F(MannersTest, TerminalHasItsModeAgainAfterASignal) {
  int ends[2];
  check(::openpty(&ends[0], &ends[1], nullptr, nullptr, nullptr), "openpty");
  Fd master(ends[0]), terminal(ends[1]);
  std::string before = modeOf(terminal);
  for (bool isMute : {false, true}) {
    Running running(onCluster({"shell", "n1"}), Sink::kNull, "", terminal.get());
    EXPECT_TRUE(waitUntil(after(kWait), [&] { return modeOf(terminal) != before; }));
    agent_.change([isMute](FakeAgent::Script& script) { script.mute = isMute; });
    running.signal(SIGHUP);
    if (isMute) running.signal(SIGTERM);
    EXPECT_EQ(running.end().status, isMute ? -SIGTERM : -SIGHUP);
    EXPECT_EQ(modeOf(terminal), before);
  }
}

TEST_F(MannersTest, SignalEndsARunOfTestProgramsToo) {
  std::string path = directory_ + "/x_tests";
  std::ofstream(path) << R"(#!/bin/sh
for argument in "$@"; do
  case $argument in
    --gtest_output=json:*)
      echo '{"testsuites":[{"name":"A","testsuite":[{"name":"B","file":"a.cc","line":1}]}]}' \
        >"${argument#--gtest_output=json:}" ;;
  esac
done
case "$*" in *--gtest_list_tests*) exit 0 ;; esac
echo > )" << directory_
                      << "/begun\nexec sleep 60\n";
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  Running running({"run", "--bin-dir", directory_, "--run-dir", directory_ + "/run"}, Sink::kNull);
  EXPECT_TRUE(
      waitUntil(after(kWait), [this] { return std::filesystem::exists(directory_ + "/begun"); }));
  running.signal(SIGINT);
  EXPECT_THAT(running.end(), endsWith(4, "1 not run"));
}

TEST_F(MannersTest, ReportDirectoryThatCannotBeWrittenIsSaidFirst) {
  std::string path = directory_ + "/x_tests";
  std::ofstream(path) << "#!/bin/sh\n";
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  EXPECT_THAT(muster({"run", "--bin-dir", directory_, "--report-dir", "/proc/self"}),
              AllOf(endsWith(73, "make a report in /proc/self: "),
                    Field("errors", &Ended::errors, Not(HasSubstr("====")))));
}

}  // namespace
}  // namespace harness
