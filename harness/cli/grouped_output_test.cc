#include "harness/cli/grouped_output.h"

#include <gtest/gtest.h>

namespace harness {
namespace {

using Show = void (*)(const std::vector<NodeAnswer>& answers, const ByteSink& sink);

NodeAnswer answer(const std::string& node, const std::string& output,
                  const std::string& ending = "") {
  NodeAnswer made{node, {}, ending};
  made.output.append(output);
  return made;
}

std::string shown(Show show) {
  std::vector<NodeAnswer> answers;
  answers.push_back(answer("server1", "up\n"));
  answers.push_back(answer("server2", "up\n"));
  answers.push_back(answer("client1", "a\nb", "exited with status 2"));
  answers.push_back(answer("server3", "up\n"));
  std::string text;
  show(answers, [&text](std::string_view part) { text += part; });
  return text;
}

TEST(GatherTest, FoldsNodesThatAnswerTheSame) {
  EXPECT_EQ(shown(showGathered), "--- server[1-3]\nup\n--- client1: exited with status 2\na\nb\n");
}

TEST(GatherTest, PutsTheNodeBeforeEveryLine) {
  EXPECT_EQ(shown(showPrefixed),
            "server1: up\nserver2: up\nclient1: a\nclient1: b\nclient1: (exited with status 2)\n"
            "server3: up\n");
}

// A line may be cut where the output is read in parts.
TEST(GatherTest, LongLineGetsOnePrefix) {
  std::vector<NodeAnswer> answers;
  std::string line(3 * SpooledOutput::kMemoryBytesMax, 'x');
  answers.push_back(answer("n", line + "\nshort\n"));
  std::string text;
  showPrefixed(answers, [&text](std::string_view part) { text += part; });
  EXPECT_TRUE(text == "n: " + line + "\nn: short\n");
}

}  // namespace
}  // namespace harness
