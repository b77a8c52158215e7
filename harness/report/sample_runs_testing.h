// Makes runs for the tests of reports: directories with records of every outcome, as a runner and
// its programs write them.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "harness/os/command.h"
#include "harness/report/format.h"
#include "harness/report/merged_runs.h"
#include "harness/run/record_writer.h"
#include "harness/run/run_directory.h"

namespace harness::report {

// Bytes that are hard to write in most formats: no UTF-8, a colour, an end of CDATA, and the signs
// of XML, CSV, TAP and Markdown.
inline constexpr char kHostile[] =
    "kv_test.cc:7: \"a\" <b> & 'c' ]]> # d `e` |f| \xff\xfe \x1b[31mred\x01\nsecond\tline, \\ "
    "g\n...\n";

// Directories that go with the test.
class SampleRuns {
 public:
  SampleRuns() {
    char pattern[] = "/tmp/muster-report-XXXXXX";
    root_ = ::mkdtemp(pattern);
  }
  ~SampleRuns() { std::filesystem::remove_all(root_); }
  SampleRuns(const SampleRuns&) = delete;
  SampleRuns& operator=(const SampleRuns&) = delete;

  const std::string& root() const { return root_; }
  std::string directoryOf(const std::string& id) const { return root_ + "/" + id; }

  // Makes a file in a run.
  void addFile(const std::string& id, const std::string& name, const std::string& content) const {
    std::filesystem::path path = std::filesystem::path(directoryOf(id)) / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << content;
  }

  run::RunRecord read(const std::string& id) const { return run::readRun(directoryOf(id)); }
  MergedRuns merged(const std::vector<std::string>& ids) const {
    std::vector<run::RunRecord> runs;
    for (const std::string& id : ids) runs.push_back(read(id));
    return mergeRuns(std::move(runs));
  }

 private:
  std::string root_;
};

// Writes one run with a runner and one program, "kvd_tests-1", of the component "kvd".
class SampleRun {
 public:
  using Json = run::Json;

  SampleRun(const SampleRuns& runs, const std::string& id, const Json& runFields = Json::object()) {
    std::string directory = runs.directoryOf(id);
    run::makeRunDirectory(directory, id);
    runner_ = writerOf(directory, "runner", {{"role", "runner"}, {"run", id}});
    program_ = writerOf(directory, "kvd_tests-1",
                        {{"role", "program"}, {"run", id}, {"component", "kvd"}});
    Json fields = {
        {"command", {"muster", "run", "it's"}},
        {"seed", 4711},
        {"git", {{"revision", "0123456789abcdef"}, {"branch", "main"}, {"dirty", true}}}};
    fields.update(runFields);
    run_ = runner_->begin("run", "", fields);
    programItem_ =
        runner_->begin("program", run_, {{"writer", "kvd_tests-1"}, {"component", "kvd"}});
  }

  run::RecordWriter& runner() { return *runner_; }
  run::RecordWriter& program() { return *program_; }
  const std::string& run() const { return run_; }

  void addProperty(const std::string& name, const std::string& value) {
    runner_->add(run_, "property", {{"name", name}, {"value", value}});
  }

  // The runner announces the test and returns the id of its item.
  std::string announce(const std::string& name, int attempt = 1) {
    return runner_->announce("test", run_, testFields(name, attempt));
  }

  // The program begins the test and returns the id of its item.
  std::string begin(const std::string& name, const Json& more = Json::object(), int attempt = 1) {
    Json fields = testFields(name, attempt);
    fields.update(more);
    return program_->begin("test", "", fields);
  }

  // A test that begins and ends.
  void add(const std::string& name, const std::string& outcome, const std::string& failure = "",
           int attempt = 1, double seconds = 1.5) {
    std::string test = begin(name, Json::object(), attempt);
    if (!failure.empty()) {
      program_->add(test, "failure", {{"text", failure}, {"file", "kv_test.cc"}, {"line", 12}});
    }
    program_->end(test, {{"outcome", outcome}, {"seconds", seconds}});
  }

  // The runner says what has become of a result.
  void exonerate(const std::string& name, const std::string& kind, const std::string& because) {
    runner_->add(run_, "exonerated",
                 {{"test", "kvd/KvTest." + name},
                  {"kind", kind},
                  {"because", because},
                  {"bug", "KV-1"},
                  {"owner", "ada"}});
  }

  void close() {
    program_->close("the program was ended by signal 11");
    runner_->end(programItem_, {{"status", 1}});
    runner_->end(run_, {{"exit", 1}});
    runner_->close("");
  }

 private:
  static std::unique_ptr<run::RecordWriter> writerOf(const std::string& directory,
                                                     const std::string& name, const Json& header) {
    return std::make_unique<run::RecordWriter>(run::recordPath(directory, name), header);
  }

  static Json testFields(const std::string& name, int attempt) {
    return {{"suite", "KvTest"},
            {"name", name},
            {"component", "kvd"},
            {"file", "tests_d/kvd/kv_test.cc"},
            {"line", 5},
            {"owner", "ada"},
            {"labels", {"slow", "x=1"}},
            {"requirements", {"REQ-1"}},
            {"nodes", {"server1", "client1"}},
            {"attempt", attempt}};
  }

  std::unique_ptr<run::RecordWriter> runner_;
  std::unique_ptr<run::RecordWriter> program_;
  std::string run_;
  std::string programItem_;
};

// Writes tests of every outcome into a run, with properties, artifacts and bytes of every kind.
inline void addEveryOutcome(SampleRun& run) {
  std::string passes = run.begin("Passes");
  run.program().add(passes, "property", {{"name", "keys"}, {"value", "1000"}});
  run.program().add(passes, "output", {{"stream", "out"}, {"text", "printed \x1b[1m]]>\n"}});
  std::string log = run.program().begin(
      "log", passes, {{"node", "server1"}, {"source", "kvd"}, {"path", "kvd_tests-1/kvd.log"}});
  run.program().end(log, {{"lines", 2}});
  run.program().end(passes, {{"outcome", "passed"}, {"seconds", 0.25}});
  run.add("Fails", "failed", kHostile);
  run.add("TimesOut", "timed out");
  std::string lost = run.begin("IsInfrastructure");
  run.program().add(lost, "failure", {{"text", "server1 was lost"}, {"infrastructure", true}});
  run.program().end(lost, {{"outcome", "infrastructure"}});
  std::string skipped = run.begin("IsSkipped");
  run.program().add(skipped, "skip", {{"text", "needs # more, \"nodes\""}});
  run.program().end(skipped, {{"outcome", "skipped"}});
  run.add("IsCancelled", "cancelled");
  run.runner().abort(run.announce("IsNotRun"), "the program ended before it");
  run.add("IsFlaky", "failed", "first attempt failed", 1);
  run.add("IsFlaky", "passed", "", 2);
  run.exonerate("IsFlaky", "flaky", "passed at attempt 2");
  run.add("IsWaived", "failed", "as foretold");
  run.exonerate("IsWaived", "waiver", "KV-1 is open");
  run.add("PassesUnexpectedly", "passed");
  run.exonerate("PassesUnexpectedly", "unexpected pass", "KV-1 foretells a failure");
  run.add("IsPolluted", "failed", "only on used nodes", 1);
  run.add("IsPolluted", "passed", "", 2);
  run.exonerate("IsPolluted", "polluted", "passed on fresh nodes");
  run.begin("Crashes");
}

// The names of those tests with their outcomes.
inline std::vector<std::pair<std::string, run::Outcome>> everyOutcome() {
  using enum run::Outcome;
  return {{"Passes", kPassed},       {"Fails", kFailed},
          {"TimesOut", kTimedOut},   {"IsInfrastructure", kInfrastructure},
          {"IsSkipped", kSkipped},   {"IsCancelled", kCancelled},
          {"IsNotRun", kNotRun},     {"IsFlaky", kFlaky},
          {"IsWaived", kWaived},     {"PassesUnexpectedly", kUnexpectedlyPassed},
          {"IsPolluted", kPolluted}, {"Crashes", kCrashed}};
}

class ReportTest : public testing::Test {
 protected:
  // A run of every outcome.
  MergedRuns everything() {
    SampleRun run(runs_, "all");
    addEveryOutcome(run);
    run.close();
    return runs_.merged({"all"});
  }

  // A run whose program was killed within a test, without a runner.
  MergedRuns cut() {
    run::makeRunDirectory(runs_.directoryOf("cut"), "cut");
    std::string path = run::recordPath(runs_.directoryOf("cut"), "kvd_tests-1");
    {
      run::RecordWriter writer(path, {{"role", "program"}, {"run", "cut"}, {"component", "kvd"}});
      writer.begin("test", "", {{"suite", "KvTest"}, {"name", "WasRunning"}});
    }
    std::ofstream(path, std::ios::app) << "{\"n\":2,\"at\":1,\"e";
    return runs_.merged({"cut"});
  }

  // A run in which nothing was selected.
  MergedRuns empty() {
    SampleRun run(runs_, "empty");
    run.close();
    return runs_.merged({"empty"});
  }

  std::string write(const char* format, const MergedRuns& merged) const {
    return findFormat(format)->write(merged, {.base = runs_.root()});
  }

  // Makes a file of this content and returns its path.
  std::string fileOf(const std::string& name, const std::string& content) const {
    std::string path = runs_.root() + "/" + name;
    std::ofstream(path) << content;
    return path;
  }

  // Runs a command of this machine. Its status is -1 if it did not exit.
  static CommandResult execute(const std::vector<std::string>& argv) {
    std::vector<std::string> words = {"/usr/bin/env"};
    words.insert(words.end(), argv.begin(), argv.end());
    return runCommand(words);
  }

  SampleRuns runs_;
};

}  // namespace harness::report
