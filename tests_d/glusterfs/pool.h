// The trusted pool: one glusterd on each server, of their own making, joined to one another.
//
// Knows no volumes: see volume.h.
#pragma once

#include <string>
#include <vector>

#include <muster/muster.h>

#include "tests_d/glusterfs/cli.h"

namespace gluster {

// The daemons and all that they start belong to this program's sessions on the nodes: they end with
// it, however it ends. A pool that was there before is used as it is and goes on afterwards, also
// daemons of it that were started again. Call from the test thread.
class Pool {
 public:
  // Starts a glusterd on each server and joins them; 4 s. Servers that a Pool once had begin
  // without any state; what an earlier run left on servers and clients, if it was killed, is
  // removed. NodeError kInfrastructure if GlusterFS is not installed, or if volumes of others are
  // there.
  Pool(const muster::NodeSet& servers, const muster::NodeSet& clients);

  const muster::NodeSet& servers() const { return servers_; }

  // By name; NodeError kNotFound if it is not in the pool.
  muster::Node& server(const std::string& name) const { return servers_[name]; }

  // The one that commands are given to unless a test says otherwise.
  muster::Node& first() const { return servers_.first(); }

  // SIGKILL to the server's glusterd alone; its bricks go on. Returns when it is gone.
  void killDaemon(const muster::Node& server, Where where = Where::current()) const;

  // Returns when it answers; one that runs is left alone.
  void startDaemon(const muster::Node& server, Where where = Where::current()) const;

  // A Look: empty if every server sees every other one as a connected member.
  std::string trouble() const;

  // Starts daemons that are down and waits until all are joined again. std::runtime_error if they
  // do not within a minute.
  void makeWhole() const;

  // A Look: empty if no server has a volume, a brick directory or a brick process, and no client a
  // mount. What the pool itself needs does not count.
  std::string leftovers() const;

  // Removes what tests left and begins anew, as the constructor does.
  void reset();

  // `hint` and a number that no other volume of this pool had.
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
