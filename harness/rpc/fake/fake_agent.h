// A scripted agent for the unit tests of this room: the real transport on a socket, and no
// system behind it.
#pragma once

#include <stdint.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "harness/cluster/description.h"
#include "harness/rpc/io_thread.h"
#include "schema/agent.capnp.h"
#include "schema/job.capnp.h"
#include "schema/support/tls/tls.h"

namespace harness {

// Commands of the fake: {"emit", TEXT} writes TEXT and exits with 0; {"hang"} runs until it is
// cancelled; {"stubborn"} likewise, and says that it is being ended for its deadline.
class FakeAgent {
 public:
  struct Job {
    std::vector<std::string> argv;
    unsigned starts = 0;
    bool cancelled = false;
    std::string input;
    unsigned askedAhead = 0;  // Ranges of output behind one that was not answered yet.
  };

  struct Session {
    std::map<uint64_t, Job> jobs;
    std::vector<uint64_t> acknowledged;
    bool closed = false;
  };

  // How a welcome says that jobs are granted, which is all that the fake grants.
  enum class GrantForm {
    kListed,
    kField,  // As an agent of protocol 1.0 does.
    kListedWithoutCapability,
  };

  // What the fake does next; changed by tests at any time.
  struct Script {
    std::string bootId = "boot-1";
    std::string epoch = "0123456789abcdef";
    GrantForm grantForm = GrantForm::kListed;
    unsigned swallowPings = 0;  // Not 0: pings are never answered.
    // Pings and runs that come from now on are never answered. What asks after a run is: it comes
    // on its own, perhaps before a test has said that this is over.
    bool mute = false;
    bool losesRuns = false;  // `run`s that come are as if they had not.
    unsigned dropAfterRun =
        0;  // So many `run`s are carried out and then answered by a lost connection.
    unsigned corruptChunks = 0;  // So many chunks have a wrong check sum.
    unsigned chunkBytesMax = 1 << 20;
    bool spendNextSession = false;  // The next session to be begun has run out already.
    unsigned aheadBytesMax = 0;     // Of output; 0: as an older agent.
    wire::Error::Kind refusal = wire::Error::Kind::UNSPECIFIED;
    std::string refusalText;
  };

  // On a unix socket, without TLS.
  FakeAgent();

  // On a port of 127.0.0.1, with TLS.
  explicit FakeAgent(const support::Credentials& credentials);
  ~FakeAgent();

  // To connect to it as "n1".
  NodeDescription description() const;

  void change(const std::function<void(Script&)>& edit);

  // Ends every connection now.
  void drop();

  // Forgets every session.
  void forget();

  // Stops and begins to listen.
  void stopListening();
  void listen();

  unsigned hellos() const { return hellos_; }

  // A copy of the only session that is not closed, or of the last one.
  Session session() const;

  // Of the loop.
  struct State;

 private:
  void onLoop(const std::function<void()>& function);

  std::string directory_;
  uint16_t port_ = 0;  // 0: a unix socket.
  std::atomic<unsigned> hellos_{0};
  IoThread io_;
  std::unique_ptr<State> server_;  // Made and destroyed on the loop.
};

}  // namespace harness
