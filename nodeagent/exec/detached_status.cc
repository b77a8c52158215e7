#include "nodeagent/exec/detached_status.h"

namespace nodeagent::exec {

DetachedStatus::DetachedStatus() : message_(kj::heap<capnp::MallocMessageBuilder>()) {
  message_->initRoot<wire::JobStatus>().setState(wire::JobStatus::State::RUNNING);
}

void DetachedStatus::keep(wire::JobStatus::Reader status) {
  // Each status gets a new message, because a root that is set again leaves the old one in it.
  message_ = kj::heap<capnp::MallocMessageBuilder>();
  message_->setRoot(status);
}

// Keeps an outcome that the shim still wrote down. The output is gone in any case, so each stream
// says that all of its bytes were dropped and has no digest.
void DetachedStatus::conclude(Begun begun) {
  auto status = message_->getRoot<wire::JobStatus>();
  if (status.getState() != wire::JobStatus::State::ENDED) {
    status.setState(wire::JobStatus::State::ENDED);
    if (begun == Begun::kNo) {
      auto error = status.initOutcome().initNotStarted();
      error.setKind(wire::Error::Kind::SYSTEM);
      error.setText("the process that keeps detached jobs could not be started");
    } else {
      auto lost = status.initOutcome().initLost();
      lost.setReason(wire::JobOutcome::Lost::Reason::SUPERVISOR_KILLED);
      lost.setText("the process that kept the job was killed");
    }
  }
  for (auto stream : {status.getOutput(), status.getErrors()}) {
    stream.setDroppedBytes(stream.getProducedBytes());
    stream.setRetainedFrom(stream.getProducedBytes());
    stream.setRetainedTo(stream.getProducedBytes());
    stream.setEnded(true);
    stream.disownSha256();
  }
}

}  // namespace nodeagent::exec
