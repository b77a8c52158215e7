// Runs `muster` in a unit test's own process, and catches what it prints.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "harness/cli/muster.h"

namespace harness {

struct MusterEnded {
  int status = -1;
  std::string output = {};
  std::string errors = {};
};

inline MusterEnded endedMuster(const std::vector<std::string>& words) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  int status = runMuster(words);
  std::string output = testing::internal::GetCapturedStdout();
  return {status, output, testing::internal::GetCapturedStderr()};
}

}  // namespace harness
