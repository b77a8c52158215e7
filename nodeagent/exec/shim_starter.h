// Starts the process that keeps a detached job (nodeagent/shim/shim.h), and reaps it. When one is
// needed is shim_link.h.
#pragma once

#include <kj/async.h>
#include <kj/io.h>

#include "nodeagent/exec/detached_context.h"

namespace nodeagent {

// How a keeper starts a shim: PROGRAM kShimArgument DIRECTORY, with a pipe as standard output that
// is closed once the shim can be connected to, or knows that it is not wanted.
constexpr const char* kShimArgument = "--shim";

class ShimStarter final : private kj::TaskSet::ErrorHandler {
 public:
  explicit ShimStarter(const DetachedContext& context) : context_(context), reapers_(*this) {}
  KJ_DISALLOW_COPY(ShimStarter);

  // Starts one for the job in `directory`. Resolves when it is ready as above, or after ten
  // seconds. If the program cannot be started, logs why and resolves after a second.
  kj::Promise<void> start(kj::StringPtr directory);

 private:
  kj::Promise<void> reap(kj::AutoCloseFd pidfd);
  void taskFailed(kj::Exception&& exception) override;

  DetachedContext context_;

  // One for each shim that was started and has not ended.
  kj::TaskSet reapers_;
};

}  // namespace nodeagent
