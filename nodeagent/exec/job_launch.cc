// Implements the part of Job that leads up to its process. job.cc has the rest.
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <kj/debug.h>

#include "nodeagent/exec/job.h"
#include "nodeagent/os/privileges.h"
#include "schema/support/base/log.h"
#include "schema/support/base/text.h"

namespace nodeagent::exec {
namespace {

using Kind = wire::Error::Kind;

struct Pipe {
  kj::AutoCloseFd readEnd;
  kj::AutoCloseFd writeEnd;
};

Pipe makePipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) < 0) support::failErrno(errno, "make a pipe");
  return {kj::AutoCloseFd(fds[0]), kj::AutoCloseFd(fds[1])};
}

// Makes our end non-blocking. The job's end keeps the mode that programs expect.
void makeNonBlocking(int fd) {
  if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0) support::failErrno(errno, "make a pipe non-blocking");
}

kj::AutoCloseFd duplicate(int fd) {
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) support::failErrno(errno, "duplicate a descriptor");
  return kj::AutoCloseFd(copy);
}

void logUnreadable(kj::Exception&& exception) {
  support::log(support::Level::kError, "the output of a job cannot be read any more",
               {{"exception", exception.getDescription()}});
}

// Returns a user that the node's database does not have.
User unnamedUser(uid_t id, gid_t group) {
  User user;
  user.id = id;
  user.group = group;
  user.groups = kj::heapArray<gid_t>({group});
  user.name = kj::str(id);
  user.home = kj::str("/");
  user.shell = kj::str("/bin/sh");
  return user;
}

kj::StringPtr reasonText(StopReason reason) {
  switch (reason) {
    case StopReason::kNone:
      break;
    case StopReason::kDeadline:
      return "its deadline passed";
    case StopReason::kCancelled:
      return "it was cancelled";
    case StopReason::kOutputLimit:
      return "it wrote too much";
    case StopReason::kSessionEnded:
      return "its session ended";
  }
  return "it was stopped";
}

}  // namespace

// Holds the job's own ends of its pipes, which become 0 to 2 of its first process.
struct Job::ChildFiles {
  // Is unset if there is nothing to read.
  kj::AutoCloseFd input;
  kj::AutoCloseFd output;
  // Is unset if errors go to the output.
  kj::AutoCloseFd errors;
};

kj::Promise<void> Job::resolveUser() {
  bool isOwn = spec_.user.size() == 0;
  auto wanted = isOwn ? kj::str(geteuid()) : kj::str(spec_.user);
  return context_.users.look(wanted, context_.worker)
      .then([this, isOwn](kj::Maybe<User>&& found) -> kj::Promise<void> {
        KJ_IF_MAYBE (user, found) {
          user_ = kj::mv(*user);
        } else if (isOwn) {
          user_ = unnamedUser(geteuid(), getegid());
        } else if (auto id = decimalId(spec_.user); id != nullptr) {
          user_ = unnamedUser(KJ_ASSERT_NONNULL(id), KJ_ASSERT_NONNULL(id));
        } else {
          support::fail(Kind::NOT_FOUND, "user \"", support::escaped(spec_.user.cStr()).c_str(),
                        "\": not in the node's user database");
        }
        // Only root may set groups. A keeper of another user can run jobs as itself only.
        bool isMyself = isOwn || (user_.id == geteuid() && geteuid() != 0);
        if (!isMyself) {
          credentials_ =
              Credentials{user_.id, user_.group, kj::heapArray<gid_t>(user_.groups.asPtr())};
        }
        if (spec_.group.size() > 0) return resolveGroup();
        return kj::READY_NOW;
      });
}

kj::Promise<void> Job::resolveGroup() {
  return context_.users.lookGroup(spec_.group, context_.worker)
      .then([this](kj::Maybe<gid_t>&& found) {
        KJ_IF_MAYBE (group, found) {
          KJ_IF_MAYBE (credentials, credentials_) {
            credentials->group = *group;
          } else {
            credentials_ =
                Credentials{user_.id, *group, kj::heapArray<gid_t>(user_.groups.asPtr())};
          }
        } else {
          support::fail(Kind::NOT_FOUND, "group \"", support::escaped(spec_.group.cStr()).c_str(),
                        "\": not in the node's group database");
        }
      });
}

void Job::applyLimits() {
  auto apply = [this](kj::StringPtr name, uint64_t value, int result) {
    if (result == ENOTSUP) {
      support::fail(Kind::UNSUPPORTED, "limit ", name,
                    ": this node has no cgroup controller for it (jobs are grouped by ",
                    context_.sets.kind(), ")");
    }
    if (result != 0) support::failErrno(result, "limit ", name, " to ", value);
  };
  KJ_IF_MAYBE (bytes, spec_.memoryBytesMax)
    apply("memoryBytes", *bytes, processes_->limitMemory(*bytes));
  KJ_IF_MAYBE (count, spec_.processesMax)
    apply("processes", *count, processes_->limitProcesses(*count));
}

Job::ChildFiles Job::openFiles() {
  ChildFiles files;
  auto open = [this](kj::AutoCloseFd fd, const OutputPolicy& policy) {
    return kj::heap<OutputStream>(context_.port, context_.timer, kj::mv(fd), context_.spool, policy,
                                  context_.limits, [this]() { outputChanged(); });
  };
  if (spec_.hasTerminal) {
    auto terminal = openTerminal(spec_.terminalColumns, spec_.terminalRows);
    // Each observer needs a descriptor of its own.
    input_ = kj::heap<InputStream>(context_.port, duplicate(terminal.master),
                                   InputStream::Kind::kTerminal);
    terminal_ = duplicate(terminal.master);
    output_ = open(kj::mv(terminal.master), spec_.output);
    files.input = duplicate(terminal.slave);
    files.output = kj::mv(terminal.slave);
    return files;
  }
  if (spec_.input == wire::JobSpec::Input::NONE) {
    auto& nothing = context_.nothing;
    if (nothing.get() < 0) nothing = kj::AutoCloseFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (nothing.get() < 0) support::failErrno(errno, "open /dev/null");
  } else {
    auto pipe = makePipe();
    makeNonBlocking(pipe.writeEnd);
    files.input = kj::mv(pipe.readEnd);
    input_ = kj::heap<InputStream>(context_.port, kj::mv(pipe.writeEnd), InputStream::Kind::kPipe);
  }
  auto pipe = makePipe();
  makeNonBlocking(pipe.readEnd);
  files.output = kj::mv(pipe.writeEnd);
  output_ = open(kj::mv(pipe.readEnd), spec_.output);
  if (!spec_.mergeErrors) {
    pipe = makePipe();
    makeNonBlocking(pipe.readEnd);
    files.errors = kj::mv(pipe.writeEnd);
    errors_ = open(kj::mv(pipe.readEnd), spec_.errors);
  }
  if (context_.deaths != nullptr) (spec_.mergeErrors ? output_ : errors_)->watchReports();
  return files;
}

kj::Promise<void> Job::launch() {
  if (reason_ != StopReason::kNone) {
    support::fail(Kind::CONFLICT, "not started, because ", reasonText(reason_),
                  " before it could be");
  }
  // The order matters. The set and its limits exist before the process, so that it is never outside
  // of them. The environment is built after the set, whose mark it holds. The outputs are read only
  // once there is a process.
  processes_ = context_.sets.make(owner_);
  applyLimits();
  auto marker = processes_->marker();
  environment_ = buildEnvironment(
      spec_, user_, marker.size() == 0 ? kj::String() : kj::str(marker, listener_.identify(*this)));
  auto files = openFiles();

  SpawnOptions options;
  options.argv = spec_.argv;
  options.environment = environment_;
  options.directory = spec_.directory;
  options.umask = spec_.umask;
  KJ_IF_MAYBE (credentials, credentials_) options.credentials = *credentials;
  options.limits = spec_.limits;
  options.niceness = spec_.niceness;
  options.input = files.input.get() < 0 ? context_.nothing : files.input;
  options.output = files.output;
  options.errors = files.errors.get() < 0 ? files.output : files.errors;
  options.controllingTerminal = spec_.hasTerminal;
  options.cgroup = processes_->cgroupFd();
  options.oomScore = oomScoreOfJobs();
  auto result = context_.spawner.launch(options);
  if (result.is<SpawnFailure>()) {
    auto& failure = result.get<SpawnFailure>();
    kj::throwFatalException(
        support::toException({support::kindOfErrno(failure.errorNumber), failure.errorNumber,
                              spawnFailureText(spec_, failure, environment_)}));
  }
  launch_ = kj::mv(result.get<kj::Own<Launch>>());
  pid_ = launch_->pid();
  pidfd_ = launch_->takePidfd();
  processes_->begin(pid_);

  using Observer = kj::UnixEventPort::FdObserver;
  exitObserver_ = kj::heap<Observer>(context_.port, pidfd_, Observer::OBSERVE_READ);
  outputPump_ = output_->pump().eagerlyEvaluate(logUnreadable);
  if (errors_.get() != nullptr) errorsPump_ = errors_->pump().eagerlyEvaluate(logUnreadable);
  if (input_.get() != nullptr) {
    if (spec_.input == wire::JobSpec::Input::INLINE) {
      input_->accept(0, spec_.inlineInput, AfterInput::kEnds);
      spec_.inlineInput = nullptr;
    }
    inputPump_ = input_->pump().eagerlyEvaluate(logUnreadable);
  }
  listener_.launching(*this);
  changed_.notify();
  return awaitExit(exitObserver_->whenBecomesReadable());
}

}  // namespace nodeagent::exec
