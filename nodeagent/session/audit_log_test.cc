// Tries that a line is valid JSON, and that the chain shows every line that was changed.
#include "nodeagent/session/audit_log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <kj/debug.h>
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
  std::string line =
      auditLine(clock_, *session_, "jobs.run",
                {{"argv", std::string("a\"b\n\x01\xff", 6)}, {"n", 3}, {"path", "é"}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  auto parsed = nlohmann::json::parse(line);
  EXPECT_EQ(parsed["op"], "jobs.run");
  EXPECT_EQ(parsed["identity"], "operator:ci");
  EXPECT_EQ(parsed["n"], "3");
  EXPECT_EQ(parsed["path"], "é");
  EXPECT_FALSE(parsed.contains("pathBase64"));
  EXPECT_EQ(parsed["argv"], "a\"b\n\x01\xef\xbf\xbd");
  EXPECT_EQ(parsed["argvBase64"], "YSJiCgH/");
}

TEST_F(AuditLogTest, LineIsBounded) {
  std::string big(5000, 'x');
  std::string line =
      auditLine(clock_, *session_, "op",
                {{"a", big}, {"b", std::string(5000, '\1')}, {"c", std::string(5000, '\1')}});
  EXPECT_LE(line.size(), 8192u);
  EXPECT_EQ(nlohmann::json::parse(line)["cut"], true);
}

TEST_F(AuditLogTest, LongValueIsCutBetweenCharacters) {
  std::string euros = "x";
  for (int i = 0; i < 1000; ++i) euros += "€";
  auto parsed = nlohmann::json::parse(auditLine(clock_, *session_, "op", {{"path", euros}}));
  EXPECT_EQ(parsed["path"], euros.substr(0, 1 + 341 * 3) + " ...");
}

TEST_F(AuditLogTest, FileIsPrivateAndAppendedTo) {
  char directory[] = "/tmp/audit-test-XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  std::string path = std::string(directory) + "/audit.jsonl";
  for (int i = 0; i < 2; ++i)
    openAuditLog(path.c_str(), clock_, timer_)->line(*session_, "op", {})();
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

// A file of its own, and lines in it.
class AuditChainTest : public AuditLogTest {
 protected:
  AuditChainTest() {
    char pattern[] = "/tmp/audit-test-XXXXXX";
    directory_ = mkdtemp(pattern);
    path_ = directory_ + "/audit.jsonl";
  }
  ~AuditChainTest() noexcept override { std::filesystem::remove_all(directory_); }

  void write(int lines, const AuditOptions& options = {}) {
    auto log = openAuditLog(path_.c_str(), clock_, timer_, options);
    for (int i = 0; i < lines; ++i) log->line(*session_, "op", {{"n", i}})();
  }
  std::vector<std::string> lines() {
    std::vector<std::string> all;
    std::ifstream file(path_);
    for (std::string line; std::getline(file, line);) all.push_back(line);
    return all;
  }
  void put(const std::vector<std::string>& all) {
    std::ofstream file(path_);
    for (const std::string& line : all) file << line << "\n";
  }

  support::CapturedLog captured_;
  std::string directory_, path_;
};

TEST_F(AuditChainTest, ChainGoesOnInTheNextProcess) {
  write(3);
  write(2);
  auto verdict = verifyAudit(path_);
  EXPECT_TRUE(verdict.good) << verdict.text;
  EXPECT_THAT(verdict.text, testing::StartsWith("5 lines, numbers to 4, last digest "));
  EXPECT_EQ(nlohmann::json::parse(lines()[4])["seq"], 4);
}

TEST_F(AuditChainTest, ChangedMissingAndAddedLinesAreFound) {
  write(5);
  const auto good = lines();
  auto why = [&](std::vector<std::string> changed) {
    put(changed);
    auto verdict = verifyAudit(path_);
    EXPECT_FALSE(verdict.good);
    return verdict.text;
  };
  auto changed = good;
  changed[2].replace(changed[2].find("\"n\":\"2\""), 7, "\"n\":\"9\"");
  EXPECT_THAT(why(changed), testing::HasSubstr(":4: does not follow"));
  auto missing = good;
  missing.erase(missing.begin() + 1);
  EXPECT_THAT(why(missing), testing::HasSubstr(":2: has number 2, wanted 1"));
  auto twice = good;
  twice.insert(twice.begin() + 1, good[0]);
  EXPECT_THAT(why(twice), testing::HasSubstr(":2: has number 0, wanted 1"));
  auto swapped = good;
  std::swap(swapped[1], swapped[2]);
  EXPECT_THAT(why(swapped), testing::HasSubstr(":2: has number 2"));
  auto strange = good;
  strange[3] = "{}";
  EXPECT_THAT(why(strange), testing::HasSubstr(":4: is no audit line"));
}

TEST_F(AuditChainTest, LineCutOffByACrashIsRemoved) {
  write(2);
  std::ofstream(path_, std::ios::app) << "{\"seq\":2,\"prev\":\"12";
  EXPECT_FALSE(verifyAudit(path_).good);
  write(1);
  auto verdict = verifyAudit(path_);
  EXPECT_TRUE(verdict.good) << verdict.text;
  EXPECT_EQ(lines().size(), 3u);
}

TEST_F(AuditChainTest, ChainGoesThroughBoundedFiles) {
  AuditOptions options{1024, 2};
  write(30, options);
  write(30, options);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".3"));
  uint64_t bytes = 0;
  for (auto& entry : std::filesystem::directory_iterator(directory_)) bytes += entry.file_size();
  EXPECT_LE(bytes, 3 * (1024 + 512u));
  auto verdict = verifyAudit(path_);
  EXPECT_TRUE(verdict.good) << verdict.text;
  EXPECT_THAT(verdict.text, testing::HasSubstr("numbers to 59"));
  std::filesystem::rename(path_ + ".2", path_ + ".1");
  EXPECT_FALSE(verifyAudit(path_).good);
}

TEST_F(AuditChainTest, SecondWriterIsRefused) {
  auto log = openAuditLog(path_.c_str(), clock_, timer_);
  EXPECT_ANY_THROW(openAuditLog(path_.c_str(), clock_, timer_));
}

TEST_F(AuditLogTest, FailedWriteForbidsTheEffect) {
  auto log = openAuditLog("/dev/full", clock_, timer_);
  EXPECT_ANY_THROW(log->line(*session_, "op", {})());
}

// A pipe that nobody reads, whose disk never answers. The reader comes at the end.
class HungAuditTest : public AuditChainTest {
 protected:
  HungAuditTest() {
    if (mkfifo(path_.c_str(), 0600) != 0) ADD_FAILURE() << "no pipe";
    options_.patience = 20 * kj::MILLISECONDS;
    options_.waitingMax = 3;
    log_ = openAuditLog(path_.c_str(), clock_, port_.getTimer(), options_);
    pipe_ = open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    std::string page(4096, 'x');
    while (::write(pipe_, page.data(), page.size()) > 0) continue;
  }
  ~HungAuditTest() noexcept override {
    char bytes[4096];
    while (::read(pipe_, bytes, sizeof(bytes)) > 0) continue;
    EXPECT_TRUE(log_->close(10 * kj::SECONDS));
    log_ = nullptr;
    close(pipe_);
  }

  kj::Promise<void> record() { return KJ_ASSERT_NONNULL(log_->record(*session_, "op", {})); }
  std::string failureOf(kj::Promise<void> recorded) {
    std::string text;
    recorded.catch_([&](kj::Exception&& exception) { text = exception.getDescription().cStr(); })
        .wait(waitScope_);
    return text;
  }

  kj::UnixEventPort port_;
  kj::EventLoop loop_{port_};
  kj::WaitScope waitScope_{loop_};
  AuditOptions options_;
  kj::Own<AuditLog> log_;
  int pipe_ = -1;
};

TEST_F(HungAuditTest, CallsAreRefusedAfterABoundAndTheLoopGoesOn) {
  EXPECT_THAT(failureOf(record()), testing::HasSubstr("for at most 20 ms; nothing was done"));
}

TEST_F(HungAuditTest, CallsBeyondTheBoundAreRefusedAtOnce) {
  auto first = record();
  auto second = record();
  auto third = record();
  auto fourth = record();
  EXPECT_TRUE(fourth.poll(waitScope_));
  EXPECT_FALSE(first.poll(waitScope_));
  EXPECT_THAT(failureOf(kj::mv(fourth)), testing::HasSubstr("3 calls wait"));
}

TEST_F(AuditChainTest, LinesOfTheLoopAreWrittenInTheirOrder) {
  kj::UnixEventPort port;
  kj::EventLoop loop(port);
  kj::WaitScope waitScope(loop);
  auto log = openAuditLog(path_.c_str(), clock_, port.getTimer());
  kj::Vector<kj::Promise<void>> written;
  for (int i = 0; i < 100; ++i) {
    written.add(KJ_ASSERT_NONNULL(log->record(*session_, "op", {{"n", i}})));
  }
  kj::joinPromises(written.releaseAsArray()).wait(waitScope);
  auto all = lines();
  ASSERT_EQ(all.size(), 100u);
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(nlohmann::json::parse(all[i])["n"], std::to_string(i));
  }
}

}  // namespace
}  // namespace nodeagent
