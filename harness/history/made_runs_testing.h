// Makes directories of runs for tests: real ones, by the writer of records.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/os/error.h"
#include "harness/os/files.h"
#include "harness/run/outcome.h"
#include "harness/run/record_writer.h"
#include "harness/run/run_directory.h"

namespace harness::history {

// One attempt of a test of a run to be made.
struct MadeTest {
  std::string name = "Heals";
  run::Outcome outcome = run::Outcome::kPassed;
  std::string failure = {};
  double seconds = 1;
  int attempt = 1;
};

struct MadeRun {
  std::string id = {};
  std::vector<MadeTest> tests = {};
  std::string revision = "3fa91c20";

  // CLOCK_REALTIME of its begin, in nanoseconds. 0: now.
  int64_t began = 0;

  // Its program is not killed in the middle.
  bool isClosed = true;
};

// A directory of runs that is removed with this object. Tests are kvd/KvTest.NAME.
class MadeRuns {
 public:
  MadeRuns() {
    char name[] = "/tmp/muster-runs-XXXXXX";
    if (::mkdtemp(name) == nullptr) failSystem("make a directory");
    path_ = name;
  }
  ~MadeRuns() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  MadeRuns(const MadeRuns&) = delete;
  MadeRuns& operator=(const MadeRuns&) = delete;

  const std::string& path() const { return path_; }
  std::string pathOf(const std::string& id) const { return path_ + "/" + id; }
  std::string recordOf(const std::string& id) const {
    return run::recordPath(pathOf(id), "kvd_tests-1");
  }

  void add(const MadeRun& made) const {
    run::makeRunDirectory(pathOf(made.id), made.id);
    run::RecordWriter writer(
        recordOf(made.id),
        {{"role", "program"}, {"run", made.id}, {"writer", "kvd_tests-1"}, {"component", "kvd"}});
    run::Json git = {{"revision", made.revision}, {"branch", "main"}, {"dirty", false}};
    std::string whole = writer.begin("run", "", {{"git", git}, {"command", {"muster", "run"}}});
    for (const MadeTest& test : made.tests) addTest(writer, whole, test);
    if (made.isClosed) {
      writer.end(whole, {});
      writer.close("");
    }
    if (made.began != 0) setBegin(recordOf(made.id), made.began);
  }

  // Removes a run as somebody does by hand.
  void remove(const std::string& id) const { std::filesystem::remove_all(pathOf(id)); }

 private:
  static void addTest(run::RecordWriter& writer, const std::string& whole, const MadeTest& test) {
    std::string item = writer.begin("test", whole,
                                    {{"suite", "KvTest"},
                                     {"name", test.name},
                                     {"file", "kv_test.cc"},
                                     {"line", 30},
                                     {"attempt", test.attempt},
                                     {"nodes", {"server1", "server2"}}});
    std::string step = writer.begin("step", item, {{"text", "cut the link"}});
    std::string command =
        writer.begin("command", step, {{"node", "server1"}, {"argv", {"kvctl", "status"}}});
    writer.end(command, {{"outcome", "exit status 1"}});
    writer.end(step, {});
    std::string log = writer.begin("log", item, {{"node", "server1"}, {"source", "kvd.log"}});
    writer.add(log, "line", {{"text", "lost the leader"}});
    writer.end(log, {});
    if (!test.failure.empty()) {
      writer.add(item, "failure", {{"text", test.failure}, {"file", "kv_test.cc"}, {"line", 42}});
      std::string artifact = writer.begin("artifact", item, {{"path", "kvd_tests/kvd.log"}});
      writer.end(artifact, {{"bytes", 2048}});
    }
    writer.end(item, {{"outcome", run::wordOf(test.outcome)}, {"seconds", test.seconds}});
  }

  static void setBegin(const std::string& path, int64_t began) {
    std::string content = readFile(path);
    size_t end = content.find('\n');
    run::Json first = run::Json::parse(content.substr(0, end));
    first["wall"] = began;
    putFile(path, first.dump() + content.substr(end), 0644);
  }

  std::string path_;
};

}  // namespace harness::history
