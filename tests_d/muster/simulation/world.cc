#include "tests_d/muster/simulation/world.h"

#include <string.h>

#include <kj/debug.h>

namespace simulation {

ManualPort::ManualPort(kj::UnixEventPort& pipes)
    : pipes_(pipes),
      timer_(kj::origin<kj::TimePoint>()),
      end_(kj::origin<kj::TimePoint>() + 24 * kj::HOURS) {}

bool ManualPort::wait() {
  bool woken = pipes_.poll();
  woken = woken_.exchange(false) || woken;
  if (woken || loop_->isRunnable()) return woken;
  KJ_IF_MAYBE (next, timer_.nextEvent()) {
    KJ_REQUIRE(*next <= end_, "the run does not come to its end");
    timer_.advanceTo(*next);
    return false;
  }
  KJ_FAIL_REQUIRE("nothing will ever happen again, and somebody waits");
}

bool ManualPort::poll() {
  bool woken = pipes_.poll();
  return woken_.exchange(false) || woken;
}

World::World(kj::UnixEventPort& pipes, uint64_t seed, Trace trace)
    : random_(seed), pipes_(pipes), port_(pipes), loop_(port_), waitScope_(loop_), tracing_(trace) {
  port_.serve(loop_);
}

void World::note(const char* what, uint64_t first, uint64_t second, uint64_t third) {
  ++steps_;
  mix(static_cast<uint64_t>(nowNs()));
  for (const char* at = what; *at != 0; ++at) hash_ = hash_ * 31 + static_cast<unsigned char>(*at);
  mix(first);
  mix(second);
  mix(third);
  if (tracing_ == Trace::kOff) return;
  char line[200];
  snprintf(line, sizeof line, "%10.6f  %s  %llu %llu %llu", static_cast<double>(nowNs()) / 1e9,
           what, static_cast<unsigned long long>(first), static_cast<unsigned long long>(second),
           static_cast<unsigned long long>(third));
  lines_.push_back(line);
}

void World::noteAndCount(Event event, uint64_t first, uint64_t second) {
  count(event);
  note(textOf(event), first, second);
}

void World::violated(const char* invariant, std::string text) {
  note(invariant);
  if (tracing_ == Trace::kOn) lines_.push_back("            VIOLATED: " + text);
  if (violation_.empty()) violation_ = std::string(invariant) + ": " + text;
}

}  // namespace simulation
