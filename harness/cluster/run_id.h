// The id of a run: one word that is the label `run` of all that it starts on nodes, so that
// `muster ps --run-id` and `muster kill --run-id` find it again whatever became of its controller.
//
// A run is one `muster run` with all its programs, or one test program or command by itself. The
// id is handed down in the environment.
#pragma once

#include <string>

namespace harness {

inline constexpr char kRunIdVariable[] = "MUSTER_RUN_ID";
inline constexpr char kRunLabel[] = "run";

// Such as "20261121T144501Z-3fa91c": the time, UTC, and a random part.
std::string newRunId();

// What is wrong with `id`, for a message behind the option's name; empty: it can be one. 1 to 64 of
// letters, digits and "._:+-", the first a letter or digit.
std::string runIdProblem(const std::string& id);

// $MUSTER_RUN_ID; empty: there is none.
std::string inheritedRunId();

}  // namespace harness
