// A scripted agent for the unit tests of this room: the real transport on a socket, and no
// system behind it.
#pragma once

#include <stdint.h>

#include <atomic>
#include <chrono>
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

// Commands of the fake: {"emit", TEXT} writes TEXT and exits with 0; {"fail", TEXT} exits with 3;
// {"both", TEXT, ERRORS, LENGTH...} writes to both streams and says that they were read in that
// order; {"missing"} cannot be started; {"cat"} writes what it reads, and exits with 0 at the end
// of its input; {"hang"} runs until it is cancelled; {"say", TEXT} writes TEXT first and is silent
// then;
// {"pour"} writes without end until then, and ends when that was released; {"stubborn"} runs until
// it is cancelled too, and says that it is being ended for its deadline.
class FakeAgent {
 public:
  struct Job {
    std::vector<std::string> argv;
    unsigned starts = 0;
    bool cancelled = false;
    std::string input;
    bool inputEnded = false;

    // The bytes that "pour" has written, and those of any command that were released.
    uint64_t poured = 0;
    uint64_t releasedTo = 0;

    // The number of ranges of output that were asked for behind one without an answer.
    unsigned askedAhead = 0;
  };

  struct Session {
    std::map<uint64_t, Job> jobs;
    std::vector<uint64_t> acknowledged;
    bool closed = false;

    // The session that this is a scope of, by its id, and how often it was opened.
    std::string scopeOf;
    unsigned opened = 0;
  };

  // The form in which a welcome grants jobs. Beside them, the fake grants what the script says.
  enum class GrantForm {
    kListed,

    // The form of an agent of protocol 1.0.
    kField,
    kListedWithoutCapability,
  };

  // The behaviour of the fake; tests change it at any time.
  struct Script {
    std::string bootId = "boot-1";
    std::string epoch = "0123456789abcdef";
    GrantForm grantForm = GrantForm::kListed;

    // Not 0: pings are never answered.
    unsigned swallowPings = 0;

    // Pings, runs and closes that come from now on are never answered. Questions about a run are
    // answered: they come on their own, perhaps before a test has said that this is over.
    bool mute = false;

    // `run`s that come are ignored, as if they had not come.
    bool losesRuns = false;

    // The number of `run`s that are carried out and then answered by a lost connection.
    unsigned dropAfterRun = 0;

    // The number of chunks that get a wrong check sum.
    unsigned corruptChunks = 0;
    unsigned chunkBytesMax = 1 << 20;

    // The most bytes of input that one call takes, and that one command takes.
    uint64_t inputBytesOfCall = UINT64_MAX;
    uint64_t inputBytesOfCommand = UINT64_MAX;

    // The next session to be begun has run out already.
    bool spendNextSession = false;

    // The output that may be asked for ahead. 0: none, as with an older agent.
    unsigned aheadBytesMax = 0;

    // The bytes of standard output between these offsets were dropped.
    uint64_t outputDroppedFrom = 0;
    uint64_t outputDroppedTo = 0;

    // The role that the welcome names. Unspecified: none.
    wire::Role role = wire::Role::UNSPECIFIED;

    // Grants events, if jobs are listed.
    bool grantsSync = false;

    // Grants logs, if jobs are listed. They are empty.
    bool grantsLogs = false;

    // The kind with which reads of logs fail. Unspecified: they do not.
    wire::Error::Kind logRefusal = wire::Error::Kind::UNSPECIFIED;

    // Grants the diagnosis, if jobs are listed. Nothing has crashed.
    bool grantsDiagnosis = false;

    // The kind with which looks for crashes fail. Unspecified: they do not.
    wire::Error::Kind crashRefusal = wire::Error::Kind::UNSPECIFIED;

    // A call that waits for a line is answered this much later than it should be.
    std::chrono::milliseconds logLateness{0};

    // Answers only those who do not wait for an event.
    bool holdsEvents = false;
    wire::Error::Kind refusal = wire::Error::Kind::UNSPECIFIED;
    std::string refusalText;

    // What a scope leaves when it is closed. Empty: nothing.
    std::string scopeLeftover;
  };

  // Listens on a unix socket, without TLS.
  FakeAgent();

  // Listens on a port of 127.0.0.1, with TLS.
  explicit FakeAgent(const support::Credentials& credentials);
  ~FakeAgent();

  // Returns the description by which it is connected to as "n1".
  NodeDescription description() const;

  void change(const std::function<void(Script&)>& edit);

  // Ends every connection now.
  void drop();

  // Forgets every session.
  void forget();

  // Stops and begins to listen.
  void stopListening();
  void listen();

  // A command sends an event of this name, in the session that there is.
  void say(const std::string& event);

  // Returns the numbers behind which records were asked for, in order.
  std::vector<uint64_t> pulls() const;

  unsigned hellos() const { return hellos_; }

  // Returns how many waits for lines of logs have come.
  unsigned logWaits() const { return logWaits_; }

  // Returns a copy of the only session that is not closed, or of the last one.
  Session session() const;

  // Returns copies of the scopes, in the order of their ids.
  std::vector<Session> scopes() const;

  // The server belongs to the loop.
  struct State;

 private:
  void onLoop(const std::function<void()>& function);

  std::string directory_;

  // 0: a unix socket.
  uint16_t port_ = 0;
  std::atomic<unsigned> hellos_{0};
  std::atomic<unsigned> logWaits_{0};
  IoThread io_;

  // It is made and destroyed on the loop.
  std::unique_ptr<State> server_;
};

}  // namespace harness
