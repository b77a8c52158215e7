// Keeps the local nodes of a test program up from one process of it to the next: making them anew
// for each suite would cost more than most suites do. The program itself makes them, because it
// knows what its suites need.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/os/fd.h"
#include "harness/os/process.h"

namespace harness::runner {

class HeldNodes {
 public:
  // Starts to make the nodes that the tests need which `arguments` select. Throws SystemError.
  HeldNodes(const std::string& program, const std::vector<std::string>& arguments,
            const std::map<std::string, std::string>& environment);

  // Removes the nodes, and waits for that.
  ~HeldNodes();
  HeldNodes(const HeldNodes&) = delete;
  HeldNodes& operator=(const HeldNodes&) = delete;

  // Returns the cluster's name; empty if the tests need none, or if they could not be made, which
  // the processes then find out for themselves.
  const std::string& cluster() const { return cluster_; }

 private:
  Child child_;
  Fd input_;
  std::string cluster_;
};

}  // namespace harness::runner
