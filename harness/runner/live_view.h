// Shows somebody who waits at the terminal what a run does: on the live line, and in full when a
// key is pressed. It decides nothing.
#pragma once

#include <functional>
#include <string>

#include "harness/runner/display.h"
#include "harness/runner/runner.h"
#include "harness/runner/running_now.h"
#include "harness/runner/terminal_keys.h"

namespace harness::runner {

// Listens from its making on. Used on one thread.
class LiveView {
 public:
  // `display` is borrowed.
  LiveView(Display& display, const RunnerOptions& options);

  // Shows what the run does now. Call it again and again while it waits for something: a ^Z is
  // heard here only. `output` returns what the program has printed, and is called at a key.
  void look(RunningNow now, const std::function<std::string()>& output = {});

 private:
  Display& display_;
  TerminalKeys keys_;
};

}  // namespace harness::runner
