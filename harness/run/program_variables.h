// Names the environment variables by which a runner and a test program speak to each other, beside
// those that people set (harness/fixture/options.h). Both sides read them here.
#pragma once

namespace harness::run {

// The file that the program is to write its record into.
inline constexpr char kRecordVariable[] = "MUSTER_RECORD";

// The program of which a test has started another program, which is nested then.
inline constexpr char kWriterVariable[] = "MUSTER_RECORD_OF";

// Which attempt and which repetition of its tests the program is, from 1.
inline constexpr char kAttemptVariable[] = "MUSTER_ATTEMPT";
inline constexpr char kRepeatVariable[] = "MUSTER_REPEAT";

// The cluster that was made for the program's processes.
inline constexpr char kHeldClusterVariable[] = "MUSTER_HELD_CLUSTER";

// The time of the whole process, after which the runner ends it.
inline constexpr char kProgramTimeVariable[] = "MUSTER_PROGRAM_TIME";

// The argument that makes a program make the nodes of its selected tests, print their cluster's
// name as "cluster NAME", and remove them at the end of its standard input.
inline constexpr char kHoldNodesArgument[] = "--muster-hold-nodes";

}  // namespace harness::run
