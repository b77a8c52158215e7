// Gives the unit tests of nodeagent/exec a table of real jobs on a loop of its own, called through
// its capability.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <capnp/message.h>
#include <gtest/gtest.h>
#include <kj/async-unix.h>

#include "nodeagent/exec/jobs_server.h"

namespace nodeagent::exec {

inline constexpr int64_t kSecondNs = 1'000'000'000;

inline std::string bytes(capnp::Data::Reader data) {
  return {reinterpret_cast<const char*>(data.begin()), data.size()};
}

// Builds a specification.
class SpecBuilder {
 public:
  explicit SpecBuilder(const std::vector<std::string>& argv) {
    auto list = spec().initArgv(static_cast<unsigned>(argv.size()));
    for (unsigned i = 0; i < argv.size(); ++i) {
      list.set(i, kj::arrayPtr(reinterpret_cast<const kj::byte*>(argv[i].data()), argv[i].size()));
    }
    spec().setDeadlineNs(20 * kSecondNs);
  }

  wire::JobSpec::Builder spec() { return builder_; }
  wire::JobSpec::Builder* operator->() { return &builder_; }

 private:
  kj::Own<capnp::MallocMessageBuilder> message_ = kj::heap<capnp::MallocMessageBuilder>();
  wire::JobSpec::Builder builder_ = message_->initRoot<wire::JobSpec>();
};

inline std::vector<std::string> shell(const std::string& script) {
  return {"/bin/sh", "-c", script};
}

// Holds the result of a job, copied out of the last answer.
struct Outcome {
  capnp::MallocMessageBuilder message;
  std::string output, errors;

  wire::JobProgress::Reader progress() { return message.getRoot<wire::JobProgress>().asReader(); }
  wire::JobStatus::Reader status() { return progress().getStatus(); }
  wire::JobOutcome::Reader outcome() { return status().getOutcome(); }
};

class JobFixture : public testing::Test {
 protected:
  JobFixture() : loop(port), waitScope(loop) {
    char path[] = "/tmp/muster-jobs-XXXXXX";
    directory = mkdtemp(path);
    openTable(JobLimits());
    openSession();
  }

  ~JobFixture() noexcept override {
    closeTable();
    std::filesystem::remove_all(directory);
  }

  kj::Timer& timer() { return port.getTimer(); }
  void closeTable() {
    jobs = nullptr;
    table = nullptr;
    worker.awaitAll(10 * kj::SECONDS);  // It removes files.
  }
  void openTable(const JobLimits& limits) {
    closeTable();
    JobTable::Options options;
    options.limits = limits;
    options.spool = ScratchDisk::inDirectory(kj::str(directory.c_str(), "/spool"));
    options.sets = makeSets();
    options.userRoot = kj::str(userRoot.c_str());
    options.commands = &commands;
    table = kj::heap<JobTable>(port, timer(), systemClock(), worker, kj::mv(options));
    kept = kj::heap<KeptJobs>(*table);
  }

  virtual kj::Own<ProcessSets> makeSets() {
    return ProcessSets::best(kj::str("test-", getpid()), port, timer());
  }
  void openSession(kj::StringPtr identity = "test", wire::Role role = wire::Role::OPERATOR) {
    Session::Options options;
    options.id = support::Id::random();
    options.identity = kj::str(identity);
    options.role = role;
    options.leaseNs = 60 * kSecondNs;
    session = kj::refcounted<Session>(kj::mv(options), systemClock(), timer());
    jobs = kj::heap<wire::Jobs::Client>(makeJobs(*kept, *session, *audit));
  }

  using RunRequest = capnp::Request<wire::Jobs::RunParams, wire::Jobs::RunResults>;

  RunRequest runRequest(uint64_t number, SpecBuilder& spec, int64_t waitNs = 20 * kSecondNs) {
    auto request = jobs->runRequest();
    request.setNumber(number);
    request.setSpec(spec.spec());
    setFollow(request.initFollow(), waitNs);
    return request;
  }

  static void setFollow(wire::Follow::Builder follow, int64_t waitNs,
                        wire::Follow::Until until = wire::Follow::Until::ENDED) {
    follow.setBytesMax(256 * 1024);
    follow.setWaitNs(waitNs);
    follow.setUntil(until);
  }

  template <typename Results>
  static std::string errorOf(const Results& results) {
    return results.hasError() ? std::string(results.getError().getText().cStr()) : "";
  }

  // Starts a job and follows it to its end. The test fails if that is an error.
  std::unique_ptr<Outcome> run(uint64_t number, SpecBuilder& spec) {
    auto answer = runRequest(number, spec).send().wait(waitScope);
    EXPECT_EQ(errorOf(answer), "");
    return collect(number, answer.getProgress());
  }
  std::unique_ptr<Outcome> run(SpecBuilder& spec) { return run(nextNumber++, spec); }
  std::unique_ptr<Outcome> run(const std::vector<std::string>& argv) {
    SpecBuilder spec(argv);
    return run(spec);
  }

  // Starts a job without waiting for it.
  void start(uint64_t number, SpecBuilder& spec) {
    auto answer = runRequest(number, spec, 0).send().wait(waitScope);
    EXPECT_EQ(errorOf(answer), "");
  }
  // Returns one answer to `follow` from these offsets.
  capnp::Response<wire::Jobs::FollowResults> follow(
      uint64_t number, uint64_t outputFrom = 0, uint64_t errorsFrom = 0,
      std::function<void(wire::Follow::Builder)> change = {}) {
    auto request = jobs->followRequest();
    request.setNumber(number);
    auto wish = request.initFollow();
    setFollow(wish, 20 * kSecondNs);
    wish.setOutputFrom(outputFrom);
    wish.setErrorsFrom(errorsFrom);
    if (change) change(wish);
    return request.send().wait(waitScope);
  }

  std::unique_ptr<Outcome> finish(uint64_t number) {
    auto answer = follow(number);
    EXPECT_EQ(errorOf(answer), "");
    return collect(number, answer.getProgress());
  }

  std::unique_ptr<Outcome> collect(uint64_t number, wire::JobProgress::Reader first) {
    auto result = std::make_unique<Outcome>();
    result->output = bytes(first.getOutput().getData());
    result->errors = bytes(first.getErrors().getData());
    result->message.setRoot(first);
    for (int round = 0; round < 100000; ++round) {
      auto status = result->status();
      auto to = [](auto chunk) { return chunk.getOffset() + chunk.getData().size(); };
      uint64_t outputTo = to(result->progress().getOutput());
      uint64_t errorsTo = to(result->progress().getErrors());
      if (status.getState() == wire::JobStatus::State::ENDED &&
          outputTo >= status.getOutput().getRetainedTo() &&
          errorsTo >= status.getErrors().getRetainedTo()) {
        return result;
      }
      auto answer = follow(number, outputTo, errorsTo, [](auto wish) { wish.setReleaseTo(true); });
      EXPECT_EQ(errorOf(answer), "");
      if (answer.hasError()) return result;
      result->output += bytes(answer.getProgress().getOutput().getData());
      result->errors += bytes(answer.getProgress().getErrors().getData());
      result->message.setRoot(answer.getProgress());
    }
    ADD_FAILURE() << "job " << number << " does not end";
    return result;
  }

  void cancel(uint64_t number, int64_t graceNs) {
    auto request = jobs->cancelRequest();
    request.setNumber(number);
    request.setGraceNs(graceNs);
    EXPECT_EQ(errorOf(request.send().wait(waitScope)), "");
  }

  void acknowledge(uint64_t number) {
    auto request = jobs->acknowledgeRequest();
    request.initNumbers(1).set(0, number);
    EXPECT_EQ(errorOf(request.send().wait(waitScope)), "");
  }

  // Turns the loop until `condition` holds. Returns false after ten seconds.
  bool eventually(const std::function<bool()>& condition) {
    auto end = timer().now() + 10 * kj::SECONDS;
    while (!condition()) {
      if (timer().now() > end) return false;
      timer().afterDelay(5 * kj::MILLISECONDS).wait(waitScope);
    }
    return true;
  }

  std::string path(const std::string& name) const { return directory + "/" + name; }
  static std::string read(const std::string& file) {
    std::ifstream stream(file);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }

  static size_t countFiles(const std::string& where) {
    std::filesystem::directory_iterator files(where);
    return static_cast<size_t>(std::distance(begin(files), end(files)));
  }

  // Returns whether a process with that pid runs and is not a zombie.
  static bool isAlive(pid_t pid) {
    auto text = read("/proc/" + std::to_string(pid) + "/stat");
    auto end = text.rfind(')');
    return end != std::string::npos && text.size() > end + 2 && text[end + 2] != 'Z' &&
           text[end + 2] != 'X';
  }

  kj::UnixEventPort port;
  kj::EventLoop loop;
  kj::WaitScope waitScope;
  std::string directory;
  std::string userRoot;  // As for UserDatabase.
  Worker worker;
  kj::Own<AuditLog> audit = discardAuditLog();
  Commands commands;
  kj::Own<JobTable> table;
  kj::Own<KeptJobs> kept;
  kj::Own<Session> session;
  kj::Own<wire::Jobs::Client> jobs;
  uint64_t nextNumber = 1;
};

}  // namespace nodeagent::exec
