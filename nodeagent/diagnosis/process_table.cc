#include "nodeagent/diagnosis/process_table.h"

#include <dirent.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include <kj/string.h>

#include "nodeagent/os/process.h"
#include "nodeagent/os/read_file.h"

namespace nodeagent::diagnosis {
namespace {

constexpr size_t kCommandBytesMax = 256;
constexpr size_t kThreadsMax = 16;
constexpr size_t kStackBytesMax = 2048;
// The process whose children are the kernel's threads, where the node sees it.
constexpr pid_t kKernelThreads = 2;
constexpr char kKernelThreadsName[] = "kthreadd";

int64_t nowNs(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

std::string textOf(const std::string& path, size_t bytesMax) {
  auto text = readFile(path.c_str(), bytesMax);
  return std::string(text.begin(), text.size());
}

// Returns the command line with its ends of words as spaces; the name in brackets if it has none.
std::string commandLine(const ProcessInfo& process) {
  std::string line;
  if (process.state != 'D') {
    line = textOf("/proc/" + std::to_string(process.pid) + "/cmdline", kCommandBytesMax);
  }
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < ' '; }, ' ');
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line.empty() ? "[" + std::string(process.command.cStr()) + "]" : line;
}

class Table {
 public:
  explicit Table(const TableLimits& limits)
      : limits_(limits), endNs_(nowNs(CLOCK_MONOTONIC) + limits.timeMaxNs) {}

  bool isFull() const {
    return text_.size() >= limits_.bytesMax || nowNs(CLOCK_MONOTONIC) >= endNs_;
  }
  void add(const std::string& text) { text_ += text; }

  std::string take() {
    bool isCut = isFull();
    text_.resize(std::min(text_.size(), limits_.bytesMax));
    if (isCut) text_ += "\n(the rest was cut)\n";
    return std::move(text_);
  }

 private:
  const TableLimits limits_;
  const int64_t endNs_;
  std::string text_;
};

void addStacks(pid_t pid, Table& table) {
  std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(tasks.c_str()), closedir);
  for (size_t count = 0; open && count < kThreadsMax && !table.isFull();) {
    dirent* entry = readdir(open.get());
    if (entry == nullptr) return;
    if (entry->d_name[0] == '.') continue;
    ++count;
    std::string thread = tasks + "/" + entry->d_name;
    std::string name = textOf(thread + "/comm", 64);
    if (!name.empty() && name.back() == '\n') name.pop_back();
    std::string where = textOf(thread + "/wchan", 128);
    table.add("pid " + std::to_string(pid) + " thread " + entry->d_name + " (" + name + "): " +
              (where.empty() || where == "0" ? "runs, or is not known" : "waits in " + where) +
              "\n");
    table.add(textOf(thread + "/stack", kStackBytesMax));
  }
}

}  // namespace

std::string processTable(const TableLimits& limits) {
  Table table(limits);
  table.add("    pid   ppid state threads  age/s command\n");
  double bootAge = static_cast<double>(nowNs(CLOCK_BOOTTIME)) / 1e9;
  auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  std::vector<pid_t> shown;
  bool showsKernel = false;
  for (ProcessInfo& process : listProcesses()) {
    if (table.isFull()) break;
    if (process.pid == kKernelThreads) showsKernel = process.command == kKernelThreadsName;
    bool isOfKernel = process.pid == kKernelThreads || process.parent == kKernelThreads;
    if (showsKernel && isOfKernel) continue;
    char line[80];
    snprintf(line, sizeof(line), "%7d %6d %c     %7d %6.0f ", process.pid, process.parent,
             process.state, process.threads,
             std::max(0.0, bootAge - static_cast<double>(process.startTicks) / ticks));
    table.add(line + commandLine(process) + "\n");
    if (!process.hasEnded) shown.push_back(process.pid);
  }
  table.add("\n");
  for (pid_t pid : shown) addStacks(pid, table);
  return table.take();
}

}  // namespace nodeagent::diagnosis
