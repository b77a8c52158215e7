// Writes the records of a run that never was: bench_synthetic_run DIRECTORY TESTS INTERVALS
// [NODES]. The tests are spread over suites of 25, and the intervals over tests and nodes:
// commands, calls, waits and steps, with outputs as commands have them, faults, and lines of logs.
// A few tests fail, with few different errors. The numbers are the same at each call.
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "harness/os/files.h"
#include "harness/run/record_writer.h"

namespace {

using harness::run::Json;
using harness::run::RecordWriter;

constexpr int kSuiteTests = 25;
constexpr int kOverlapping = 6;

struct Size {
  int tests = 0;
  int intervals = 0;
  int nodes = 8;
};

class SyntheticRun {
 public:
  SyntheticRun(const std::string& directory, Size size)
      : size_(size),
        runner_(directory + "/records/runner-1.jsonl",
                {{"writer", "runner-1"}, {"role", "runner"}, {"run", "synthetic"}}),
        program_(directory + "/records/kv_tests-2.jsonl", {{"writer", "kv_tests-2"},
                                                           {"role", "program"},
                                                           {"run", "synthetic"},
                                                           {"component", "kv"}}) {}

  void write() {
    std::string run =
        runner_.begin("run", "", {{"command", {"muster", "run", "kv"}}, {"seed", 17}});
    std::string program =
        runner_.begin("program", run, {{"component", "kv"}, {"writer", "kv_tests-2"}});
    std::string own = program_.begin("program", "", {{"component", "kv"}});
    std::vector<std::string> nodes;
    for (int i = 0; i < size_.nodes; ++i) nodes.push_back(writeNode(own, i));
    int written = 0;
    for (int i = 0; i < size_.tests; ++i) {
      int until = static_cast<int>(int64_t{size_.intervals} * (i + 1) / size_.tests);
      writeTest(own, i, until - written);
      written = until;
    }
    for (const std::string& node : nodes) program_.end(node);
    program_.end(own, {{"outcome", "passed"}});
    program_.close("");
    runner_.end(program, {{"outcome", "passed"}});
    runner_.end(run, {{"outcome", "failed"}, {"exit", 1}});
    runner_.close("");
  }

  std::string problem() const { return runner_.problem() + program_.problem(); }

 private:
  std::string nodeName(int number) const {
    return "server" + std::to_string(number % size_.nodes + 1);
  }

  std::string writeNode(const std::string& program, int number) {
    std::string node =
        program_.begin("node", program,
                       {{"node", nodeName(number)},
                        {"role", "server"},
                        {"address", "10.7.0." + std::to_string(number + 11)},
                        {"kernel", "6.1.0-28-amd64"},
                        {"system", "Debian 12"},
                        {"product", {{"kvd", "4.2." + std::to_string(number % 2)}}}});
    program_.add(node, "clock", {{"offset", 210'000 * number}, {"error", 40'000 + 9'000 * number}});
    return node;
  }

  Json testFields(int number) {
    return {{"component", "kv"},
            {"suite", "Suite" + std::to_string(number / kSuiteTests) + "Test"},
            {"name", "KeepsPromise" + std::to_string(number)},
            {"labels", Json::array({number % 7 == 0 ? "slow" : "quick"})},
            {"nodes", Json::array({nodeName(number), nodeName(number + 1), nodeName(number + 2)})}};
  }

  void writeTest(const std::string& program, int number, int intervals) {
    std::string test = program_.begin("test", program, testFields(number));
    std::string fault;
    if (number % 10 == 3) {
      fault = program_.begin(
          "fault", test,
          {{"nodes", {nodeName(number)}}, {"text", "partition of " + nodeName(number)}});
      --intervals;
    }
    std::vector<std::string> open;
    for (int i = 0; i < intervals; ++i) {
      if (open.size() >= kOverlapping) endOldest(open);
      open.push_back(beginInterval(test, number, i));
    }
    while (!open.empty()) endOldest(open);
    if (!fault.empty()) program_.end(fault);
    writeLog(test, number);
    program_.end(test,
                 {{"outcome", outcomeOf(test, number)}, {"seconds", 0.01 + number % 13 * 0.1}});
  }

  std::string beginInterval(const std::string& test, int number, int i) {
    std::string node = nodeName(number + i);
    std::string key = "key-" + std::to_string(random_() % 100'000);
    if (i % 16 == 5)
      return program_.begin("call", test, {{"node", node}, {"text", "read /etc/kvd/" + key}});
    if (i % 16 == 9)
      return program_.begin("wait", test, {{"node", node}, {"text", "until the log has " + key}});
    isCommand_.insert(
        next_ = program_.begin(
            "command", test,
            {{"node", node}, {"argv", {"kvctl", "put", key, "--quorum=2"}}, {"user", "root"}}));
    return next_;
  }

  void endOldest(std::vector<std::string>& open) {
    std::string id = open.front();
    open.erase(open.begin());
    if (isCommand_.erase(id) == 0) {
      program_.end(id);
      return;
    }
    std::string out = "stored, version " + std::to_string(random_() % 1'000'000) + "\n";
    int exit = random_() % 50 == 0 ? 1 : 0;
    program_.end(id, {{"exit", exit}, {"out", out}, {"outBytes", out.size()}});
  }

  void writeLog(const std::string& test, int number) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    std::string node = nodeName(number);
    std::string log = program_.begin("log", test, {{"node", node}, {"source", "/var/log/kvd.log"}});
    for (int i = 0; i < 4; ++i) {
      program_.add(log, "line",
                   {{"number", number * 4 + i},
                    {"level", i == 3 && number % 9 == 0 ? "error" : "info"},
                    {"wall", int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec - i * 1000},
                    {"text", "term " + std::to_string(number) + ": appended entry " +
                                 std::to_string(random_() % 90'000)}});
    }
    program_.end(log, {{"lines", 4}});
  }

  std::string outcomeOf(const std::string& test, int number) {
    if (number % 41 == 7) return "skipped";
    if (number % 97 != 13) return "passed";
    program_.add(
        test, "failure",
        {{"text",
          "Expected equality of these values:\n  value\n    Which is: \"stale\"\n  \"fresh " +
              std::to_string(number % 4) + "\""},
         {"file", "tests_d/kv/test_replica.cc"},
         {"line", 120 + number % 4}});
    return "failed";
  }

  Size size_;
  RecordWriter runner_;
  RecordWriter program_;
  std::mt19937 random_{17};
  std::set<std::string> isCommand_;
  std::string next_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: %s DIRECTORY TESTS INTERVALS [NODES]\n", argv[0]);
    return 64;
  }
  Size size{.tests = std::atoi(argv[2]), .intervals = std::atoi(argv[3])};
  if (argc > 4) size.nodes = std::atoi(argv[4]);
  if (size.tests < 1 || size.intervals < 0 || size.nodes < 1) {
    std::fprintf(stderr, "%s: TESTS and NODES are numbers from 1, INTERVALS from 0\n", argv[0]);
    return 64;
  }
  harness::makeDirectories(std::string(argv[1]) + "/records");
  SyntheticRun run(argv[1], size);
  run.write();
  if (run.problem().empty()) return 0;
  std::fprintf(stderr, "%s\n", run.problem().c_str());
  return 1;
}
