// Tells how bad a line of a log says that it is, for the colours of the HTML report. It decides
// nothing: rules of logs do (harness/log).
#pragma once

#include <string_view>

namespace harness::report {

enum class LogLevel { kPlain, kWarning, kError };

// Returns the level of a word, such as "err" or "Warning".
LogLevel logLevelOf(std::string_view word);

// Returns the level that stands near the beginning of a line: as a word in capitals, such as ERROR,
// as one behind a bracket or an equals sign, such as [warn] or level=error, or as the letter of
// GlusterFS, such as "] E [".
LogLevel logLevelIn(std::string_view line);

}  // namespace harness::report
