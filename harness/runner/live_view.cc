#include "harness/runner/live_view.h"

#include <utility>

namespace harness::runner {
namespace {

// The keys of a program that has the terminal are its own.
TerminalKeys::Listening listeningOf(const RunnerOptions& options) {
  bool isTheirs =
      options.output == ProgramOutput::kLive || options.wrapper.kind == Wrapper::Kind::kDebugger;
  return isTheirs ? TerminalKeys::Listening::kOff : TerminalKeys::Listening::kOn;
}

}  // namespace

LiveView::LiveView(Display& display, const RunnerOptions& options)
    : display_(display), keys_(listeningOf(options)) {}

void LiveView::look(RunningNow now, const std::function<std::string()>& output) {
  if (keys_.wasPressed()) {
    if (output) now.output = output();
    display_.showRunning(runningText(now));
  }
  display_.setWork(workText(now));
  display_.setHint(keys_.isListening() ? "[t: what runs now]" : "");
  display_.tick();
}

}  // namespace harness::runner
