// A volume for the length of a scope, its bricks, and its healing.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <muster/muster.h>

#include "tests_d/glusterfs/pool.h"
#include "tests_d/glusterfs/volume_spec.h"

namespace gluster {

// How long a client waits for a silent brick before it goes on without. 42 s is gluster's default.
inline constexpr std::chrono::seconds kPingTimeout{5};

// Made by the constructor, gone with the destructor: stopped, deleted, its processes ended and its
// brick directories removed, whatever became of bricks and daemons meanwhile. What could not be
// undone fails the test. Calls throw CliError, and NodeError as Node::run.
class Volume {
 public:
  // Creates it and sets its options. `pool` is borrowed for the object's life.
  Volume(Pool& pool, VolumeType type, Where where = Where::current());
  ~Volume();
  Volume(const Volume&) = delete;
  Volume& operator=(const Volume&) = delete;

  const std::string& name() const { return layout_.name; }
  const VolumeLayout& layout() const { return layout_; }
  Pool& pool() const { return pool_; }

  // Starts it and waits until every brick is online.
  void start(Where where = Where::current());
  void stop(Where where = Where::current());

  // `volume delete`; it must be stopped. The brick directories stay until the destructor.
  void remove(Where where = Where::current());

  VolumeInfo info(Where where = Where::current()) const;
  VolumeStatus status(Where where = Where::current()) const;
  void set(const std::string& option, const std::string& value, Where where = Where::current());

  // A Look: empty if every brick is online.
  std::string trouble() const;

  // SIGKILL to the process of one brick; returns when gluster says that it is offline.
  void killBrick(const Brick& brick, Where where = Where::current()) const;

  // `start force`: starts the bricks that are down, and waits until all are online.
  void restartBricks(Where where = Where::current()) const;

  // A Look that also pushes: triggers a heal, which gluster may refuse right after a server has
  // come back, and is empty when nothing is left to heal on any brick.
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
