// The effect of a layer over a directory (nodeagent/disk): its files are slow, cannot be written at
// some point, or lose what was not synced.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <kj/io.h>
#include <kj/vector.h>

#include "nodeagent/disk/disk_layer.h"
#include "nodeagent/netfault/local_effect.h"
#include "nodeagent/netfault/mounts.h"
#include "nodeagent/netfault/own_process.h"
#include "nodeagent/netfault/processes.h"
#include "nodeagent/os/look_until.h"
#include "nodeagent/os/pidfd.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

using Kind = wire::Error::Kind;
using disk::LayerStatus;

constexpr int64_t kStartMaxNs = 5'000'000'000;
// Old content is written back at the end, and then the kernel ends the process.
constexpr int64_t kEndMaxNs = 20'000'000'000;
constexpr const char* kSource = "muster-disk";
constexpr const char* kType = "fuse.muster-disk";
// A line of the record, by which a layer is known that loses what was not synced, and the first
// write that was to fail.
constexpr const char* kLosesLine = "loses";
constexpr const char* kKeepsLine = "keeps";

int64_t nowNs() {
  struct timespec now {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

// A file system that nobody sees yet, and the device by which its requests are served.
struct NewMount {
  kj::AutoCloseFd device;
  kj::AutoCloseFd mount;
  MountIdentity identity;
};

NewMount makeMount() {
  NewMount made;
  made.device = kj::AutoCloseFd(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
  if (made.device.get() < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO)) {
    support::fail(Kind::UNSUPPORTED, "the node has no /dev/fuse: its kernel lacks FUSE");
  }
  if (made.device.get() < 0) support::failErrno(errno, "open /dev/fuse");
  kj::AutoCloseFd context(static_cast<int>(::syscall(SYS_fsopen, "fuse", FSOPEN_CLOEXEC)));
  if (context.get() < 0 && (errno == ENODEV || errno == ENOSYS)) {
    support::fail(Kind::UNSUPPORTED, "the kernel of the node lacks FUSE, or is older than 5.2");
  }
  if (context.get() < 0) support::failErrno(errno, "open the file system fuse");
  auto set = [&](unsigned command, const char* key, const char* value) {
    if (::syscall(SYS_fsconfig, context.get(), command, key, value, 0) < 0) {
      support::failErrno(errno, "set ", key == nullptr ? "up" : key, " of a file system fuse");
    }
  };
  auto number = kj::str(made.device.get());
  set(FSCONFIG_SET_STRING, "source", kSource);
  set(FSCONFIG_SET_STRING, "subtype", kSource);
  set(FSCONFIG_SET_STRING, "fd", number.cStr());
  set(FSCONFIG_SET_STRING, "rootmode", "40000");
  set(FSCONFIG_SET_STRING, "user_id", "0");
  set(FSCONFIG_SET_STRING, "group_id", "0");
  set(FSCONFIG_SET_FLAG, "allow_other", nullptr);
  set(FSCONFIG_SET_FLAG, "default_permissions", nullptr);
  set(FSCONFIG_CMD_CREATE, nullptr, nullptr);
  made.mount =
      kj::AutoCloseFd(static_cast<int>(::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, 0)));
  if (made.mount.get() < 0) support::failErrno(errno, "mount a file system fuse");
  made.identity = numberOf(made.mount);
  return made;
}

disk::LayerSpec layerSpec(const LocalSpec& spec, kj::StringPtr directory, uint64_t mount) {
  disk::LayerSpec layer;
  layer.disturbance = spec.disturbance;
  layer.losesUnsynced = spec.losesUnsynced;
  layer.directory = directory.cStr();
  layer.mount = mount;
  return layer;
}

// The layer that serves, and whether it is to lose what was not synced.
struct Known {
  explicit Known(kj::ArrayPtr<const kj::String> lines);

  kj::Maybe<ProcessRef> process;
  OwnMount mount;
  bool losesUnsynced = false;
  uint64_t failFrom = 0;
};

// The directory and the identity come first, as for every mount of a fault.
kj::Array<kj::String> linesOf(const ProcessRef& process, const MountIdentity& identity,
                              const disk::LayerSpec& spec) {
  return kj::arr(kj::str(spec.directory.c_str()), lineOf(identity), lineOf(process),
                 kj::str(spec.losesUnsynced ? kLosesLine : kKeepsLine),
                 kj::str(spec.disturbance.failFrom));
}

Known::Known(kj::ArrayPtr<const kj::String> lines)
    : mount(lines.slice(0, kj::min(lines.size(), size_t{2}))) {
  if (lines.size() < 5) return;
  for (auto& ref : processesIn(lines.slice(2, 3))) process = ref.clone();
  losesUnsynced = lines[3] == kLosesLine;
  failFrom = strtoull(lines[4].cStr(), nullptr, 10);
}

kj::Maybe<LayerStatus> statusOf(const Known& known) {
  KJ_IF_MAYBE (process, known.process) {
    LayerStatus status;
    if (lives(*process) && disk::readStatusOf(process->pid, status)) return status;
  }
  return nullptr;
}

kj::String witnessOf(const Known& known, const LayerStatus& status) {
  kj::Vector<kj::String> parts;
  parts.add(kj::str("mount ", known.mount.identity.id, " on ", known.mount.place.c_str(), " has ",
                    status.writes, " writes"));
  if (status.delayed > 0) parts.add(kj::str(status.delayed, " requests delayed"));
  if (known.failFrom > 0) parts.add(kj::str(status.failedWrites, " writes failed"));
  if (known.losesUnsynced && status.state != LayerStatus::State::kOver) {
    parts.add(kj::str(status.unsyncedBytes, " bytes not synced"));
  } else if (known.losesUnsynced) {
    parts.add(kj::str(status.lostBytes, " bytes lost of ", status.lostFiles, " files"));
  }
  return kj::strArray(parts, ", ");
}

class DiskLayerEffect final : public LocalEffect {
 public:
  void begin(const LocalSpec& spec, const LocalHost& host, RememberLines remember) const override {
    kj::String directory = realDirectory(spec.directory);
    requireWithoutState(directory, host);
    kj::AutoCloseFd below(::open(directory.cStr(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (below.get() < 0) support::failErrno(errno, "open ", directory);
    NewMount made = makeMount();
    kj::AutoCloseFd page(::memfd_create("muster-disk", MFD_CLOEXEC));
    if (page.get() < 0 || ::ftruncate(page, disk::kStatusBytes) < 0) {
      support::failErrno(errno, "make the page of a layer");
    }
    auto layer = layerSpec(spec, directory, made.identity.id);
    // It ends with the mount, which is gone with its last descriptor until it has a place.
    start(host, layer, made.device, below, page);
    LayerStatus status = awaitService(page);
    ProcessRef process{static_cast<pid_t>(status.pid), status.startTicks, kj::str(kSource)};
    remember(linesOf(process, made.identity, layer));
    if (::syscall(SYS_move_mount, made.mount.get(), "", AT_FDCWD, directory.cStr(),
                  MOVE_MOUNT_F_EMPTY_PATH) < 0) {
      support::failErrno(errno, "mount on ", directory);
    }
    requireSlow(directory, spec.disturbance.delayNs);
  }

  Shown read(kj::ArrayPtr<const kj::String> lines) const override {
    Shown shown;
    Known known(lines);
    shown.isThere = isThere(known);
    auto status = statusOf(known);
    KJ_IF_MAYBE (found, status) {
      shown.isWorking = shown.isThere && found->state == LayerStatus::State::kServing;
      take(known, *found, shown);
    }
    return shown;
  }

  Shown remove(kj::ArrayPtr<const kj::String> lines) const override {
    Shown shown = read(lines);
    Known known(lines);
    KJ_IF_MAYBE (process, known.process) end(known, *process, shown);
    if (!shown.isThere) return shown;
    unmountTopmost(known.mount);
    // Open files that lose their content have no disk any more, as after a power failure.
    if (!known.losesUnsynced) return shown;
    KJ_IF_MAYBE (process, known.process) killOwnProcess(*process);
    return shown;
  }

 private:
  static bool isThere(const Known& known) {
    Standing standing = standingOf(known.mount);
    return standing.isThere && standing.type == kType;
  }

  static void start(const LocalHost& host, const disk::LayerSpec& spec, int device, int below,
                    int page) {
    kj::Vector<kj::String> words;
    words.add(kj::str(disk::kLayerArgument));
    for (auto& word : disk::layerWords(spec)) words.add(kj::str(word.c_str()));
    OwnProgram own{host.program, words, device, below, page};
    runOwnProgram(own, kStartMaxNs);
  }

  static LayerStatus awaitService(int page) {
    LayerStatus status;
    bool isServing = lookUntil(kStartMaxNs, [&]() {
      return disk::readStatus(page, status) && status.state == LayerStatus::State::kServing;
    });
    if (!isServing) support::fail(Kind::SYSTEM, "the process that serves the files did not start");
    return status;
  }

  // A sync of the directory is delayed as each request is.
  static void requireSlow(kj::StringPtr directory, int64_t delayNs) {
    if (delayNs == 0) return;
    int64_t since = nowNs();
    kj::AutoCloseFd file(::open(directory.cStr(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (file.get() < 0 || ::fsync(file) < 0) support::failErrno(errno, "sync ", directory);
    int64_t tookNs = nowNs() - since;
    if (tookNs >= delayNs) return;
    support::fail(Kind::SYSTEM, directory, " was made slow, and a sync took ", tookNs,
                  " ns there, which is less than ", delayNs);
  }

  static void take(const Known& known, const LayerStatus& status, Shown& shown) {
    shown.packets = status.delayed + status.failedWrites;
    shown.bytes = status.unsyncedBytes + status.lostBytes;
    shown.witness = witnessOf(known, status);
    shown.flaw = kj::String();
    if (known.failFrom == 0 || status.failedWrites > 0) return;
    shown.flaw =
        kj::str("no write has failed: there were ", status.writes, " in ",
                known.mount.place.c_str(), ", and number ", known.failFrom, " was to fail");
  }

  // Ends the disturbance, and waits until the layer says so.
  static void end(const Known& known, const ProcessRef& process, Shown& shown) {
    if (!lives(process)) {
      shown.flaw = kj::str("the process that served the files of ", known.mount.place.c_str(),
                           " was ended before");
      return;
    }
    signalProcess(process, SIGTERM);
    LayerStatus status;
    bool isOver = lookUntil(kEndMaxNs, [&]() {
      return !lives(process) ||
             (disk::readStatusOf(process.pid, status) && status.state == LayerStatus::State::kOver);
    });
    if (!isOver) support::fail(Kind::SYSTEM, "process ", process.pid, " does not end the layer");
    if (status.state == LayerStatus::State::kOver) take(known, status, shown);
    if (status.error == 0) return;
    shown.flaw = kj::str("what was not synced could not be taken back: ",
                         support::errnoText(static_cast<int>(status.error)));
  }
};

}  // namespace

const LocalEffect& diskLayerEffect() {
  static const DiskLayerEffect kEffect;
  return kEffect;
}

}  // namespace nodeagent::netfault
