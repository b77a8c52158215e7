// What a service was before a session changed it, on disk and back, so that the session's end, or
// the next keeper if this one is killed, brings it back.
//
// Every call blocks, so it belongs on a worker thread.
#pragma once

#include <kj/refcount.h>
#include <kj/string.h>

#include "nodeagent/os/record_directory.h"
#include "nodeagent/service/manager.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::service {

struct ChangeRecord {
  kj::String name;
  // Empty: the service is the node's own.
  kj::String user;
  // Whether it ran. Unspecified: the session did not change that.
  wire::ServiceStatus::State state = wire::ServiceStatus::State::UNSPECIFIED;
  // Whether it was enabled. Null: the session did not change that.
  kj::Maybe<wire::ServiceStatus::Enabled> enabled;

  ChangeRecord clone() const { return {kj::str(name), kj::str(user), state, enabled}; }
};

// Bounds the actions by which a service is brought back. A session gives each entry of its undo
// list 30 s, in which the actions of the usual return fit.
struct BringBackLimits {
  // Bounds start and stop; the other one bounds all others.
  int64_t startNs = 18'000'000'000;
  int64_t otherNs = 3'000'000'000;
};

// Brings the service back to what the record says, and returns null, or why it could not. A service
// that is as it was is not touched. Takes 30 s at most if the manager keeps its limits. Kind
// timeout means that an action did not end in time, so that another try may bring it back.
kj::Maybe<support::Failure> bringBack(Manager& manager, const ChangeRecord& record,
                                      const BringBackLimits& limits = {});

// There is one file per service and session, written before the change and removed when it has been
// taken back. The object is immutable.
class ChangeJournal final : public kj::AtomicRefcounted {
 public:
  // `directory` is made, mode 0700, with the first record, if its parent is there. If it is empty,
  // nothing is kept.
  explicit ChangeJournal(kj::String directory) : records_(kj::mv(directory)) {}

  // Returns a name for a record; later names are greater.
  kj::String newName() const;

  // Fails with kind system if the disk refuses.
  void write(kj::StringPtr name, const ChangeRecord& record) const;
  void drop(kj::StringPtr name) const { records_.drop(name); }

  // Tells whether there may be records.
  bool exists() const { return records_.exists(); }

  // Returns the names of the records on disk, the newest first.
  kj::Array<kj::String> names() const { return records_.names(); }

  // Null: the record was not written to its end, or was damaged.
  kj::Maybe<ChangeRecord> read(kj::StringPtr name) const;

 private:
  const RecordDirectory records_;
};

}  // namespace nodeagent::service
