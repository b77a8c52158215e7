#include "harness/cli/service_words.h"

#include <csignal>

#include <gmock/gmock.h>

namespace harness {
namespace {

using muster::ServiceStatus;
using testing::HasSubstr;
using testing::Not;

TEST(ServiceWordsTest, SignalsAreReadByNameAndNumber) {
  EXPECT_EQ(signalOf("KILL"), SIGKILL);
  EXPECT_EQ(signalOf("SIGHUP"), SIGHUP);
  EXPECT_EQ(signalOf("15"), SIGTERM);
  EXPECT_EQ(signalProblem("64"), "");
  for (const char* word : {"", "0", "-1", "65", "kill", "SIG", "9x", "NONE"}) {
    EXPECT_NE(signalProblem(word), "") << word;
  }
}

ServiceStatus failed() {
  ServiceStatus status;
  status.manager = ServiceStatus::Manager::kSystemd;
  status.state = ServiceStatus::State::kFailed;
  status.substate = "exit-code";
  status.enabled = ServiceStatus::Enabled::kEnabled;
  status.log = {"cannot open \x1b[2J"};
  return status;
}

TEST(ServiceWordsTest, TableHasTheLogOfWhatFailed) {
  Answers<ServiceStatus> answers;
  NodeDescription node;
  node.name = "n1";
  answers.given.emplace_back(node, failed());
  std::string text = serviceTable(answers, {"kvd"});
  EXPECT_THAT(text, HasSubstr("n1    kvd      failed  exit-code  -    enabled  systemd  -\n"));
  EXPECT_THAT(text, HasSubstr("n1: log: cannot open \\x1b[2J\n"));
  answers.given[0].second.state = ServiceStatus::State::kRunning;
  EXPECT_THAT(serviceTable(answers, {"kvd"}), Not(HasSubstr("log:")));
}

TEST(ServiceWordsTest, JsonHasTheUserOfHisServices) {
  NodeDescription node;
  node.name = "n1";
  Json json = serviceJson(node, {"kvd"}, failed());
  EXPECT_EQ(json["state"], "failed");
  EXPECT_EQ(json["at_boot"], "enabled");
  EXPECT_FALSE(json.contains("user"));
  EXPECT_EQ(serviceJson(node, {"kvd", "ci"}, failed())["user"], "ci");
}

}  // namespace
}  // namespace harness
