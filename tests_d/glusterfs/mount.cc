#include "tests_d/glusterfs/mount.h"

#include <csignal>
#include <stdexcept>

namespace gluster {
namespace {

using std::chrono::seconds;

// The deadline of a mount. 0.2 s were measured.
constexpr seconds kMountMax{30};
// The deadline of one writeRandom().
constexpr seconds kWriteMax{60};

// Writes random bytes, and takes their digest from a source outside of the mount.
constexpr const char* kWriteRandom = R"sh(
set -e
mkdir -p /tmp/muster-data
source=$(mktemp /tmp/muster-data/XXXXXX)
dd if=/dev/urandom of="$source" bs=1024 count="$KIBIBYTES" status=none
dd if="$source" of="$TARGET" bs=128k conv=fsync status=none
sha256sum < "$source"
rm -f "$source"
)sh";

// Writes files over and over. It uses 32 names only, so that the data to heal stays bounded however
// long it runs.
constexpr const char* kWriter = R"sh(
trap 'stop=1' TERM
mkdir -p "$DIRECTORY" || exit 1
count=0
while [ -z "$stop" ]; do
  count=$((count + 1))
  dd if=/dev/urandom of="$DIRECTORY/$((count % 32))" bs=64k count=1 conv=fsync status=none || exit 1
  echo "$count"
done
exit 0
)sh";

std::string others(const muster::NodeSet& servers) {
  std::string names;
  for (const std::string& name : servers.without(servers.first()).names()) {
    names += (names.empty() ? "" : ":") + name;
  }
  return names;
}

muster::RunOptions writerOptions(const std::string& directory) {
  muster::RunOptions options;
  options.environment = {{"DIRECTORY", directory}};
  return options;
}

}  // namespace

Mount::Mount(const muster::Node& client, const Volume& volume, Where where) : client_(client) {
  const muster::Result made = client_.run({"mktemp", "-d", "/mnt/" + volume.name() + "-XXXXXX"},
                                          {.deadline = kMountMax}, where);
  if (!made.succeeded()) throw std::runtime_error(muster::describe(made));
  directory_ = made.line();
  const muster::NodeSet& servers = volume.pool().servers();
  const muster::Result mounted =
      client_.run({"mount", "-t", "glusterfs", "-o", "backup-volfile-servers=" + others(servers),
                   servers.first().name() + ":/" + volume.name(), directory_},
                  {.deadline = kMountMax}, where);
  if (!mounted.succeeded()) {
    client_.file(directory_).remove(where);
    throw std::runtime_error(muster::describe(mounted));
  }
}

Mount::~Mount() {
  try {
    const muster::Result unmounted =
        client_.run({"umount", "-l", directory_}, {.deadline = kMountMax});
    if (!unmounted.succeeded()) ADD_FAILURE() << muster::describe(unmounted);
    client_.file(directory_).remove();
  } catch (const std::exception& error) {
    ADD_FAILURE() << directory_ << " could not be unmounted: " << error.what();
  }
}

int Mount::pid(Where where) const {
  const muster::Result found =
      client_.run({"pgrep", "-f", "^/usr/sbin/glusterfs .* " + directory_ + "$"},
                  {.deadline = kMountMax}, where);
  if (found.lines().size() != 1) throw std::runtime_error(muster::describe(found));
  return std::stoi(found.line());
}

std::string Mount::writeRandom(const std::string& name, int kibibytes, Where where) const {
  muster::RunOptions options;
  options.environment = {{"TARGET", path(name)}, {"KIBIBYTES", std::to_string(kibibytes)}};
  options.deadline = kWriteMax;
  const muster::Result written = client_.shell(kWriteRandom, options, where);
  if (!written.succeeded()) throw std::runtime_error(muster::describe(written));
  const std::string line = written.line();
  return line.substr(0, line.find(' '));
}

muster::Result Mount::tryWrite(const std::string& name, std::chrono::nanoseconds within,
                               Where where) const {
  return client_.run({"dd", "if=/dev/urandom", "of=" + path(name), "bs=64k", "count=1",
                      "conv=fsync", "status=none"},
                     {.deadline = within}, where);
}

Writer::Writer(const Mount& mount, const std::string& directory, Where where)
    : process_(mount.client().start({"/bin/sh", "-c", kWriter},
                                    writerOptions(mount.path(directory)), where)) {}

int Writer::written(Where where) {
  const std::string output = process_.output(where);
  const auto end = output.rfind('\n');
  if (end == std::string::npos) return 0;
  const auto before = end == 0 ? std::string::npos : output.rfind('\n', end - 1);
  return std::stoi(output.substr(before == std::string::npos ? 0 : before + 1));
}

void Writer::awaitMore(int files, std::chrono::nanoseconds within, Where where) {
  const int target = written(where) + files;
  awaitClear(
      "the writer",
      [&]() -> std::string {
        const int now = written(where);
        if (now >= target) return "";
        if (!process_.running(where)) throw std::runtime_error(muster::describe(process_.wait()));
        return std::to_string(now) + " files of " + std::to_string(target);
      },
      within);
}

muster::Result Writer::stop(Where where) {
  process_.signal(SIGTERM, muster::SignalTarget::kProcess, where);
  return process_.wait(kWriteMax, where);
}

}  // namespace gluster
