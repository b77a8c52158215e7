// Records who did what on this node: one JSON line per effect, written before the effect.
//
// Each line holds a number and the SHA-256 of the line before it, so that a line that was changed,
// taken out or put in shows (verifyAudit). Root can write the whole chain anew. Evidence that must
// outlive that belongs on another machine, with the digest that the verifier prints.
#pragma once

#include <stdint.h>

#include <memory>
#include <string>

#include <kj/async.h>
#include <kj/common.h>
#include <kj/function.h>
#include <kj/string.h>
#include <kj/timer.h>

#include "nodeagent/os/clock.h"
#include "nodeagent/session/session.h"
#include "schema/support/base/log.h"

namespace nodeagent {

// Belongs to the keeper's thread, whose loop never waits for the log's disk.
class AuditLog {
 public:
  // Holds one line. The call writes it, once, on any thread, and waits for the disk. If it throws
  // (kind system), the effect must not happen. The log outlives it.
  using Line = kj::Function<void()>;

  virtual ~AuditLog() noexcept(false) = default;

  // Composes one line: times, session, identity, `operation` (such as "jobs.run") and `fields`,
  // from which words that look like secrets are removed (support::redacted). Values of environment
  // variables, input and file contents do not belong here. A task of a worker writes the line right
  // before its effect.
  virtual Line line(const Session& session, std::string_view operation, support::Fields fields) = 0;

  // Writes one line for an effect of the loop itself. Resolves when that can happen; null if it can
  // at once. Rejects with a failure of line(), and with kind overloaded if the disk does not answer
  // in time or too many lines wait for it. The line may be written later then, without its effect.
  virtual kj::Maybe<kj::Promise<void>> record(const Session& session, std::string_view operation,
                                              support::Fields fields) = 0;

  // Lets a line that is being written be written, for `limit` at most. Returns false if the disk
  // hangs; destruction would wait for it.
  virtual bool close(kj::Duration limit) {
    (void)limit;
    return true;
  }
};

// Makes a task of a worker that writes the line and then does `task`.
template <typename Task>
auto audited(AuditLog::Line line, Task task) {
  return [line = kj::mv(line), task = kj::mv(task)]() mutable {
    line();
    return task();
  };
}

struct AuditOptions {
  // A file that has grown to this becomes PATH.1, and a new one begins.
  uint64_t bytesMax = 64 << 20;
  // PATH.1 is the newest; older files than these are removed.
  int oldFilesMax = 8;
  // How long record() waits for the disk, and how many lines may wait there.
  kj::Duration patience = 10 * kj::SECONDS;
  size_t waitingMax = 1024;
};

// Opens the log and goes on with the chain in `path` (mode 0600, made if absent). A last line that
// was cut off by a crash is removed, because its effect did not happen. Throws a failure of kind
// system if it cannot be opened, conflict if another agent has it open. `clock` and `timer` outlive
// it.
kj::Own<AuditLog> openAuditLog(kj::StringPtr path, const Clock& clock, kj::Timer& timer,
                               const AuditOptions& options = {});

// Makes a log that keeps nothing.
kj::Own<AuditLog> discardAuditLog();

// Returns one line without its newline and without its place in the chain. Line and place have at
// most 8 KiB: longer values are cut. It is valid JSON in ASCII whatever the fields hold. A value
// that is not UTF-8 has U+FFFD in the places that are not, and its bytes as KEYBase64 beside it.
std::string auditLine(const Clock& clock, const Session& session, std::string_view operation,
                      support::Fields fields);

struct AuditVerdict {
  bool good = false;
  // For people: the number of lines and the last digest, or file, line and reason.
  std::string text;
};

// Verifies `path` and the older files beside it, the oldest first.
AuditVerdict verifyAudit(const std::string& path);

}  // namespace nodeagent
