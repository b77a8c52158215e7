#include "harness/runner/crash_hold.h"

#include "harness/run/program_variables.h"
#include "schema/support/base/duration.h"

namespace harness::runner {
namespace {

// The process that adopts what was left has this time to tell of it.
constexpr std::chrono::seconds kAdoptMax{60};

// What it says is bounded.
constexpr size_t kTextBytesMax = 64 << 10;

std::string noteOf(const std::string& text) {
  return "held: " + text.substr(0, text.find_last_not_of('\n') + 1);
}

}  // namespace

void CrashHold::begin(const HeldTest& test, const std::string& look) {
  std::string text = test.id + ": " + test.because + "\n  it is held for " +
                     support::durationText(options_.time.count()) + "\n" + look +
                     run::howToEnd(options_.runDirectory, "muster");
  run::Json fields = run::holdFields(test.id, text, options_.time);
  item_ = writer_.begin(run::kHoldKind, test.item, fields);
  test_ = test.id;
  end_ = after(options_.time);
  display_.note(noteOf(text));
  display_.hold(test.id, run::holdEndText(fields["until"].get<int64_t>()));
}

std::string CrashHold::endReason() {
  if (auto end = run::takeHoldEnd(options_.runDirectory, options_.writer, item_)) {
    return *end == run::HoldEnd::kResume ? "resumed by muster resume" : run::kReleased;
  }
  if (std::chrono::steady_clock::now() < end_) return "";
  return "its time is over (" + support::durationText(options_.time.count()) + ")";
}

void CrashHold::end(const std::string& because) {
  if (!isOpen()) return;
  writer_.end(item_, {{"because", because}});
  item_.clear();
  display_.hold(test_, "");
  display_.note("the hold is over: " + because);
}

void CrashHold::show(const std::string& component, const LiveHold& hold) {
  bool isOver = !hold.because.empty();
  display_.hold(component + "/" + hold.test, isOver ? "" : run::holdEndText(hold.until));
  if (isOver) return display_.note("the hold is over: " + hold.because);
  display_.note(noteOf(component + "/" + hold.text));
}

bool CrashHold::goesOn(const HeldTest& test, int process, const std::string& cluster) {
  display_.tick();
  std::string reason = test.because.empty() ? "the test has ended" : "";
  if (reason.empty() && !isOpen()) {
    std::string look =
        "  gdb on the test program, which goes on:\n    gdb -p " + std::to_string(process) + "\n";
    if (!cluster.empty()) {
      look += "  its nodes, from another terminal:\n    muster ps --cluster " + cluster +
              "\n    muster shell --cluster " + cluster + " NODE\n";
    }
    begin(test, look);
  }
  if (reason.empty()) reason = endReason();
  if (reason.empty()) return true;
  end(reason);
  return false;
}

int CrashHold::hold(const HeldTest& test, const ProcessStart& program,
                    const std::function<std::string()>& cancels, const Interrupts& interrupts) {
  SpawnOptions start;
  start.argv = {program.argv.front(), run::kHoldLeftArgument};
  std::map<std::string, std::string> environment = program.environment;
  environment["GTEST_OUTPUT"] = "";
  environment[run::kHoldVariable] = std::to_string(options_.time.count()) + "ns";
  start.environment = environmentWith(environment);
  std::string said;
  bool hasTold = false;
  Deadline adoptEnd = after(kAdoptMax);
  ProgramWatch watch;
  watch.output = [&](std::string_view bytes) {
    if (said.size() < kTextBytesMax) said += bytes;
  };
  watch.look = [&](const auto&) -> std::string {
    display_.tick();
    if (!hasTold && (said.ends_with(run::kHeldLine) || said.size() >= kTextBytesMax)) {
      hasTold = true;
      begin(test, said.substr(0, said.rfind(run::kHeldLine)));
    }
    if (std::string reason = cancels(); !reason.empty()) return reason;
    if (hasTold) return endReason();
    return std::chrono::steady_clock::now() < adoptEnd ? "" : "the nodes were not adopted in time";
  };
  ProgramEnding ending = runProgram(std::move(start), watch, interrupts);
  if (!hasTold) display_.note(test.id + ": its nodes could not be held: " + said + ending.problem);
  end(!ending.ended.empty() ? ending.ended : "the process that held it has ended");
  return ending.stoppedBy;
}

}  // namespace harness::runner
