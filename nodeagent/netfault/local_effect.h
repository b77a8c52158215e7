// Effects on the node itself, each of which begins, shows itself and is undone: processes that
// stand still or can open no more files, memory and processors that are used up, disks that are
// full, read-only, slow or failing, an interface that is down.
//
// What is needed to undo one is a text: the name of the effect and lines of its own. It is
// remembered before each change, so that the next keeper undoes what a killed one has begun. All
// calls block, so they belong on worker threads.
#pragma once

#include <stdint.h>

#include <kj/array.h>
#include <kj/function.h>
#include <kj/string.h>

#include "nodeagent/netfault/fault_spec.h"
#include "nodeagent/netfault/run_tool.h"

namespace nodeagent::netfault {

// What effects find where they run. All of it is that of the agent.
struct LocalHost {
  RunTool run;
  // This program; empty if it is not known.
  kj::String program = {};
  // Empty: there is none.
  kj::String stateDirectory = {};
  kj::Array<uint16_t> controlPorts = {};
};

// What the node shows of an effect.
struct Shown {
  bool isThere = false;
  // It has an effect now: its time in the kernel is not over.
  bool isWorking = false;
  // Something that is not ours has its place.
  bool isForeign = false;
  uint64_t packets = 0;
  uint64_t bytes = 0;
  // For people. Empty: the numbers say it.
  kj::String witness;
  // Why its end is a failure although nothing of it is left. Empty: it is none.
  kj::String flaw;
};

// Is given the text of an effect's place.
using RememberPlace = kj::Function<void(kj::String)>;

// Is given the lines of an effect, before the change that they describe.
using RememberLines = kj::Function<void(kj::Array<kj::String>)>;

// One kind of effect. Immutable.
class LocalEffect {
 public:
  virtual ~LocalEffect() noexcept(false) = default;

  // Begins it and waits for the witness. After a failure, remove() is called with what was
  // remembered.
  virtual void begin(const LocalSpec& spec, const LocalHost& host,
                     RememberLines remember) const = 0;

  virtual Shown read(kj::ArrayPtr<const kj::String> lines) const = 0;

  // Undoes it, waits until nothing shows it, and returns what it showed before. After a failure it
  // is called again with the same lines, and undoes the rest.
  virtual Shown remove(kj::ArrayPtr<const kj::String> lines) const = 0;

  // Tells whether a boot of the node leaves anything of it. The lines of one that a boot ends mean
  // something else afterwards, such as the number of another mount.
  virtual bool outlivesBoot() const { return false; }
};

// The kinds.
constexpr kj::StringPtr kPauseKind = "pause"_kj;
const LocalEffect& pauseEffect();
const LocalEffect& descriptorsEffect();
const LocalEffect& memoryEffect();
const LocalEffect& cpuEffect();
const LocalEffect& fullEffect();
const LocalEffect& readOnlyEffect();
const LocalEffect& downEffect();
const LocalEffect& diskLayerEffect();
// What a link suffers where the kernel has no netem.
constexpr kj::StringPtr kRelayKind = "relay"_kj;
const LocalEffect& relayEffect();

// Returns the text of a place, which no name of an interface is.
kj::String placeText(kj::StringPtr kind, kj::ArrayPtr<const kj::String> lines);
bool isLocalPlace(kj::StringPtr text);

// Do it by the kind that the specification or the text names. A text of an unknown kind, which a
// newer agent wrote, fails with kind unsupported.
void beginLocal(const LocalSpec& spec, const LocalHost& host, RememberPlace& remember);
Shown readLocal(kj::StringPtr place);
Shown removeLocal(kj::StringPtr place);
bool outlivesBoot(kj::StringPtr place);

}  // namespace nodeagent::netfault
