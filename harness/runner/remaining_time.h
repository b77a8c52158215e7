// Estimates how much longer a run takes, from the times that its tests usually take and from what
// has been measured in this run. It reads no clock and no history.
//
//   left = ratio * usual times of the tests that are left + gaps between tests
//
// The ratio is what tests have taken in this run, to what they usually take. A test without a usual
// time counts as the others like it in this run, or else as the usual ones.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>

namespace harness::runner {

// The ids are COMPONENT/SUITE.NAME. Tests run one after the other.
class RemainingTime {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // The usual times by the ids of the tests, in seconds. Those of other tests do no harm.
  void know(std::map<std::string, double> usual) { usual_ = std::move(usual); }

  // A test is to run once, or once more.
  void plan(const std::string& id);

  void begin(const std::string& id, Time now);

  enum class Ending { kPassed, kOther };

  // A test is over, be it that it has begun or not. Of those with a usual time, only one that has
  // passed tells how fast this run is: one that failed may have ended early, or have waited for its
  // whole limit.
  void end(const std::string& id, double seconds, Ending ending, Time now);

  // nullopt: nothing is left, or nothing is known.
  std::optional<std::chrono::nanoseconds> left(Time now) const;

 private:
  // Tests of which some have a usual time, whose sum is kept, and the others are counted.
  struct Sum {
    size_t usual = 0;
    double usualSeconds = 0;
    size_t others = 0;
  };

  void take(const std::string& id);

  // Multiplies usual times.
  double ratio() const;

  // What a test without a usual time takes.
  std::optional<double> secondsOfOther() const;

  std::map<std::string, double> usual_;
  Sum planned_;
  std::map<std::string, Time> running_;

  // Those that have run, and what they took.
  Sum ended_;
  double usualTook_ = 0;
  double othersTook_ = 0;

  // From the end of a test to the begin of the next.
  std::optional<Time> lastEnd_;
  double gapSeconds_ = 0;
  size_t gaps_ = 0;
};

}  // namespace harness::runner
