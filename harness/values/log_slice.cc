#include <algorithm>
#include <ostream>

#include <muster/log_slice.h>

#include "harness/values/failure_text.h"
#include "schema/support/base/text.h"

namespace muster {
namespace {

constexpr size_t kTextBytesMax = 500;
constexpr size_t kLinesMax = 20;

}  // namespace

void PrintTo(const LogSource& source, std::ostream* out) {
  switch (source.kind()) {
    case LogSource::Kind::kFiles:
      *out << "files " << harness::inQuotes(source.name());
      return;
    case LogSource::Kind::kUnit:
      *out << "unit " << harness::inQuotes(source.name());
      return;
    case LogSource::Kind::kKernel:
      *out << "the kernel's log";
      return;
    case LogSource::Kind::kContainer:
      *out << "container " << harness::inQuotes(source.name());
      return;
  }
}

void PrintTo(const LogMark& mark, std::ostream* out) {
  *out << "mark of ";
  PrintTo(mark.source, out);
  *out << " on node " << mark.node;
}

void PrintTo(const LogLine& line, std::ostream* out) {
  *out << line.node << ": " << support::printable(line.file);
  if (line.number > 0) *out << ":" << line.number;
  *out << ": " << support::printable(support::beginningOf(line.text, kTextBytesMax));
  if (line.text.size() > kTextBytesMax) *out << " [...]";
}

void PrintTo(const LogNote& note, std::ostream* out) {
  *out << note.node << ": " << support::printable(note.file) << ": "
       << support::printable(note.text);
}

void PrintTo(const LogSlice& slice, std::ostream* out) {
  *out << slice.lines.size() << " lines";
  for (const LogNote& note : slice.notes) {
    *out << "\n  note: ";
    PrintTo(note, out);
  }
  for (size_t i = 0; i < std::min(slice.lines.size(), kLinesMax); ++i) {
    *out << "\n  ";
    PrintTo(slice.lines[i], out);
  }
  if (slice.lines.size() > kLinesMax) *out << "\n  and more";
}

}  // namespace muster
