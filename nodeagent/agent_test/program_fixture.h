// Runs the program as a process, for tests that act as its service manager and its controller.
// agent_fixture.h runs its parts within the test.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <kj/async-unix.h>
#include <kj/debug.h>

#include "nodeagent/os/process.h"
#include "nodeagent/session/service_testing.h"
#include "schema/agent.capnp.h"
#include "schema/job.capnp.h"
#include "schema/support/base/id.h"
#include "schema/support/base/log.h"
#include "schema/support/rpc/rpc_connection.h"
#include "schema/support/tls/dial.h"

namespace nodeagent {

class ProgramTest : public testing::Test {
 protected:
  ProgramTest() {
    char path[] = "/tmp/program-test-XXXXXX";
    directory_ = mkdtemp(path);
  }

  ~ProgramTest() noexcept override {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    std::filesystem::remove_all(directory_);
  }

  // Starts the program. Its output goes to the files `out` and `err`.
  void start(std::vector<std::string> arguments, std::vector<std::string> environment = {}) {
    std::vector<char*> argv = {const_cast<char*>(NODEAGENT_PROGRAM)};
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    std::vector<char*> variables;
    for (auto& variable : environment) variables.push_back(variable.data());
    variables.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, file("out").c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                     0600);
    posix_spawn_file_actions_addopen(&actions, 2, file("err").c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                     0600);
    ASSERT_EQ(posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), variables.data()), 0);
    posix_spawn_file_actions_destroy(&actions);
  }

  // Waits for the program and kills it after five seconds. Returns its exit status, or minus the
  // signal.
  int wait() {
    int status = 0;
    bool ended = eventually([&]() { return waitpid(pid_, &status, WNOHANG) == pid_; });
    if (!ended) return -1000;
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  int run(std::vector<std::string> arguments, std::vector<std::string> environment = {}) {
    start(std::move(arguments), std::move(environment));
    return wait();
  }

  template <typename Condition>
  bool eventually(Condition&& condition) {
    auto& timer = io_.provider->getTimer();
    auto end = timer.now() + 5 * kj::SECONDS;
    while (!condition()) {
      if (timer.now() > end) return false;
      timer.afterDelay(2 * kj::MILLISECONDS).wait(io_.waitScope);
    }
    return true;
  }

  std::vector<std::string> usual() {
    return {"--state-dir=" + directory_, "--listen=unix:" + file("agent.sock"), "--node-name=n1",
            "--front-user="};
  }

  void startAgent() {
    start(usual());
    ASSERT_TRUE(eventually([&]() { return text("err").find("keeper ready") != std::string::npos; }))
        << text("err");
  }

  pid_t frontPid() {
    for (auto& process : listProcesses()) {
      if (process.parent == pid_ && process.state != 'Z' && process.command == "nodeagent")
        return process.pid;
    }
    return 0;
  }

  kj::Own<support::RpcConnection> connect() {
    std::string why;
    support::DialOptions options;
    options.endpoint = support::Endpoint::fromText("unix:" + file("agent.sock"), &why).value();
    auto& timer = io_.provider->getTimer();
    auto stream = support::dial(io_.unixEventPort, timer, kj::mv(options)).wait(io_.waitScope);
    return kj::heap<support::RpcConnection>(kj::mv(stream), timer);
  }

  using Hello = capnp::Response<wire::Gate::HelloResults>;
  using Run = capnp::Response<wire::Jobs::RunResults>;

  Hello hello(support::RpcConnection& connection,
              wire::Attach attach = wire::Attach::CREATE_OR_ATTACH, int64_t leaseNs = 0) {
    auto request = connection.bootstrap().castAs<wire::Gate>().helloRequest();
    auto greeting = request.initGreeting();
    greeting.setProtocolMajor(wire::PROTOCOL_MAJOR);
    greeting.setNodeName("n1");
    greeting.setSessionId(sessionId_.data());
    greeting.setAttach(attach);
    greeting.setLeaseNs(leaseNs);
    return request.send().wait(io_.waitScope);
  }

  // Starts job 1 of the session, and waits for output or for its end.
  Run runJob(Hello welcome, const std::vector<std::string>& words, wire::Follow::Until until) {
    auto request = granted<wire::Jobs>(welcome.getWelcome().getGrants()).runRequest();
    request.setNumber(1);
    auto spec = request.initSpec();
    auto argv = spec.initArgv(static_cast<unsigned int>(words.size()));
    for (unsigned int i = 0; i < argv.size(); ++i)
      argv.set(i, kj::StringPtr(words[i].c_str()).asBytes());
    spec.setDeadlineNs(60'000'000'000);
    auto follow = request.initFollow();
    follow.setBytesMax(100);
    follow.setWaitNs(5'000'000'000);
    follow.setUntil(until);
    return request.send().wait(io_.waitScope);
  }

  // Starts a job that runs until it is killed, and returns its pid.
  pid_t startLongJob(Hello welcome) {
    return runJob(kj::mv(welcome), {"sh", "-c", "echo begun; exec sleep 60"},
                  wire::Follow::Until::CHANGE)
        .getProgress()
        .getStatus()
        .getPid();
  }

  std::string file(const std::string& name) { return directory_ + "/" + name; }
  std::string text(const std::string& name) {
    std::ostringstream content;
    content << std::ifstream(file(name)).rdbuf();
    return content.str();
  }

  std::string directory_;
  pid_t pid_ = 0;
  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  const support::Id sessionId_ = support::Id::random();
};

}  // namespace nodeagent
