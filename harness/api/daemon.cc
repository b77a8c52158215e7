// A daemon is a command without a deadline, with a question that tells when it is ready. What is
// known of core files without a node is in daemon_files.cc.
#include <fnmatch.h>

#include <algorithm>
#include <iostream>
#include <limits>
#include <optional>
#include <ostream>
#include <vector>

#include <gtest/gtest.h>

#include <muster/daemon.h>
#include <muster/deadline.h>

#include "harness/api/access.h"
#include "harness/api/call_site.h"
#include "harness/api/daemon_files.h"
#include "harness/api/request.h"
#include "harness/values/failure_text.h"
#include "harness/values/look_again.h"

namespace muster {
namespace {

using harness::at;

constexpr std::chrono::milliseconds kLookEvery{50};

// The time in which the sockets of a daemon that was killed go.
constexpr std::chrono::seconds kSocketsGoMax{2};

RunOptions optionsFor(const DaemonOptions& options) {
  RunOptions run = options.run;
  run.lifetime = CommandLifetime::kSession;
  run.grace = options.stopWithin;
  if (run.overflow == OutputOverflow::kBlock) run.overflow = OutputOverflow::kKeepTail;
  return run;
}

bool isListeningOn(const Node& node, uint16_t port) {
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    File file = node.file(table);
    // A kernel without IPv6 has only the first.
    if (file.exists() && harness::hasListener(file.read(), port)) return true;
  }
  return false;
}

}  // namespace

struct Daemon::Impl {
  Impl(const Node& ofNode, Argv command, DaemonOptions given)
      : node(ofNode), argv(std::move(command)), options(std::move(given)) {
    all().push_back(this);
  }
  ~Impl() { std::erase(all(), this); }

  // The daemons of this process, for powerOn. They are made and destroyed on the test's thread.
  static std::vector<Impl*>& all() {
    static std::vector<Impl*> daemons;
    return daemons;
  }

  std::string name() const { return harness::argvText(argv); }

  void start(Where where);
  void awaitReady(std::chrono::nanoseconds within, Where where);
  void endAfterFailure() noexcept;
  bool isReady();
  Result stop(Where where);
  Result ended(Result result);
  void farewell() noexcept;
  std::string evidence() const;
  [[noreturn]] void fail(NodeError::Kind kind, const std::string& operation,
                         const std::string& detail, int errnoValue, Where where) const;

  const Node& node;
  Argv argv;
  DaemonOptions options;

  // Absent only while the first start has not come so far.
  std::optional<Process> process;

  // The end of `process`, once the test knows it.
  std::optional<Result> end;

  // The working directory of the process that was ready last.
  std::string directory;

  // The error of the last look that could not be made.
  std::string lookError;
};

void Daemon::Impl::fail(NodeError::Kind kind, const std::string& operation,
                        const std::string& detail, int errnoValue, Where where) const {
  throw NodeError(kind, node.name(), operation + " daemon " + name(), detail, errnoValue, where);
}

// The last lines, as far as they were fetched.
std::string Daemon::Impl::evidence() const {
  if (end) return harness::lastLinesText(*end);
  if (!process) return "";
  return harness::lastLinesText(harness::ApiAccess::known(*process));
}

Result Daemon::Impl::ended(Result result) {
  end = result;
  return result;
}

void Daemon::Impl::start(Where where) {
  if (options.ready.prepare_) at(where, [&] { options.ready.prepare_(node); });
  // The assignment ends the processes that the last start has left.
  process.reset();
  end.reset();
  directory = options.run.directory.empty() ? "/" : options.run.directory;
  at(where, [&] {
    harness::JobRequest request =
        harness::unboundedRequestOf(argv, optionsFor(options), node.name());
    if (options.cores == CoreFiles::kUnlimited) {
      request.coreBytesMax = std::numeric_limits<uint64_t>::max();
    }
    request.crash = harness::CrashOf::kTest;
    process.emplace(
        harness::ApiAccess::process(harness::rpc::Jobs(harness::ApiAccess::behind(node))
                                        .start(std::move(request), DeadlineScope::current())));
  });
  if (options.readyWithin.count() == 0) return;
  try {
    awaitReady(options.readyWithin, where);
  } catch (const NodeError&) {
    endAfterFailure();
    throw;
  }
}

// A start that failed leaves nothing behind.
void Daemon::Impl::endAfterFailure() noexcept {
  try {
    Result killed = process->kill(Where{});
    if (!end) ended(killed);
  } catch (const std::exception&) {
    // The node ends it with the process, and at the latest with the session.
  }
}

bool Daemon::Impl::isReady() {
  lookError.clear();
  try {
    return options.ready.look_(node, *process);
  } catch (const NodeError& error) {
    lookError = error.what();
    return false;
  }
}

// Looks whether it still runs behind each look whether it is ready: a question that is answered by
// somebody else must not hide that it has ended.
void Daemon::Impl::awaitReady(std::chrono::nanoseconds within, Where where) {
  auto isDecided = [&] {
    bool ready = isReady();
    bool runs = at(where, [&] { return process->running(where); });
    if (!runs) ended(process->wait(where));
    return ready || end;
  };
  harness::Looks looks = harness::lookAgain(isDecided, within, kLookEvery);
  if (end) {
    bool left = end->outcome.kind() == Outcome::Kind::kExited && end->leftRunning > 0;
    fail(NodeError::Kind::kCommandFailed, "start",
         "ended before it was ready: " + toString(end->outcome) +
             (left ? ", and left " + std::to_string(end->leftRunning) +
                         " processes running; a daemon stays in the foreground"
                   : "") +
             evidence(),
         end->outcome.errnoValue(), where);
  }
  if (!looks.matched) {
    at(where, [&] { process->output(where); });
    fail(NodeError::Kind::kTimeout, "start",
         "not ready: not seen that " + options.ready.what_ + " in " + harness::looksText(looks) +
             (lookError.empty() ? "" : "; the last look failed: " + lookError) + evidence(),
         0, where);
  }
  if (options.cores == CoreFiles::kUnlimited) {
    std::string link = "/proc/" + std::to_string(process->pid()) + "/cwd";
    at(where, [&] { directory = node.file(link).readLink(where); });
  }
}

Result Daemon::Impl::stop(Where where) {
  if (end) return *end;
  try {
    // A node that was booted meanwhile knows no command that it could end.
    if (process->running(where)) process->signal(SIGTERM, SignalTarget::kAll, where);
    ended(process->wait(options.stopWithin, where));
    if (end->leftRunning == 0) return *end;
  } catch (const NodeError& error) {
    if (error.kind() != NodeError::Kind::kTimeout) throw;
  }
  // What it left running is killed, too.
  Result killed = process->kill(where);
  return end ? *end : ended(killed);
}

// Says how the daemon stood at the end of its scope, if nobody has asked, or if that may explain a
// failure. The destructor of its process ends it afterwards.
void Daemon::Impl::farewell() noexcept {
  try {
    if (!process) return;
    bool isNews = false;
    if (!end && !process->running(Where{})) {
      ended(process->wait(Where{}));
      isNews = true;
    }
    if (!isNews && !testing::Test::HasFailure()) return;
    if (!end) process->output(Where{});
    std::cerr << "muster: node " << node.name() << ": daemon " << name() << " "
              << (end ? "had ended: " + toString(end->outcome) : "was running") << evidence()
              << "\n";
  } catch (const std::exception&) {
    // A node that does not answer says nothing of its daemons.
  }
}

DaemonReadiness::DaemonReadiness()
    : DaemonReadiness("it runs", {}, [](const Node&, Process&) { return true; }) {}

DaemonReadiness Daemon::listensOn(uint16_t port) {
  std::string what = "something listens on port " + std::to_string(port);
  auto prepare = [port, what](const Node& node) {
    // The sockets of a daemon that was killed are still going. A look that could not be made is
    // made again below, where its error counts.
    auto isFree = [&] {
      try {
        return !isListeningOn(node, port);
      } catch (const NodeError&) {
        return false;
      }
    };
    if (harness::lookAgain(isFree, kSocketsGoMax, kLookEvery).matched) return;
    if (!isListeningOn(node, port)) return;
    throw NodeError(NodeError::Kind::kConflict, node.name(), "start a daemon",
                    what + " before it was started");
  };
  return {what, prepare, [port](const Node& node, Process&) { return isListeningOn(node, port); }};
}

DaemonReadiness Daemon::prints(const std::string& text) {
  return {"it prints " + harness::inQuotes(text), {}, [text](const Node&, Process& process) {
            return process.output().find(text) != std::string::npos ||
                   process.errors().find(text) != std::string::npos;
          }};
}

DaemonReadiness Daemon::makesFile(const std::string& path) {
  return {"it makes file " + harness::inQuotes(path),
          [path](const Node& node) { node.file(path).remove(); },
          [path](const Node& node, Process&) { return node.file(path).exists(); }};
}

Daemon::Daemon(const Node& node, Argv argv, DaemonOptions options, Where where)
    : impl_(std::make_unique<Impl>(node, std::move(argv), std::move(options))) {
  impl_->start(where);
}

Daemon::~Daemon() {
  if (impl_) impl_->farewell();
}

Daemon::Daemon(Daemon&& other) noexcept = default;

Daemon& Daemon::operator=(Daemon&& other) noexcept {
  if (this == &other) return *this;
  if (impl_) impl_->farewell();
  impl_ = std::move(other.impl_);
  return *this;
}

void Daemon::awaitReady(std::chrono::nanoseconds within, Where where) {
  impl_->awaitReady(within, where);
}

bool Daemon::running(Where where) {
  return !impl_->end && impl_->process->running(where);
}

Result Daemon::stop(Where where) {
  return impl_->stop(where);
}

Result Daemon::kill(int number, Where where) {
  if (impl_->end) return *impl_->end;
  impl_->process->signal(number, SignalTarget::kAll, where);
  return wait(impl_->options.stopWithin, where);
}

Result Daemon::wait(std::chrono::nanoseconds within, Where where) {
  if (impl_->end) return *impl_->end;
  return impl_->ended(impl_->process->wait(within, where));
}

void Daemon::restart(Where where) {
  impl_->stop(where);
  impl_->start(where);
}

File Daemon::core(Where where) {
  Impl& impl = *impl_;
  auto fail = [&](const std::string& detail) {
    impl.fail(NodeError::Kind::kNotFound, "find the core file of", detail, 0, where);
  };
  if (running(where)) fail("it runs");
  Outcome outcome = wait(impl.options.stopWithin, where).outcome;
  if (!outcome.coreDumped()) {
    bool isLimited = impl.options.cores == CoreFiles::kAsAgent;
    fail(toString(outcome) + ", and no core was dumped" +
         (isLimited ? "; CoreFiles::kUnlimited was not asked for" : ""));
  }
  std::string pattern = impl.node.file("/proc/sys/kernel/core_pattern").read(where);
  std::string added = impl.node.file("/proc/sys/kernel/core_uses_pid").read(where);
  harness::CorePlace place = harness::corePlace(
      pattern, added.starts_with("0") ? harness::CorePid::kNotAdded : harness::CorePid::kAdded,
      impl.directory, pid());
  if (!place.problem.empty()) fail(place.problem);
  std::optional<FileEntry> newest;
  for (const FileEntry& entry : impl.node.file(place.directory).list(where)) {
    if (fnmatch(place.name.c_str(), entry.name.c_str(), 0) != 0) continue;
    if (!newest || newest->stat.modified < entry.stat.modified) newest = entry;
  }
  if (!newest) {
    fail("there is no " + harness::inQuotes(place.name) + " in " +
         harness::inQuotes(place.directory) + ", where its core_pattern puts it");
  }
  std::string parent = place.directory == "/" ? "" : place.directory;
  return impl.node.file(parent + "/" + newest->name);
}

const Node& Daemon::node() const {
  return impl_->node;
}

int Daemon::pid() const {
  return impl_->process->pid();
}

Process& Daemon::process() {
  return *impl_->process;
}

void PrintTo(const Daemon& daemon, std::ostream* out) {
  PrintTo(*daemon.impl_->process, out);
  *out << daemon.impl_->evidence();
}

}  // namespace muster

namespace harness {

void ApiAccess::startDaemonsAgain(const muster::Node& node, const std::source_location& where) {
  // A copy, for a readiness that makes a daemon.
  for (auto* daemon : std::vector(muster::Daemon::Impl::all())) {
    bool isMeant = &behind(daemon->node) == &behind(node) &&
                   daemon->options.afterPowerOn == muster::AfterPowerOn::kStartsAgain;
    if (isMeant) daemon->start(where);
  }
}

}  // namespace harness
