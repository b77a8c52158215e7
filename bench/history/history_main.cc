// bench_history: how long the history of one test takes in a directory of many runs, from one index
// of all results. Usage: bench_history [RUNS [TESTS]], by default 1000 runs of 5000 tests.
//
// The directories of the runs and their records are real, and are looked at as `muster history`
// does. Each has the record of one test; the results of the others are written into the index, in
// the order of the runs, because five million records of tests would say nothing more.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>

#include "harness/cli/history_words.h"
#include "harness/history/run_index.h"
#include "harness/run/record_writer.h"
#include "harness/run/run_directory.h"

namespace bench {
namespace {

namespace fs = std::filesystem;
using harness::history::RunIndex;

constexpr char kTest[] = "kvd/RealTest.Heals";
constexpr int kTimes = 5;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string nameOf(int run) {
  char name[32];
  std::snprintf(name, sizeof name, "run-%05d", run);
  return name;
}

// A run with one test, as its program records it.
void makeRun(const fs::path& runs, int run) {
  std::string id = nameOf(run);
  std::string directory = (runs / id).string();
  harness::run::makeRunDirectory(directory, id);
  harness::run::RecordWriter writer(harness::run::recordPath(directory, "kvd_tests-1"),
                                    {{"role", "program"}, {"run", id}, {"component", "kvd"}});
  std::string item = writer.begin("test", "", {{"suite", "RealTest"}, {"name", "Heals"}});
  bool isFailed = run % 10 == 0;
  if (isFailed)
    writer.add(item, "failure", {{"text", "lost " + id}, {"file", "a.cc"}, {"line", 1}});
  writer.end(item, {{"outcome", isFailed ? "failed" : "passed"}, {"seconds", 1.5}});
  writer.close("");
}

// Adds the results of further tests to each run of the index.
void fill(harness::history::Database& database, int runs, int tests) {
  using harness::history::Statement;
  database.transaction([&] {
    Statement test(database,
                   "INSERT INTO tests (id, component, suite, name, file, line)"
                   " VALUES ('kvd/MadeTest.' || ?1, 'kvd', 'MadeTest', ?1, 'made_test.cc', ?1)");
    for (int64_t i = 1; i < tests; ++i) {
      test.bind(1, i);
      test.run();
    }
  });
  std::mt19937 random(1);
  for (int64_t run = 1; run <= runs; ++run) {
    database.transaction([&] {
      Statement result(
          database,
          "INSERT INTO results (test, run, outcome, because, seconds, attempts, mixed)"
          " SELECT test, ?1, CASE WHEN (test + ?2) % 50 = 0 THEN 'failed' ELSE 'passed'"
          " END, '', test / 1000.0, 1, 0 FROM tests WHERE suite = 'MadeTest'");
      result.bind(1, run);
      result.bind(2, static_cast<int64_t>(random() % 50));
      result.run();
      Statement count(database, "UPDATE components SET tests = ?2 WHERE run = ?1");
      count.bind(1, run);
      count.bind(2, int64_t{tests});
      count.run();
    });
  }
}

// What `muster history TEST` does, without the start of the program.
size_t ask(const std::string& runs, const std::string& test) {
  size_t size = 0;
  harness::history::withIndex(runs, [&](RunIndex& index) {
    auto known = harness::history::testsOf(index.database());
    size =
        harness::historyText(harness::historyOf(index.database(), test), 20).size() + known.size();
  });
  return size;
}

int measure(int runs, int tests) {
  char name[] = "/tmp/muster-bench-XXXXXX";
  if (::mkdtemp(name) == nullptr) return 71;
  fs::path directory = name;
  double begin = now();
  for (int run = 1; run <= runs; ++run) makeRun(directory, run);
  double made = now();
  {
    RunIndex index(directory);
    index.refresh();
    double indexed = now();
    fill(index.database(), runs, tests);
    std::printf("%d runs of %d tests: records %.1f s, indexed in %.2f s, further rows %.1f s\n",
                runs, tests, made - begin, indexed - made, now() - indexed);
  }
  auto size = static_cast<double>(fs::file_size(directory / harness::history::kIndexFile));
  std::printf("index: %.0f MiB\n", size / (1 << 20));
  for (const std::string& test : {std::string(kTest), std::string("kvd/MadeTest.2500")}) {
    for (int i = 0; i < kTimes; ++i) {
      double start = now();
      size_t shown = ask(directory, test);
      std::printf("history of %s: %.1f ms (%zu)\n", test.c_str(), 1000 * (now() - start), shown);
    }
  }
  fs::remove_all(directory);
  return 0;
}

}  // namespace
}  // namespace bench

int main(int count, char* words[]) {
  int runs = count > 1 ? std::atoi(words[1]) : 1000;
  int tests = count > 2 ? std::atoi(words[2]) : 5000;
  if (runs < 1 || tests < 1) {
    std::fprintf(stderr, "bench_history: expected [RUNS [TESTS]], both at least 1\n");
    return 64;
  }
  return bench::measure(runs, tests);
}
