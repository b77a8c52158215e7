// Tests the key `logs` of a cluster file: what it says of each node, and what is refused where.
#include "harness/cluster/cluster_logs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "harness/cluster/cluster_file_testing.h"

namespace harness {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

constexpr char kGoodLogs[] = R"(nodes:
  server[1-2]:
    role: server
    logs:
      sources: [{unit: kvd.service}, {container: kvd}]
      fail_on: [{pattern: "panic", reason: servers do not panic}]
  client1: {role: client}
logs:
  sources:
    - /var/log/kvd/*.log
    - {files: [/var/log/a, /var/log/b], nodes: "@client"}
    - kernel
  fail_on: [{pattern: "^ERROR", reason: lost data, files: "*/kvd/*", nodes: "@*!client1"}]
  warn_on: [{pattern: "^WARN", reason: of interest}]
  allow:
    - {pattern: "ERROR: peer", reason: issue 12, expires: 2999-06-30, before: restart, before_lines: 3}
)";

std::vector<std::string> patternsOf(const std::vector<muster::LogRule>& rules) {
  std::vector<std::string> all;
  for (const muster::LogRule& rule : rules) all.push_back(rule.pattern);
  return all;
}

void expectWhatTheFileSays(const ClusterLogs& logs) {
  using muster::LogSource;
  muster::Logs server = logsOn(logs, "server2");
  EXPECT_THAT(server.sources,
              ElementsAre(LogSource::unit("kvd.service"), LogSource::container("kvd"),
                          LogSource("/var/log/kvd/*.log"), LogSource::kernel()));
  EXPECT_THAT(patternsOf(server.failOn), ElementsAre("panic", "^ERROR", "^WARN"));
  EXPECT_EQ(server.failOn[1].files, "*/kvd/*");
  EXPECT_EQ(server.failOn[1].reason, "lost data");
  EXPECT_EQ(server.failOn[1].severity, muster::LogSeverity::kFail);
  EXPECT_EQ(server.failOn[2].severity, muster::LogSeverity::kWarn);
  ASSERT_EQ(server.allow.size(), 1u);
  EXPECT_EQ(server.allow[0].expires, "2999-06-30");
  EXPECT_EQ(server.allow[0].before, "restart");
  EXPECT_EQ(server.allow[0].beforeLines, 3);
  muster::Logs client = logsOn(logs, "client1");
  EXPECT_THAT(client.sources, ElementsAre(LogSource("/var/log/kvd/*.log"), LogSource("/var/log/a"),
                                          LogSource("/var/log/b"), LogSource::kernel()));
  EXPECT_THAT(patternsOf(client.failOn), ElementsAre("^WARN"));
}

TEST(ClusterLogsTest, SourcesAndRulesBelongToTheNodesThatTheFileNames) {
  expectWhatTheFileSays(planOf(kGoodLogs).wishes.logs);
}

TEST(ClusterLogsTest, JsonKeepsThem) {
  std::string json = toJson(planOf(kGoodLogs).wishes).dump();
  expectWhatTheFileSays(wishesFromJson(nlohmann::json::parse(json)).logs);
}

TEST(ClusterLogsTest, ClusterOfAnEarlierReleaseHasNone) {
  EXPECT_THAT(wishesFromJson(nullptr).logs.sources, IsEmpty());
  EXPECT_THROW(wishesFromJson(nlohmann::json::object()), std::invalid_argument);
}

// A day that is over is no reason to refuse `muster down`.
TEST(ClusterLogsTest, ExpiredRuleIsKeptAndRefusedBeforeTestsOnly) {
  ClusterLogs logs = planOf(R"(nodes: {a: {role: x}}
logs:
  sources: [/l]
  allow: [{pattern: ERROR, reason: issue 12, expires: 2020-01-31}])")
                         .wishes.logs;
  EXPECT_EQ(logs.allow.size(), 1u);
  EXPECT_THAT([&] { refuseExpired(logs); },
              ThrowsMessage<ClusterFileError>(
                  StartsWith("f.yaml:4:55: rule \"ERROR\" has expired on 2020-01-31")));
  refuseExpired(planOf(kGoodLogs).wishes.logs);
}

struct BadLogs {
  const char* logs;
  const char* message;
};

// Each is the value of `logs` in line 2, which begins at column 7.
constexpr BadLogs kBadLogs[] = {
    {"[a]", "2:7: logs: expected a map and found a list"},
    {"{}", "2:7: logs: there are no sources; name the logs"},
    {"{sources: []}", "2:7: logs: there are no sources; name the logs"},
    {"{source: [/l]}", "2:8: unknown key \"source\"; did you mean \"sources\"?"},
    {"{sources: [l]}",
     "2:18: sources: \"l\" is to be an absolute path or a pattern of such; the kernel's log is the "
     "word kernel"},
    {"{sources: [{unit: u, files: /l}]}",
     "2:18: sources: one of files, unit, container and kernel is wanted, such as {unit: "
     "kvd.service}"},
    {"{sources: [{kernel: no}]}", "2:27: kernel: there is no \"no\"; known: true"},
    {"{sources: [{files: /l, nodes: b}]}",
     "2:37: node set \"b\": there is no node \"b\"; did you mean \"a\"?"},
    {"{sources: [{files: /l, nodes: a!a}]}", "2:37: node set \"a!a\" is empty"},
    {"{sources: [/l], allow: [{reason: y}]}", "2:31: allow: the key \"pattern\" is missing"},
    {"{sources: [/l], allow: [{pattern: E}]}",
     "2:31: rule \"E\" has no reason; say why it is there"},
    {"{sources: [/l], fail_on: [{pattern: x*, reason: y}]}",
     "2:43: pattern \"x*\" matches the empty string, and so every line; it is to name what the "
     "line "
     "has"},
    {"{sources: [/l], fail_on: [{pattern: \"x(\", reason: y}]}",
     "2:43: pattern \"x(\" does not compile: missing ): x(; it is to be a regular expression of "
     "RE2"},
    {"{sources: [/l], warn_on: [{pattern: ., reason: y}]}",
     "2:43: pattern \".\" matches lines of every kind; it is to name what the line has"},
    {"{sources: [/l], allow: [{pattern: E, reason: y, expires: soon}]}",
     "2:64: rule \"E\": expires \"soon\" is no day such as \"2027-06-30\""},
    {"{sources: [/l], fail_on: [{pattern: E, reason: y, before: F}]}",
     "2:65: before means nothing here; it belongs to a rule of allow"},
    {"{sources: [/l], allow: [{pattern: E, reason: y, before: F*}]}",
     "2:63: pattern \"F*\" matches the empty string, and so every line; it is to name what the "
     "line "
     "has"},
    {"{sources: [/l], allow: [{pattern: E, reason: y, before: F, before_lines: 0}]}",
     "2:80: rule \"E\": beforeLines is 0; it is from 1 to 1000"},
    {"{sources: [/l], allow: [{pattern: E, reason: y, before: F, before_lines: ten}]}",
     "2:80: before_lines: \"ten\" is not a number from 1 to 1000"},
    {"{sources: [/l], allow: [{pattern: E, reason: y, before_lines: 3}]}",
     "2:69: before_lines means nothing without before"},
    {"{sources: [/l], allow: [{pattern: E, reason: \"y\xff\"}]}",
     "2:52: reason: \"y\\xff\" is not UTF-8"},
};

TEST(ClusterLogsTest, RefusesWithFileLineColumnAndRemedy) {
  for (const BadLogs& bad : kBadLogs) {
    EXPECT_THAT([&] { planOf(std::string("nodes: {a: {role: x}}\nlogs: ") + bad.logs); },
                ThrowsMessage<ClusterFileError>(std::string("f.yaml:") + bad.message))
        << bad.logs;
  }
}

TEST(ClusterLogsTest, NodeSetOfANodeSetsLogsIsRefused) {
  EXPECT_THAT(
      [] { planOf("nodes: {a: {role: x, logs: {sources: [{files: /l, nodes: a}]}}}"); },
      ThrowsMessage<ClusterFileError>("f.yaml:1:58: nodes means nothing in the logs of a node set, "
                                      "which are about its nodes"));
}

TEST(ClusterLogsTest, PatternsAreBounded) {
  std::string rules;
  for (int i = 0; i < 65; ++i) rules += "{pattern: E" + std::to_string(i) + ", reason: y},";
  EXPECT_THAT(
      [&] { planOf("nodes: {a: {role: x}}\nlogs: {sources: [/l], fail_on: [" + rules + "]}"); },
      ThrowsMessage<ClusterFileError>(
          StartsWith("f.yaml:2:7: failOn and allow have 65 patterns, at most 64")));
}

}  // namespace
}  // namespace harness
