#include "harness/provision/local/hub/answer.h"

#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "harness/provision/local/hub/error.h"

namespace harness {
namespace {

TEST(HubAnswerTest, RefusalSaysWhatTheNodeWroteWhateverItsBytes) {
  auto answer = nlohmann::json::parse(lineOf(refusalOf(HubError("boot: \xff\x1b[2J", "server1"))));
  EXPECT_EQ(answer["ok"], false);
  EXPECT_EQ(answer["node"], "server1");
  EXPECT_EQ(answer["detail"], "boot: \\xff\\x1b[2J");
  EXPECT_EQ(answer["unsupported"], false);
}

TEST(HubAnswerTest, EveryExceptionIsAnswered) {
  auto answer = nlohmann::json::parse(lineOf(refusalOf(std::runtime_error("\xff"))));
  EXPECT_EQ(answer["detail"], "\\xff");
}

TEST(HubAnswerTest, AnswerIsALineWhateverIsInIt) {
  nlohmann::json answer;
  answer["ending"] = "\xff";
  EXPECT_EQ(lineOf(answer), "{\"ending\":\"\xef\xbf\xbd\"}\n");
}

}  // namespace
}  // namespace harness
