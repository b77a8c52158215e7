// Makes a KeptJob of a job in this process, and holds the notes of its table about it. It does not
// run the job (job.h does), nor decide when to forget it (job_table.h).
#pragma once

#include <kj/memory.h>

#include "nodeagent/exec/job.h"
#include "nodeagent/exec/kept_job.h"
#include "nodeagent/session/commands.h"
#include "nodeagent/session/session.h"

namespace nodeagent::exec {

class OwnJob final : public KeptJob, private Job::Listener {
 public:
  // Receives the events of Job::Listener, with the whole OwnJob.
  class Owner {
   public:
    virtual void launching(OwnJob& job) = 0;
    virtual void ended(OwnJob& job) = 0;
    virtual void gone(OwnJob& job) = 0;

   protected:
    ~Owner() = default;
  };

  // `processOwner` is passed to ProcessSets::make. `owner` outlives the job unless the job is
  // abandoned.
  OwnJob(const JobContext& context, Owner& owner, Session& session, uint64_t processOwner,
         uint64_t number, JobSpec spec);
  KJ_DISALLOW_COPY(OwnJob);

  Job& job() { return *job_; }

  uint64_t number() const override { return job_->number(); }
  const support::Id& sessionId() const override { return sessionId_; }
  kj::StringPtr identity() const override { return identity_; }
  kj::ArrayPtr<const Label> labels() const override { return labels_; }
  const std::vector<std::string>& shownArgv() const override { return job_->spec().shownArgv; }
  const support::Digest& hash() const override { return job_->spec().hash; }

  kj::Promise<void> follow(wire::Follow::Reader follow, kj::Own<ProgressAnswer> answer) override;
  kj::Promise<uint64_t> writeInput(wire::Chunk::Reader chunk, AfterInput after) override;
  kj::Promise<void> signal(int number, wire::Jobs::Target target) override;
  kj::Promise<void> cancel(int64_t graceNs) override;
  kj::Promise<void> resize(uint16_t columns, uint16_t rows) override;

  void writeStatus(wire::JobView::Summary::Builder summary) override;
  bool isAlive() override { return !job_->isGone(); }
  kj::Promise<void> look() override { return job_->look(); }
  uint32_t processCount() override { return job_->processCount(); }
  bool isAcknowledged() const override { return acknowledged; }

  // Notes where the first process may leave a core file, if it runs.
  void noteDirectory();

  // The public members belong to the table.

  // The place of the job's start among those of all sessions.
  uint64_t order = 0;

  // The place of the job's end in the count of `order`, or 0 while it runs.
  uint64_t endedOrder = 0;

  // The output is deleted and the number is spent, but processes of the job are left.
  bool acknowledged = false;

  // The job's entry in the session's undo list, until no process of it is left.
  kj::Maybe<kj::Own<Session::Entry>> undo;

 private:
  void launching(Job&) override { owner_.launching(*this); }
  kj::String identify(Job& job) override;
  void exited(Job& job) override;
  void ended(Job& job) override;
  void gone(Job& job) override;
  void tellEnd();
  void notePlaces();
  Death death(Death::Kind kind) const;
  void noteReport(const OutputStream* stream);

  const JobLimits& limits_;
  kj::Timer& timer_;
  Owner& owner_;
  kj::Own<Session> session_;
  Commands* const commands_;
  Deaths* const deaths_;
  support::Id sessionId_;
  // Differs from sessionId_ in a scope.
  support::Id wholeSessionId_;
  // Has the bits of the signals that a controller has sent.
  uint64_t signalsSent_ = 0;
  kj::String identity_;
  kj::Array<Label> labels_;
  kj::Own<Job> job_;

  // From the launch until no process is left.
  kj::Maybe<kj::Own<Commands::Entry>> entry_;
  kj::Promise<void> telling_ = nullptr;
};

}  // namespace nodeagent::exec
