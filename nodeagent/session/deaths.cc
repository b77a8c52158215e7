#include "nodeagent/session/deaths.h"

#include <signal.h>

#include <algorithm>
#include <utility>

namespace nodeagent {

bool isCrashSignal(int signal) {
  switch (signal) {
    case SIGQUIT:
    case SIGILL:
    case SIGTRAP:
    case SIGABRT:
    case SIGBUS:
    case SIGFPE:
    case SIGSEGV:
    case SIGSYS:
    case SIGXCPU:
    case SIGXFSZ:
      return true;
    default:
      return false;
  }
}

void Deaths::add(Death death) {
  death.position = positionNext_++;
  if (death.text.size() > kTextBytesMax) death.text.resize(kTextBytesMax);
  deaths_.push_back(std::move(death));
  if (deaths_.size() > kKeptMax) deaths_.pop_front();
}

std::vector<Death> Deaths::since(uint64_t position, const support::Id& session) const {
  std::vector<Death> found;
  for (const Death& death : deaths_) {
    bool isOurs = !death.session || *death.session == session;
    if (death.position > position && isOurs) found.push_back(death);
  }
  return found;
}

// A path that is noted again becomes the newest.
void Deaths::note(std::deque<std::string>& places, const std::string& path) {
  if (path.empty() || path[0] != '/') return;
  std::erase(places, path);
  places.push_back(path);
  if (places.size() > kPlacesMax) places.pop_front();
}

void Deaths::provoke(const std::string& service, int signal) {
  provoked_.push_back({service, signal});
  if (provoked_.size() > kProvokedMax) provoked_.pop_front();
}

bool Deaths::isProvoked(const std::string& service, int signal) const {
  return std::any_of(provoked_.begin(), provoked_.end(), [&](const Provoked& provoked) {
    return provoked.service == service && provoked.signal == signal;
  });
}

}  // namespace nodeagent
