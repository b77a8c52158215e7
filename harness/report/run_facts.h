// Answers what was run, where and with what, for the formats of reports: the facts of a run, of its
// nodes and of one attempt of a test. It judges no test (harness/run/results.h), and it opens no
// artifact.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness/run/results.h"

namespace harness::report {

struct NodeFacts {
  std::string name = {};
  std::string role = {};
  std::string address = {};
  // The version of its agent.
  std::string agent = {};
  std::string kernel = {};
  std::string system = {};
  // The versions of the packages that are tested, by their names.
  std::map<std::string, std::string> product = {};
};

using Properties = std::vector<std::pair<std::string, std::string>>;

struct RunFacts {
  std::string id = {};
  std::string directory = {};

  // The words of the command line, as a shell would take them.
  std::string command = {};

  // Empty: unknown, as in all texts here.
  std::string seed = {};
  std::string host = {};
  std::string muster = {};
  std::string revision = {};
  std::string branch = {};
  bool isDirty = false;

  // CLOCK_REALTIME at its begin, in nanoseconds.
  int64_t wall = 0;

  // Its configuration and its properties: a property counts before a setting of the same name.
  Properties properties = {};

  // Each once, in the order in which they were named.
  std::vector<NodeFacts> nodes = {};

  // The value of a property or a setting; empty: the run has none of this name.
  std::string property(const std::string& name) const;
};

RunFacts factsOf(const run::RunRecord& run);

struct Artifact {
  // Relative to the run's directory, unless the record has an absolute path.
  std::string path = {};
  // What it is: "log", "output", "series" and other words of the records.
  std::string type = {};
  std::string node = {};
  int64_t bytes = 0;
};

struct AttemptFacts {
  Properties properties = {};
  std::vector<Artifact> artifacts = {};
  // What the program printed while it ran.
  std::string output = {};
};

// Reads what the records of a run have of its attempts beyond their results.
class AttemptReader {
 public:
  // `run` must outlive this.
  explicit AttemptReader(const run::RunRecord& run);

  // Returns what the program and the runner have recorded of one attempt of a test.
  AttemptFacts read(const run::TestResult& test, const run::Attempt& attempt) const;

 private:
  // The places of a file and of an item in it.
  using Place = std::pair<size_t, size_t>;

  void take(AttemptFacts& facts, const Place& place) const;

  const run::RunRecord& run_;
  // Places of items that name a file, by that of their test.
  std::map<Place, std::vector<Place>> artifacts_;
  // Tests of the runner's record, by their testKeyOf().
  std::map<std::string, Place> runnerTests_;
};

// Returns a text that is the same for all records of one attempt of one test.
std::string testKeyOf(const run::RecordFile& file, const run::Item& test);

// Returns a time as "2026-12-01T02:45:01Z". Empty for 0.
std::string utcText(int64_t wall);

// Returns the attempt that explains the outcome of its test: one that has it, or the worst one
// where an exoneration has made the outcome.
const run::Attempt& tellingAttemptOf(const run::TestResult& test);

// Returns all that is known of an attempt that did not pass: each failure with its place, and why
// it has its outcome. Lines may be long. Empty: nothing is known.
std::string storyOf(const run::Attempt& attempt);

// Returns the first line of that story, as one printable line.
std::string reasonOf(const run::Attempt& attempt);

// Returns a failure as "file:line: text".
std::string textOf(const run::Failure& failure);

// Returns the first line of a text, of `bytesMax` at most.
std::string firstLineOf(const std::string& text, size_t bytesMax);

}  // namespace harness::report
