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

// The file that tells how far the making of nodes is (nodes_making.h).
inline constexpr char kMakingVariable[] = "MUSTER_MAKING";

// The time of the whole process, after which the runner ends it.
inline constexpr char kProgramTimeVariable[] = "MUSTER_PROGRAM_TIME";

// The argument that makes a program make the nodes of its selected tests, print their cluster's
// name as "cluster NAME", and remove them at the end of its standard input.
inline constexpr char kHoldNodesArgument[] = "--muster-hold-nodes";

// How long a failing test is held, and what is frozen meanwhile: "1", or names of programs and
// units besides (--hold-on-failure and --hold-freeze).
inline constexpr char kHoldVariable[] = "MUSTER_HOLD_ON_FAILURE";
inline constexpr char kFreezeVariable[] = "MUSTER_HOLD_FREEZE";

// "1": a debugger runs the program, and stops it for as long as somebody likes.
inline constexpr char kDebuggedVariable[] = "MUSTER_DEBUGGED";

// The argument that makes a program hold what a crashed process of it has left on the nodes: it
// prints how to look at them, and behind it kHeldLine, and ends by SIGTERM.
inline constexpr char kHoldLeftArgument[] = "--muster-hold-left";
inline constexpr char kHeldLine[] = "muster-held\n";

}  // namespace harness::run
