// A volume that lives for the length of a scope, with its bricks and its healing.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <muster/muster.h>

#include "tests_d/glusterfs/pool.h"
#include "tests_d/glusterfs/volume_spec.h"

namespace gluster {

// The time for which a client waits for a silent brick before it goes on without it. gluster's
// default is 42 s.
inline constexpr std::chrono::seconds kPingTimeout{5};

// The constructor makes the volume. The destructor stops and deletes it, ends its processes and
// removes its brick directories, also if bricks and daemons failed meanwhile. It fails the test if
// that is not possible. Calls throw CliError, and NodeError as Node::run does.
class Volume {
 public:
  // Creates the volume and sets its options. `pool` is borrowed for the object's life.
  Volume(Pool& pool, VolumeType type, Where where = Where::current());
  ~Volume();
  Volume(const Volume&) = delete;
  Volume& operator=(const Volume&) = delete;

  const std::string& name() const { return layout_.name; }
  const VolumeLayout& layout() const { return layout_; }
  Pool& pool() const { return pool_; }

  // Starts the volume and waits until every brick is online.
  void start(Where where = Where::current());
  void stop(Where where = Where::current());

  // Deletes the volume, which must be stopped. The brick directories stay until the destructor.
  void remove(Where where = Where::current());

  VolumeInfo info(Where where = Where::current()) const;
  VolumeStatus status(Where where = Where::current()) const;
  void set(const std::string& option, const std::string& value, Where where = Where::current());

  // A Check that every brick is online.
  std::string trouble() const;

  // Kills the process of one brick with SIGKILL and waits until gluster reports it as offline.
  void killBrick(const Brick& brick, Where where = Where::current()) const;

  // Starts the bricks that are down by `start force`, and waits until all are online.
  void restartBricks(Where where = Where::current()) const;

  // A Check that nothing is left to heal on any brick. Each call also triggers a heal, which
  // gluster may refuse right after a server has come back.
  std::string healTrouble() const;

  // The server that a brick is on.
  muster::Node& serverOf(const Brick& brick) const { return pool_.server(brick.server); }

  // Adds one brick on the first server. The volume must be distributed.
  Brick addBrick(Where where = Where::current());

 private:
  void discard() noexcept;
  std::string stopAndDelete() const;
  void clearServers() const;

  Pool& pool_;
  VolumeLayout layout_;
};

}  // namespace gluster
