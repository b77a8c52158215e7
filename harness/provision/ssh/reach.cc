#include "harness/provision/ssh/reach.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "harness/os/fd.h"
#include "harness/os/resolve.h"
#include "harness/os/wait.h"
#include "harness/provision/agent_files.h"
#include "schema/support/base/endpoint.h"

namespace harness {
namespace {

struct Attempt {
  std::string address;
  Fd socket;
};

// Returns the error of a connection that has been decided.
int errorOf(const Fd& socket) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

std::string endpointText(const std::string& address, uint16_t port) {
  bool isV6 = address.find(':') != std::string::npos;
  return "tls:" + (isV6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

std::vector<Attempt> beginAll(const std::vector<std::string>& addresses, uint16_t port,
                              std::string* why) {
  std::vector<Attempt> attempts;
  for (const std::string& address : addresses) {
    auto endpoint = support::Endpoint::fromText(endpointText(address, port), why);
    if (!endpoint) continue;
    Fd socket(::socket(endpoint->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    bool isBegun = socket && (::connect(socket.get(), endpoint->socketAddress(),
                                        endpoint->addressBytes) == 0 ||
                              errno == EINPROGRESS);
    if (isBegun) {
      attempts.push_back({address, std::move(socket)});
    } else {
      *why = address + ": " + std::strerror(errno);
    }
  }
  return attempts;
}

}  // namespace

std::optional<std::string> firstThatAnswers(const std::vector<std::string>& addresses,
                                            uint16_t port, std::chrono::seconds time,
                                            std::string* why) {
  *why = "no address is known";
  std::vector<Attempt> attempts = beginAll(addresses, port, why);
  Deadline deadline = after(time);
  while (!attempts.empty()) {
    std::vector<pollfd> watched;
    for (const Attempt& attempt : attempts) watched.push_back({attempt.socket.get(), POLLOUT, 0});
    int count = ::poll(watched.data(), watched.size(), millisecondsUntil(deadline));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      *why = attempts.front().address + ": no answer within " + std::to_string(time.count()) + " s";
      return std::nullopt;
    }
    std::vector<Attempt> undecided;
    for (size_t i = 0; i < watched.size(); ++i) {
      if (watched[i].revents == 0) {
        undecided.push_back(std::move(attempts[i]));
        continue;
      }
      int error = errorOf(attempts[i].socket);
      if (error == 0) return attempts[i].address;
      *why = attempts[i].address + ": " + std::strerror(error);
    }
    attempts = std::move(undecided);
  }
  return std::nullopt;
}

std::vector<std::string> addressesOf(const std::string& host, std::chrono::seconds time) {
  if (support::isNumericHost(host)) return {host};
  std::vector<std::string> addresses;
  for (const sockaddr_storage& address : resolve(host, after(time)).addresses) {
    addresses.push_back(support::hostText(address));
  }
  return addresses;
}

}  // namespace harness
