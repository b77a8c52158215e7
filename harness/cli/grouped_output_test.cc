#include "harness/cli/grouped_output.h"

#include <gtest/gtest.h>

namespace harness {
namespace {

const std::vector<NodeAnswer> kAnswers = {{"server1", "up\n", ""},
                                          {"server2", "up\n", ""},
                                          {"client1", "a\nb", "exited with status 2"},
                                          {"server3", "up\n", ""}};

TEST(GatherTest, FoldsNodesThatAnswerTheSame) {
  EXPECT_EQ(gathered(kAnswers), "--- server[1-3]\nup\n--- client1: exited with status 2\na\nb\n");
}

TEST(GatherTest, PutsTheNodeBeforeEveryLine) {
  EXPECT_EQ(prefixed(kAnswers),
            "server1: up\nserver2: up\nclient1: a\nclient1: b\nclient1: (exited with status 2)\n"
            "server3: up\n");
}

}  // namespace
}  // namespace harness
