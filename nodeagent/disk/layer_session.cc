#include "nodeagent/disk/layer_session.h"

#include <errno.h>
#include <fcntl.h>

#include <string>

#include "nodeagent/disk/layer_requests.h"

// A layer is no character device. The library refers to the functions for such devices all the
// same, and they bring in modules that are loaded at run time, which a static program cannot do.
extern "C" void cuse_lowlevel_init(fuse_req_t, fuse_ino_t, const void*) {}

namespace nodeagent::disk {
namespace {

// A request that is delayed keeps its thread, so this bounds how many are delayed at once.
constexpr unsigned kThreadsMax = 512;
constexpr unsigned kIdleThreadsMax = 8;

void logNothing(enum fuse_log_level, const char*, va_list) {}

}  // namespace

LayerSession::LayerSession(const LayerSpec& spec, int device, kj::AutoCloseFd directory,
                           kj::Function<void()> served)
    : losesUnsynced_(spec.losesUnsynced),
      disturbance_(spec.disturbance),
      inodes_(kj::mv(directory)),
      served_(kj::mv(served)) {
  // The library's own words would go to the page that the keeper reads.
  fuse_set_log_func(logNothing);
  struct fuse_args arguments = FUSE_ARGS_INIT(0, nullptr);
  fuse_opt_add_arg(&arguments, "muster-disk");
  KJ_DEFER(fuse_opt_free_args(&arguments));
  struct fuse_lowlevel_ops calls = layerCalls();
  session_ = fuse_session_new(&arguments, &calls, sizeof calls, this);
  if (session_ == nullptr) return;
  auto place = "/dev/fd/" + std::to_string(device);
  if (fuse_session_mount(session_, place.c_str()) == 0) return;
  fuse_session_destroy(session_);
  session_ = nullptr;
}

LayerSession::~LayerSession() noexcept(false) {
  if (session_ != nullptr) fuse_session_destroy(session_);
}

bool LayerSession::serve() {
  struct fuse_loop_config* config = fuse_loop_cfg_create();
  KJ_DEFER(fuse_loop_cfg_destroy(config));
  fuse_loop_cfg_set_max_threads(config, kThreadsMax);
  fuse_loop_cfg_set_idle_threads(config, kIdleThreadsMax);
  return fuse_session_loop_mt(session_, config) == 0;
}

Lost LayerSession::end() {
  disturbance_.end();
  if (!losesUnsynced_) return {};
  isLost_ = true;
  return inodes_.takeBackUnsynced();
}

int LayerSession::keep(Inode& inode, int file, uint64_t offset, uint64_t bytes) {
  if (isLost_) return EIO;
  if (!losesUnsynced_) return 0;
  if (file >= 0) return inode.unsynced.keep(file, offset, bytes);
  // The program may have opened it for writing only.
  kj::AutoCloseFd own(::open(inode.path().c_str(), O_RDONLY | O_CLOEXEC));
  return own.get() < 0 ? errno : inode.unsynced.keep(own, offset, bytes);
}

}  // namespace nodeagent::disk
