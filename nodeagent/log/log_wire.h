// Converts marks, lines and notes to messages, and back.
#pragma once

#include <string>
#include <vector>

#include "nodeagent/log/log_values.h"
#include "schema/log.capnp.h"

namespace nodeagent::logs {

// Fails with kind invalid for a mark that no agent has made.
Mark readMark(wire::LogMark::Reader mark);
void writeMark(wire::LogMark::Builder to, const Mark& mark);

std::vector<std::string> readPatterns(capnp::List<capnp::Text>::Reader patterns);

void writeLine(wire::LogLine::Builder to, const Line& line);
void writeNote(wire::LogNote::Builder to, const Note& note);

}  // namespace nodeagent::logs
