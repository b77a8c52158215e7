// Blocks all signals of the calling thread while it lives. A thread or child that is made meanwhile
// inherits that: the keeper handles signals on its loop, and nowhere else.
#pragma once

#include <signal.h>

#include <kj/common.h>

namespace nodeagent {

class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  KJ_DISALLOW_COPY(SignalsBlocked);

 private:
  sigset_t before_;
};

}  // namespace nodeagent
