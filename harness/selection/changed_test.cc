#include "harness/selection/changed.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/os/command.h"
#include "harness/selection/build_files.h"
#include "harness/selection/error.h"
#include "harness/selection/listed_testing.h"

namespace harness::selection {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A repository with two components, of which `kvd` can be built by ninja: two sources of tests, one
// of them with a header, and one source that both have.
class ChangedTest : public testing::Test {
 protected:
  ChangedTest() {
    char pattern[] = "/tmp/muster-changed-XXXXXX";
    root_ = std::filesystem::canonical(::mkdtemp(pattern));
    for (const char* name : {"kvd/test_A.cc", "kvd/test_B.cc", "kvd/b.h", "kvd/both.cc",
                             "net/test_C.cc", "docs/readme.md"}) {
      write(name, "");
    }
    write(".gitignore", "/build\n");
    write("kvd/test_B.cc", "#include \"b.h\"\n");
    write("build/build.ninja",
          "rule cc\n  command = g++ -MD -MF $out.d -c $in -o $out\n  depfile = $out.d\n"
          "  deps = gcc\nrule ld\n  command = cat $in > $out\nrule stamp\n  command = touch $out\n"
          "build A.o: cc ../kvd/test_A.cc\nbuild B.o: cc ../kvd/test_B.cc\n"
          "build both.o: cc ../kvd/both.cc\nbuild docs: stamp ../docs/readme.md\n"
          "build kvd_tests: ld A.o B.o | both.o || docs\n");
    shell("git init -q . && git add . && git -c user.name=a -c user.email=a@b commit -q -m one");
    tests_ = {test("kvd", "A.One"), test("kvd", "B.One"), test("net", "C.One")};
  }
  ~ChangedTest() override { std::filesystem::remove_all(root_); }

  void shell(const std::string& command) const {
    CommandResult result = runCommand({"/bin/sh", "-ec", "cd " + root_ + "; " + command});
    ASSERT_TRUE(result.succeeded()) << command << ": " << result.errors;
  }

  void write(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories(std::filesystem::path(root_ + "/" + name).parent_path());
    std::ofstream(root_ + "/" + name) << content;
  }

  ListedTest test(const std::string& component, const std::string& name) const {
    ListedTest test = listed(component, name);
    test.file = root_ + "/" + component + "/test_" + test.suite + ".cc";
    test.program = root_ + (component == "kvd" ? "/build/" : "/bin/") + component + "_tests";
    return test;
  }

  std::vector<bool> changed(const std::string& revision = "HEAD") const {
    return changedTests(tests_, revision).isChanged;
  }

  std::string root_;
  std::vector<ListedTest> tests_;
};

TEST_F(ChangedTest, TestHasChangedWithAFileThatItIsCompiledOf) {
  shell("ninja -C build kvd_tests");
  EXPECT_THAT(changed(), ElementsAre(false, false, false));
  write("kvd/test_A.cc", "int a;\n");
  EXPECT_THAT(changed(), ElementsAre(true, false, false));
  shell("git checkout -q . && echo '//' > kvd/b.h");
  EXPECT_THAT(changed(), ElementsAre(false, true, false)) << "only B includes it";
  shell("git checkout -q . && echo '//' > kvd/both.cc");
  EXPECT_THAT(changed(), ElementsAre(true, true, false)) << "the whole program has it";
  shell("git checkout -q . && echo more > docs/readme.md");
  EXPECT_THAT(changed(), ElementsAre(false, false, false)) << "it has only to be there";
}

TEST_F(ChangedTest, WhatIsCommittedOrNotYetKnownToGitCounts) {
  write("net/new.h", "");
  EXPECT_THAT(changed(), ElementsAre(false, false, true));
  shell("git add . && git -c user.name=a -c user.email=a@b commit -q -m two");
  EXPECT_THAT(changed(), ElementsAre(false, false, false));
  EXPECT_THAT(changed("HEAD~1"), ElementsAre(false, false, true));
  shell("git rm -q net/new.h");
  EXPECT_THAT(changed(), ElementsAre(false, false, true)) << "it is gone";
}

TEST_F(ChangedTest, ProgramThatWasNotBuiltHasTheDirectoryOfItsSources) {
  write("kvd/b.h", "//\n");
  ChangedTests found = changedTests(tests_, "HEAD");
  EXPECT_THAT(found.isChanged, ElementsAre(true, true, false));
  EXPECT_THAT(found.notes,
              ElementsAre("1 files differ from HEAD",
                          HasSubstr("kvd: changed by the directory of its sources: "),
                          HasSubstr("net: changed by the directory of its sources: its program "
                                    "stands in no build directory of ninja")));
}

TEST_F(ChangedTest, UnknownRevisionIsAnError) {
  for (const char* revision : {"nosuch", "--output=x", ""}) {
    try {
      changed(revision);
      ADD_FAILURE() << revision << " was taken";
    } catch (const SelectionError& error) {
      EXPECT_THAT(error.what(), HasSubstr("--changed: there is no revision"));
    }
  }
}

TEST_F(ChangedTest, FilesOfAProgramComeFromItsGraph) {
  shell("ninja -C build kvd_tests");
  EXPECT_EQ(buildDirectoryOf(tests_[0].program), root_ + "/build");
  EXPECT_EQ(buildDirectoryOf(tests_[2].program), "");
  ProgramFiles files = filesOf(root_ + "/build", tests_[0].program);
  EXPECT_EQ(files.problem, "");
  EXPECT_EQ(files.objects.size(), 3u);
  EXPECT_EQ(files.objects.at(root_ + "/kvd/test_B.cc").count(root_ + "/kvd/b.h"), 1u);
  EXPECT_THAT(files.others, IsEmpty());
}

}  // namespace
}  // namespace harness::selection
