// Fuzzes a controller by an agent whose answers the input decides.
//
// Every call must return a value or throw a NodeError, soon after its deadline. Nothing may be
// written outside of the requested target.
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include <kj/debug.h>

#include <muster/node_error.h>

#include "harness/rpc/controller.h"
#include "harness/rpc/facts/facts.h"
#include "harness/rpc/file/copy.h"
#include "harness/rpc/file/files.h"
#include "harness/rpc/job/jobs.h"
#include "harness/rpc/service/services.h"
#include "tests_d/muster/fuzz/hostile_agent.h"
#include "tests_d/muster/fuzz/target.h"

namespace {

namespace fs = std::filesystem;
using muster::SteadyTime;
using std::chrono::milliseconds;

constexpr milliseconds kDeadline(60);

harness::ControllerOptions quick() {
  harness::ControllerOptions options;
  options.connectMax = milliseconds(500);
  options.backoffMin = milliseconds(1);
  options.backoffMax = milliseconds(5);
  return options;
}

void runCommand(harness::ControllerNode& node, uint8_t choice, SteadyTime until) {
  harness::JobRequest request;
  request.argv = {"true"};
  request.options.deadline = kDeadline;
  if (choice % 2) {
    harness::rpc::Jobs(node).run(request, until);
    return;
  }
  auto job = harness::rpc::Jobs(node).start(request, until);
  job.refresh(until);
  job.writeInput("hello", until);
  job.signal(15, muster::SignalTarget::kAll, until);
  job.release();
}

void useFiles(harness::ControllerNode& node, uint8_t choice, const std::string& inner,
              SteadyTime until) {
  harness::rpc::Files files(node);
  switch (choice % 10) {
    case 0:
      files.stat("/x", muster::SymlinkPolicy::kKeep, until);
      return;
    case 1:
      files.list("/x", until);
      return;
    case 2:
      files.read("/x", 0, 1 << 20, until);
      return;
    case 3:
      files.attributes("/x", until);
      files.space("/x", until);
      return;
    case 4:
      files.write("/x", std::string(3 << 20, 'x'), {}, until);
      return;
    case 5:
      files.append("/x", "hello", until);
      return;
    case 6:
      harness::copy({&node, "/x"}, {nullptr, inner + "/pulled"}, {}, until);
      return;
    case 7:
      files.digest("/x", until);
      files.readLink("/x", until);
      return;
    default:
      harness::copy({&node, "/x"}, {nullptr, inner + "/tree"},
                    {.what = harness::CopyOptions::What::kTree}, until);
  }
}

void ask(harness::ControllerNode& node, uint8_t choice, const std::string& inner) {
  SteadyTime until = std::chrono::steady_clock::now() + kDeadline;
  switch (choice % 8) {
    case 0:
      harness::rpc::Facts(node).read(until);
      return;
    case 1:
      harness::rpc::Services(node).status({"x"}, until);
      return;
    case 2:
      return runCommand(node, choice / 8, until);
    default:
      return useFiles(node, choice / 8, inner, until);
  }
}

}  // namespace

MUSTER_FUZZ_TARGET(replies) {
  char pattern[] = "/tmp/muster-fuzz-XXXXXX";
  KJ_ASSERT(mkdtemp(pattern) != nullptr);
  std::string root = pattern, inner = root + "/1/2/3";
  fs::create_directories(inner);
  {
    uint8_t choices[2] = {input.byte(), input.byte()};
    fuzz::HostileAgent agent(root, fuzz::answersOf(input));
    harness::Controller controller(quick());
    harness::ControllerNode& node = controller.connect(agent.description());
    for (uint8_t choice : choices) {
      auto began = std::chrono::steady_clock::now();
      try {
        ask(node, choice, inner);
      } catch (const muster::NodeError& error) {
        KJ_ASSERT(error.what()[0] != '\0');
      }
      KJ_ASSERT(std::chrono::steady_clock::now() - began < std::chrono::seconds(8),
                "a hostile agent held a call for ever");
    }
  }
  fs::remove_all(inner);
  fs::remove(root + "/agent.sock");
  KJ_ASSERT(fs::is_empty(root + "/1/2"), "a hostile agent wrote outside of the tree");
  fs::remove(root + "/1/2");
  KJ_ASSERT(fs::is_empty(root + "/1"), "a hostile agent wrote outside of the tree");
  fs::remove_all(root);
}
