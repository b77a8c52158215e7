#include "harness/runner/listing.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "harness/os/command.h"
#include "harness/os/error.h"
#include "harness/os/files.h"
#include "harness/run/record_writer.h"

namespace harness::runner {
namespace {

using Json = nlohmann::json;

constexpr std::chrono::seconds kListMax{60};
constexpr size_t kOutputMax = 64 << 20;

bool isDisabled(const std::string& name) {
  return name.find("DISABLED_") != std::string::npos;
}

}  // namespace

std::vector<PlannedTest> listTests(const std::string& program,
                                   const std::vector<std::string>& arguments) {
  std::string path = (std::filesystem::temp_directory_path() /
                      ("muster-list-" + std::to_string(::getpid()) + ".json"))
                         .string();
  std::vector<std::string> argv = {program};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  argv.push_back("--gtest_list_tests");
  argv.push_back("--gtest_output=json:" + path);
  CommandResult result = runCommand(argv, {.time = kListMax, .outputBytes = kOutputMax});
  Json list = Json::parse(readIfPresent(path), nullptr, false);
  std::filesystem::remove(path);
  if (!result.succeeded() || !list.is_object()) {
    throw SystemError(program + ": does not list its tests: " + toString(result));
  }
  bool takesDisabled = std::find(arguments.begin(), arguments.end(),
                                 "--gtest_also_run_disabled_tests") != arguments.end();
  std::vector<PlannedTest> tests;
  for (const Json& suite : list.value("testsuites", Json::array())) {
    std::string suiteName = suite.value("name", "");
    for (const Json& test : suite.value("testsuite", Json::array())) {
      std::string name = suiteName + "." + test.value("name", "");
      if (isDisabled(name) && !takesDisabled) continue;
      tests.push_back({.name = name,
                       .fields = {{"file", run::sourcePath(test.value("file", ""))},
                                  {"line", test.value("line", 0)}}});
    }
  }
  return tests;
}

}  // namespace harness::runner
