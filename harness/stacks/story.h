// Tells people where a test program was when it crashed, exited or was asked: one sentence, the
// stacks of its threads without what belongs to the machinery, and the place in the source that a
// failure is of.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/stacks/stack_file.h"
#include "harness/stacks/symbols.h"

namespace harness::stacks {

struct Story {
  // "in parse(char const*) at src/parse.cc:52": where the first thread is, in code that is no
  // library's. It has neither addresses nor numbers of processes, so that equal crashes have equal
  // ones. Empty: not known.
  std::string where = {};

  // "uncaught exception std::runtime_error: no such file". Empty: there was none.
  std::string exception = {};

  // Lines for people: the circumstances, then a line for each frame. At most kStoryBytesMax.
  std::string text = {};

  // The part of `text` that is of the first thread, and the number of threads.
  std::string first = {};
  size_t threads = 0;

  // The frames of the first thread, the innermost first, without the machinery.
  std::vector<SourceFrame> frames = {};

  // The innermost place in a source that is not a library's. Empty and 0: there is none.
  std::string file = {};
  int line = 0;
};

inline constexpr size_t kStoryBytesMax = 48 << 10;

Story tell(const StackFile& file, const SymbolOptions& options = {});

// Reads the file at `path` and tells what it says. nullopt: there is no such file. Never throws.
std::optional<Story> tellFile(const std::string& path, const SymbolOptions& options = {}) noexcept;

}  // namespace harness::stacks
