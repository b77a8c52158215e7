#include "harness/provision/local/hub/cgroup.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

#include "harness/os/files.h"
#include "harness/provision/local/hub/error.h"

namespace harness {

std::string cgroupRoot() {
  std::istringstream mounts(readFile("/proc/self/mounts"));
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string device, point, type, options;
    fields >> device >> point >> type >> options;
    bool writable = options == "rw" || options.starts_with("rw,");
    if (type == "cgroup2" && writable && ::access(point.c_str(), W_OK) == 0) return point;
  }
  return "";
}

bool Cgroup::exists() const {
  return ::access(path_.c_str(), F_OK) == 0;
}

void Cgroup::make() {
  makeDirectories(path_);
}

Fd Cgroup::open() const {
  Fd fd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) failSystem("open control group " + path_);
  return fd;
}

void Cgroup::await(const std::string& event, Deadline deadline, const std::string& attempt) {
  std::string events = path_ + "/cgroup.events";
  Fd fd(::open(events.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) failSystem("open " + events);
  while (true) {
    char text[256];
    ssize_t size = check(::pread(fd.get(), text, sizeof text, 0), "read " + events);
    if (std::string(text, static_cast<size_t>(size)).find(event) != std::string::npos) return;
    // The kernel reports a change as an exceptional condition of the file.
    pollfd change{fd.get(), POLLPRI, 0};
    if (::poll(&change, 1, millisecondsUntil(deadline)) == 0) {
      throw HubError(attempt + " " + path_ + ": not done in time");
    }
  }
}

void Cgroup::freeze(Deadline deadline) {
  writeControl(path_ + "/cgroup.freeze", "1");
  await("frozen 1", deadline, "freeze control group");
}

void Cgroup::thaw(Deadline deadline) {
  writeControl(path_ + "/cgroup.freeze", "0");
  await("frozen 0", deadline, "thaw control group");
}

void Cgroup::removeWithProcesses(Deadline deadline) {
  if (!exists()) return;
  writeControl(path_ + "/cgroup.kill", "1");
  await("populated 0", deadline, "kill the processes of control group");
  for (const std::string& name : namesIn(path_)) {
    struct stat status {};
    std::string child = path_ + "/" + name;
    if (::lstat(child.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
      Cgroup(child).removeWithProcesses(deadline);
    }
  }
  // A process that has just ended holds its group for a moment after "populated 0".
  bool removed = waitUntil(deadline, [this] {
    if (::rmdir(path_.c_str()) == 0 || errno == ENOENT) return true;
    if (errno != EBUSY) failSystem("remove " + path_);
    return false;
  });
  if (!removed) failSystem("remove " + path_, EBUSY);
}

}  // namespace harness
