#include "tests_d/muster/robustness/control_group.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

#include "tests_d/muster/robustness/residue.h"

namespace robustness {
namespace {

using Limit = ControlGroup::Limit;

std::string controllerOf(Limit limit) {
  return limit == Limit::kMemoryBytes ? "memory" : "pids";
}

// The root of the controller's own hierarchy (cgroup v1) or of the common one (v2). Empty if the
// machine has neither.
std::string rootOf(Limit limit) {
  std::string first = "/sys/fs/cgroup/" + controllerOf(limit);
  if (access((first + "/cgroup.procs").c_str(), W_OK) == 0) return first;
  std::ifstream stream("/sys/fs/cgroup/cgroup.subtree_control");
  for (std::string word; stream >> word;) {
    if (word == controllerOf(limit)) return "/sys/fs/cgroup";
  }
  return "";
}

bool isFirstVersion(const std::string& root) {
  return root != "/sys/fs/cgroup";
}

bool put(const std::string& path, const std::string& text) {
  std::ofstream stream(path);
  stream << text << std::flush;
  return static_cast<bool>(stream);
}

}  // namespace

bool ControlGroup::available(Limit limit) {
  return !rootOf(limit).empty();
}

ControlGroup::ControlGroup(Limit limit, const std::string& name, uint64_t value)
    : limit_(limit), parent_(rootOf(limit)), path_(parent_ + "/" + name) {
  if (mkdir(path_.c_str(), 0755) != 0) throw std::runtime_error("cannot make " + path_);
  setLimit(value);
}

ControlGroup::~ControlGroup() {
  becomesTrue(
      [this] {
        std::ifstream processes(path_ + "/cgroup.procs");
        for (std::string pid; processes >> pid;) put(parent_ + "/cgroup.procs", pid);
        return rmdir(path_.c_str()) == 0;
      },
      std::chrono::seconds(2));
}

void ControlGroup::add(pid_t pid) {
  if (!put(path_ + "/cgroup.procs", std::to_string(pid))) {
    throw std::runtime_error("cannot add to " + path_);
  }
}

void ControlGroup::setLimit(uint64_t value) {
  std::string file = limit_ == Limit::kProcesses ? "pids.max"
                     : isFirstVersion(parent_)   ? "memory.limit_in_bytes"
                                                 : "memory.max";
  if (!put(path_ + "/" + file, std::to_string(value))) {
    throw std::runtime_error("cannot limit " + path_);
  }
}

uint64_t ControlGroup::used() const {
  std::string file = limit_ == Limit::kProcesses ? "pids.current"
                     : isFirstVersion(parent_)   ? "memory.usage_in_bytes"
                                                 : "memory.current";
  std::ifstream stream(path_ + "/" + file);
  uint64_t value = 0;
  stream >> value;
  return value;
}

}  // namespace robustness
