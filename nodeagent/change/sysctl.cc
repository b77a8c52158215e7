// Sets a kernel parameter.
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kj/io.h>

#include "nodeagent/change/checks.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::change {
namespace {

using Kind = wire::Error::Kind;

constexpr size_t kSysctlNameBytesMax = 256;
constexpr size_t kSysctlValueBytesMax = 4096;

// Returns the path below /proc/sys. As with sysctl(8), the first separator decides which one it is,
// so that "net/ipv4/conf/eth0.5/forwarding" can be written.
kj::String pathOf(kj::StringPtr name) {
  kj::String path = kj::str(name);
  bool isDotted = true;
  for (char c : name) {
    if (c == '.' || c == '/') {
      isDotted = c == '.';
      break;
    }
  }
  if (!isDotted) return path;
  for (char& c : path) {
    if (c == '.') {
      c = '/';
    } else if (c == '/') {
      c = '.';
    }
  }
  return path;
}

void requireSysctlName(kj::StringPtr name, kj::StringPtr path) {
  bool isRight = path.size() > 0 && path.size() <= kSysctlNameBytesMax;
  size_t begin = 0;
  for (size_t i = 0; i <= path.size(); ++i) {
    if (i < path.size() && path[i] != '/') {
      isRight = isRight && path[i] > ' ' && path[i] < 0x7f;
      continue;
    }
    kj::String part = kj::heapString(path.begin() + begin, i - begin);
    isRight = isRight && part.size() > 0 && part != "." && part != "..";
    begin = i + 1;
  }
  if (!isRight) {
    support::fail(Kind::INVALID, "sysctl.name: \"", name,
                  "\" is no name of a parameter, such as net.ipv4.ip_forward");
  }
}

[[noreturn]] void failAt(int error, kj::StringPtr what, kj::StringPtr name) {
  if (error == ENOENT) {
    support::fail(Kind::NOT_FOUND, "the node's kernel has no parameter ", name);
  }
  if (error == EROFS || error == EACCES || error == EPERM) {
    support::fail(Kind::DENIED, what, " ", name, ": ", support::errnoText(error));
  }
  support::failErrno(error, what, " ", name);
}

class SysctlKind final : public ChangeKind {
 public:
  kj::StringPtr name() const override { return "sysctl"; }
  // The kernel takes a value or leaves the parameter as it was.
  bool isAtomic() const override { return true; }

  Values read(wire::ChangeSpec::Kind::Reader from) const override {
    auto sysctl = from.getSysctl();
    kj::String path = pathOf(sysctl.getName());
    requireSysctlName(sysctl.getName(), path);
    kj::StringPtr value = sysctl.getValue();
    bool isLine = value.size() > 0 && value.size() <= kSysctlValueBytesMax;
    for (char c : value) isLine = isLine && c != '\n' && c != '\0';
    if (!isLine) {
      support::fail(Kind::INVALID, "sysctl.value: is not one line of 1 to ", kSysctlValueBytesMax,
                    " bytes");
    }
    Values values;
    values.add("name", sysctl.getName());
    values.add("path", path);
    values.add("value", value);
    return values;
  }
  kj::String text(const Values& values) const override {
    return kj::str("sets ", values.get("name"), " to ", values.get("value"));
  }
  kj::String resource(const Values& values) const override { return kj::str(values.get("path")); }

  void prepare(const Surroundings& node, const support::Id&, Values& values) const override {
    kj::String path = kj::str(node.sysctls, "/", values.get("path"));
    int fd = ::open(path.cStr(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) failAt(errno, "read", values.get("name"));
    kj::AutoCloseFd file(fd);
    struct stat status;
    if (::fstat(file, &status) == 0 && !S_ISREG(status.st_mode)) {
      support::fail(Kind::INVALID, "sysctl.name: \"", values.get("name"),
                    "\" is a directory of parameters");
    }
    char buffer[kSysctlValueBytesMax + 1];
    ssize_t count = ::read(file, buffer, sizeof buffer);
    if (count < 0) failAt(errno, "read", values.get("name"));
    while (count > 0 && buffer[count - 1] == '\n') --count;
    kj::String before = kj::heapString(buffer, static_cast<size_t>(count));
    if (static_cast<size_t>(count) > kSysctlValueBytesMax || before.findFirst('\n') != nullptr) {
      support::fail(Kind::UNSUPPORTED, "the value of ", values.get("name"),
                    " is more than a line, so it could not be put back");
    }
    values.set("before", before);
    values.set("detail.before", before);
  }

  void make(const Surroundings& node, const support::Id&, Values& values) const override {
    set(node, values, values.get("value"));
  }

  void undo(const Surroundings& node, const support::Id&, const Values& values) const override {
    // The parameters of an interface go with it.
    kj::String path = kj::str(node.sysctls, "/", values.get("path"));
    if (::access(path.cStr(), F_OK) < 0 && errno == ENOENT) return;
    set(node, values, values.get("before"));
  }

 private:
  static void set(const Surroundings& node, const Values& values, kj::StringPtr value) {
    kj::String path = kj::str(node.sysctls, "/", values.get("path"));
    int fd = ::open(path.cStr(), O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) failAt(errno, "set", values.get("name"));
    kj::AutoCloseFd file(fd);
    kj::String line = kj::str(value, "\n");
    if (::write(file, line.begin(), line.size()) < 0) {
      if (errno == EINVAL || errno == ERANGE) {
        support::fail(Kind::INVALID, "the kernel refuses the value \"", value, "\" for ",
                      values.get("name"));
      }
      failAt(errno, "set", values.get("name"));
    }
  }
};

}  // namespace

kj::Own<ChangeKind> newSysctlKind() {
  return kj::heap<SysctlKind>();
}

}  // namespace nodeagent::change
