// A crash on a node as its agent tells it. This header has values only; the calls are in
// diagnosis.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace harness {

struct Crash {
  // As Crash.Source in the schema.
  enum class Source {
    kUnknown,
    kCommand,
    kMemory,
    kReport,
    kKernel,
    kCore,
    kJournal,
    kService,
  };
  Source source = Source::kUnknown;

  // Tells the crashes of a node apart. One that is told again has the same.
  std::string key;

  // 0: unknown.
  int pid = 0;

  // The program or the service, as its source names it. May be empty.
  std::string program;

  // 0: unknown, or none.
  int signal = 0;

  // A test has asked for it: it sent the signal by the command's own object or that of the service,
  // or it was told how the command ended.
  bool isOwnMatter = false;

  bool wasDumped = false;
  bool wasOutOfMemory = false;

  // The file of the core or of the report. Empty: there is none that is known.
  std::string path;

  // The program's file, as a core tells it.
  std::string executable;

  // The beginning of a report, or what the source says beside.
  std::string text;
};

// A moment on one node. An empty one is none yet.
struct CrashMark {
  std::string epoch;
  uint64_t position = 0;
  int64_t realtimeNs = 0;
};

struct CrashLook {
  std::vector<Crash> crashes;
  CrashMark next;
};

}  // namespace harness
