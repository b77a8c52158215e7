// Two local nodes that the tests of a suite share, and `muster` as one of several people.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace reservations {

struct Ended {
  int status = -1;
  std::string out;
  std::string err;
};

// gtest shows this when an expectation on an Ended fails.
void PrintTo(const Ended& ended, std::ostream* out);

// `muster`, which runs beside the test.
class Running {
 public:
  Running(pid_t pid, std::string files) : pid_(pid), files_(std::move(files)) {}

  // Kills it if it still runs.
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  // Kills it without a warning, as a power cut of its machine would. Its command goes on.
  void killHard();

  // Waits for its end, a minute at most.
  Ended wait();

  // Returns what it has written to standard error.
  std::string errors() const;

 private:
  pid_t pid_;
  const std::string files_;
};

// Each test begins and ends with nodes that nobody has reserved. Skips without root.
class ReservationsTest : public ::testing::Test {
 protected:
  // Is longer than everything that is waited for: leases of 10 s, and a slow machine.
  static constexpr std::chrono::seconds kWaitMax{60};

  static void SetUpTestSuite();
  static void TearDownTestSuite();
  void SetUp() override;
  void TearDown() override;

  // Runs `muster` with these words for a person, such as "alice".
  Ended muster(const std::string& person, const std::string& words) const;

  std::unique_ptr<Running> start(const std::string& person, const std::string& words);

  // Starts a script of a shell, in which `muster` acts for the person.
  std::unique_ptr<Running> startScript(const std::string& person, const std::string& script);

  // Returns words of a command that ends when the file `name` of the test's directory is there.
  std::string untilThere(const std::string& name) const;

  void put(const std::string& name) const;
  std::string contentOf(const std::string& name) const;

  // Waits until `muster why` prints `text` of server1.
  bool becomesSo(const std::string& text) const;

  static std::string cluster_;
  std::string directory_;

 private:
  int started_ = 0;
};

}  // namespace reservations
