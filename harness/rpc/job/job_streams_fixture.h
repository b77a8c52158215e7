// What the tests of input and output of commands share: texts, and commands of a scripted agent
// that read.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "harness/rpc/controller.h"
#include "harness/rpc/fake/fake_agent_fixture.h"

namespace harness {

// A request carries 256 KiB of input; more is sent behind it.
constexpr size_t kInline = 256 << 10;
constexpr size_t kSizes[] = {0, 1, kInline - 1, kInline, kInline + 1, 3 << 20};

inline std::string textOf(size_t size) {
  std::string text;
  while (text.size() < size) text += std::to_string(text.size()) + "\n";
  text.resize(size);
  return text;
}

class JobStreamsTest : public testing::Test {
 protected:
  JobStreamsTest() : node_(controller_.connect(agent_.description())) {}

  // The command writes what it reads.
  static JobRequest cat(const std::string& input) {
    JobRequest request = command({"cat"});
    request.options.input = input;
    return request;
  }

  static JobRequest open(const char* name) {
    JobRequest request = command({name});
    request.input = JobInput::kStream;
    return request;
  }

  FakeAgent::Job jobOf(uint64_t number) { return agent_.session().jobs[number]; }

  FakeAgent agent_;
  Controller controller_;
  ControllerNode& node_;
};

}  // namespace harness
