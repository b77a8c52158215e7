// Records who did what on this node: one JSON line per effect, written before the effect.
//
// Each line holds a number and the SHA-256 of the line before it, so that a line that was changed,
// taken out or put in shows (verifyAudit). Root can write the whole chain anew. Evidence that must
// outlive that belongs on another machine, with the digest that the verifier prints.
#pragma once

#include <stdint.h>

#include <memory>
#include <string>

#include <kj/common.h>
#include <kj/string.h>

#include "nodeagent/os/clock.h"
#include "nodeagent/session/session.h"
#include "schema/support/base/log.h"

namespace nodeagent {

// Belongs to the keeper's thread.
class AuditLog {
 public:
  virtual ~AuditLog() noexcept(false) = default;

  // Writes one line: times, session, identity, `operation` (such as "jobs.run") and `fields`, from
  // which words that look like secrets are removed (support::redacted). Values of environment
  // variables, input and file contents do not belong here. Call it before the effect: if it throws
  // (kind system), the effect must not happen.
  virtual void record(const Session& session, std::string_view operation,
                      support::Fields fields) = 0;
};

struct AuditOptions {
  // A file that has grown to this becomes PATH.1, and a new one begins.
  uint64_t bytesMax = 64 << 20;
  // PATH.1 is the newest; older files than these are removed.
  int oldFilesMax = 8;
};

// Opens the log and goes on with the chain in `path` (mode 0600, made if absent). A last line that
// was cut off by a crash is removed, because its effect did not happen. Throws a failure of kind
// system if it cannot be opened, conflict if another agent has it open. `clock` outlives it.
kj::Own<AuditLog> openAuditLog(kj::StringPtr path, const Clock& clock,
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
