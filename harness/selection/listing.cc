#include "harness/selection/listing.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <iterator>
#include <unordered_map>

#include <nlohmann/json.hpp>

#include "harness/os/command.h"
#include "harness/os/error.h"
#include "harness/os/files.h"
#include "harness/selection/error.h"
#include "schema/support/base/test_names.h"
#include "schema/support/base/text.h"

namespace harness::selection {
namespace {

using Json = nlohmann::json;

constexpr size_t kProgramsAtOnce = 2;
constexpr size_t kListBytesMax = 64 << 20;
constexpr size_t kShownBytesMax = 4096;
constexpr int kVersion = 1;

// Holds the lists that programs write, until it is destroyed.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    const char* parent = std::getenv("TMPDIR");
    path_ = std::string(parent && *parent ? parent : "/tmp") + "/muster-list-XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) failSystem("make " + path_);
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

[[noreturn]] void fail(const ListedProgram& program, const std::string& problem) {
  throw SelectionError(SelectionError::Kind::kTests,
                       program.component + ": list the tests of " + program.path + ": " + problem);
}

// Compilers may be given paths relative to the build directory, which is above the program.
std::string absolutePath(const ListedProgram& program, const std::string& file) {
  if (file.empty() || file[0] == '/') return std::filesystem::path(file).lexically_normal();
  std::filesystem::path directory = std::filesystem::absolute(program.path).parent_path();
  for (; directory.has_relative_path(); directory = directory.parent_path()) {
    std::error_code ignored;
    std::filesystem::path path = directory / file;
    if (std::filesystem::exists(path, ignored)) return path.lexically_normal();
  }
  return file;
}

// Finds each file once: a program has many tests in one.
class Paths {
 public:
  explicit Paths(const ListedProgram& program) : program_(program) {}
  const std::string& of(const std::string& file) {
    auto [found, isNew] = known_.try_emplace(file);
    if (isNew) found->second = absolutePath(program_, file);
    return found->second;
  }

 private:
  const ListedProgram& program_;
  std::unordered_map<std::string, std::string> known_;
};

ListedNeeds needsOf(const Json& json) {
  return {.nodes = json.at("nodes").get<std::map<std::string, int>>(),
          .isSystemd = json.at("systemd").get<bool>(),
          .capabilities = json.at("capabilities").get<std::vector<std::string>>(),
          .abilities = json.at("abilities").get<std::vector<std::string>>(),
          .memoryBytes = json.at("memoryBytes").get<uint64_t>()};
}

ListedTest testOf(const ListedProgram& program, const Json& json, Paths& paths) {
  ListedTest test;
  test.component = program.component;
  test.program = program.path;
  test.suite = json.at("suite").get<std::string>();
  test.name = json.at("name").get<std::string>();
  test.file = paths.of(json.at("file").get<std::string>());
  test.line = json.at("line").get<int>();
  test.type = json.value("type", "");
  test.value = json.value("value", "");
  test.isDisabled = json.at("disabled").get<bool>();
  if (json.contains("needs")) test.needs = needsOf(json["needs"]);
  test.labels = json.at("labels").get<std::vector<std::string>>();
  test.owner = json.at("owner").get<std::string>();
  test.requirements = json.at("requirements").get<std::vector<std::string>>();
  test.timeLimit = std::chrono::nanoseconds(json.at("timeLimitNs").get<int64_t>());
  test.after = json.at("after").get<std::vector<std::string>>();
  test.isDisruptive = json.at("disruptive").get<bool>();
  return test;
}

// Variables by which the caller's gtest would list only some tests, or write elsewhere.
std::vector<std::string> commandOf(const ListedProgram& program, const std::string& list,
                                   const std::string& gtestList) {
  std::vector<std::string> argv = {"/usr/bin/env"};
  for (const char* variable :
       {"GTEST_FILTER", "GTEST_OUTPUT", "GTEST_TOTAL_SHARDS", "GTEST_SHARD_INDEX",
        "GTEST_SHARD_STATUS_FILE", "TESTBRIDGE_TEST_ONLY", "XML_OUTPUT_FILE",
        "TEST_PREMATURE_EXIT_FILE"}) {
    argv.insert(argv.end(), {"-u", variable});
  }
  argv.insert(argv.end(), {"MUSTER_TEST_LIST=" + list, program.path, "--gtest_list_tests",
                           "--gtest_output=json:" + gtestList});
  return argv;
}

// Returns the end of what a program said, on lines of their own.
std::string saidBy(const CommandResult& result) {
  const std::string& text = result.errors.empty() ? result.output : result.errors;
  std::string shown =
      support::printable(support::endOf(text, kShownBytesMax), support::Lines::kMany);
  return shown.empty() ? "" : "\n" + shown.substr(0, shown.find_last_not_of('\n') + 1);
}

std::vector<ListedTest> listOne(const ListedProgram& program, const ScratchDirectory& scratch) {
  std::string list = scratch.file(program.component + ".json");
  std::string gtestList = scratch.file(program.component + ".gtest.json");
  std::vector<std::string> argv = commandOf(program, list, gtestList);
  CommandResult result = runCommand(argv, {.outputBytes = kListBytesMax});
  if (!result.succeeded()) {
    result.ending == CommandResult::Ending::kExited
        ? fail(program, "exited with status " + std::to_string(result.status) + saidBy(result))
        : fail(program, toString(result));
  }
  if (::access(list.c_str(), F_OK) == 0) return readTestList(program, readFile(list));
  if (::access(gtestList.c_str(), F_OK) == 0) return readGtestList(program, readFile(gtestList));
  fail(program,
       "it ended with status 0 and wrote no list, so it is no program of gtest" + saidBy(result));
}

}  // namespace

std::vector<ListedTest> readTestList(const ListedProgram& program, const std::string& text) {
  try {
    Json json = Json::parse(text);
    if (int version = json.at("list").get<int>(); version != kVersion) {
      fail(program, "the list has version " + std::to_string(version) + ", and this is for " +
                        std::to_string(kVersion));
    }
    Paths paths(program);
    std::vector<ListedTest> tests;
    for (const Json& test : json.at("tests")) tests.push_back(testOf(program, test, paths));
    return tests;
  } catch (const Json::exception& error) {
    fail(program, std::string("the list is damaged: ") + error.what());
  }
}

std::vector<ListedTest> readGtestList(const ListedProgram& program, const std::string& text) {
  try {
    Json json = Json::parse(support::jsonRepaired(text));
    Paths paths(program);
    std::vector<ListedTest> tests;
    for (const Json& suite : json.at("testsuites")) {
      for (const Json& entry : suite.at("testsuite")) {
        ListedTest test;
        test.component = program.component;
        test.program = program.path;
        test.suite = suite.at("name").get<std::string>();
        test.name = entry.at("name").get<std::string>();
        test.file = paths.of(entry.value("file", ""));
        test.line = entry.value("line", 0);
        test.type = entry.value("type_param", "");
        test.value = entry.value("value_param", "");
        test.isDisabled = support::isDisabledTest(test.suite, test.name);
        tests.push_back(std::move(test));
      }
    }
    return tests;
  } catch (const Json::exception& error) {
    fail(program, std::string("gtest's list is damaged: ") + error.what());
  }
}

std::vector<ListedTest> listTests(const std::vector<ListedProgram>& programs) {
  ScratchDirectory scratch;
  std::vector<std::future<std::vector<ListedTest>>> lists;
  std::vector<ListedTest> all;
  auto take = [&all](std::future<std::vector<ListedTest>>& list) {
    std::vector<ListedTest> tests = list.get();
    all.insert(all.end(), std::make_move_iterator(tests.begin()),
               std::make_move_iterator(tests.end()));
  };
  for (size_t i = 0; i < programs.size(); ++i) {
    if (i >= kProgramsAtOnce) take(lists[i - kProgramsAtOnce]);
    lists.push_back(
        std::async(std::launch::async, listOne, std::cref(programs[i]), std::cref(scratch)));
  }
  for (size_t i = programs.size() - std::min(programs.size(), kProgramsAtOnce); i < programs.size();
       ++i) {
    take(lists[i]);
  }
  return all;
}

}  // namespace harness::selection
