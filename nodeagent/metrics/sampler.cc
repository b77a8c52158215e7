#include "nodeagent/metrics/sampler.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "nodeagent/os/process.h"
#include "nodeagent/os/read_file.h"

namespace nodeagent::metrics {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
// A process with more descriptors has this many, as far as a sample tells.
constexpr int32_t kDescriptorsMax = 1 << 20;

int64_t tickNs() {
  static const int64_t ns = kSecondNs / ::sysconf(_SC_CLK_TCK);
  return ns;
}

std::string textOf(const std::string& path) {
  kj::String text = readFile(path.c_str());
  return {text.begin(), text.size()};
}

// A disk of its own has a device. Loop devices, and those of md and dm, are made of others, whose
// bytes would count twice.
bool hasDevice(const std::string& disk) {
  std::string name = disk;
  std::replace(name.begin(), name.end(), '/', '!');
  return ::access(("/sys/block/" + name + "/device").c_str(), F_OK) == 0;
}

// Returns kUnknown if the directory cannot be read. Since Linux 6.2 its size is the count, which is
// had without a look at each.
int32_t descriptorsOf(const std::string& directory) {
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0) return kUnknown;
  if (status.st_size > 0) {
    return static_cast<int32_t>(std::min<off_t>(status.st_size, kDescriptorsMax));
  }
  std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(directory.c_str()), ::closedir);
  if (!open) return kUnknown;
  int32_t count = 0;
  while (const dirent* entry = ::readdir(open.get())) {
    if (entry->d_name[0] != '.' && count < kDescriptorsMax) ++count;
  }
  return count;
}

ProcessUsage usageOf(const ProcessInfo& process, const std::string& name) {
  std::string directory = "/proc/" + std::to_string(process.pid);
  ProcessUsage usage;
  usage.pid = process.pid;
  usage.startTicks = process.startTicks;
  usage.name = name;
  usage.cpuNs = static_cast<int64_t>(process.cpuTicks) * tickNs();
  usage.threads = process.threads;
  usage.descriptors = descriptorsOf(directory + "/fd");
  readProcessMemory(textOf(directory + "/status"), usage);
  readProcessStorage(textOf(directory + "/io"), usage);
  return usage;
}

}  // namespace

size_t Sample::bytes() const {
  size_t bytes = sizeof *this + processes.size() * sizeof(ProcessUsage);
  for (const ProcessUsage& process : processes) bytes += process.name.size();
  return bytes;
}

Sample Sampler::take() {
  Sample sample;
  readProcessors(textOf("/proc/stat"), tickNs(), sample.node);
  readMemory(textOf("/proc/meminfo"), sample.node);
  readDisks(textOf("/proc/diskstats"), hasDevice, sample.node);
  // The thread has the network namespace of the agent; /proc/net is that of process 1.
  readInterfaces(textOf("/proc/thread-self/net/dev"), sample.node);
  readOpenFiles(textOf("/proc/sys/fs/file-nr"), sample.node);
  readLoad(textOf("/proc/loadavg"), sample.node);
  takeProcesses(sample);
  return sample;
}

// A process in an uninterruptible call is not asked for its command line, since its memory may be
// locked for as long as the call lasts.
void Sampler::takeProcesses(Sample& sample) {
  std::map<ProcessKey, std::string> found;
  auto processes = listProcesses();
  sample.node.processes = static_cast<int64_t>(processes.size());
  for (const ProcessInfo& process : processes) {
    if (names_.size() == 0) break;
    if (process.hasEnded || process.isOfKernel) continue;
    ProcessKey key{process.pid, process.startTicks};
    std::string name;
    if (process.state == 'D') {
      auto known = last_.find(key);
      if (known != last_.end()) name = known->second;
    } else {
      KJ_IF_MAYBE (matched, nameAmong(process, names_)) name = matched->cStr();
    }
    if (name.empty()) continue;
    if (sample.processes.size() == kProcessesMax) {
      ++sample.processesLeftOut;
      continue;
    }
    sample.processes.push_back(usageOf(process, name));
    found.emplace(key, name);
  }
  last_ = std::move(found);
}

}  // namespace nodeagent::metrics
