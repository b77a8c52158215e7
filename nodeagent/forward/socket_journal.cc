#include "nodeagent/forward/socket_journal.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

#include <kj/encoding.h>

#include "schema/support/base/endpoint.h"
#include "schema/support/base/log.h"
#include "schema/support/base/socket.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::forward {

void removeDeadSocket(kj::StringPtr socketPath) {
  struct stat status;
  bool isSocket = ::lstat(socketPath.cStr(), &status) == 0 && S_ISSOCK(status.st_mode);
  if (isSocket) {
    std::string why;
    auto endpoint = support::Endpoint::fromText("unix:" + std::string(socketPath), &why);
    if (!endpoint) return;
    auto socket = support::openSocket(*endpoint);
    bool isServed = ::connect(socket, endpoint->socketAddress(), endpoint->addressBytes) == 0 ||
                    errno != ECONNREFUSED;
    if (isServed) return;
    ::unlink(socketPath.cStr());
  }
  ::unlink(kj::str(socketPath, ".lock").cStr());
}

// The path is the name of the note, in hexadecimal; longer ones than a name may have do not fit
// into a socket's address.
kj::String SocketJournal::pathOf(kj::StringPtr socketPath) const {
  return kj::str(directory_, "/", kj::encodeHex(socketPath.asBytes()));
}

bool SocketJournal::note(kj::StringPtr socketPath) const {
  if (directory_.size() == 0) return false;
  ::mkdir(directory_.cStr(), 0700);
  // A link to nowhere is made in one step.
  if (::symlink("socket", pathOf(socketPath).cStr()) == 0) return true;
  if (errno == EEXIST) return false;
  support::log(support::Level::kWarn, "cannot note a socket; it stays if the agent is killed",
               {{"socket", socketPath}, {"reason", support::errnoText(errno)}});
  return false;
}

void SocketJournal::drop(kj::StringPtr socketPath) const {
  if (directory_.size() > 0) ::unlink(pathOf(socketPath).cStr());
}

void SocketJournal::recover() const {
  if (directory_.size() == 0) return;
  std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(directory_.cStr()), ::closedir);
  if (!open) return;
  while (const dirent* each = ::readdir(open.get())) {
    kj::StringPtr name = each->d_name;
    if (name == "." || name == "..") continue;
    auto decoded = kj::decodeHex(name);
    auto path = kj::heapString(decoded.asChars().begin(), decoded.size());
    if (!decoded.hadErrors && path.startsWith("/")) {
      removeDeadSocket(path);
      support::log(support::Level::kInfo, "removed a socket of a killed keeper", {{"path", path}});
    }
    ::unlinkat(::dirfd(open.get()), each->d_name, 0);
  }
}

}  // namespace nodeagent::forward
