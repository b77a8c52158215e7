#include "nodeagent/wait/connect.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include <kj/debug.h>
#include <kj/vector.h>

#include "nodeagent/os/command.h"
#include "schema/support/base/endpoint.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::wait {
namespace {

using Kind = wire::Error::Kind;

constexpr size_t kAddressesMax = 8;

// Waits until `socket` is ready for `events`.
void awaitReady(int socket, short events, const Deadline& deadline, kj::StringPtr what) {
  for (;;) {
    struct pollfd wish = {socket, events, 0};
    int ready = ::poll(&wish, 1, deadline.leftMs());
    if (ready > 0) return;
    if (ready < 0 && errno != EINTR) support::failErrno(errno, what);
    if (deadline.leftNs() == 0) support::fail(Kind::TIMEOUT, what, ": no answer in time");
  }
}

kj::AutoCloseFd connectTo(const sockaddr* address, socklen_t bytes, kj::StringPtr what,
                          const Deadline& deadline) {
  kj::AutoCloseFd socket(
      ::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) support::failErrno(errno, what);
  if (::connect(socket, address, bytes) == 0) return socket;
  if (errno == EAGAIN && address->sa_family == AF_UNIX) {
    support::fail(Kind::OVERLOADED, what, ": the listener's queue of connections is full");
  }
  if (errno != EINPROGRESS) support::failErrno(errno, what);
  awaitReady(socket, POLLOUT, deadline, what);
  int error = 0;
  socklen_t errorBytes = sizeof error;
  ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &errorBytes);
  if (error != 0) support::failErrno(error, what);
  return socket;
}

kj::Array<kj::String> resolve(kj::StringPtr host, const Deadline& deadline) {
  if (support::isNumericHost(host.cStr())) return kj::arr(kj::str(host));
  CommandResult result = runCommand(kj::arr(kj::str("getent"), kj::str("ahosts"), kj::str(host)),
                                    std::max<int64_t>(deadline.leftNs(), 1));
  if (result.end == CommandResult::End::kDeadline) {
    support::fail(Kind::TIMEOUT, "resolve ", host, ": no answer in time");
  }
  if (!result.succeeded()) {
    auto why = result.end == CommandResult::End::kExited && result.value == 2
                   ? kj::str("the node knows no host of this name")
                   : kj::str("getent: ", describeEnd(result));
    support::fail(Kind::SYSTEM, "resolve ", host, ": ", why);
  }
  auto addresses = parseAddresses(kj::heapString(result.output.asChars()));
  if (addresses.size() == 0) support::fail(Kind::SYSTEM, "resolve ", host, ": it has no address");
  return addresses;
}

}  // namespace

int64_t Deadline::leftNs() const {
  auto left = std::chrono::nanoseconds(end_ - std::chrono::steady_clock::now()).count();
  return std::max<int64_t>(left, 0);
}

int Deadline::leftMs() const {
  return static_cast<int>(std::min<int64_t>((leftNs() + 999'999) / 1'000'000, 60'000));
}

kj::Array<kj::String> parseAddresses(kj::StringPtr text) {
  kj::Vector<kj::String> addresses;
  std::string rest(text.cStr());
  for (size_t begin = 0; begin < rest.size() && addresses.size() < kAddressesMax;) {
    size_t end = std::min(rest.find('\n', begin), rest.size());
    std::string address = rest.substr(begin, rest.find_first_of(" \t\n", begin) - begin);
    bool isNew = std::none_of(addresses.begin(), addresses.end(),
                              [&](const kj::String& known) { return address == known.cStr(); });
    if (isNew && support::isNumericHost(address)) addresses.add(kj::str(address.c_str()));
    begin = end + 1;
  }
  return addresses.releaseAsArray();
}

kj::AutoCloseFd connectTcp(kj::StringPtr host, uint16_t port, const Deadline& deadline) {
  auto addresses = resolve(host, deadline);
  for (size_t i = 0;; ++i) {
    auto address = support::readNumericHost(addresses[i].cStr());
    // The port stands in one place in both families.
    reinterpret_cast<sockaddr_in&>(*address).sin_port = htons(port);
    auto what = kj::str("connect to ", addresses[i], " port ", port);
    kj::AutoCloseFd socket;
    auto failure = kj::runCatchingExceptions([&]() {
      socklen_t bytes = address->ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
      socket = connectTo(reinterpret_cast<sockaddr*>(&*address), bytes, what, deadline);
    });
    if (failure == nullptr) return socket;
    bool isLast = i + 1 == addresses.size() || deadline.leftNs() == 0;
    KJ_IF_MAYBE (exception, failure) {
      if (isLast) kj::throwFatalException(kj::mv(*exception));
    }
  }
}

kj::AutoCloseFd connectUnix(kj::StringPtr path, const Deadline& deadline) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  static_assert(kUnixPathBytesMax == sizeof address.sun_path - 1);
  KJ_REQUIRE(path.size() <= kUnixPathBytesMax);
  memcpy(address.sun_path, path.begin(), path.size());
  return connectTo(reinterpret_cast<sockaddr*>(&address), sizeof address, "connect", deadline);
}

void sendAll(int socket, kj::ArrayPtr<const char> bytes, const Deadline& deadline) {
  while (bytes.size() > 0) {
    ssize_t sent = ::send(socket, bytes.begin(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes = bytes.slice(static_cast<size_t>(sent), bytes.size());
    } else if (errno == EAGAIN) {
      awaitReady(socket, POLLOUT, deadline, "send the request");
    } else if (errno != EINTR) {
      support::failErrno(errno, "send the request");
    }
  }
}

size_t receive(int socket, kj::ArrayPtr<char> buffer, const Deadline& deadline) {
  for (;;) {
    if (deadline.leftNs() == 0) {
      support::fail(Kind::TIMEOUT, "read the response: it was not whole in time");
    }
    ssize_t count = ::recv(socket, buffer.begin(), buffer.size(), 0);
    if (count >= 0) return static_cast<size_t>(count);
    if (errno == EAGAIN) {
      awaitReady(socket, POLLIN, deadline, "read the response");
    } else if (errno != EINTR) {
      support::failErrno(errno, "read the response");
    }
  }
}

}  // namespace nodeagent::wait
