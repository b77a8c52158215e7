// Adds a line to /etc/hosts.
//
// The line carries the id of its change, by which it is found again however the file was edited
// meanwhile.
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "nodeagent/change/checks.h"
#include "nodeagent/change/edit_file.h"
#include "schema/support/base/endpoint.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::change {
namespace {

using Kind = wire::Error::Kind;

constexpr size_t kNamesMax = 32;

class HostsKind final : public ChangeKind {
 public:
  kj::StringPtr name() const override { return "hosts"; }
  bool outlivesBoot() const override { return true; }

  Values read(wire::ChangeSpec::Kind::Reader from) const override {
    auto hosts = from.getHosts();
    if (!support::readNumericHost(hosts.getAddress().cStr())) {
      support::fail(Kind::INVALID, "hosts.address: \"", hosts.getAddress(),
                    "\" is no address, such as 10.9.0.5");
    }
    size_t count = hosts.getNames().size();
    if (count == 0 || count > kNamesMax) {
      support::fail(Kind::INVALID, "hosts.names: ", count, " are not between 1 and ", kNamesMax);
    }
    Values values;
    values.add("address", hosts.getAddress());
    for (auto each : hosts.getNames()) values.add("name", hostName("hosts.names", each));
    return values;
  }
  kj::String text(const Values& values) const override {
    return kj::str("names ", values.get("address"), " ", kj::strArray(values.getAll("name"), ", "),
                   " in /etc/hosts");
  }

  void prepare(const Surroundings& node, const support::Id&, Values&) const override {
    if (::access(node.hosts.cStr(), F_OK) < 0) support::failErrno(errno, "find ", node.hosts);
  }
  void make(const Surroundings& node, const support::Id& id, Values& values) const override {
    editFile(node.hosts, [&](kj::StringPtr content) {
      return kj::str(values.get("address"), "\t", kj::strArray(values.getAll("name"), " "), "\t",
                     markOf(id), "\n", content);
    });
  }
  void undo(const Surroundings& node, const support::Id& id, const Values&) const override {
    if (::access(node.hosts.cStr(), F_OK) < 0 && errno == ENOENT) return;
    editFile(node.hosts, [&](kj::StringPtr content) { return withoutMarkedLines(content, id); });
  }
};

}  // namespace

kj::Own<ChangeKind> newHostsKind() {
  return kj::heap<HostsKind>();
}

}  // namespace nodeagent::change
