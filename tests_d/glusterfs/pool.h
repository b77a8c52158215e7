// The trusted pool of servers, each with a glusterd that the tests have started.
//
// It knows nothing of volumes (volume.h).
#pragma once

#include <string>
#include <vector>

#include <muster/muster.h>

#include "tests_d/glusterfs/cli.h"

namespace gluster {

// The daemons and all that they start belong to this program's sessions on the nodes, so they end
// when the program ends in any way. A pool that was there before is used as it is and goes on
// afterwards, also with daemons that were started again. Call from the test thread.
class Pool {
 public:
  // Starts a glusterd on each server and joins them, which takes 4 s. A server that a Pool had
  // before begins without any state, and leftovers of a killed run are removed. Throws NodeError
  // kInfrastructure if GlusterFS is not installed, or if volumes of others are there.
  Pool(const muster::NodeSet& servers, const muster::NodeSet& clients);

  const muster::NodeSet& servers() const { return servers_; }

  // Finds a server by its name. Throws NodeError kNotFound if it is not in the pool.
  muster::Node& server(const std::string& name) const { return servers_[name]; }

  // The server that runs commands unless a test says otherwise.
  muster::Node& first() const { return servers_.first(); }

  // Kills the server's glusterd alone with SIGKILL and waits for its end. Its bricks go on.
  void killDaemon(const muster::Node& server, Where where = Where::current()) const;

  // Starts the server's glusterd unless it runs, and waits until it answers.
  void startDaemon(const muster::Node& server, Where where = Where::current()) const;

  // A Check that every server sees every other one as a connected member.
  std::string trouble() const;

  // Starts daemons that are down and waits until all are joined again. Throws std::runtime_error if
  // that takes more than a minute.
  void makeWhole() const;

  // A Check that no server has a volume, a brick directory or a brick process, and no client a
  // mount. The pool's own directories and processes do not count.
  std::string leftovers() const;

  // Removes all leftovers of tests and begins anew, as the constructor does.
  void reset();

  // Returns `hint` with a number that no other volume of this pool had.
  std::string freshName(const std::string& hint);

 private:
  void startDaemons() const;
  void discardVolumes() const;
  muster::RunOptions daemonOptions() const;

  muster::NodeSet servers_;
  muster::NodeSet clients_;
  bool adopted_ = false;  // Some server had a pool before us.
  int namesGiven_ = 0;
};

}  // namespace gluster
