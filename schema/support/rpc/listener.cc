#include "schema/support/rpc/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include <kj/debug.h>

#include "schema/support/base/log.h"
#include "schema/support/base/socket.h"
#include "schema/support/base/wire_error.h"

namespace support {
namespace {

using Kind = wire::Error::Kind;

constexpr int kBacklog = 512;
constexpr mode_t kSocketDirectoryMode = 0711;
constexpr kj::Duration kShortagePause = 50 * kj::MILLISECONDS;

bool shortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

// Says that an error concerns one connection only, or the network for a moment: the next accept may
// succeed.
bool transient(int error) {
  return error == ECONNABORTED || error == EINTR || error == ENETDOWN || error == EPROTO ||
         error == ENOPROTOOPT || error == EHOSTDOWN || error == ENONET || error == EHOSTUNREACH ||
         error == EOPNOTSUPP || error == ENETUNREACH || error == EPERM;
}

void checkDirectory(const std::string& socketPath) {
  std::string directory = socketPath.substr(0, socketPath.rfind('/'));
  if (directory.empty()) directory = "/";
  makeSocketDirectory(directory);
  struct stat status;
  if (stat(directory.c_str(), &status) < 0) failErrno(errno, "stat ", directory.c_str());
  if ((status.st_uid != 0 && status.st_uid != geteuid()) || (status.st_mode & 022) != 0) {
    fail(Kind::INVALID, "listen unix:", socketPath.c_str(), ": others can write the directory ",
         directory.c_str(), "; it must belong to root or to us and have a mode such as 0711");
  }
}

// Locks PATH.lock for the socket's whole life. The holder of the lock may replace the socket's
// file, because its former owner is dead.
kj::AutoCloseFd lockFor(const std::string& path) {
  std::string lockPath = path + ".lock";
  int descriptor = open(lockPath.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) failErrno(errno, "open ", lockPath.c_str());
  kj::AutoCloseFd lock(descriptor);
  if (flock(lock, LOCK_EX | LOCK_NB) < 0) {
    fail(Kind::CONFLICT, "listen unix:", path.c_str(), ": another agent listens there");
  }
  return lock;
}

// Binds to an address that the machine does not have yet.
int bindAhead(int socket, const Endpoint& endpoint) {
  int on = 1;
  bool isIpv6 = endpoint.address.ss_family == AF_INET6;
  int failed = isIpv6 ? setsockopt(socket, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof on)
                      : setsockopt(socket, IPPROTO_IP, IP_FREEBIND, &on, sizeof on);
  return failed < 0 ? failed : bind(socket, endpoint.socketAddress(), endpoint.addressBytes);
}

class ListenerImpl final : public Listener {
 public:
  ListenerImpl(const Endpoint& endpoint, kj::UnixEventPort& events, kj::Timer& timer,
               AbsentAddress absent)
      : endpoint_(endpoint),
        timer_(timer),
        socket_(bound(absent)),
        observer_(events, socket_, kj::UnixEventPort::FdObserver::OBSERVE_READ) {
    if (listen(socket_, kBacklog) < 0) failErrno(errno, "listen ", endpoint_.text().c_str());
  }

  ~ListenerImpl() noexcept(false) {
    if (endpoint_.transport == Transport::kUnix) unlink(endpoint_.path().c_str());
  }

  const Endpoint& endpoint() const override { return endpoint_; }

  kj::Promise<AcceptedSocket> accept() override {
    for (;;) {
      AcceptedSocket accepted;
      socklen_t length = sizeof accepted.peer;
      auto* peer = reinterpret_cast<sockaddr*>(&accepted.peer);
      int descriptor = accept4(socket_, peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (descriptor >= 0) {
        accepted.socket = kj::AutoCloseFd(descriptor);
        identify(accepted);
        return kj::mv(accepted);
      }
      if (errno == EAGAIN)
        return observer_.whenBecomesReadable().then([this]() { return accept(); });
      // Descriptors or memory are short. The connection stays in the backlog, and nothing tells
      // when there are enough again, so this looks again after a pause.
      if (shortage(errno)) {
        logLimited("accept", Level::kWarn, "cannot accept now; connections wait",
                   {{"listener", endpoint_.text()}, {"reason", errnoText(errno)}});
        return timer_.afterDelay(kShortagePause).then([this]() { return accept(); });
      }
      if (!transient(errno)) failErrno(errno, "accept on ", endpoint_.text().c_str());
    }
  }

  void giveTo(uid_t uid) override {
    if (chown(endpoint_.path().c_str(), uid, static_cast<gid_t>(-1)) < 0) {
      failErrno(errno, "chown ", endpoint_.path().c_str());
    }
  }

  void openToAll() override {
    if (chmod(endpoint_.path().c_str(), 0666) < 0) {
      failErrno(errno, "chmod ", endpoint_.path().c_str());
    }
  }

 private:
  kj::AutoCloseFd bound(AbsentAddress absent) {
    if (endpoint_.transport == Transport::kTcp && !endpoint_.loopback()) {
      fail(Kind::INVALID, "listen ", endpoint_.text().c_str(),
           ": not a loopback address; use tls: with certificates, or tcp: on 127.0.0.1 or "
           "[::1] only");
    }
    if (endpoint_.transport == Transport::kUnix) {
      checkDirectory(endpoint_.path());
      lock_ = lockFor(endpoint_.path());
      unlink(endpoint_.path().c_str());
    }
    KJ_ON_SCOPE_FAILURE(if (lock_ != nullptr) unlink((endpoint_.path() + ".lock").c_str()));
    auto socket = openSocket(endpoint_);
    int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (endpoint_.address.ss_family == AF_INET6)
      setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    // The socket's file must never have a wider mode, not even between bind and a chmod.
    mode_t mask = umask(0177);
    int result = bind(socket, endpoint_.socketAddress(), endpoint_.addressBytes);
    int error = errno;
    umask(mask);
    if (result < 0 && error == EADDRNOTAVAIL && absent == AbsentAddress::kAwaited) {
      log(Level::kWarn, "this node does not have the address now; listening for the time it does",
          {{"listener", endpoint_.text()}});
      result = bindAhead(socket, endpoint_);
      error = errno;
    }
    if (result < 0) {
      if (error == EADDRINUSE) {
        fail(Kind::CONFLICT, "listen ", endpoint_.text().c_str(),
             ": the port is in use by another process");
      }
      failErrno(error, "bind ", endpoint_.text().c_str());
    }
    if (endpoint_.transport != Transport::kUnix) {
      // Port 0 lets the kernel choose; the port that it chose is reported.
      KJ_SYSCALL(getsockname(socket, reinterpret_cast<sockaddr*>(&endpoint_.address),
                             &endpoint_.addressBytes));
    }
    return socket;
  }

  void identify(AcceptedSocket& accepted) {
    if (endpoint_.transport != Transport::kUnix) {
      setTcpOptions(accepted.socket);
      return;
    }
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    KJ_SYSCALL(getsockopt(accepted.socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length));
    accepted.uid = credentials.uid;
    accepted.pid = credentials.pid;
  }

  Endpoint endpoint_;
  kj::Timer& timer_;
  kj::AutoCloseFd lock_;
  kj::AutoCloseFd socket_;
  kj::UnixEventPort::FdObserver observer_;
};

}  // namespace

// The umask of a service may be 0077, and mkdir obeys it.
void makeSocketDirectory(const std::string& path) {
  int result = mkdir(path.c_str(), kSocketDirectoryMode);
  if (result < 0 && errno == EEXIST) return;
  if (result == 0) result = chmod(path.c_str(), kSocketDirectoryMode);
  if (result < 0) failErrno(errno, "make the directory ", path.c_str());
}

kj::Own<Listener> Listener::open(const Endpoint& endpoint, kj::UnixEventPort& events,
                                 kj::Timer& timer, AbsentAddress absent) {
  return kj::heap<ListenerImpl>(endpoint, events, timer, absent);
}

}  // namespace support
