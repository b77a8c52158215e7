#include "nodeagent/os/spawner.h"

namespace nodeagent {
namespace {

class SystemSpawner final : public Spawner {
 public:
  kj::OneOf<kj::Own<Launch>, SpawnFailure> launch(const SpawnOptions& options) override {
    return launchProgram(options);
  }
  kj::Maybe<ExitReport> reap(int pidfd) override { return reapChild(pidfd); }
  int signal(int pidfd, int number) override { return signalChild(pidfd, number); }
};

}  // namespace

Spawner& systemSpawner() {
  static SystemSpawner spawner;
  return spawner;
}

}  // namespace nodeagent
