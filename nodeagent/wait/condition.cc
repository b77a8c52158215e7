#include "nodeagent/wait/condition.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "nodeagent/os/mount_table.h"
#include "nodeagent/os/process.h"
#include "nodeagent/wait/connect.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::wait {
namespace {

using Kind = wire::Error::Kind;

constexpr size_t kPathBytesMax = 4095;
// The kernel keeps this much of a name.
constexpr size_t kNameBytes = 15;
constexpr size_t kHostBytesMax = 255;

kj::String readPath(kj::StringPtr field, capnp::Data::Reader from,
                    size_t bytesMax = kPathBytesMax) {
  auto path = kj::heapString(from.asChars());
  bool isGood = path.startsWith("/") && path.size() <= bytesMax &&
                memchr(path.begin(), '\0', path.size()) == nullptr;
  if (!isGood) {
    support::fail(Kind::INVALID, field, ": is not an absolute path of 1 to ", bytesMax,
                  " bytes; it has ", path.size());
  }
  return path;
}

kj::String readHost(kj::StringPtr host) {
  if (host.size() == 0) return kj::str("127.0.0.1");
  bool isGood = host.size() <= kHostBytesMax && host[0] != '-';
  for (char c : host) isGood = isGood && c > ' ' && c < 0x7f;
  if (!isGood) {
    support::fail(Kind::INVALID, "host: is not a name or address of at most ", kHostBytesMax,
                  " bytes");
  }
  return kj::str(host);
}

bool isMounted(kj::StringPtr path) {
  std::string wanted(path.cStr());
  while (wanted.size() > 1 && wanted.back() == '/') wanted.pop_back();
  auto mounts = readMounts();
  return std::any_of(mounts.begin(), mounts.end(),
                     [&](const MountLine& mount) { return mount.target == wanted; });
}

Seen lookForProcess(kj::StringPtr name) {
  kj::StringPtr whole = name;
  auto kept = kj::heapString(whole.begin(), std::min(whole.size(), kNameBytes));
  bool seesItself = false;
  for (auto& process : listProcesses()) {
    seesItself = seesItself || process.pid == ::getpid();
    if (process.command == kept && !process.hasEnded) {
      return {true, kj::str("it runs with pid ", process.pid)};
    }
  }
  // Processes that cannot be read, as without a free descriptor, are not in the list.
  if (!seesItself) support::fail(Kind::SYSTEM, "read /proc: the processes cannot be read");
  return {false, kj::str("no such process")};
}

Seen lookForFile(kj::StringPtr path) {
  struct stat status;
  if (::lstat(path.cStr(), &status) == 0) return {true, kj::str("it is there")};
  int reason = errno;
  if (reason != ENOENT && reason != ENOTDIR) support::failErrno(reason, "look for it");
  return {false, support::errnoText(reason)};
}

Seen lookAtServer(const Condition& condition, const Deadline& deadline) {
  uint16_t status = sendGet(condition.url, nullptr, deadline).status;
  bool holds = condition.status == 0 ? status / 100 == 2 : status == condition.status;
  return {holds, kj::str("status ", status)};
}

// Tells whether a failure means that nothing is there. Any other says nothing about that: a queue
// that is full, a directory that may not be searched, a host that does not answer.
bool saysGone(const support::Failure& failure) {
  int reason = failure.errorNumber;
  return reason == ECONNREFUSED || reason == ENOENT || reason == ENOTDIR;
}

Seen lookOnce(const Condition& condition, const Deadline& deadline) {
  switch (condition.which) {
    case wire::Condition::PORT:
      connectTcp(condition.subject, condition.port, deadline);
      return {true, kj::str("it accepts connections")};
    case wire::Condition::SOCKET:
      connectUnix(condition.subject, deadline);
      return {true, kj::str("it accepts connections")};
    case wire::Condition::FILE:
      return lookForFile(condition.subject);
    case wire::Condition::HTTP:
      return lookAtServer(condition, deadline);
    case wire::Condition::PROCESS:
      return lookForProcess(condition.subject);
    case wire::Condition::MOUNT: {
      bool is = isMounted(condition.subject);
      return {is, kj::str(is ? "it is mounted" : "it is not mounted")};
    }
    case wire::Condition::UNSPECIFIED:
      break;
  }
  KJ_UNREACHABLE;
}

}  // namespace

kj::Own<const Condition> readCondition(wire::Condition::Reader from) {
  auto condition = kj::atomicRefcounted<Condition>();
  condition->which = from.which();
  condition->isAbsent = from.getAbsent();
  switch (from.which()) {
    case wire::Condition::PORT:
      condition->subject = readHost(from.getPort().getHost());
      condition->port = from.getPort().getNumber();
      if (condition->port == 0) support::fail(Kind::INVALID, "port: 0 is none");
      break;
    case wire::Condition::SOCKET:
      condition->subject = readPath("socket", from.getSocket(), kUnixPathBytesMax);
      break;
    case wire::Condition::FILE:
      condition->subject = readPath("file", from.getFile());
      break;
    case wire::Condition::HTTP:
      condition->url = readUrl(from.getHttp().getUrl());
      condition->status = from.getHttp().getStatus();
      if (condition->status != 0 && (condition->status < 100 || condition->status > 999)) {
        support::fail(Kind::INVALID, "status: ", condition->status, " is none of HTTP");
      }
      break;
    case wire::Condition::PROCESS:
      condition->subject = kj::str(from.getProcess());
      if (condition->subject.size() == 0 || condition->subject.findFirst('/') != nullptr) {
        support::fail(Kind::INVALID, "process: is empty or has a \"/\"; it is a name, not a path");
      }
      break;
    case wire::Condition::MOUNT:
      condition->subject = readPath("mount", from.getMount());
      break;
    default:
      support::fail(Kind::INVALID, "condition: is none that this agent knows");
  }
  return condition;
}

Seen look(const Condition& condition, int64_t limitNs) {
  Seen seen;
  auto failure =
      kj::runCatchingExceptions([&]() { seen = lookOnce(condition, Deadline(limitNs)); });
  KJ_IF_MAYBE (exception, failure) {
    auto reason = support::toFailure(*exception, "waits.look");
    return {condition.isAbsent && saysGone(reason), kj::mv(reason.text)};
  }
  if (condition.isAbsent) seen.holds = !seen.holds;
  return seen;
}

}  // namespace nodeagent::wait
