#include "harness/os/resolve.h"

#include <netdb.h>
#include <signal.h>
#include <string.h>

#include <algorithm>
#include <cctype>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

namespace harness {
namespace {

constexpr size_t kNameBytesMax = 253;
constexpr size_t kLabelBytesMax = 63;
constexpr size_t kAddressesMax = 8;

// A question to the C library, which frees itself with the answer.
struct Lookup {
  std::string name;
  addrinfo hints{};
  gaicb request{};
  std::function<void(ResolvedHost)> done;
};

bool isSame(const sockaddr_storage& a, const addrinfo& b) {
  return ::memcmp(&a, b.ai_addr, b.ai_addrlen) == 0;
}

ResolvedHost answerOf(int error, addrinfo* found) {
  ResolvedHost host;
  if (error != 0) {
    host.error = ::gai_strerror(error);
    return host;
  }
  for (addrinfo* one = found; one != nullptr; one = one->ai_next) {
    bool isKnown = std::any_of(host.addresses.begin(), host.addresses.end(),
                               [&](const sockaddr_storage& known) { return isSame(known, *one); });
    if (isKnown || host.addresses.size() == kAddressesMax) continue;
    sockaddr_storage address{};
    ::memcpy(&address, one->ai_addr, std::min<size_t>(one->ai_addrlen, sizeof address));
    host.addresses.push_back(address);
  }
  if (found != nullptr) ::freeaddrinfo(found);
  if (host.addresses.empty()) host.error = "the name has no address";
  return host;
}

void answered(sigval value) {
  std::unique_ptr<Lookup> lookup(static_cast<Lookup*>(value.sival_ptr));
  lookup->done(answerOf(::gai_error(&lookup->request), lookup->request.ar_result));
}

bool isLabel(const std::string& label) {
  auto isAllowed = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; };
  return !label.empty() && label.size() <= kLabelBytesMax && label.front() != '-' &&
         label.back() != '-' && std::all_of(label.begin(), label.end(), isAllowed);
}

}  // namespace

std::string hostNameProblem(const std::string& name) {
  if (name.empty()) return "it is empty";
  if (name.size() > kNameBytesMax) return "it has more than 253 bytes";
  // A dot at the end says that the name is whole.
  std::string rest = name.ends_with('.') ? name.substr(0, name.size() - 1) : name;
  std::string label;
  while (true) {
    size_t dot = rest.find('.');
    label = rest.substr(0, dot);
    if (!isLabel(label)) return "\"" + label + "\" is no part of a host name";
    if (dot == std::string::npos) break;
    rest.erase(0, dot + 1);
  }
  auto isDigit = [](unsigned char c) { return std::isdigit(c) != 0; };
  if (std::all_of(label.begin(), label.end(), isDigit)) {
    return "it ends like a numeric address, and is none";
  }
  return "";
}

void resolveLater(const std::string& name, std::function<void(ResolvedHost)> done) {
  auto lookup = std::make_unique<Lookup>();
  lookup->name = name;
  lookup->done = std::move(done);
  // Each address once, and not for each kind of socket.
  lookup->hints.ai_socktype = SOCK_STREAM;
  lookup->hints.ai_flags = AI_ADDRCONFIG;
  lookup->request.ar_name = lookup->name.c_str();
  lookup->request.ar_request = &lookup->hints;
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD;
  event.sigev_notify_function = answered;
  event.sigev_value.sival_ptr = lookup.get();
  gaicb* requests[] = {&lookup->request};
  int error = ::getaddrinfo_a(GAI_NOWAIT, requests, 1, &event);
  if (error != 0) {
    lookup->done(answerOf(error, nullptr));
    return;
  }
  // The C library has it until it calls back.
  (void)lookup.release();
}

ResolvedHost resolve(const std::string& name, Deadline deadline) {
  struct Answer {
    std::mutex mutex;
    std::condition_variable changed;
    bool isThere = false;
    ResolvedHost host;
  };
  auto answer = std::make_shared<Answer>();
  resolveLater(name, [answer](ResolvedHost host) {
    std::lock_guard<std::mutex> lock(answer->mutex);
    answer->host = std::move(host);
    answer->isThere = true;
    answer->changed.notify_all();
  });
  std::unique_lock<std::mutex> lock(answer->mutex);
  answer->changed.wait_until(lock, deadline, [&] { return answer->isThere; });
  if (!answer->isThere) return {{}, "the resolver gave no answer in time"};
  return answer->host;
}

}  // namespace harness
