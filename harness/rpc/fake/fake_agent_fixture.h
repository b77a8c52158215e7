// The unit tests against a FakeAgent share these times, commands, and the error of a call.
#pragma once

#include <chrono>
#include <utility>

#include <gtest/gtest.h>

#include <muster/deadline.h>
#include <muster/node_error.h>

#include "harness/rpc/controller.h"
#include "harness/rpc/fake/fake_agent.h"
#include "harness/rpc/job/job_request.h"

namespace harness {

inline muster::SteadyTime in(std::chrono::nanoseconds time) {
  return std::chrono::steady_clock::now() + time;
}

// Makes a request for one of the commands of FakeAgent.
inline JobRequest command(muster::Argv argv,
                          std::chrono::nanoseconds deadline = std::chrono::seconds(5)) {
  JobRequest request;
  request.argv = std::move(argv);
  request.options.deadline = deadline;
  return request;
}

// Returns the NodeError that `call` throws; fails the test if it throws none.
template <typename Call>
muster::NodeError errorOf(Call&& call) {
  try {
    call();
  } catch (const muster::NodeError& error) {
    return error;
  }
  ADD_FAILURE() << "no NodeError was thrown";
  return muster::NodeError(muster::NodeError::Kind::kInternal, "", "", "");
}

// A controller with one node, a FakeAgent, whose losses it notices and mends in milliseconds.
class OnFakeAgent : public testing::Test {
 protected:
  OnFakeAgent() : controller_(quick()), node_(controller_.connect(agent_.description())) {}

  static ControllerOptions quick() {
    ControllerOptions options;
    options.heartbeatEvery = std::chrono::milliseconds(30);
    options.heartbeatMax = std::chrono::milliseconds(100);
    options.connectMax = std::chrono::milliseconds(500);
    options.backoffMin = std::chrono::milliseconds(1);
    options.backoffMax = std::chrono::milliseconds(20);
    return options;
  }

  FakeAgent agent_;
  Controller controller_;
  ControllerNode& node_;
};

}  // namespace harness
