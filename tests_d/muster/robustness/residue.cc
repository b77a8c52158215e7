#include "tests_d/muster/robustness/residue.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace robustness {

namespace fs = std::filesystem;

namespace {

std::string contentOf(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

// Returns the state letter of a text such as "4711 (name) S …", whose name may hold anything.
char stateOf(const std::string& stat) {
  size_t end = stat.rfind(')');
  return end == std::string::npos || end + 2 >= stat.size() ? 'X' : stat[end + 2];
}

std::string nameOf(const std::string& stat) {
  size_t begin = stat.find('('), end = stat.rfind(')');
  return begin == std::string::npos ? "?" : stat.substr(begin + 1, end - begin - 1);
}

size_t entries(const std::string& directory) {
  std::error_code gone;
  fs::directory_iterator begin(directory, gone), end;
  return gone ? 0 : static_cast<size_t>(std::distance(begin, end));
}

}  // namespace

std::vector<TaggedProcess> taggedProcesses(const std::string& tag) {
  std::vector<TaggedProcess> found;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator("/proc", gone)) {
    std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    pid_t pid = std::stoi(name);
    if (pid == getpid()) continue;
    std::string base = "/proc/" + name;
    if (contentOf(base + "/environ").find(tag) == std::string::npos &&
        contentOf(base + "/cmdline").find(tag) == std::string::npos) {
      continue;
    }
    std::string stat = contentOf(base + "/stat");
    char state = stateOf(stat);
    if (state != 'Z' && state != 'X') found.push_back({pid, state, nameOf(stat)});
  }
  return found;
}

std::string lockOf(const std::string& counter) {
  return counter + ".lock";
}

bool locked(const std::string& lock) {
  int fd = open(lock.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool held = flock(fd, LOCK_EX | LOCK_NB) != 0;
  close(fd);
  return held;
}

bool noneLeft(const std::string& tag, const std::string& lock, std::chrono::nanoseconds within) {
  return becomesTrue([&] { return !locked(lock) && taggedProcesses(tag).empty(); }, within);
}

std::string toString(const std::vector<TaggedProcess>& processes) {
  std::string text;
  for (const TaggedProcess& process : processes) {
    text += (text.empty() ? "" : ", ") + std::to_string(process.pid) + " (" + process.command +
            ") " + process.state;
  }
  return text;
}

void killTagged(const std::string& tag) {
  becomesTrue(
      [&] {
        auto left = taggedProcesses(tag);
        for (const TaggedProcess& process : left) kill(process.pid, SIGKILL);
        return left.empty();
      },
      std::chrono::seconds(5));
}

std::vector<std::string> controlGroups(const std::string& part) {
  std::vector<std::string> found;
  std::error_code ignored;
  auto options = fs::directory_options::skip_permission_denied;
  fs::recursive_directory_iterator it("/sys/fs/cgroup", options, ignored), end;
  for (; it != end; it.increment(ignored)) {
    std::error_code gone;
    if (it->is_directory(gone) && it->path().filename().string().find(part) != std::string::npos) {
      found.push_back(it->path());
    }
  }
  return found;
}

std::vector<std::string> filesBelow(const std::string& directory) {
  std::vector<std::string> found;
  std::error_code gone;
  fs::recursive_directory_iterator it(directory, gone), end;
  for (; it != end; it.increment(gone)) {
    if (!it->is_directory(gone)) found.push_back(fs::relative(it->path(), directory, gone));
  }
  std::sort(found.begin(), found.end());
  return found;
}

size_t descriptorsOf(pid_t pid) {
  return entries("/proc/" + std::to_string(pid) + "/fd");
}

size_t residentBytesOf(pid_t pid) {
  std::istringstream statm(contentOf("/proc/" + std::to_string(pid) + "/statm"));
  size_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

size_t residentBytesMaxOf(pid_t pid) {
  std::istringstream status(contentOf("/proc/" + std::to_string(pid) + "/status"));
  std::string word;
  while (status >> word && word != "VmHWM:") continue;
  size_t kib = 0;
  status >> kib;
  return kib << 10;
}

}  // namespace robustness
