// One job as its caller sees it, whichever process keeps it: an ordinary one the agent itself
// (own_job.h), a detached one a process of its own (detached_job.h). Which job a number means, is
// kept_jobs.h.
#pragma once

#include <stdint.h>

#include <kj/array.h>
#include <kj/async.h>
#include <kj/memory.h>
#include <kj/string.h>

#include "nodeagent/session/session.h"
#include "schema/job.capnp.h"
#include "schema/support/base/id.h"
#include "schema/support/base/sha256.h"

namespace nodeagent {

// Where the progress goes that a caller asked for. One of the two is called, once.
class ProgressAnswer {
 public:
  virtual ~ProgressAnswer() noexcept(false) = default;

  // Begins the answer. `wordsMax` is what the progress needs at most.
  virtual wire::JobProgress::Builder init(uint64_t wordsMax) = 0;

  // Answers with a copy of `progress`, and returns it for changes.
  virtual wire::JobProgress::Builder copy(wire::JobProgress::Reader progress) = 0;
};

// Readers that a method is given are borrowed until it returns. What a method needs of the job
// after that, its promise keeps alive.
class KeptJob {
 public:
  virtual uint64_t number() const = 0;

  // The session that it belongs to.
  virtual const support::Id& sessionId() const = 0;

  // The identity that started it.
  virtual kj::StringPtr identity() const = 0;

  // Its session's labels at the start, and its own.
  virtual kj::ArrayPtr<const Label> labels() const = 0;

  // As JobSpec::trim leaves them.
  virtual kj::ArrayPtr<const kj::String> argv() const = 0;

  // JobSpec::hash of its specification.
  virtual const support::Digest& hash() const = 0;

  // See Jobs.follow in the schema; so for the others. Offsets are checked here.
  virtual kj::Promise<void> follow(wire::Follow::Reader follow, kj::Own<ProgressAnswer> answer) = 0;

  // Resolves to how far the input is held. The chunk's check sum is verified here.
  virtual kj::Promise<uint64_t> writeInput(wire::Chunk::Reader chunk, bool end) = 0;

  // `number` is a signal's.
  virtual kj::Promise<void> signal(int number, wire::Jobs::Target target) = 0;

  // Also ends what an acknowledged job left running. `graceNs` is as in the schema.
  virtual kj::Promise<void> cancel(int64_t graceNs) = 0;

  virtual kj::Promise<void> resize(uint16_t columns, uint16_t rows) = 0;

  // What follows is as of the last word of the process that keeps the job.
  virtual void writeStatus(wire::JobView::Summary::Builder summary) = 0;
  virtual bool isAlive() = 0;
  virtual uint32_t processCount() = 0;
  virtual bool isAcknowledged() const = 0;

 protected:
  ~KeptJob() noexcept(false) = default;
};

}  // namespace nodeagent
