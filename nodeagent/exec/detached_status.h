// Holds what the keeper knows of a detached job's status: the shim's last report, or a status that
// was derived from the shim's end. It does not ask the shim (detached_job.h does).
#pragma once

#include <capnp/message.h>
#include <kj/memory.h>

#include "schema/job.capnp.h"

namespace nodeagent::exec {

class DetachedStatus final {
 public:
  // Begins as a running job.
  DetachedStatus();

  wire::JobStatus::Reader reader() { return message_->getRoot<wire::JobStatus>().asReader(); }
  bool hasEnded() { return reader().getState() == wire::JobStatus::State::ENDED; }

  // Takes over a status that the shim has reported.
  void keep(wire::JobStatus::Reader status);

  enum class Begun { kNo, kPerhaps };

  // Concludes from the shim's end. The output went with the shim, so all of it counts as dropped. A
  // job that had not ended becomes lost, or not started if no shim ever began it.
  void conclude(Begun begun);

 private:
  kj::Own<capnp::MallocMessageBuilder> message_;
};

}  // namespace nodeagent::exec
