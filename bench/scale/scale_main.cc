// bench_scale prints the cost of one controller with COUNT nodes, as one line of JSON. The agents
// are light ones (light_agents.h); everything else is real.
//
//   usage: bench_scale COUNT
//
// It measures connecting to all of them, /bin/true on all of them, four seconds of nothing but
// heartbeats, the time until a tenth of the nodes that was cut off is known to be gone while the
// others go on answering, and the time until they are back. At last it measures the memory that is
// left when all connections were closed.
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include <kj/exception.h>

#include "bench/floor/clock.h"
#include "bench/scale/light_agents.h"
#include "harness/rpc/controller.h"
#include "harness/rpc/job/jobs.h"

namespace bench {
namespace {

constexpr std::chrono::seconds kCallMax{240};
constexpr std::chrono::seconds kIdle{4};
constexpr size_t kDeadStride = 10;

harness::SteadyTime soon() {
  return std::chrono::steady_clock::now() + kCallMax;
}

double secondsOf(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double userSeconds() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return secondsOf(usage.ru_utime);
}

double cpuSeconds() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return secondsOf(usage.ru_utime) + secondsOf(usage.ru_stime);
}

// Returns the CPU seconds of another process, from /proc.
double cpuSecondsOf(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  long user = 0, system = 0;
  std::sscanf(text.c_str() + text.rfind(')'),
              ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user, &system);
  return static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

long anonymousKib(const std::string& process) {
  std::ifstream file("/proc/" + process + "/smaps_rollup");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("Anonymous:", 0) == 0) return std::atol(line.c_str() + 10);
  }
  return 0;
}

size_t descriptors() {
  std::filesystem::directory_iterator every("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(every), end(every)));
}

class Directory {
 public:
  Directory() {
    char pattern[] = "/tmp/muster-scale-XXXXXX";
    if (mkdtemp(pattern) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  std::string keep(const std::string& name, const std::string& text) const {
    std::string file = path_ + "/" + name;
    std::ofstream(file) << text;
    std::filesystem::permissions(file, std::filesystem::perms{0600});
    return file;
  }

 private:
  std::string path_;
};

class Measurement {
 public:
  Measurement(const harness::TlsFiles& files, LightAgents& agents, size_t count)
      : agents_(agents),
        beforeKib_(anonymousKib("self")),
        beforeDescriptors_(descriptors()),
        controller_(std::make_unique<harness::Controller>(options())) {
    for (size_t i = 0; i < count; ++i) {
      harness::NodeDescription node;
      node.name = kFleetName;
      node.route.endpoint =
          support::Endpoint::parse("tls:" + fleetAddress(i) + ":" + std::to_string(agents.port()));
      node.route.tls = files;
      descriptions_.push_back(node);
    }
  }

  void print() {
    put("nodes", static_cast<double>(descriptions_.size()));
    connect();
    put("controller_kib_each", perNode(static_cast<double>(anonymousKib("self") - beforeKib_)));
    put("agents_kib_each",
        perNode(static_cast<double>(anonymousKib(std::to_string(agents_.pid())))));
    fanOut("true_first_seconds", kNone);
    fanOut("true_seconds", kNone);
    idle();
    loseSome();
    close();
    std::printf("{%s}\n", line_.c_str());
    std::fflush(stdout);
  }

 private:
  static constexpr size_t kNone = SIZE_MAX;

  static harness::ControllerOptions options() { return {}; }

  double perNode(double value) const { return value / static_cast<double>(descriptions_.size()); }

  void put(const char* name, double value) {
    char text[96];
    std::snprintf(text, sizeof text, "%s\"%s\": %.6g", line_.empty() ? "" : ", ", name, value);
    line_ += text;
  }

  void connect() {
    double cpu = cpuSeconds(), theirs = cpuSecondsOf(agents_.pid());
    Stopwatch watch;
    for (const auto& description : descriptions_) {
      nodes_.push_back(&controller_->connect(description));
    }
    for (auto& failure : controller_->awaitAll(nodes_, soon())) {
      if (failure) throw *failure;
    }
    put("connect_seconds", watch.seconds());
    put("connect_controller_cpu_seconds", cpuSeconds() - cpu);
    put("connect_agents_cpu_seconds", cpuSecondsOf(agents_.pid()) - theirs);
  }

  // Runs /bin/true on all but each `skipped`th node.
  void fanOut(const char* name, size_t skipped) {
    std::vector<harness::ControllerNode*> targets;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (skipped == kNone || i % skipped != 0) targets.push_back(nodes_[i]);
    }
    harness::JobRequest job;
    job.argv = {"/bin/true"};
    job.options.deadline = kCallMax;
    double cpu = cpuSeconds();
    Stopwatch watch;
    auto answers = harness::rpc::runOnAll(targets, job, soon());
    double seconds = watch.seconds();
    for (const auto& answer : answers) {
      if (const auto* failure = std::get_if<muster::NodeError>(&answer)) throw *failure;
    }
    put(name, seconds);
    put((std::string(name) + "_controller_cpu").c_str(), cpuSeconds() - cpu);
  }

  void idle() {
    double cpu = cpuSeconds(), user = userSeconds();
    Stopwatch watch;
    std::this_thread::sleep_for(kIdle);
    double seconds = watch.seconds();
    put("heartbeats_cpu_share", (cpuSeconds() - cpu) / seconds);
    put("heartbeats_user_share", (userSeconds() - user) / seconds);
    size_t reconnects = 0;
    for (auto* node : nodes_) reconnects += node->state().reconnects;
    put("lost_by_itself", static_cast<double>(reconnects));
  }

  void loseSome() {
    Stopwatch losing;
    size_t killed = agents_.kill(kDeadStride);
    for (size_t i = 0; i < nodes_.size(); i += kDeadStride) nodes_[i]->awaitDisconnected(soon());
    put("killed", static_cast<double>(killed));
    put("noticed_seconds", losing.seconds());
    fanOut("others_true_seconds", kDeadStride);
    agents_.kill(0);
    Stopwatch returning;
    for (auto& failure : controller_->awaitAll(nodes_, soon())) {
      if (failure) throw *failure;
    }
    put("returned_seconds", returning.seconds());
  }

  // The memory left is the part that malloc does not return to the system.
  void close() {
    Stopwatch closing;
    controller_->closeAll(soon());
    put("close_seconds", closing.seconds());
    nodes_.clear();
    controller_ = nullptr;
    malloc_trim(0);
    put("left_kib_each", perNode(static_cast<double>(anonymousKib("self") - beforeKib_)));
    put("left_descriptors",
        static_cast<double>(descriptors()) - static_cast<double>(beforeDescriptors_));
  }

  LightAgents& agents_;
  long beforeKib_;
  size_t beforeDescriptors_;
  std::unique_ptr<harness::Controller> controller_;
  std::vector<harness::NodeDescription> descriptions_;
  std::vector<harness::ControllerNode*> nodes_;
  std::string line_;
};

void raiseDescriptors(size_t nodes) {
  struct rlimit limit {};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = nodes + 256;
  limit.rlim_max = std::max<rlim_t>(limit.rlim_max, limit.rlim_cur);
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    throw std::runtime_error("so many descriptors are not allowed: " + std::to_string(nodes));
  }
}

void measure(size_t count) {
  raiseDescriptors(count);
  Directory directory;
  auto authority = support::Authority::make("bench");
  auto client = authority.issueClient("operator:bench");
  harness::TlsFiles files{directory.keep("authority.pem", authority.certificate()),
                          directory.keep("client.pem", client.certificate),
                          directory.keep("client.key", client.key)};
  LightAgents agents(authority.certificate(), authority.issueNode(kFleetName));
  Measurement(files, agents, count).print();
}

}  // namespace
}  // namespace bench

int main(int count, char* words[]) {
  long nodes = count == 2 ? std::atol(words[1]) : 0;
  if (nodes < 1) {
    std::fprintf(stderr, "usage: bench_scale COUNT\n");
    return 64;
  }
  try {
    bench::measure(static_cast<size_t>(nodes));
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "bench_scale %ld: %s\n", nodes, failure.what());
    return 1;
  }
}
