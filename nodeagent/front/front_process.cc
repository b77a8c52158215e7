#include "nodeagent/front/front_process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <kj/debug.h>

#include "nodeagent/config/logging.h"
#include "nodeagent/config/read_credentials.h"
#include "nodeagent/enrol/enrol.h"
#include "nodeagent/front/front.h"
#include "nodeagent/link/credential_handover.h"
#include "nodeagent/link/supervision.h"
#include "nodeagent/os/environment.h"
#include "nodeagent/os/notify.h"
#include "nodeagent/os/privileges.h"
#include "nodeagent/os/trim_memory.h"
#include "nodeagent/os/users.h"
#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent {
namespace {

using support::Level;

support::Endpoint parsed(const std::string& text) {
  std::string why;
  auto endpoint = support::Endpoint::fromText(text, &why);
  if (!endpoint)
    support::fail(wire::Error::Kind::INVALID, "endpoint \"", text.c_str(), "\" ", why.c_str());
  return *endpoint;
}

FrontOptions frontOptions(const Options& options) {
  FrontOptions front;
  for (const std::string& text : options.listen) front.listen.push_back(parsed(text));
  front.keeper = parsed("unix:" + options.keeperSocket);
  front.credentials = readCredentials(options);
  forgetPendingKey(options);
  // This is read before privileges are given up, so a front that root started admits root alone.
  front.localUid = geteuid();
  std::string why;
  front.penaltyExempt = support::addressRanges(options.penaltyExempt, &why).value();
  return front;
}

void giveUpPrivileges(const Options& options) {
  if (geteuid() == 0 && !options.frontUser.empty()) {
    KJ_IF_MAYBE (user, UserDatabase().find(options.frontUser.c_str())) {
      if (user->id != 0) becomeUser(user->id, user->group);
    }
  }
  lockDown();
}

// Fails if the front, as the user that it has become, could not reach the keeper: it would listen,
// and end every connection. A keeper that is not there yet may come.
void requireWayToKeeper(const Options& options) {
  const char* socket = options.keeperSocket.c_str();
  if (access(socket, W_OK) == 0 || errno != EACCES) return;
  support::fail(
      wire::Error::Kind::INVALID, "front-user \"", options.frontUser.c_str(), "\" (uid ", geteuid(),
      ") cannot reach the keeper's socket ", socket,
      ": it must belong to that user, and all directories above it be searchable (mode x)");
}

// Returns for example "tls:10.0.0.1:7411 unix:/run/nodeagent/agent.sock".
std::string endpointsText(const Front& front) {
  std::string text;
  for (const auto& endpoint : front.endpoints())
    text += (text.empty() ? "" : " ") + endpoint.text();
  return text;
}

void announce(const Front& front, pid_t supervisor, const Notifier& notifier) {
  std::string endpoints = endpointsText(front);
  support::log(Level::kInfo, "front listens", {{"endpoints", endpoints}, {"uid", geteuid()}});
  if (supervisor == 0) {
    notifier.ready("listening on " + endpoints);
    return;
  }
  std::string line = endpoints + "\n";
  if (write(STDOUT_FILENO, line.data(), line.size()) < 0) {
    support::log(Level::kWarn, "cannot tell the keeper; it starts another front", {});
  }
  // The keeper reads until the end of file.
  close(STDOUT_FILENO);
}

kj::Promise<void> pingWatchdog(kj::Timer& timer, const Notifier& notifier) {
  if (notifier.watchdogIntervalNs() == 0) return kj::NEVER_DONE;
  notifier.watchdog();
  return timer.afterDelay(notifier.watchdogIntervalNs() * kj::NANOSECONDS)
      .then([&timer, &notifier]() { return pingWatchdog(timer, notifier); });
}

// Reads configuration and certificates again, and keeps everything as it was if anything is wrong
// with them.
void reload(Front& front, const Options& options) {
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() {
                 Options fresh = readOptions(options.arguments, environmentMap());
                 KJ_IF_MAYBE (credentials, readCredentials(fresh)) {
                   front.setCredentials(*credentials);
                 }
                 startLog(fresh, "front");
                 support::log(Level::kInfo, "reloaded", {});
               })) {
    support::log(Level::kError, "not reloaded; everything stays as it was",
                 {{"reason", support::reasonOf(*exception)}});
  }
}

// Takes the credentials and the log that the keeper, which is root, has read for this front.
void take(Front& front, const Options& options, Handover handover) {
  KJ_IF_MAYBE (credentials, handover.credentials) {
    front.setCredentials(*credentials);
  }
  support::LogOptions log = logOptionsOf(options, "front");
  log.level = handover.logLevel;
  KJ_IF_MAYBE (file, handover.log) {
    KJ_SYSCALL(dup2(*file, STDERR_FILENO));
    unsetenv("JOURNAL_STREAM");  // Standard error is the log's file from now on.
  }
  // A log file that could not be opened again stays as it is; the log moves only to a file that was
  // handed over, or to standard error.
  if (handover.log != nullptr || log.file.empty()) {
    log.file = "";
    support::configureLog(log);
  }
  support::log(Level::kInfo, "reloaded", {});
}

kj::Promise<void> reloadOnHangup(kj::AsyncIoContext& io, Front& front, const Options& options) {
  return io.unixEventPort.onSignal(SIGHUP).then([&io, &front, &options](siginfo_t) {
    reload(front, options);
    return reloadOnHangup(io, front, options);
  });
}

}  // namespace

int runFront(const Options& options) {
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) kj::UnixEventPort::captureSignal(signal);
  const char* supervisorText = getenv(kSupervisorVariable);
  pid_t supervisor = supervisorText == nullptr ? 0 : static_cast<pid_t>(atoi(supervisorText));
  auto io = kj::setupAsyncIo();
  support::KjLogCallback kjLog;
  Front front(io, frontOptions(options));
  // Sockets and keys are open by now, so nothing below needs root. dieWithParent comes after the
  // change of user, which clears it.
  giveUpPrivileges(options);
  if (supervisor != 0) dieWithParent(supervisor);
  requireWayToKeeper(options);
  // The keeper watches a front that it started, so such a front reports nothing to the service
  // manager.
  Notifier notifier = supervisor == 0 ? Notifier::fromEnvironment() : Notifier();
  announce(front, supervisor, notifier);
  trimResidentMemory();
  kj::Own<kj::AsyncCapabilityStream> keeper;
  kj::Promise<void> reloading = nullptr;
  if (supervisor == 0) {
    reloading = reloadOnHangup(io, front, options);
  } else {
    keeper = io.lowLevelProvider->wrapUnixSocketFd(STDIN_FILENO);
    reloading = takeHandovers(
        *keeper, [&front, &options](Handover handover) { take(front, options, kj::mv(handover)); });
  }
  auto ended = io.unixEventPort.onSignal(SIGTERM)
                   .exclusiveJoin(io.unixEventPort.onSignal(SIGINT))
                   .ignoreResult();
  auto& timer = io.provider->getTimer();
  IdleTrim idleTrim;
  front.run()
      .exclusiveJoin(kj::mv(reloading))
      .exclusiveJoin(pingWatchdog(timer, notifier))
      .exclusiveJoin(idleTrim.run(timer))
      .exclusiveJoin(kj::mv(ended))
      .wait(io.waitScope);
  support::log(Level::kInfo, "front stops", {{"connections", front.connectionCount()}});
  return 0;
}

}  // namespace nodeagent
