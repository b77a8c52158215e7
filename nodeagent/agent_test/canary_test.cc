// Plants secrets through every entrance of a real agent, and then searches everything that somebody
// other than their owner can read.
#include <sys/resource.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/debug.h>
#include <nlohmann/json.hpp>

#include "nodeagent/agent_test/program_fixture.h"
#include "nodeagent/os/read_file.h"
#include "nodeagent/session/audit_log.h"
#include "schema/file.capnp.h"
#include "schema/service.capnp.h"
#include "schema/support/base/crc32c.h"

namespace nodeagent {
namespace {

using testing::HasSubstr;

class CanaryTest : public ProgramTest {
 protected:
  ~CanaryTest() noexcept override {}

  void startAudited() {
    auto arguments = usual();
    arguments.push_back("--audit-log=" + file("audit"));
    arguments.push_back("--log-level=debug");
    start(arguments);
    ASSERT_TRUE(eventually([&]() { return text("err").find("keeper ready") != std::string::npos; }))
        << text("err");
    connection_ = connect();
    auto welcome = hello(*connection_);
    auto grants = welcome.getWelcome().getGrants();
    services_ = granted<wire::Services>(grants);
    jobs_ = granted<wire::Jobs>(grants);
    files_ = granted<wire::Files>(grants);
  }

  // Makes a new secret of 20 characters, which occur nowhere else.
  std::string secret() {
    secrets_.push_back("cAnArY" + support::Id::random().text().substr(0, 14));
    return secrets_.back();
  }

  // Adds an answer to the peer to the searched texts.
  void told(wire::Error::Reader error) { told_ += std::string(error.getText().cStr()) + "\n"; }

  // Runs a job. Its output is not searched, because its owner may read it.
  template <typename Change>
  void job(const std::vector<std::string>& words, Change&& change) {
    auto request = jobs_.runRequest();
    request.setNumber(++jobs_made_);
    auto spec = request.initSpec();
    auto argv = spec.initArgv(static_cast<unsigned>(words.size()));
    for (unsigned i = 0; i < argv.size(); ++i)
      argv.set(i, kj::StringPtr(words[i].c_str()).asBytes());
    spec.setDeadlineNs(10'000'000'000);
    change(spec);
    auto follow = request.initFollow();
    follow.setWaitNs(5'000'000'000);
    follow.setUntil(wire::Follow::Until::ENDED);
    told(request.send().wait(io_.waitScope).getError());
  }
  void job(const std::vector<std::string>& words) {
    job(words, [](auto&) {});
  }

  static kj::ArrayPtr<const kj::byte> bytes(const std::string& text) {
    return kj::arrayPtr(reinterpret_cast<const kj::byte*>(text.data()), text.size());
  }
  static void setVariable(wire::JobSpec::Variable::Builder variable, const std::string& name,
                          const std::string& value) {
    variable.setName(bytes(name));
    variable.setValue(bytes(value));
  }

  void plantInEnvironmentAndInput() {
    for (int i = 0; i < 5; ++i) {
      job({i % 2 ? "true" : "/no/such/program"}, [&](wire::JobSpec::Builder& spec) {
        auto variables = spec.initEnvironment(2);
        setVariable(variables[0], "PLAIN", secret());
        setVariable(variables[1], "DB_PASSWORD", secret());
        spec.initInput().setInline(bytes(secret()));
      });
    }
    // The refusal must not repeat the secret.
    job({"true"}, [&](wire::JobSpec::Builder& spec) {
      setVariable(spec.initEnvironment(1)[0], "NAME=" + secret(), "");
    });
    job({"true"}, [&](wire::JobSpec::Builder& spec) {
      setVariable(spec.initEnvironment(1)[0], "NAME", secret() + std::string(1, '\0'));
    });
  }

  void plantInArguments() {
    for (const char* program : {"true", "/no/such/program"}) {
      job({program, "--password=" + secret(), "--token", secret(), "PGPASSWORD=" + secret()});
      job({program, "https://user:" + secret() + "@host/", "http://h/?api_key=" + secret()});
      job({program, "-----BEGIN PRIVATE KEY-----\n" + secret() + "\n-----END PRIVATE KEY-----"});
      job({program, "Authorization: Bearer " + secret(), "x --secret=" + secret() + "; y"});
      job({program, "eyJhbGciOiJ9." + secret() + ".sig", "ghp_" + secret()});
      job({program, "mongodb://a:" + secret() + "@h", "{\"accessToken\": \"" + secret() + "\"}"});
    }
  }

  void plantInFiles() {
    for (int i = 0; i < 4; ++i) {
      std::string path = (i % 2 ? "/no/such/directory/" : directory_ + "/") + std::to_string(i);
      auto write = files_.writeRequest();
      write.setPath(bytes(path));
      write.setData(bytes(secret()));
      told(write.send().wait(io_.waitScope).getError());
      auto append = files_.appendRequest();
      append.setPath(bytes(path + "a"));
      std::string text = secret();
      append.initChunk().setData(bytes(text));
      append.getChunk().setCrc32c(support::crc32c(bytes(text)));
      told(append.send().wait(io_.waitScope).getError());
      auto attribute = files_.setAttributeRequest();
      attribute.setPath(bytes(path));
      attribute.initAttribute().setName(bytes("user.key"));
      attribute.getAttribute().setValue(bytes(secret()));
      told(attribute.send().wait(io_.waitScope).getError());
    }
  }

  // Adds command lines and environments of both processes.
  std::string processes() {
    std::string text;
    for (pid_t process : {pid_, frontPid()}) {
      for (const char* name : {"cmdline", "environ", "comm"}) {
        auto content = readFile(kj::str("/proc/", process, "/", name));
        text.append(content.begin(), content.size());
      }
    }
    return text;
  }

  std::vector<std::string> secrets_;
  std::string told_;
  uint64_t jobs_made_ = 0;
  kj::Own<support::RpcConnection> connection_;
  wire::Services::Client services_ = nullptr;
  wire::Jobs::Client jobs_ = nullptr;
  wire::Files::Client files_ = nullptr;
};

TEST_F(CanaryTest, NoSecretIsWrittenDownOrTold) {
  startAudited();
  plantInEnvironmentAndInput();
  plantInArguments();
  plantInFiles();
  ASSERT_GE(secrets_.size(), 50u);
  std::map<std::string, std::string> places = {{"log", text("err")},
                                               {"audit log", text("audit")},
                                               {"told", told_},
                                               {"processes", processes()}};
  EXPECT_THAT(places["audit log"], HasSubstr("<secret>"));
  EXPECT_THAT(places["told"], HasSubstr("NAME"));
  for (const auto& [place, content] : places) {
    EXPECT_FALSE(content.empty()) << place;
    for (const std::string& planted : secrets_) {
      EXPECT_EQ(content.find(planted), std::string::npos)
          << place << ": " << content.substr(content.find(planted) - 80, 120);
    }
  }
}

TEST_F(CanaryTest, EveryChangeOfANodeIsInTheAuditLogBeforeItIsMade) {
  startAudited();
  job({"true"});
  plantInFiles();
  auto remove = files_.removeRequest();
  remove.setPath(bytes(file("0")));
  told(remove.send().wait(io_.waitScope).getError());
  auto services = services_.actRequest();
  services.setName("no-such-service");
  services.setAction(wire::ServiceAction::STOP);
  services.setDeadlineNs(1'000'000'000);
  told(services.send().wait(io_.waitScope).getError());
  std::string audit = text("audit");
  for (const char* operation : {"jobs.run", "files.write", "files.append", "files.setAttribute",
                                "files.remove", "services.act"}) {
    EXPECT_THAT(audit, HasSubstr(operation));
  }
  connection_ = nullptr;
  kill(pid_, SIGTERM);
  EXPECT_EQ(wait(), 0);
  EXPECT_EQ(run({"--verify-audit=" + file("audit")}), 0) << text("err");
  EXPECT_THAT(text("out"), HasSubstr("last digest"));
  std::ofstream(file("audit"), std::ios::app) << "{}\n";
  EXPECT_EQ(run({"--verify-audit=" + file("audit")}), 1);
  EXPECT_THAT(text("err"), HasSubstr("is no audit line"));
}

TEST_F(CanaryTest, WithoutItsAuditLogNothingIsChanged) {
  auto arguments = usual();
  arguments.push_back("--audit-log=/dev/full");
  start(arguments);
  ASSERT_TRUE(eventually([&]() { return text("err").find("keeper ready") != std::string::npos; }));
  auto connection = connect();
  auto welcome = hello(*connection);
  auto grants = welcome.getWelcome().getGrants();
  auto write = granted<wire::Files>(grants).writeRequest();
  write.setPath(bytes(file("new")));
  EXPECT_EQ(write.send().wait(io_.waitScope).getError().getKind(), wire::Error::Kind::SYSTEM);
  EXPECT_FALSE(std::filesystem::exists(file("new")));
  auto make = granted<wire::Files>(grants).makeDirectoryRequest();
  make.setPath(bytes(file("newdir")));
  make.setMode(0755);
  EXPECT_TRUE(make.send().wait(io_.waitScope).hasError());
  EXPECT_FALSE(std::filesystem::exists(file("newdir")));
}

// A core file would hold keys and the input of jobs.
TEST_F(CanaryTest, NeitherProcessLeavesACoreFile) {
  struct rlimit before {};
  KJ_SYSCALL(getrlimit(RLIMIT_CORE, &before));
  struct rlimit most = {before.rlim_max, before.rlim_max};
  KJ_SYSCALL(setrlimit(RLIMIT_CORE, &most));
  startAudited();
  KJ_SYSCALL(setrlimit(RLIMIT_CORE, &before));
  auto limits = readFile(kj::str("/proc/", frontPid(), "/limits"));
  EXPECT_THAT(limits.cStr(), testing::ContainsRegex("Max core file size +0 +0"));
  kill(pid_, SIGABRT);
  int status = 0;
  ASSERT_TRUE(eventually([&]() { return waitpid(pid_, &status, WNOHANG) == pid_; }));
  pid_ = 0;
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_FALSE(WCOREDUMP(status));
}

}  // namespace
}  // namespace nodeagent
