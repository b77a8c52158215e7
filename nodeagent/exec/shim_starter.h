// Starts and reaps shims, the processes that keep detached jobs (nodeagent/shim/shim.h). It does
// not decide when a shim is needed (shim_link.h does).
#pragma once

#include <kj/async.h>
#include <kj/io.h>

#include "nodeagent/exec/detached_context.h"

namespace nodeagent::exec {

// A keeper starts a shim as PROGRAM kShimArgument DIRECTORY, with a pipe as standard output. The
// shim closes the pipe when it can be connected to, or when it ends because it is not needed.
constexpr const char* kShimArgument = "--shim";

class ShimStarter final : private kj::TaskSet::ErrorHandler {
 public:
  explicit ShimStarter(const DetachedContext& context) : context_(context), reapers_(*this) {}
  KJ_DISALLOW_COPY(ShimStarter);

  // Starts a shim for the job in `directory`. Resolves when the shim has closed the pipe, or after
  // ten seconds. If the program cannot be started, it logs the reason and resolves after a second.
  kj::Promise<void> start(kj::StringPtr directory);

 private:
  kj::Promise<void> reap(kj::AutoCloseFd pidfd);
  void taskFailed(kj::Exception&& exception) override;

  DetachedContext context_;

  // Holds a task for each shim that was started and has not ended.
  kj::TaskSet reapers_;
};

}  // namespace nodeagent::exec
