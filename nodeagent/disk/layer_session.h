// Serves the requests of the kernel for a layer: each is done to the file below, disturbed as the
// layer's specification says.
//
// The kernel passes on a read that it has not cached, and each write(2) at once, in pieces of 1 MiB
// at most. So a write is counted when the program makes it, and not when a disk would have it.
#pragma once

#include <stdint.h>

#include <atomic>

#include <kj/function.h>
#include <kj/io.h>

#include "nodeagent/disk/disk_layer.h"
#include "nodeagent/disk/inodes.h"

struct fuse_session;

namespace nodeagent::disk {

class LayerSession {
 public:
  // `device` is that of a mount, and `directory` is what is below it. `served` is called on a
  // thread of serve() once the kernel and the layer have agreed on how they speak.
  LayerSession(const LayerSpec& spec, int device, kj::AutoCloseFd directory,
               kj::Function<void()> served);
  ~LayerSession() noexcept(false);
  KJ_DISALLOW_COPY(LayerSession);

  // False if the device is none.
  bool isThere() const { return session_ != nullptr; }

  // Serves until the mount is gone and no file of it is open. Returns false for an error of the
  // device.
  bool serve();

  // Ends all disturbance, and takes back what was not synced if the layer does that. Any thread.
  Lost end();

  // Any thread.
  DisturbanceCount count() const { return disturbance_.count(); }
  uint64_t unsyncedBytes() const { return inodes_.unsyncedBytes(); }

 private:
  friend struct Requests;

  // Is called before a change of the inode, whose mutex is held. `file` can be read; -1: it is
  // opened here. Returns the errno with which the change fails; 0: it may be made.
  int keep(Inode& inode, int file, uint64_t offset, uint64_t bytes);

  const bool losesUnsynced_;
  Disturbance disturbance_;
  Inodes inodes_;
  kj::Function<void()> served_;
  // What was not synced has been taken back, so nothing may be changed any more.
  std::atomic<bool> isLost_ = false;
  struct fuse_session* session_ = nullptr;
};

}  // namespace nodeagent::disk
