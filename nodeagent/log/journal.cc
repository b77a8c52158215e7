#include "nodeagent/log/journal.h"

#include <errno.h>
#include <string.h>

#include <algorithm>

#include "schema/support/base/text.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::logs {
namespace {

using Kind = wire::Error::Kind;

constexpr int64_t kJournalLimitNs = 10'000'000'000;

// It is below the bound of runCommand.
constexpr size_t kJournalBytesMax = 12 << 20;
constexpr size_t kUnitBytesMax = 255;
constexpr size_t kCursorBytesMax = 1024;

struct Output {
  std::string text;
  // There was more than is kept.
  bool isCut = false;
};

CommandResult runTool(const RunTool& run, const std::vector<std::string>& more) {
  kj::Vector<kj::String> argv;
  for (const char* word : {"journalctl", "--quiet", "--no-pager", "--output=export"}) {
    argv.add(kj::str(word));
  }
  for (const std::string& word : more) argv.add(kj::str(word.c_str()));
  CommandOutput output{CommandOutput::Errors::kDropped, kJournalBytesMax};
  return run(argv, kJournalLimitNs, output);
}

// A node without the program has no journal, ever. Every other end is a failure of this call.
[[noreturn]] void failJournal(const CommandResult& result) {
  if (result.end == CommandResult::End::kDeadline) {
    support::fail(Kind::TIMEOUT, "journal: journalctl: ", describeEnd(result));
  }
  if (result.end != CommandResult::End::kNotStarted) {
    support::fail(Kind::SYSTEM, "journal: journalctl: ", describeEnd(result));
  }
  if (result.value == ENOENT) {
    support::fail(Kind::UNSUPPORTED,
                  "journal: the node has no program journalctl, so it keeps no journal of systemd");
  }
  support::failErrno(result.value, "journal: start journalctl");
}

Output runJournal(const RunTool& run, const std::vector<std::string>& more) {
  CommandResult result = runTool(run, more);
  // journalctl cannot write on where its output has reached the bound.
  bool isCut = result.output.size() >= kJournalBytesMax;
  if (!result.succeeded() && !isCut) failJournal(result);
  return {std::string(result.output.asChars().begin(), result.output.size()), isCut};
}

// Returns the number of an entry, which its cursor "s=ID;i=NUMBER;..." holds, with the id of the
// series that it belongs to. Empty: the cursor has none.
std::pair<std::string, uint64_t> numberOf(const std::string& cursor) {
  size_t end = cursor.find(";i=");
  if (end == std::string::npos || cursor.compare(0, 2, "s=") != 0) return {};
  return {cursor.substr(2, end - 2), strtoull(cursor.c_str() + end + 3, nullptr, 16)};
}

bool isBehind(const std::string& cursor, const std::string& end) {
  auto [series, number] = numberOf(cursor);
  auto [endSeries, endNumber] = numberOf(end);
  return !series.empty() && series == endSeries && number > endNumber;
}

uint64_t lengthAt(std::string_view bytes) {
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | static_cast<unsigned char>(bytes[i]);
  return length;
}

// Cuts one field off: "NAME=value\n", or "NAME\n", a length of eight bytes, the value and "\n".
// False: it is cut off.
bool takeField(std::string_view& text, std::string_view* name, std::string_view* value) {
  size_t newline = text.find('\n');
  if (newline == std::string_view::npos) return false;
  std::string_view line = text.substr(0, newline);
  size_t equals = line.find('=');
  if (equals != std::string_view::npos || line.empty()) {
    *name = line.substr(0, equals);
    *value = line.empty() ? line : line.substr(equals + 1);
    text.remove_prefix(newline + 1);
    return true;
  }
  std::string_view rest = text.substr(newline + 1);
  if (rest.size() < 8) return false;
  uint64_t length = lengthAt(rest);
  if (rest.size() < 9 || length > rest.size() - 9) return false;
  *name = line;
  *value = rest.substr(8, length);
  text = rest.substr(8 + length + 1);
  return true;
}

// Adds the lines of an entry that match; a line of its message is a line. A part ends between two
// entries. False: the message has no space for this one, which begins the next part. Of one that
// fills a message alone, the beginning is taken.
bool takeEntry(const JournalEntry& entry, const LineFilter& filter, PartSize& size, Part& part) {
  std::string file = entry.unit.empty() ? "journal" : entry.unit;
  size_t before = part.lines.size();
  size_t begin = 0;
  while (begin <= entry.message.size()) {
    if (size.fillsMessage()) {
      if (before > 0) {
        part.lines.resize(before);
        return false;
      }
      part.notes.push_back({file, wire::LogNote::Kind::UNREADABLE,
                            "an entry has a message of " + std::to_string(entry.message.size()) +
                                " bytes; what is behind byte " + std::to_string(begin) +
                                " of it is not read"});
      return true;
    }
    size_t end = std::min(entry.message.find('\n', begin), entry.message.size());
    std::string_view text(entry.message.data() + begin, std::min(end - begin, kLineBytesMax));
    bool isCut = end - begin > kLineBytesMax;
    if (filter.matches(text)) {
      uint64_t number = numberOf(entry.cursor).second;
      part.lines.push_back({file, std::string(text), 0, number, {}, isCut, false});
      size.add(part.lines.back());
    }
    begin = isCut ? begin + kLineBytesMax : end + 1;
  }
  return true;
}

}  // namespace

void requireUnit(const std::string& unit) {
  bool isPlain = unit.size() <= kUnitBytesMax && (unit.empty() || unit[0] != '-') &&
                 std::all_of(unit.begin(), unit.end(), [](unsigned char character) {
                   return isalnum(character) || strchr(":-_.\\@", character) != nullptr;
                 });
  if (isPlain) return;
  support::fail(Kind::INVALID, "unit \"",
                support::escaped(support::beginningOf(unit, kUnitBytesMax)).c_str(),
                "\": is no name of a unit, such as sshd.service");
}

std::vector<JournalEntry> parseExport(std::string_view text) {
  std::vector<JournalEntry> entries;
  JournalEntry entry;
  std::string_view name;
  std::string_view value;
  while (takeField(text, &name, &value)) {
    if (name.empty()) {
      if (!entry.cursor.empty()) entries.push_back(std::move(entry));
      entry = {};
    } else if (name == "__CURSOR") {
      entry.cursor = value;
    } else if (name == "MESSAGE") {
      entry.message = value;
    } else if (name == "_SYSTEMD_UNIT") {
      entry.unit = value;
    }
  }
  return entries;
}

Mark markJournal(const RunTool& run) {
  Mark mark;
  mark.kind = Mark::Kind::kJournal;
  // What programs have said already counts. Without an answer, what was written does.
  runTool(run, {"--sync"});
  std::vector<JournalEntry> last = parseExport(runJournal(run, {"--lines=1"}).text);
  if (!last.empty()) mark.cursor = last.back().cursor;
  return mark;
}

Part readJournal(const RunTool& run, const std::string& selection, const Mark& from, const Mark& to,
                 const LineFilter& filter, const PartLimits& limits) {
  std::vector<std::string> words = {"--output-fields=MESSAGE,_SYSTEMD_UNIT"};
  if (from.cursor.size() > kCursorBytesMax || to.cursor.size() > kCursorBytesMax) {
    support::fail(Kind::INVALID, "journal: the mark is no cursor");
  }
  if (!from.cursor.empty()) words.push_back("--after-cursor=" + from.cursor);
  if (!selection.empty()) words.push_back(selection);
  Part part;
  part.next = from;
  part.next.kind = Mark::Kind::kJournal;
  PartSize size(limits);
  bool hasEnd = to.kind == Mark::Kind::kJournal;
  if (hasEnd && to.cursor == from.cursor) return part;
  Output output = runJournal(run, words);
  std::vector<JournalEntry> entries = parseExport(output.text);
  if (output.isCut && entries.empty()) {
    support::fail(Kind::SYSTEM, "journal: the entry behind the mark has over ",
                  kJournalBytesMax >> 20, " MiB, which is too much to be read");
  }
  for (const JournalEntry& entry : entries) {
    if (hasEnd && isBehind(entry.cursor, to.cursor)) return part;
    if (size.isFull() || !takeEntry(entry, filter, size, part)) {
      part.hasMore = true;
      return part;
    }
    part.next.cursor = entry.cursor;
    if (hasEnd && entry.cursor == to.cursor) return part;
  }
  part.hasMore = output.isCut;
  return part;
}

}  // namespace nodeagent::logs
