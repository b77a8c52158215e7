#include "nodeagent/os/platform.h"

namespace nodeagent {
namespace {

class NodePlatform final : public Platform {
 public:
  NodePlatform(kj::UnixEventPort& port, kj::Timer& timer) : port_(port), timer_(timer) {}

  const Clock& clock() override { return systemClock(); }
  Spawner& spawner() override { return systemSpawner(); }

  kj::Own<ProcessSets> makeProcessSets(kj::StringPtr name) override {
    auto sets = ProcessSets::best(name, port_, timer_);
    sets->killEarlier();
    return sets;
  }

  kj::Own<ScratchDisk> openScratchDisk(kj::StringPtr directory) override {
    return ScratchDisk::inDirectory(directory);
  }

  kj::Own<Worker> makeWorker(size_t threads) override { return kj::heap<Worker>(threads); }

 private:
  kj::UnixEventPort& port_;
  kj::Timer& timer_;
};

}  // namespace

kj::Own<Platform> makeNodePlatform(kj::UnixEventPort& port, kj::Timer& timer) {
  return kj::heap<NodePlatform>(port, timer);
}

}  // namespace nodeagent
