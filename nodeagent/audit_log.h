// Who did what on this node: one JSON line per effect, written before the effect.
#pragma once

#include <memory>
#include <string>

#include <kj/common.h>
#include <kj/string.h>

#include "nodeagent/os/clock.h"
#include "nodeagent/session.h"
#include "schema/support/log.h"

namespace nodeagent {

// For the keeper's thread.
class AuditLog {
 public:
  virtual ~AuditLog() noexcept(false) = default;

  // Writes one line: times, session, identity, `operation` (such as "jobs.run") and `fields`.
  // Values of environment variables, input and file contents do not belong here. Call it before the
  // effect: if it throws (kind system), the effect must not happen.
  virtual void record(const Session& session, std::string_view operation,
                      support::Fields fields) = 0;
};

// Appends to `path` (mode 0600, made if absent). Throws a failure of kind system if that cannot be
// opened. `clock` outlives it.
kj::Own<AuditLog> openAuditLog(kj::StringPtr path, const Clock& clock);

// Keeps nothing.
kj::Own<AuditLog> discardAuditLog();

// One line without its newline, at most 8 KiB: longer values are cut. Valid JSON whatever the
// fields hold.
std::string auditLine(const Clock& clock, const Session& session, std::string_view operation,
                      support::Fields fields);

}  // namespace nodeagent
