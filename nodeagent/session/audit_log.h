// Who did what on this node: one JSON line per effect, written before the effect.
//
// Each line holds a number and the SHA-256 of the line before it, so that a line that was changed,
// taken out or put in shows (verifyAudit). Whoever is root here can write the whole chain anew:
// what must outlive that belongs on another machine, with the digest that the verifier prints.
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

// For the keeper's thread.
class AuditLog {
 public:
  virtual ~AuditLog() noexcept(false) = default;

  // Writes one line: times, session, identity, `operation` (such as "jobs.run") and `fields`, what
  // looks like a secret taken out (support::redacted). Values of environment variables, input and
  // file contents do not belong here. Call it before the effect: if it throws (kind system), the
  // effect must not happen.
  virtual void record(const Session& session, std::string_view operation,
                      support::Fields fields) = 0;
};

struct AuditOptions {
  uint64_t bytesMax =
      64 << 20;         // A file that has grown to this becomes PATH.1, and a new one begins.
  int oldFilesMax = 8;  // PATH.1 is the newest; what is older is removed.
};

// Appends to `path` (mode 0600, made if absent), going on with the chain that is there; a last line
// that was cut off by a crash is taken away, for its effect did not happen. Throws a failure of
// kind system if it cannot be opened, conflict if another agent has it open. `clock` outlives it.
kj::Own<AuditLog> openAuditLog(kj::StringPtr path, const Clock& clock,
                               const AuditOptions& options = {});

// Keeps nothing.
kj::Own<AuditLog> discardAuditLog();

// One line without its newline and without its place in the chain, at most 8 KiB less that place:
// longer values are cut. Valid JSON whatever the fields hold.
std::string auditLine(const Clock& clock, const Session& session, std::string_view operation,
                      support::Fields fields);

struct AuditVerdict {
  bool good = false;
  std::string text;  // For people: how many lines, and the last digest; or file, line and reason.
};

// Reads PATH and the older files beside it, the oldest first.
AuditVerdict verifyAudit(const std::string& path);

}  // namespace nodeagent
