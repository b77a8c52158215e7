// The id of a run: one word that is the label `run` of all that it starts on nodes, so that
// `muster ps --run-id` and `muster kill --run-id` find it again whatever became of its controller.
//
// A run is one `muster run` with all its programs, or one test program or command by itself. The
// id is handed down in the environment.
#pragma once

#include <string>

namespace harness {

// The directory in which a run leaves the whole output of commands that failed (muster/result.h).
inline constexpr char kRunDirectoryVariable[] = "MUSTER_RUN_DIR";

inline constexpr char kRunIdVariable[] = "MUSTER_RUN_ID";
inline constexpr char kRunLabel[] = "run";

// The label with the process that a session belongs to (harness/os/process_mark.h).
inline constexpr char kProcessLabel[] = "process";

// Returns an id such as "20261121T144501Z-3fa91c", of the time in UTC and a random part.
std::string newRunId();

// Says why `id` cannot be the id of a run, for a message behind the option's name. Empty: it can
// be. An id has 1 to 64 of letters, digits and "._:+-", the first a letter or digit.
std::string runIdProblem(const std::string& id);

// Returns $MUSTER_RUN_ID. Empty: there is none.
std::string inheritedRunId();

}  // namespace harness
