// What ends when it is not held must be held: the compiler says so.
#include <stdio.h>

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

// Line 4 starts a process that nobody holds, line 5 freezes a node for nobody, line 6 isolates one.
constexpr char kProgram[] =
    "#include <muster/cluster.h>\n"
    "using namespace muster;\n"
    "void test(Cluster& cluster, Node& node) {\n"
    "node.start({\"sleep\"});\n"
    "cluster.freeze(node);\n"
    "cluster.isolate(node);\n"
    "Process process = node.start({\"sleep\"});\n"
    "auto frozen = cluster.freeze(node);\n"
    "auto cut = cluster.isolate(node);\n"
    "}\n";

// Returns what the compiler says of the program, and how it ended.
std::string saidByTheCompiler() {
  const std::string command = "printf '%s' '" + std::string(kProgram) +
                              "' | " MUSTER_CXX " -std=c++20 -fsyntax-only -I " MUSTER_INCLUDE_DIR
                              " -xc++ - 2>&1";
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) return "the compiler was not started";
  char buffer[4096];
  while (size_t count = fread(buffer, 1, sizeof buffer, pipe)) output.append(buffer, count);
  return output + "status " + std::to_string(pclose(pipe));
}

TEST(DiscardedTest, WhatMustBeHeldIsMissed) {
  std::string said = saidByTheCompiler();
  EXPECT_THAT(said, testing::ContainsRegex("<stdin>:4:.*nodiscard"));
  EXPECT_THAT(said, testing::ContainsRegex("<stdin>:5:.*nodiscard"));
  EXPECT_THAT(said, testing::ContainsRegex("<stdin>:6:.*nodiscard"));
  EXPECT_THAT(said, testing::Not(testing::ContainsRegex("<stdin>:[789]:.*warning")));
  EXPECT_THAT(said, testing::EndsWith("status 0"));
}

}  // namespace
