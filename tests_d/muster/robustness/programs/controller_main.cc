// A controller in a process of its own, for trials that kill or stop it.
//
// It starts two payloads on a node and stays until it is killed or its input ends.
//
//   controller SOCKET TAG LEASE_MS PROGRAM TACTIC COUNTER   TACTIC: an escape tactic
//
// It says "started" when both payloads run. At the end of its input it reports the state of the
// second one in one line, and closes its session.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include <muster/muster.h>

#include "harness/api/access.h"
#include "harness/rpc/controller.h"

using namespace std::chrono_literals;

namespace {

void awaitEndOfInput() {
  char byte;
  while (read(0, &byte, 1) > 0) continue;
}

int control(char** argv) {
  std::string tag = argv[2];
  harness::ControllerOptions options;
  options.lease = std::chrono::milliseconds(std::atol(argv[3]));
  options.heartbeatEvery = 200ms;
  options.heartbeatMax = 600ms;
  harness::Controller controller(options);
  harness::NodeDescription description;
  description.name = "n1";
  description.route.endpoint = support::Endpoint::parse(std::string("unix:") + argv[1]);
  muster::DeadlineScope scope(60s);
  muster::Node node = harness::ApiAccess::node(controller.connect(description));

  muster::RunOptions run;
  run.environment["MUSTER_FAULT_TAG"] = tag;
  run.deadline = 50s;
  std::string tactic = argv[5];
  muster::Process first = node.start({argv[4], "escape", tactic, argv[6], tag + ".first"}, run);
  muster::Process second = node.start({argv[4], "escape", tactic, argv[6], tag + ".second"}, run);
  first.readUntil("ready", 20s);
  second.readUntil("ready", 20s);
  std::puts("started");
  std::fflush(stdout);
  awaitEndOfInput();
  std::puts(toString(second.wait(10s).outcome).c_str());
  std::fflush(stdout);
  controller.closeAll(std::chrono::steady_clock::now() + 10s);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) return 64;
  try {
    return control(argv);
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
}
