// A hold is a test that failed and stands still, so that somebody can look at its nodes: what a
// record says of it, and how others end it. The holder is the program of the test
// (harness/fixture/hold.h), and for a program that has crashed the runner
// (harness/runner/crash_hold.h).
//
// A request to end a hold is a file in the directory of the run, which the holder looks for and
// takes away: everybody who may write there may end the hold.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/run/run_record.h"

namespace harness::run {

// The kind of its item.
inline constexpr char kHoldKind[] = "hold";

// How long a test is held at most, unless somebody says otherwise.
inline constexpr std::chrono::minutes kHoldMax{30};

// What a hold is called whose test is ended by `muster release`.
inline constexpr char kReleased[] = "released by muster release";

enum class HoldEnd {
  // The test goes on.
  kResume,
  // The test ends at once, and the nodes that were made for it are removed.
  kRelease,
};

// A hold that goes on.
struct Hold {
  // The name of the record's file that has it, and its item there.
  std::string writer = {};
  std::string id = {};

  // SUITE.NAME, or what is held besides tests.
  std::string test = {};

  // CLOCK_REALTIME in nanoseconds at which it ends by itself.
  int64_t until = 0;
};

// Returns the fields of an item of the kind `hold` that ends by itself after `time`. `text` tells
// people where the test has failed and how to look at its nodes.
Json holdFields(const std::string& test, const std::string& text, std::chrono::nanoseconds time);

// Returns the holds of a run that go on.
std::vector<Hold> holdsOf(const RunRecord& run);

// Returns the end of a hold as a clock on the wall shows it: "12:31:07 UTC".
std::string holdEndText(int64_t until);

// Returns the lines that say how to end a hold of the run in this directory by hand, with `muster`
// as it is called.
std::string howToEnd(const std::string& runDirectory, const std::string& muster);

// Asks the holder of a test to end the hold. Returns the path of the request. Throws SystemError.
std::string requestHoldEnd(const std::string& runDirectory, const Hold& hold, HoldEnd end);

// Tells whether nobody has taken the request yet.
bool isHoldEndWaiting(const std::string& request);

// Takes a request away that nobody will take.
void dropHoldEnd(const std::string& request);

// Takes the request to end this hold, if there is one.
std::optional<HoldEnd> takeHoldEnd(const std::string& runDirectory, const std::string& writer,
                                   const std::string& id);

}  // namespace harness::run
