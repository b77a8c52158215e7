// Probes: what tests must meet at least once, such as a write that is tried again, or a fault that
// strikes during a heal. No single test can promise it, but a night of them must.
//
//   TEST_F(KvTest, KeepsWritesUnderFaults) {
//     …
//     MUSTER_SOMETIMES(retries > 0, "a write is tried again");
//     if (hasHealed) MUSTER_REACHABLE("the replica heals while clients write");
//   }
//
// A probe that is not met fails no test. `muster probes RUN...` tells which probes of the runs were
// met, and fails for those that never were, also where no test has come by; `muster run
// --require-probes` fails a run by it (docs/reference/probes.md).
//
// Things to get right:
//   * The name is a string literal. It names the probe in its component: several places of one name
//     are one probe, which is met by each of them.
//   * A program knows its probes before main, so that one is judged whose code never runs. A probe
//     in a template counts once the template is used.
//   * Any thread may come by. A child that a test forks tells nobody.
#pragma once

namespace muster::internal {

struct ProbePlace {
  const char* name = "";

  // "sometimes" or "reachable".
  const char* kind = "";
  const char* file = "";
  int line = 0;
};

// A probe of this program. Its objects are made before main and live to its end.
class Probe {
 public:
  explicit Probe(const ProbePlace& place);

  // Note for the test that runs that it has met the probe, or came by without.
  void meet() const;
  void miss() const;

 private:
  const char* name_;
};

// Makes the probe of a place without the code there being run.
template <typename Place>
struct ProbeAt {
  inline static const Probe probe{Place::place()};
};

}  // namespace muster::internal

#define MUSTER_INTERNAL_PROBE(isMet, name, kind)                                    \
  do {                                                                              \
    struct MusterProbePlace {                                                       \
      static ::muster::internal::ProbePlace place() {                               \
        return {"" name, kind, __FILE__, __LINE__};                                 \
      }                                                                             \
    };                                                                              \
    const auto& musterProbe = ::muster::internal::ProbeAt<MusterProbePlace>::probe; \
    if (isMet) {                                                                    \
      musterProbe.meet();                                                           \
    } else {                                                                        \
      musterProbe.miss();                                                           \
    }                                                                               \
  } while (false)

// Is met when `condition` is true. It evaluates the condition each time.
#define MUSTER_SOMETIMES(condition, name) \
  MUSTER_INTERNAL_PROBE(static_cast<bool>(condition), name, "sometimes")

// Is met when a test comes by.
#define MUSTER_REACHABLE(name) MUSTER_INTERNAL_PROBE(true, name, "reachable")
