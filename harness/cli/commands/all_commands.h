// The commands of `muster`, in the order of its help: a row for each constant that a file of this
// directory defines.
#pragma once

#include "harness/cli/command.h"

#define MUSTER_COMMANDS(ROW) \
  ROW(kUp)                   \
  ROW(kDown)                 \
  ROW(kDeploy)               \
  ROW(kNodes)                \
  ROW(kFacts)                \
  ROW(kPs)                   \
  ROW(kKill)                 \
  ROW(kExec)                 \
  ROW(kCp)                   \
  ROW(kLogs)                 \
  ROW(kCollect)              \
  ROW(kMetrics)              \
  ROW(kSync)                 \
  ROW(kShell)                \
  ROW(kForward)              \
  ROW(kBarrier)              \
  ROW(kReboot)               \
  ROW(kReserve)              \
  ROW(kUnreserve)            \
  ROW(kReservations)         \
  ROW(kWhy)                  \
  ROW(kListTests)            \
  ROW(kRun)                  \
  ROW(kCancel)               \
  ROW(kResume)               \
  ROW(kRelease)              \
  ROW(kBisect)               \
  ROW(kRuns)                 \
  ROW(kShow)                 \
  ROW(kHistory)              \
  ROW(kQuery)                \
  ROW(kReport)               \
  ROW(kDiff)                 \
  ROW(kProbes)               \
  ROW(kService)              \
  ROW(kServiceStatus)        \
  ROW(kServiceWait)          \
  ROW(kServiceStart)         \
  ROW(kServiceStop)          \
  ROW(kServiceRestart)       \
  ROW(kServiceReload)        \
  ROW(kServiceEnable)        \
  ROW(kServiceDisable)       \
  ROW(kServiceMask)          \
  ROW(kServiceUnmask)        \
  ROW(kServiceResetFailed)   \
  ROW(kServiceKill)          \
  ROW(kWait)                 \
  ROW(kHttp)                 \
  ROW(kFault)                \
  ROW(kFaultAdd)             \
  ROW(kFaultList)            \
  ROW(kFaultHeal)            \
  ROW(kNemesis)              \
  ROW(kNemesisDraw)          \
  ROW(kNemesisShow)          \
  ROW(kNemesisShrink)        \
  ROW(kChangeGroup)          \
  ROW(kChangeHold)           \
  ROW(kChangeList)           \
  ROW(kChangeUndo)           \
  ROW(kPki)                  \
  ROW(kPkiInit)              \
  ROW(kPkiNode)              \
  ROW(kPkiSign)              \
  ROW(kPkiClient)            \
  ROW(kPkiShow)              \
  ROW(kPkiRenew)             \
  ROW(kPkiRevoke)            \
  ROW(kPkiToken)             \
  ROW(kPkiTokens)            \
  ROW(kPkiRevokeToken)       \
  ROW(kPkiServe)             \
  ROW(kCheck)                \
  ROW(kGc)                   \
  ROW(kCompletion)           \
  ROW(kHelp)

namespace harness {

#define MUSTER_DECLARE(command) extern const Command command;
MUSTER_COMMANDS(MUSTER_DECLARE)
#undef MUSTER_DECLARE

}  // namespace harness
