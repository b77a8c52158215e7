#include "nodeagent/shim/shim.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <kj/async-io.h>
#include <kj/debug.h>

#include "nodeagent/exec/detached_context.h"
#include "nodeagent/exec/detached_files.h"
#include "nodeagent/exec/job_status.h"
#include "nodeagent/exec/job_table.h"
#include "nodeagent/exec/jobs_server.h"
#include "nodeagent/os/read_file.h"
#include "nodeagent/os/worker.h"
#include "nodeagent/session/audit_log.h"
#include "schema/support/base/log.h"
#include "schema/support/rpc/listener.h"
#include "schema/support/rpc/rpc_connection.h"
#include "schema/support/rpc/socket_stream.h"

namespace nodeagent {
namespace {

using namespace exec;  // What it keeps a job with.

constexpr auto kLook = 200 * kj::MILLISECONDS;
// A result that nobody acknowledges is kept for this time after the job's end.
constexpr int64_t kResultKeptNs = 3600 * int64_t{1'000'000'000};
constexpr uint64_t kMemoryBytesMax = 4 << 20;
// Lies between the score of a protected agent and that of its jobs.
constexpr const char* kOomScore = "-800";

// Gives the shim less protection than its keeper, whose score it has, if that one is protected.
void protectFromOom() {
  if (!readFile("/proc/self/oom_score_adj").startsWith("-")) return;
  kj::AutoCloseFd fd(open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  ssize_t written = fd.get() < 0 ? -1 : write(fd, kOomScore, strlen(kOomScore));
  if (written < 0) support::log(support::Level::kDebug, "a shim is not protected", {});
}

// Closes the pipe by which the keeper learns that the shim can be connected to. Standard output
// stays open on /dev/null, so that no other file gets its number.
void releaseStarter() {
  kj::AutoCloseFd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
  if (null.get() >= 0) dup2(null, STDOUT_FILENO);
}

JobTable::Options tableOptions(kj::AsyncIoContext& io, const DetachedFiles& files,
                               wire::DetachedRecord::Reader record) {
  JobTable::Options options;
  options.limits.memoryBytesMax = kMemoryBytesMax;
  options.spool = ScratchDisk::inDirectory(files.spool());
  options.sets = ProcessSets::best(record.getGroup(), io.unixEventPort, io.provider->getTimer());
  return options;
}

Session::Options sessionOptions(wire::DetachedRecord::Reader record) {
  Session::Options options;
  options.id = shimSessionId();
  options.identity = kj::str(record.getIdentity());
  options.role = wire::Role::OPERATOR;
  options.labels = KJ_MAP(label, record.getLabels()) {
    return Label{kj::str(label.getName()), kj::str(label.getValue())};
  };
  options.leaseNs = SessionTable::kLeaseMaxNs;
  return options;
}

kj::Array<Variable> variablesOf(wire::DetachedRecord::Reader record) {
  return KJ_MAP(variable, record.getVariables()) {
    return Variable{kj::heapString(variable.getName().asChars()),
                    kj::heapString(variable.getValue().asChars())};
  };
}

support::Endpoint endpointOf(const DetachedFiles& files) {
  std::string why;
  auto endpoint = support::Endpoint::fromText(("unix:" + std::string(files.socket().cStr())), &why);
  KJ_REQUIRE(endpoint.has_value(), why.c_str());
  return *endpoint;
}

class Shim final : private kj::TaskSet::ErrorHandler {
 public:
  Shim(DetachedFiles files, wire::DetachedRecord::Reader record)
      : files_(kj::mv(files)),
        io_(kj::setupAsyncIo()),
        timer_(io_.provider->getTimer()),
        audit_(discardAuditLog()),
        session_(kj::refcounted<Session>(sessionOptions(record), systemClock(), timer_)),
        table_(io_.unixEventPort, timer_, systemClock(), worker_,
               tableOptions(io_, files_, record)),
        listener_(support::Listener::open(endpointOf(files_), io_.unixEventPort, timer_)),
        tasks_(*this) {}

  // The socket exists since the constructor, but a connection is accepted only when the job has
  // been started, so that every call finds it.
  void run(wire::DetachedRecord::Reader record) {
    auto variables = session_->variables().add(variablesOf(record));
    kept_.run(*session_, *audit_, record.getNumber(), record.getSpec());
    Job& job = table_.get(session_->id(), record.getNumber()).job();
    auto held = kj::addRef(job);
    releaseStarter();
    tasks_.add(acceptAll());
    whenEnded(job).then([this, &job]() { return whenUnwanted(job); }).wait(io_.waitScope);
  }

 private:
  kj::Promise<void> acceptAll() {
    return listener_->accept().then([this](support::AcceptedSocket&& accepted) {
      if (accepted.uid == geteuid()) serve(kj::mv(accepted));
      return acceptAll();
    });
  }

  void serve(support::AcceptedSocket&& accepted) {
    support::GuardOptions options;
    options.frame.bytesMax = support::kFrameBytesMax;
    auto connection = kj::heap<support::RpcConnection>(
        kj::heap<support::SocketStream>(io_.unixEventPort, kj::mv(accepted.socket)), timer_,
        makeJobsAndView(kept_, *session_, *audit_), options);
    auto ended = connection->onDisconnect();
    tasks_.add(ended.attach(kj::mv(connection)));
  }

  // Waits for the job's end and writes its last status to the file `exit`. A keeper that finds the
  // shim killed afterwards reads the outcome there. The loop waits for the disk here, because
  // nobody may learn of the end before.
  kj::Promise<void> whenEnded(Job& job) {
    FollowWish wish;
    wish.until = wire::Follow::Until::ENDED;
    wish.waitNs = kFollowWaitMaxNs;
    return job.waitFor(wish).then([this, &job]() -> kj::Promise<void> {
      if (job.hasEnded()) {
        capnp::MallocMessageBuilder message;
        writeStatus(job, message.initRoot<wire::JobStatus>());
        if (files_.exists()) files_.write("exit", message);
        endedBoottimeNs_ = systemClock().boottimeNs();
        return kj::READY_NOW;
      }
      // The pause bounds the looks, because a job that waits for its reader answers at once.
      return timer_.afterDelay(kLook).then([this, &job]() { return whenEnded(job); });
    });
  }

  // Waits until nobody can ask for the job any more: it was acknowledged, its directory is gone, or
  // its result was kept for long enough. Processes that it left keep the shim alive nevertheless,
  // because only the shim can find and end them.
  kj::Promise<void> whenUnwanted(Job& job) {
    // No keeper finds a job without its directory.
    bool isForgotten = table_.knownCount() == 0 || !isDirectoryThere_ ||
                       systemClock().boottimeNs() - endedBoottimeNs_ > kResultKeptNs;
    if (isForgotten && job.isGone()) return kj::READY_NOW;
    if (!isLooking_) lookForDirectory();
    return timer_.afterDelay(kLook).then([this, &job]() { return whenUnwanted(job); });
  }

  // The disk may be slow, and keepers are served meanwhile.
  void lookForDirectory() {
    isLooking_ = true;
    auto look = [files = DetachedFiles(files_.path())]() { return files.exists(); };
    tasks_.add(worker_.run(kj::mv(look)).then([this](bool isThere) {
      isLooking_ = false;
      isDirectoryThere_ = isThere;
    }));
  }

  void taskFailed(kj::Exception&& exception) override {
    support::log(support::Level::kWarn, "a task of a shim failed",
                 {{"exception", exception.getDescription()}});
  }

  DetachedFiles files_;
  kj::AsyncIoContext io_;
  kj::Timer& timer_;
  Worker worker_{2};
  // Discards its lines, because the keeper has written them.
  kj::Own<AuditLog> audit_;
  kj::Own<Session> session_;
  JobTable table_;
  KeptJobs kept_{table_};
  kj::Own<support::Listener> listener_;
  int64_t endedBoottimeNs_ = 0;
  bool isDirectoryThere_ = true;
  bool isLooking_ = false;
  kj::TaskSet tasks_;
};

}  // namespace

// Begins the job at most once, however many shims are started for it:
// 1. The lock says that this shim lives. Another shim that holds it has the job.
// 2. The record says what to start.
// 3. The claim says that the job is begun. It is made before the start and never removed, so a shim
// that is killed between the two leaves a job that counts as lost, not one that runs twice.
// 4. When the job is over and unwanted, the directory goes.
int runShim(kj::StringPtr directory) {
  for (int number : {SIGHUP, SIGTERM, SIGINT, SIGPIPE}) signal(number, SIG_IGN);
  support::KjLogCallback kjLog;
  DetachedFiles files(directory);
  auto lock = files.lock();
  if (lock == nullptr) return 0;
  auto message = files.read("record");
  KJ_IF_MAYBE (stored, message) {
    if (!files.claim()) return 0;
    protectFromOom();
    auto record = (*stored)->getRoot<wire::DetachedRecord>();
    Shim(DetachedFiles(directory), record).run(record);
    files.remove();
    return 0;
  }
  return 1;
}

}  // namespace nodeagent
