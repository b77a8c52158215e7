// Gives unit tests a table of sessions on clocks that stand still until the test moves them.
#pragma once

#include <gtest/gtest.h>
#include <kj/async-io.h>

#include "nodeagent/session/session.h"
#include "schema/support/base/log.h"

namespace nodeagent {

class SessionFixture : public testing::Test {
 protected:
  ~SessionFixture() noexcept override {}

  // Moves both clocks and runs everything that became due.
  void advance(kj::Duration elapsed) {
    clock_.advance(elapsed / kj::NANOSECONDS);
    timer_.advanceTo(timer_.now() + elapsed);
    waitScope_.poll();
  }

  kj::EventLoop loop_;
  kj::WaitScope waitScope_{loop_};
  kj::TimerImpl timer_{kj::origin<kj::TimePoint>()};
  ManualClock clock_;
  support::CapturedLog log_;
  SessionTable table_{clock_, timer_};
};

}  // namespace nodeagent
