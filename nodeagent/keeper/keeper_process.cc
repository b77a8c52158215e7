#include "nodeagent/keeper/keeper_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <set>

#include <kj/debug.h>

#include "nodeagent/config/logging.h"
#include "nodeagent/config/read_credentials.h"
#include "nodeagent/keeper/front_supervisor.h"
#include "nodeagent/keeper/keeper.h"
#include "nodeagent/keeper/services.h"
#include "nodeagent/os/environment.h"
#include "nodeagent/os/notify.h"
#include "nodeagent/os/own_program.h"
#include "nodeagent/os/privileges.h"
#include "nodeagent/os/read_file.h"
#include "nodeagent/os/trim_memory.h"
#include "nodeagent/os/users.h"
#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"
#include "schema/support/rpc/listener.h"

namespace nodeagent {
namespace {

using support::Level;

constexpr kj::Duration kWorkersLimit = 2 * kj::SECONDS;
// One entry of an undo list may take somewhat less.
constexpr kj::Duration kEndLimit = 40 * kj::SECONDS;

kj::String bootId(const std::string& stateDirectory) {
  // A node that shares the kernel with others has a file of its own.
  for (const std::string& path :
       {stateDirectory + "/boot_id", std::string("/proc/sys/kernel/random/boot_id")}) {
    kj::String text = readFile(path.c_str(), 64);
    size_t length = text.size();
    while (length > 0 && text[length - 1] == '\n') --length;
    if (length > 0) return kj::str(text.slice(0, length));
  }
  return kj::str("");
}

std::string requireOwnProgram() {
  std::string program = ownProgram();
  if (program.empty()) support::failErrno(errno, "read /proc/self/exe");
  return program;
}

KeeperOptions keeperOptions(const Options& options) {
  KeeperOptions keeper;
  std::string why;
  keeper.socket = support::Endpoint::fromText("unix:" + options.keeperSocket, &why).value();
  if (geteuid() == 0 && !options.frontUser.empty()) {
    KJ_IF_MAYBE (user, UserDatabase().find(options.frontUser.c_str())) {
      keeper.frontUid = user->id;
    }
  }
  return keeper;
}

kj::Own<AuditLog> auditLogOf(const Options& options, kj::Timer& timer) {
  if (options.auditLog.empty()) return discardAuditLog();
  return openAuditLog(options.auditLog.c_str(), systemClock(), timer);
}

// Returns the ports on which the front listens for other machines. A front that was started with
// options of its own must listen as the keeper's configuration says.
kj::Array<uint16_t> controlPortsOf(const Options& options) {
  std::set<uint16_t> ports;
  for (const std::string& text : options.listen) {
    std::string why;
    auto endpoint = support::Endpoint::fromText(text, &why);
    if (endpoint && !endpoint->loopback()) ports.insert(endpoint->port());
  }
  kj::Vector<uint16_t> list;
  for (uint16_t port : ports) list.add(port);
  return list.releaseAsArray();
}

// Opens the log with the flags that the log itself uses.
kj::AutoCloseFd openLog(const std::string& path) {
  int descriptor = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0) support::failErrno(errno, "open the log ", path.c_str());
  return kj::AutoCloseFd(descriptor);
}

// Writes the pid when the agent is ready, and removes the file at the end.
class PidFile {
 public:
  explicit PidFile(std::string path) : path_(std::move(path)) {}
  ~PidFile() { remove(); }
  void remove() {
    if (written_) unlink(path_.c_str());
    written_ = false;
  }
  void write() {
    if (path_.empty()) return;
    int descriptor = open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (descriptor < 0) support::failErrno(errno, "write the pidfile ", path_.c_str());
    kj::AutoCloseFd file(descriptor);
    std::string text = std::to_string(getpid()) + "\n";
    written_ = true;
    if (::write(file, text.data(), text.size()) < 0)
      support::failErrno(errno, "write the pidfile ", path_.c_str());
  }

 private:
  std::string path_;
  bool written_ = false;
};

// Holds everything that lives as long as the process, in the order of dependence.
class Process {
 public:
  explicit Process(const Options& options)
      : options_(options),
        notifier_(Notifier::fromEnvironment()),
        io_(kj::setupAsyncIo()),
        sessions_(systemClock(), io_.provider->getTimer()),
        bootId_(bootId(options.stateDir)),
        audit_(auditLogOf(options, io_.provider->getTimer())),
        program_(requireOwnProgram()),
        platform_(makeNodePlatform(io_.unixEventPort, io_.provider->getTimer())),
        host_{io_.unixEventPort,
              io_.provider->getTimer(),
              *platform_,
              *audit_,
              options.nodeName.c_str(),
              bootId_,
              options.stateDir.c_str(),
              program_.c_str(),
              [this]() { return numbers(); },
              controlPortsOf(options)},
        services_(makeServices(host_)),
        gates_{sessions_, systemClock(), options.nodeName.c_str(), bootId_, services_},
        keeper_(io_, gates_, keeperOptions(options)),
        pidFile_(options.pidFile) {
    sessions_.noteUse(host_.use);
    if (options.role == AgentRole::kAll) {
      auto arguments = options.arguments;
      arguments.push_back("--role=front");
      front_ = kj::heap<FrontSupervisor>(io_, program_, std::move(arguments));
    }
  }

  int run() {
    auto serving = keeper_.run()
                       .exclusiveJoin(pingWatchdog())
                       .exclusiveJoin(reloadOnHangup())
                       .exclusiveJoin(idleTrim_.run(io_.provider->getTimer()))
                       .exclusiveJoin(begin());
    KJ_IF_MAYBE (front, front_) {
      serving = serving.exclusiveJoin((*front)->run());
    }
    KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() {
                   serving.exclusiveJoin(stopSignal()).wait(io_.waitScope);
                 })) {
      return leave(failed(*exception));
    }
    return leave(stop());
  }

 private:
  // Tells the service manager that the agent is ready, which it is when the front listens.
  kj::Promise<void> begin() {
    auto ready = kj::Promise<std::string>(std::string(keeperOptions(options_).socket.text()));
    KJ_IF_MAYBE (front, front_) {
      ready = (*front)->whenListening();
    }
    return ready.then([this](std::string&& endpoints) -> kj::Promise<void> {
      return worker_->run([this]() { pidFile_.write(); })
          .then([this, endpoints = std::move(endpoints)]() { return announce(endpoints); });
    });
  }

  kj::Promise<void> announce(const std::string& endpoints) {
    support::log(Level::kInfo, "keeper ready",
                 {{"node", options_.nodeName}, {"endpoints", endpoints}});
    notifier_.ready("listening on " + endpoints);
    trimResidentMemory();
    return kj::NEVER_DONE;
  }

  kj::Promise<void> pingWatchdog() {
    if (notifier_.watchdogIntervalNs() == 0) return kj::NEVER_DONE;
    notifier_.watchdog();
    return io_.provider->getTimer()
        .afterDelay(notifier_.watchdogIntervalNs() * kj::NANOSECONDS)
        .then([this]() { return pingWatchdog(); });
  }

  kj::Promise<void> reloadOnHangup() {
    return io_.unixEventPort.onSignal(SIGHUP).then([this](siginfo_t) {
      notifier_.reloading();
      return kj::evalNow([this]() { return reload(); })
          .catch_([](kj::Exception&& exception) {
            support::log(Level::kError, "not reloaded; everything stays as it was",
                         {{"reason", support::reasonOf(exception)}});
          })
          .then([this]() {
            notifier_.ready("running");
            return reloadOnHangup();
          });
    });
  }

  // What a reload has read. Its files may lie on a disk that hangs, so a thread reads them.
  struct Fresh {
    kj::Own<Options> options;
    Handover handover;
  };

  static Fresh readAll(const Options& old) {
    Fresh fresh{kj::heap<Options>(readOptions(old.arguments, environmentMap())), {}};
    fresh.handover.credentials = readCredentials(*fresh.options);
    fresh.handover.logLevel = logOptionsOf(*fresh.options, "front").level;
    if (!fresh.options->logFile.empty()) fresh.handover.log = openLog(fresh.options->logFile);
    return fresh;
  }

  // Everything is read and tried before anything is changed, and the front takes it before the
  // keeper does, so a mistake leaves everything as it was. Clients keep their connections.
  kj::Promise<void> reload() {
    return worker_->run([this]() { return readAll(options_); }).then([this](Fresh&& fresh) {
      kj::Promise<kj::Maybe<kj::String>> taken = kj::Maybe<kj::String>();
      KJ_IF_MAYBE (front, front_) taken = (*front)->handOver(kj::mv(fresh.handover));
      return taken.then(
          [this, options = kj::mv(fresh.options)](kj::Maybe<kj::String>&& refusal) mutable {
            KJ_IF_MAYBE (reason, refusal) {
              support::fail(wire::Error::Kind::INVALID, "the front: ", *reason);
            }
            return worker_->run([options = kj::mv(options)]() { startLog(*options, "keeper"); })
                .then([]() { support::log(Level::kInfo, "reloaded", {}); });
          });
    });
  }

  kj::Promise<void> stopSignal() {
    return io_.unixEventPort.onSignal(SIGTERM)
        .exclusiveJoin(io_.unixEventPort.onSignal(SIGINT))
        .ignoreResult();
  }

  int stop() {
    notifier_.stopping();
    support::log(Level::kInfo, "keeper stops: ending sessions", {{"sessions", sessions_.count()}});
    kj::Promise<void> ending = kj::READY_NOW;
    KJ_IF_MAYBE (front, front_) ending = (*front)->stop();
    ending = ending.then([this]() { removeSockets(); });
    ending = ending.then([this]() { return keeper_.stop(); });
    auto late = io_.provider->getTimer().afterDelay(kEndLimit).then([]() {
      support::log(Level::kError, "sessions did not end in time; leaving them as they are");
    });
    ending.exclusiveJoin(kj::mv(late)).exclusiveJoin(stopSignal()).wait(io_.waitScope);
    return 0;
  }

  // A thread may be stuck in a file system that hangs, or in an action of a service manager that
  // takes minutes. The process leaves without it.
  int leave(int status) {
    bool areClosed = services_.close(kWorkersLimit);
    areClosed = worker_->close(kWorkersLimit) && areClosed;
    if (audit_->close(kWorkersLimit) && areClosed) return status;
    support::log(
        Level::kError,
        "a call to a file system or a service manager does not return; leaving without it");
    pidFile_.remove();
    _exit(status);
  }

  // Removes the front's sockets, because a front that has given up root cannot.
  void removeSockets() {
    for (const std::string& text : options_.listen) {
      std::string why;
      auto endpoint = support::Endpoint::fromText(text, &why);
      if (front_ != nullptr && endpoint && endpoint->transport == support::Transport::kUnix) {
        unlink(endpoint->path().c_str());
      }
    }
  }

  AgentNumbers numbers() {
    AgentNumbers numbers;
    numbers.startedRealtimeNs = startedRealtimeNs_;
    numbers.sessions = static_cast<uint32_t>(sessions_.count());
    services_.count(numbers);
    return numbers;
  }

  int failed(const kj::Exception& exception) {
    KJ_IF_MAYBE (front, front_) {
      support::log(Level::kError, "cannot go on", {{"reason", support::reasonOf(exception)}});
      return (*front)->exitStatus();
    }
    kj::throwFatalException(kj::cp(exception));
  }

  const Options& options_;
  Notifier notifier_;
  kj::AsyncIoContext io_;
  SessionTable sessions_;
  const int64_t startedRealtimeNs_ = systemClock().realtimeNs();
  kj::String bootId_;
  kj::Own<AuditLog> audit_;
  const std::string program_;
  kj::Own<Platform> platform_;
  // Reads and writes the process's own files.
  kj::Own<Worker> worker_ = platform_->makeWorker(1);
  ServiceHost host_;
  ServiceSet services_;
  GateContext gates_;
  Keeper keeper_;
  PidFile pidFile_;
  IdleTrim idleTrim_;
  kj::Maybe<kj::Own<FrontSupervisor>> front_;
};

}  // namespace

int runKeeper(const Options& options) {
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) kj::UnixEventPort::captureSignal(signal);
  support::KjLogCallback kjLog;
  // Only root refuses dumps. For another user, PR_SET_DUMPABLE would make the process's own files
  // in /proc belong to root.
  if (geteuid() == 0) refuseDumps();
  if (geteuid() == 0) protectFromOutOfMemory();
  support::makeSocketDirectory(options.stateDir);
  Process process(options);
  return process.run();
}

}  // namespace nodeagent
