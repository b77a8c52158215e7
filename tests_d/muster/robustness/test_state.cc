// F21: the agent's state on disk is damaged between its death and its next start.
//
// The agent must start all the same, run nothing that nobody asked for, and serve.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests_d/muster/robustness/component.h"

namespace robustness {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using muster::Outcome;
using Part = Agent::Part;

class StateFaultTest : public FaultTest {
 protected:
  // Flips a bit, cuts the end off, or replaces the content by noise.
  void damage(const fs::path& path) {
    std::ifstream input(path, std::ios::binary);
    std::ostringstream read;
    read << input.rdbuf();
    std::string content = read.str();
    uint64_t kind = drawn(3);
    if (kind == 0 && !content.empty()) {
      size_t at = drawn(content.size());
      content[at] = static_cast<char>(content[at] ^ (1 << drawn(8)));
    } else if (kind == 1 && !content.empty()) {
      content.resize(drawn(content.size()));
    } else {
      content.resize(drawn(300));
      for (char& byte : content) byte = static_cast<char>(drawn(256));
    }
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  }

  // Damages every regular file, and adds some that should not be there.
  size_t damageAll() {
    const std::string& state = agent().stateDirectory();
    for (const char* name : {"/spool/7", "/spool/nonsense", "/sessions", "/jobs"}) {
      if (drawn(2)) std::ofstream(state + name) << "not what you think";
    }
    size_t damaged = 0;
    for (const std::string& name : filesBelow(state)) {
      fs::path path = state + "/" + name;
      if (!fs::is_regular_file(path)) continue;
      damage(path);
      ++damaged;
    }
    return damaged;
  }
};

TEST_F(StateFaultTest, DamagedStateDoesNotKeepTheAgentFromServing) {
  startAgent();
  connect();
  size_t times = trials(12, 0.5), damaged = 0;
  for (size_t trial = 0; trial < times; ++trial) {
    std::string name = tag_ + "." + std::to_string(trial);
    std::string kept = directory_ + "/kept" + std::to_string(trial);
    node().file(kept).write("old");
    node().file(kept).write("new", {.undo = muster::UndoAt::kSessionEnd});
    // The output is larger than the memory for it, so that there is a spool to damage.
    muster::Process writer = node().start(streamArgv(name, 60'000, 0), tagged());
    writer.readLine(10s);
    becomesTrue([&] { return !filesBelow(agent().spoolDirectory()).empty(); }, 500ms);
    agent().kill(Part::kKeeper);
    damaged += damageAll();
    agent().start(Part::kKeeper);
    EXPECT_EQ(writer.wait(20s).outcome.kind(), Outcome::Kind::kLost);
    EXPECT_EQ(node().run({"true"}, tagged()).outcome, Outcome::exited(0)) << agent().logs();
    std::string content = node().file(kept).read();
    EXPECT_TRUE(content == "old" || content == "new") << "I7: \"" << content << "\"";
    if (HasFailure()) break;
  }
  std::printf("F21 %zu files damaged before %zu starts\n", damaged, times);
  EXPECT_GE(damaged, times) << "void: there was too little to damage";
  EXPECT_TRUE(noneLeft(2s)) << toString(taggedProcesses(tag_));
}

}  // namespace
}  // namespace robustness
