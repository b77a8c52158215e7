#include "harness/selection/listing.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/selection/error.h"
#include "harness/selection/listed_testing.h"

namespace harness::selection {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kList[] =
    R"({"list":1,"tests":[{"suite":"KvTest","name":"Heals","file":"../src/a.cc","line":9,
        "disabled":false,"labels":["slow"],"owner":"storage","requirements":["REQ-7"],
        "timeLimitNs":60000000000,"after":["KvTest.First"],"disruptive":true,"value":"4",
        "needs":{"nodes":{"server":3},"systemd":true,"capabilities":["mknod"],
                 "abilities":["power"],"memoryBytes":5}}]})";
constexpr char kGtestList[] =
    R"({"tests":1,"name":"AllTests","testsuites":[{"name":"A","tests":1,"testsuite":[
        {"name":"DISABLED_B","file":"/src/a.cc","line":4,"value_param":"7"}]}]})";

// Scripts in the place of test programs.
class ListingTest : public testing::Test {
 protected:
  ListingTest() {
    char pattern[] = "/tmp/muster-listing-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    std::filesystem::create_directories(directory_ + "/bin");
    std::filesystem::create_directories(directory_ + "/src");
    std::ofstream(directory_ + "/src/a.cc") << "\n";
  }
  ~ListingTest() override { std::filesystem::remove_all(directory_); }

  // `body` finds the path of gtest's list as $json.
  ListedProgram program(const std::string& component, const std::string& body) const {
    std::string path = directory_ + "/bin/" + component + "_tests";
    std::ofstream(path) << "#!/bin/sh\njson=${2#--gtest_output=json:}\n" << body << "\n";
    ::chmod(path.c_str(), 0755);
    return {component, path};
  }

  static std::string printing(const std::string& text, const std::string& path) {
    return "cat > \"" + path + "\" <<'END'\n" + text + "\nEND";
  }

  std::string problemOf(const std::string& body) const {
    try {
      listTests({program("kvd", body)});
    } catch (const SelectionError& error) {
      EXPECT_EQ(error.kind(), SelectionError::Kind::kTests);
      return error.what();
    }
    return "";
  }

  std::string directory_;
};

TEST_F(ListingTest, TestHasWhatItSaysOfItself) {
  std::vector<ListedTest> tests = listTests({program("kvd", printing(kList, "$MUSTER_TEST_LIST"))});
  ASSERT_EQ(tests.size(), 1u);
  const ListedTest& test = tests[0];
  EXPECT_EQ(test.id(), "kvd/KvTest.Heals");
  EXPECT_EQ(test.place(), directory_ + "/src/a.cc:9");
  EXPECT_EQ(test.owner, "storage");
  EXPECT_EQ(test.timeLimit, std::chrono::minutes(1));
  EXPECT_THAT(test.labels, ElementsAre("slow"));
  EXPECT_THAT(test.requirements, ElementsAre("REQ-7"));
  EXPECT_THAT(test.after, ElementsAre("KvTest.First"));
  EXPECT_TRUE(test.isDisruptive);
  EXPECT_EQ(test.value, "4");
  ASSERT_TRUE(test.needs);
  EXPECT_EQ(test.needs->nodes.at("server"), 3);
  EXPECT_TRUE(test.needs->isSystemd);
  EXPECT_EQ(test.needs->memoryBytes, 5u);
}

TEST_F(ListingTest, ProgramWithAMainOfItsOwnHasTheListOfGtest) {
  std::vector<ListedTest> tests = listTests({program("kvd", printing(kGtestList, "$json"))});
  ASSERT_EQ(tests.size(), 1u);
  EXPECT_EQ(tests[0].id(), "kvd/A.DISABLED_B");
  EXPECT_TRUE(tests[0].isDisabled);
  EXPECT_EQ(tests[0].place(), "/src/a.cc:4");
  EXPECT_EQ(tests[0].value, "7");
  EXPECT_FALSE(tests[0].needs);
}

TEST_F(ListingTest, ProgramsKeepTheirOrder) {
  std::vector<ListedProgram> programs;
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    std::string name = "c" + std::to_string(i);
    std::string delay = i % 2 == 0 ? "sleep 0.05\n" : "";
    programs.push_back(program(name, delay + printing(kGtestList, "$json")));
    ids.push_back(name + "/A.DISABLED_B");
  }
  EXPECT_EQ(idsOf(listTests(programs)), ids);
  EXPECT_TRUE(listTests({}).empty());
}

TEST_F(ListingTest, CallersShardsAndFilterDoNotReachThePrograms) {
  ::setenv("GTEST_FILTER", "X.*", 1);
  ::setenv("GTEST_TOTAL_SHARDS", "2", 1);
  std::string body = "test -z \"$GTEST_FILTER$GTEST_TOTAL_SHARDS\" || exit 9\n";
  EXPECT_EQ(problemOf(body + printing(kGtestList, "$json")), "");
  ::unsetenv("GTEST_FILTER");
  ::unsetenv("GTEST_TOTAL_SHARDS");
}

TEST_F(ListingTest, ProgramThatCannotListIsNamedWithWhatItSaid) {
  EXPECT_THAT(problemOf("echo a.cc:7: label is empty >&2; exit 2"),
              AllOf(testing::StartsWith("kvd: list the tests of " + directory_),
                    HasSubstr("exited with status 2\na.cc:7: label is empty")));
  EXPECT_THAT(problemOf("kill -SEGV $$"), HasSubstr("signal 11"));
  EXPECT_THAT(problemOf("echo hello"),
              HasSubstr("it ended with status 0 and wrote no list, so it is no program of gtest"));
  EXPECT_THAT(problemOf(printing("{\"list\":1}", "$MUSTER_TEST_LIST")),
              HasSubstr("the list is damaged"));
  EXPECT_THAT(problemOf(printing("{\"list\":2,\"tests\":[]}", "$MUSTER_TEST_LIST")),
              HasSubstr("the list has version 2, and this is for 1"));
}

}  // namespace
}  // namespace harness::selection
