// ProgramChannel runs the program of a kind of provisioner, and speaks the provisioner protocol
// with it (docs/reference/provisioner-protocol.md). Nothing that the program does, or does not do,
// harms the caller: each wait, line and text of it is bounded, and each fault is a ProvisionError
// that names the program and shows its last words.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "harness/os/process.h"
#include "harness/provision/program/words.h"

namespace harness {

// A key of the cluster file as the program describes it.
struct DescribedKey {
  std::string name;
  bool isRequired = false;
  std::string example;
  // A value is a node expression, which says one for each node of a set.
  bool spreads = false;
};

// The first line of a program.
struct ProgramDescription {
  std::string kind;
  std::vector<DescribedKey> clusterKeys;
  std::vector<DescribedKey> nodeKeys;
  std::vector<std::string> abilities;

  bool can(const char* ability) const;
};

class ProgramChannel {
 public:
  struct Options {
    // The longest time from the start to the description.
    std::chrono::seconds startTime{15};
    // The longest time without a line while a request is not answered.
    std::chrono::seconds silence{60};
    // The longest time for an answer.
    std::chrono::seconds total{3600};
    // The time for its end once its input is closed; it removes clusters then.
    std::chrono::seconds endTime{120};
  };

  // Starts the program `path`, in a session of its own, and reads its description, whose kind must
  // be `kind`. Throws ProvisionError.
  ProgramChannel(std::string path, std::string kind, Options options);
  ProgramChannel(std::string path, std::string kind)
      : ProgramChannel(std::move(path), std::move(kind), Options()) {}

  // As end().
  ~ProgramChannel();
  ProgramChannel(const ProgramChannel&) = delete;
  ProgramChannel& operator=(const ProgramChannel&) = delete;

  const ProgramDescription& description() const { return description_; }
  pid_t pid() const { return child_.pid(); }

  // False once it has been ended, for whatever reason.
  bool isOpen() const { return static_cast<bool>(input_); }

  // Receives the lines of a request that come before its answer, and an empty object each 100 ms
  // without one. What it throws is passed on by ask().
  using Watcher = std::function<void(const ProtocolJson& line)>;

  // Sends the request, an object with "do", and returns the value of "ok". An answer "error"
  // becomes ProvisionError, or BadPlanError. After any other failure the program has been ended,
  // and each further call fails.
  ProtocolJson ask(ProtocolJson request, const Watcher& watcher = {});

  // Closes the program's input, by which it removes what is owned, and waits for its end; kills it
  // if it takes longer than Options::endTime. The first call counts.
  void end();

 private:
  void readDescription();
  // Returns the next line; an empty one once `until` is over. Sends the rest of `unsent_`.
  std::string nextLine(Deadline until);
  // One wait for input, output or errors, at most until the deadline.
  void exchange(Deadline until);
  void readErrors();
  ProtocolJson parse(const std::string& line);
  void breakOff();
  [[noreturn]] void failAs(const ProtocolJson& error, const std::string& line);
  [[noreturn]] void failSilent(const std::string& attempt, std::chrono::seconds time);
  [[noreturn]] void failEnded(const std::string& attempt);
  [[noreturn]] void failNonsense(const std::string& what, const std::string& line);
  std::string program() const;
  std::string lastWords() const;

  std::string path_;
  std::string kind_;
  Options options_;
  ProgramDescription description_;
  Child child_;
  Fd input_;
  Fd output_;
  Fd errors_;
  std::string unsent_;
  std::string received_;
  // The end of what it has written to standard error.
  std::string errorText_;
  bool hasEndedOutput_ = false;
  size_t lines_ = 0;
  int64_t requests_ = 0;
  std::string attempt_ = "describe itself";
};

// The program says that a plan cannot be.
class BadPlanError : public std::runtime_error {
 public:
  BadPlanError(std::string pointer, const std::string& reason)
      : std::runtime_error(reason), pointer_(std::move(pointer)) {}

  // The place in the plan's JSON. Empty: the reason begins with the place in the file.
  const std::string& pointer() const { return pointer_; }

 private:
  std::string pointer_;
};

}  // namespace harness
