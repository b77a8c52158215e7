#include "nodeagent/audit_log.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <nlohmann/json.hpp>

namespace nodeagent {
namespace {

class AuditLogTest : public testing::Test {
 protected:
  AuditLogTest() { session_ = kj::refcounted<Session>(options(), clock_, timer_); }
  ~AuditLogTest() noexcept override {}

  static Session::Options options() {
    Session::Options options;
    options.identity = kj::str("operator:ci");
    return options;
  }

  ManualClock clock_;
  kj::TimerImpl timer_{kj::origin<kj::TimePoint>()};
  kj::Own<Session> session_;
};

TEST_F(AuditLogTest, LineIsValidJsonWhateverTheFieldsHold) {
  std::string line = auditLine(clock_, *session_, "jobs.run",
                               {{"argv", std::string("a\"b\n\x01\xff", 6)}, {"n", 3}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  auto parsed = nlohmann::json::parse(line);
  EXPECT_EQ(parsed["op"], "jobs.run");
  EXPECT_EQ(parsed["identity"], "operator:ci");
  EXPECT_EQ(parsed["n"], "3");
  EXPECT_EQ(parsed["argv"], "a\"b\n\x01\xc3\xbf");
}

TEST_F(AuditLogTest, LineIsBounded) {
  std::string big(5000, 'x');
  std::string line =
      auditLine(clock_, *session_, "op",
                {{"a", big}, {"b", std::string(5000, '\1')}, {"c", std::string(5000, '\1')}});
  EXPECT_LE(line.size(), 8192u);
  EXPECT_EQ(nlohmann::json::parse(line)["cut"], true);
}

TEST_F(AuditLogTest, FileIsPrivateAndAppendedTo) {
  char directory[] = "/tmp/audit-test-XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  std::string path = std::string(directory) + "/audit.jsonl";
  for (int i = 0; i < 2; ++i) openAuditLog(path.c_str(), clock_)->record(*session_, "op", {});
  struct stat status;
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  std::ifstream file(path);
  int lines = 0;
  for (std::string line; std::getline(file, line);) ++lines;
  EXPECT_EQ(lines, 2);
  unlink(path.c_str());
  rmdir(directory);
}

TEST_F(AuditLogTest, FailedWriteForbidsTheEffect) {
  auto log = openAuditLog("/dev/full", clock_);
  EXPECT_ANY_THROW(log->record(*session_, "op", {}));
}

}  // namespace
}  // namespace nodeagent
