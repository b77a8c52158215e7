// The one place that composes the text that a failed test shows of a command or of a call on a
// node.
//
// The form is "PLACE: ATTEMPT: RESULT"; then follow, indented, the nearest evidence and the place
// of the rest. It is in lower case, without a full stop, and quotes values. A unit test pins it.
// Whatever a node says, the texts are UTF-8 that XML can hold (schema/support/base/text.h).
#pragma once

#include <chrono>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include <muster/result.h>

namespace harness {

// `run ["kvctl", "join"]`, control characters and quotes escaped, cut at 40 items and 500 bytes.
std::string argvText(const std::vector<std::string>& argv);

// "12.3 s", "250 ms", "41 us": three significant digits at most.
std::string durationText(std::chrono::nanoseconds duration);

// `text` in quotes, escaped (support::escaped), its middle left out beyond `bytesMax`.
std::string inQuotes(std::string_view text, size_t bytesMax = 300);

// `items` in one line, `separator` between two of them.
std::string joined(const std::vector<std::string>& items, const std::string& separator);

// "node n2 (10.7.0.12)", or "node n2" if the address is empty or the name.
std::string nodeText(const std::string& node, const std::string& address);

// "\n  at tests_d/example/test_x.cc:12", or nothing for a default-constructed location.
std::string locationText(const std::source_location& where);

// "wrote 0 bytes to stdout, 212 to stderr", of a command that may still run.
std::string countsText(const muster::Result& result);

// That, with "; last line: …" of standard error, or else of standard output.
std::string wroteText(const muster::Result& result);

// The last 20 lines of both streams, and at most 4 KiB of each, with a line of its own for each
// one; empty if there are none. They are one text where their order is known.
std::string lastLinesText(const muster::Result& result);

// Tells whether lastLinesText has all that is in `result`.
bool showsAll(const muster::Result& result);

}  // namespace harness
