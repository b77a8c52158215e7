// Begins, looks at and ends faults on worker threads, each with its record: what is on the node is
// in the journal before it is there, and until it is gone.
#pragma once

#include <kj/refcount.h>
#include <kj/string.h>
#include <kj/vector.h>

#include "nodeagent/netfault/effects.h"
#include "nodeagent/netfault/fault_journal.h"
#include "nodeagent/netfault/fault_spec.h"

namespace nodeagent::netfault {

EffectPlace placeOf(const FaultRecord& record);

// A fault of a killed keeper that is still there.
struct FoundFault {
  FaultRecord record;
  // Empty: it goes on, since its time is not over. Otherwise it was to be ended, and is not.
  kj::String whyNotEnded;
};

// Immutable, so that the threads of several workers may use it. All calls block.
class FaultTools final : public kj::AtomicRefcounted {
 public:
  explicit FaultTools(LocalHost host);

  const Effects& effects() const { return effects_; }
  const FaultJournal& journal() const { return journal_; }

  // Begins a fault and returns the text of its place. After a failure nothing is left of it, unless
  // that was logged.
  kj::String begin(const FaultSpec& spec, FaultRecord record, int64_t holdNs) const;

  // Returns what the node shows of a fault. If nobody can tell, it is taken to be there, and the
  // witness says why nobody can.
  Shown look(const EffectPlace& place) const;

  // Ends a fault and forgets it only then. Returns what the node showed before.
  Shown end(const EffectPlace& place) const;

  // Ends the faults that a killed keeper has left, and returns those that are there afterwards.
  kj::Vector<FoundFault> recoverAll(kj::StringPtr bootId, int64_t nowBoottimeNs) const;

 private:
  bool goesOn(const FaultRecord& record, kj::StringPtr bootId, int64_t nowBoottimeNs) const;
  void endLeftOver(const FaultRecord& record, kj::StringPtr bootId) const;

  const FaultJournal journal_;
  const Effects effects_;
};

}  // namespace nodeagent::netfault
