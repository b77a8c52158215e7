#include "nodeagent/log/kernel_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kj/io.h>

#include "schema/support/base/wire_error.h"

namespace nodeagent::logs {
namespace {

using NoteKind = wire::LogNote::Kind;

// An entry of the kernel's is at most this long, with what describes it.
constexpr size_t kEntryBytesMax = 8192;

// The kernel's buffer holds fewer, so that this bounds a reader that the log outruns.
constexpr size_t kEntriesMax = 1 << 20;

struct Entry {
  uint64_t number = 0;
  std::string text;
};

// Reads "6,1234,5678901,-;text\n SUBSYSTEM=...".
bool parseEntry(char* begin, size_t length, Entry* entry) {
  begin[length] = '\0';
  const char* number = strchr(begin, ',');
  const char* text = strchr(begin, ';');
  if (!number || !text) return false;
  entry->number = strtoull(number + 1, nullptr, 10);
  const char* end = strchr(text, '\n');
  entry->text.assign(text + 1, end ? end : begin + length);
  return true;
}

class KernelLog {
 public:
  explicit KernelLog(const std::string& path)
      : log_(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {
    if (log_.get() >= 0) return;
    support::fail(wire::Error::Kind::UNSUPPORTED, "kernel log: ", path.c_str(),
                  " cannot be opened: ", support::errnoText(errno),
                  "; the node shows its kernel's log to nobody, as containers do");
  }

  // False: there is no further entry.
  bool next(Entry* entry) {
    char buffer[kEntryBytesMax + 1];
    for (;;) {
      ssize_t count = ::read(log_, buffer, kEntryBytesMax);
      if (count < 0 && (errno == EINTR || errno == EPIPE)) continue;  // Overwritten meanwhile.
      if (count < 0 && errno == EPERM) {
        support::fail(wire::Error::Kind::UNSUPPORTED,
                      "kernel log: may not be read: ", support::errnoText(errno),
                      "; the agent needs the capability syslog");
      }
      if (count <= 0) return false;
      if (parseEntry(buffer, static_cast<size_t>(count), entry)) return true;
    }
  }

 private:
  kj::AutoCloseFd log_;
};

}  // namespace

Mark markKernel(const std::string& path, const std::string& bootId) {
  KernelLog log(path);
  Mark mark;
  mark.kind = Mark::Kind::kKernel;
  mark.bootId = bootId;
  Entry entry;
  for (size_t count = 0; count < kEntriesMax && log.next(&entry); ++count) {
    mark.kernel = entry.number + 1;
  }
  return mark;
}

Part readKernel(const std::string& path, const std::string& bootId, const Mark& from,
                const Mark& to, const LineFilter& filter, const PartLimits& limits) {
  KernelLog log(path);
  Part part;
  part.next = from;
  part.next.kind = Mark::Kind::kKernel;
  if (from.bootId != bootId) {
    // A mark without a boot is the beginning of the log.
    if (!from.bootId.empty()) {
      part.notes.push_back({"kernel", NoteKind::REBOOTED,
                            "the node was booted again; the log begins with that boot"});
    }
    part.next.kernel = 0;
    part.next.bootId = bootId;
  }
  bool hasEnd = to.kind == Mark::Kind::kKernel && to.bootId == bootId;
  PartSize size(limits);
  bool isFirst = true;
  Entry entry;
  for (size_t count = 0; count < kEntriesMax && log.next(&entry); ++count) {
    if (entry.number < part.next.kernel) continue;
    if (hasEnd && entry.number >= to.kernel) break;
    if (isFirst && entry.number > part.next.kernel && part.next.kernel > 0) {
      part.notes.push_back({"kernel", NoteKind::OVERWRITTEN,
                            std::to_string(entry.number - part.next.kernel) +
                                " entries were overwritten before they were read"});
    }
    isFirst = false;
    if (size.isFull()) {
      part.hasMore = true;
      break;
    }
    part.next.kernel = entry.number + 1;
    if (!filter.matches(entry.text)) continue;
    part.lines.push_back({"kernel", entry.text, 0, entry.number, {}, false, false});
    size.add(part.lines.back());
  }
  return part;
}

}  // namespace nodeagent::logs
