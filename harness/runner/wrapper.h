// A command under which test programs run: a debugger that somebody at the terminal works with, or
// a tracer that writes down what they do.
#pragma once

#include <string>
#include <vector>

#include "harness/run/record_writer.h"

namespace harness::runner {

struct Wrapper {
  enum class Kind {
    // Programs run by themselves.
    kNone,
    // It has the terminal, and neither its status nor limits say anything of tests.
    kDebugger,
    // It ends as the program does.
    kTracer,
  };

  Kind kind = Kind::kNone;

  // The path of its program, and its arguments. kDirectoryWord in one of them is a directory of the
  // run for the files of this process.
  std::vector<std::string> words = {};
};

inline constexpr char kDirectoryWord[] = "{directory}";

// Returns the words for one process, whose directory is made if they name it. Throws SystemError.
std::vector<std::string> wordsFor(const Wrapper& wrapper, const std::string& directory);

// Records the files below the directory of a process as artifacts of the item, 1000 at most.
void noteTraces(run::RecordWriter& writer, const std::string& item, const std::string& runDirectory,
                const std::string& directory);

}  // namespace harness::runner
