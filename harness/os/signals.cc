#include "harness/os/signals.h"

#include <unistd.h>

namespace harness {

std::vector<int> endingSignals() {
  std::vector<int> numbers;
  for (int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    if (::sigaction(number, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) {
      numbers.push_back(number);
    }
  }
  return numbers;
}

sigset_t signalSet(const std::vector<int>& numbers) {
  sigset_t set;
  ::sigemptyset(&set);
  for (int number : numbers) ::sigaddset(&set, number);
  return set;
}

// Only this thread unblocks the signal, and so takes it.
void endBySignal(int number) {
  ::signal(number, SIG_DFL);
  sigset_t set = signalSet({number});
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  ::raise(number);
  ::_exit(128 + number);
}

}  // namespace harness
