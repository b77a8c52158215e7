// Stands in the keeper for a job that a shim keeps. It passes calls on to the shim, and answers
// them itself once the shim is gone.
//
// It does not reach the shim (shim_link.h does), derive the status of a job without one
// (detached_status.h) or write files (detached_files.h).
#pragma once

#include <kj/refcount.h>

#include "nodeagent/exec/detached_files.h"
#include "nodeagent/exec/detached_status.h"
#include "nodeagent/exec/kept_job.h"
#include "nodeagent/exec/shim_link.h"
#include "nodeagent/session/session.h"

namespace nodeagent::exec {

class DetachedJob final : public KeptJob, public kj::Refcounted, private ShimLink::Listener {
 public:
  // `message` holds a DetachedRecord. begin() starts the shim or finds it.
  DetachedJob(const DetachedContext& context, DetachedFiles files,
              kj::Own<capnp::MessageReader> message);
  ~DetachedJob() noexcept(false);

  // Begins to look for the shim once `recorded` says that the record is on the disk. `over` is
  // called once, when the job is forgotten because it was acknowledged and its shim has ended, or
  // because `recorded` failed, as all calls do then. It may not destroy the job at once.
  void begin(kj::Promise<void> recorded, kj::Function<void()> over);

  uint64_t number() const override { return number_; }
  const support::Id& sessionId() const override { return sessionId_; }
  kj::StringPtr identity() const override { return identity_; }
  kj::ArrayPtr<const Label> labels() const override { return labels_; }
  const std::vector<std::string>& shownArgv() const override { return shownArgv_; }
  const support::Digest& hash() const override { return hash_; }

  // Each of these methods passes one call on to the shim as soon as that can be reached. If the
  // shim was killed, the progress says that the job is lost, and the other calls have no effect.
  kj::Promise<void> follow(wire::Follow::Reader follow, kj::Own<ProgressAnswer> answer) override;
  kj::Promise<uint64_t> writeInput(wire::Chunk::Reader chunk, AfterInput after) override;
  kj::Promise<void> signal(int signalNumber, wire::Jobs::Target target) override;
  kj::Promise<void> cancel(int64_t graceNs) override;
  kj::Promise<void> resize(uint16_t columns, uint16_t rows) override;

  // Deletes the output of a job that has ended, after which the shim may end. Resolves once the
  // shim has done it, because an acknowledgement that only this keeper remembers would be lost with
  // it.
  kj::Promise<void> acknowledge();

  void writeStatus(wire::JobView::Summary::Builder summary) override;
  bool isAlive() override { return isAlive_; }
  uint32_t processCount() override { return processCount_; }
  bool isAcknowledged() const override { return isAcknowledged_; }
  wire::JobStatus::Reader status() { return status_.reader(); }

  kj::Promise<void> look() override;

  // Holds the session that owns the job, if this keeper knows that session.
  kj::Maybe<kj::Own<Session>> session;

  // Writes the record for another owner. Resolves to it when it is on the disk, and takeOver() then
  // has the same effect here.
  kj::Promise<kj::Own<capnp::MessageReader>> recordFor(const support::Id& owner);
  void takeOver(kj::Own<capnp::MessageReader> record, kj::Own<Session> owner);

  // Resolves when the record is not being written; null if it is not.
  kj::Maybe<kj::Promise<void>> recordSettled();

 private:
  kj::Promise<void> shimReached(capnp::Capability::Client shim) override;
  kj::Promise<void> shimEnded() override;
  void linkOver() override;
  void notRecorded() override;

  kj::Promise<void> watch(wire::Jobs::Client shim);
  void readSummary(wire::JobView::ListResults::Reader answer);
  kj::Promise<void> forget();
  void callOver();

  DetachedContext context_;
  DetachedFiles files_;
  // The job's DetachedRecord.
  kj::Own<capnp::MessageReader> message_;
  const uint64_t number_;
  support::Id sessionId_;
  const kj::String identity_;
  const kj::Array<Label> labels_;
  std::vector<std::string> shownArgv_;
  support::Digest hash_{};
  // The name by which ProcessSets finds the job's processes.
  kj::String group_;
  DetachedStatus status_;
  bool isAcknowledged_ = false;
  bool isAlive_ = true;
  // What the look after the shim's end found.
  bool isDirectoryLeft_ = true;
  bool isClaimed_ = true;
  // Counts writes of the record that are on their way, and settles with the newest of them. The
  // directory is changed by one task at a time.
  unsigned writes_ = 0;
  kj::ForkedPromise<void> writing_;
  uint32_t processCount_ = 0;
  kj::Function<void()> over_ = []() {};
  ShimLink link_;
  kj::Promise<void> forgetting_ = nullptr;
};

}  // namespace nodeagent::exec
