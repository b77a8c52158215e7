// Shows one job as its caller sees it, whichever process keeps it. The agent itself keeps an
// ordinary job (own_job.h), and a shim keeps a detached one (detached_job.h). It does not find a
// job by its number (kept_jobs.h does).
#pragma once

#include <stdint.h>

#include <string>
#include <vector>

#include <kj/array.h>
#include <kj/async.h>
#include <kj/memory.h>
#include <kj/string.h>

#include "nodeagent/exec/input_stream.h"
#include "nodeagent/session/session.h"
#include "schema/job.capnp.h"
#include "schema/support/base/id.h"
#include "schema/support/base/sha256.h"

namespace nodeagent::exec {

// Takes the progress that a caller asked for. One of the two methods is called, once.
class ProgressAnswer {
 public:
  virtual ~ProgressAnswer() noexcept(false) = default;

  // Begins the answer. `wordsMax` bounds the size of the progress.
  virtual wire::JobProgress::Builder init(uint64_t wordsMax) = 0;

  // Answers with a copy of `progress`, and returns it for changes.
  virtual wire::JobProgress::Builder copy(wire::JobProgress::Reader progress) = 0;
};

// Every method borrows the readers that it is given until it returns. The promise that it returns
// keeps alive what it needs of the job.
class KeptJob {
 public:
  virtual uint64_t number() const = 0;

  // Returns the session that owns the job.
  virtual const support::Id& sessionId() const = 0;

  // Returns the identity that started the job.
  virtual kj::StringPtr identity() const = 0;

  // Returns the labels that the session had at the start, and then the job's own.
  virtual kj::ArrayPtr<const Label> labels() const = 0;

  // Returns JobSpec::shownArgv of the specification.
  virtual const std::vector<std::string>& shownArgv() const = 0;

  // Returns JobSpec::hash of the specification.
  virtual const support::Digest& hash() const = 0;

  // Does what Jobs.follow in the schema says, and checks the offsets.
  virtual kj::Promise<void> follow(wire::Follow::Reader follow, kj::Own<ProgressAnswer> answer) = 0;

  // Verifies the chunk's check sum and takes its bytes. Resolves to the offset up to which the
  // input is held.
  virtual kj::Promise<uint64_t> writeInput(wire::Chunk::Reader chunk, AfterInput after) = 0;

  // Sends the signal `number`.
  virtual kj::Promise<void> signal(int number, wire::Jobs::Target target) = 0;

  // Ends the job, also what it left running after it was acknowledged. A `graceNs` below 0 means
  // the grace of the specification.
  virtual kj::Promise<void> cancel(int64_t graceNs) = 0;

  virtual kj::Promise<void> resize(uint16_t columns, uint16_t rows) = 0;

  // Asks for status and processes. They stay as they were if there is no answer within a second.
  virtual kj::Promise<void> look() = 0;

  // These methods answer from the last report of the process that keeps the job, and from the last
  // look().
  virtual void writeStatus(wire::JobView::Summary::Builder summary) = 0;
  virtual bool isAlive() = 0;
  virtual uint32_t processCount() = 0;
  virtual bool isAcknowledged() const = 0;

 protected:
  ~KeptJob() noexcept(false) = default;
};

}  // namespace nodeagent::exec
