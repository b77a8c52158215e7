#include "tests_d/muster/robustness/history.h"

#include <algorithm>
#include <sstream>

#include "tests_d/muster/robustness/stream.h"

namespace robustness {

using muster::Outcome;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

namespace {

class Model {
 public:
  Model(const History& history, const Allowed& allowed) : history_(history), allowed_(allowed) {}

  std::vector<std::string> run() {
    for (const CommandRecord& command : history_.commands) check(command);
    checkUnknownExecutions();
    checkFiles();
    return std::move(found_);
  }

 private:
  void complain(const std::string& invariant, const std::string& subject, const std::string& what) {
    found_.push_back(invariant + " " + subject + ": " + what);
  }

  template <typename Record>
  void checkTime(const std::string& subject, const Record& record) {
    nanoseconds late = record.returned - record.deadline;
    if (late <= allowed_.overrunMax) return;
    complain("I5", subject,
             "returned " + std::to_string(late / milliseconds(1)) + " ms after its deadline, " +
                 std::to_string(allowed_.overrunMax / milliseconds(1)) + " ms are allowed");
  }

  void checkStreams(const CommandRecord& command, Extent extent) {
    std::string flaw = streamFlaw(command.name, command.outLines, command.out, extent);
    if (!flaw.empty()) complain("I1", command.name, "standard output: " + flaw);
    flaw = streamFlaw(command.name + ".err", command.errLines, command.err, extent);
    if (!flaw.empty()) complain("I1", command.name, "standard error: " + flaw);
  }

  void check(const CommandRecord& command) {
    size_t executions = history_.executions.count(command.name);
    if (executions > 1) {
      complain("I2", command.name, "was executed " + std::to_string(executions) + " times");
    }
    checkTime(command.name, command);
    if (!command.outcome) {
      if (!command.error) {
        complain("I3", command.name, "neither an outcome nor an error");
      } else if (!allowed_.errors.count(*command.error)) {
        complain("I3", command.name, "error not allowed here: " + command.errorText);
      }
      return;
    }
    if (command.outcome->kind() == Outcome::Kind::kExited) {
      checkExited(command, executions);
    } else if (!allowed_.outcomes.count(command.outcome->kind())) {
      complain("I3", command.name, "outcome not allowed here: " + toString(*command.outcome));
    } else {
      checkStreams(command, Extent::kBeginning);
      if (command.outcome->kind() == Outcome::Kind::kNotStarted && executions != 0) {
        complain("I6", command.name, "is said not to have started, but it was executed");
      }
    }
  }

  void checkExited(const CommandRecord& command, size_t executions) {
    if (command.outcome->exitStatus() != command.exitStatus) {
      complain("I6", command.name,
               toString(*command.outcome) + ", really " + std::to_string(command.exitStatus));
    }
    if (executions == 0) complain("I6", command.name, "is said to have exited, but never ran");
    checkStreams(command, Extent::kWhole);
  }

  void checkUnknownExecutions() {
    std::set<std::string> known;
    for (const CommandRecord& command : history_.commands) known.insert(command.name);
    for (const auto& [name, pid] : history_.executions) {
      if (!known.count(name)) complain("I2", name, "was executed, but nobody asked for it");
    }
  }

  // The versions of one path, which one thread writes, that a look may see.
  struct Possible {
    uint64_t oldest = 0;  // The last version that was surely written, or seen.
    uint64_t newest = 0;  // The last version whose writing was begun.
  };

  void checkFiles() {
    std::map<std::string, Possible> files;
    for (const FileRecord& record : history_.files) {
      checkTime(record.path, record);
      Possible& possible = files[record.path];
      if (record.write) possible.newest = record.version;
      if (record.error) {
        if (!allowed_.errors.count(*record.error)) {
          complain("I3", record.path, "error not allowed here: " + record.errorText);
        }
        continue;
      }
      if (record.write) {
        possible.oldest = record.version;
      } else {
        checkLook(record, possible);
      }
    }
  }

  void checkLook(const FileRecord& record, Possible& possible) {
    std::string version = "version " + std::to_string(record.version);
    if (!record.whole) {
      complain("I7", record.path, "is not a version in full, near " + version);
    } else if (record.version < possible.oldest || record.version > possible.newest) {
      complain("I7", record.path,
               "holds " + version + ", possible are " + std::to_string(possible.oldest) + " to " +
                   std::to_string(possible.newest));
    } else {
      possible.oldest = record.version;
    }
  }

  const History& history_;
  const Allowed& allowed_;
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> violations(const History& history, const Allowed& allowed) {
  return Model(history, allowed).run();
}

Figures figuresOf(const History& history) {
  Figures figures;
  figures.commands = history.commands.size();
  figures.fileCalls = history.files.size();
  for (const CommandRecord& command : history.commands) {
    if (!command.outcome) {
      ++figures.errors;
    } else {
      bool exited = command.outcome->kind() == Outcome::Kind::kExited;
      ++(exited ? figures.exited : figures.otherOutcomes);
    }
    figures.outputBytes += command.out.size() + command.err.size();
    nanoseconds late = command.returned - command.deadline;
    figures.overrunWorst = std::max(figures.overrunWorst, late);
  }
  for (const FileRecord& record : history.files) {
    if (record.error) ++figures.errors;
    nanoseconds late = record.returned - record.deadline;
    figures.overrunWorst = std::max(figures.overrunWorst, late);
  }
  return figures;
}

std::string toString(const Figures& figures) {
  std::ostringstream text;
  text << figures.commands << " commands (" << figures.exited << " exited, "
       << figures.otherOutcomes << " otherwise), " << figures.errors << " errors, "
       << figures.fileCalls << " file calls, " << figures.outputBytes
       << " bytes of output, overrun at most " << figures.overrunWorst / milliseconds(1) << " ms";
  return text.str();
}

std::multimap<std::string, int> parseExecutions(const std::string& text) {
  std::multimap<std::string, int> executions;
  std::istringstream stream(text);
  std::string name;
  int pid = 0;
  while (stream >> name >> pid) executions.emplace(name, pid);
  return executions;
}

}  // namespace robustness
