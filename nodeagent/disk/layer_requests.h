// What a layer does for each request of the kernel.
#pragma once

#define FUSE_USE_VERSION 312
#include <fuse3/fuse_lowlevel.h>

#include "nodeagent/disk/layer_session.h"

namespace nodeagent::disk {

// Returns the calls of the library. Their user data is a LayerSession.
struct fuse_lowlevel_ops layerCalls();

}  // namespace nodeagent::disk
