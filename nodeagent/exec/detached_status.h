// How a detached job is, as far as its keeper was told: the last word of the shim, and what follows
// from the shim's end.
#pragma once

#include <capnp/message.h>
#include <kj/memory.h>

#include "schema/job.capnp.h"

namespace nodeagent {

class DetachedStatus final {
 public:
  // Begins as a running job.
  DetachedStatus();

  wire::JobStatus::Reader reader() { return message_->getRoot<wire::JobStatus>().asReader(); }
  bool hasEnded() { return reader().getState() == wire::JobStatus::State::ENDED; }

  // The shim said so.
  void keep(wire::JobStatus::Reader status);

  enum class Begun { kNo, kPerhaps };

  // The shim is gone. The output went with it, and so did the outcome of a job that had not ended:
  // it is lost, or not started if no shim ever began it.
  void conclude(Begun begun);

 private:
  kj::Own<capnp::MallocMessageBuilder> message_;
};

}  // namespace nodeagent
