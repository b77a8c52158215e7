// Tells where the directory of a run is: where a new one is made, and where an earlier one is
// found. What is in it is said by docs/reference/records.md.
#pragma once

#include <string>

namespace harness::run {

// The directory of runs, in the working directory, and the link in it to the newest one.
inline constexpr char kRunsDirectory[] = "muster-runs";
inline constexpr char kLatestLink[] = "latest";

// The directory of records in that of a run.
inline constexpr char kRecordsDirectory[] = "records";

// The directory of what green tests keep of their logs, in that of a run: of the lines that differ
// only in what changes from run to run, the first one. Later failures are compared with it. The
// second is the type of such an artifact.
inline constexpr char kLogLinesDirectory[] = "log-lines";
inline constexpr char kLogLinesType[] = "log lines";

// Returns the absolute path of the directory of a run of this id that names no other one. Nothing
// is made.
std::string defaultRunDirectory(const std::string& runId);

// Makes the directory of a run, with that of its records. In a directory of runs, `latest` links to
// it from now on. Throws SystemError, also if it has records of a run of another id.
void makeRunDirectory(const std::string& directory, const std::string& runId);

// Returns the path of a new record in the directory of a run.
std::string recordPath(const std::string& directory, const std::string& writer);

// Finds the directory of a run by its path, by its id in ./muster-runs, by a beginning of one that
// only one id has, or by the word "latest". Throws SystemError, whose text names those that there
// are.
std::string findRun(const std::string& text);

}  // namespace harness::run
