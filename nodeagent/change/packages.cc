// Installs packages by the node's package manager.
#include <set>
#include <sstream>
#include <string>

#include "nodeagent/change/checks.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::change {
namespace {

using Kind = wire::Error::Kind;

constexpr size_t kPackagesMax = 64;
constexpr size_t kPackageNameBytesMax = 255;
constexpr int64_t kInstallNs = 900'000'000'000;
constexpr size_t kListBytesMax = 4 << 20;

// Held while a manager runs. One that a killed keeper has started goes on, and would install after
// the next keeper has looked. -o: daemons that a package starts must not keep it.
constexpr kj::StringPtr kLocked = "flock -o -w 600 /run/muster-packages.lock "_kj;

// One word of a command line: no option, and nothing that apt-get takes for another action, as it
// does "name-" and "name+".
void requirePackageName(kj::StringPtr name) {
  bool isRight = name.size() > 0 && name.size() <= kPackageNameBytesMax && name[0] != '-' &&
                 !name.endsWith("-") && (name.startsWith("/") || !name.endsWith("+"));
  for (char c : name) isRight = isRight && c > ' ' && c < 0x7f && c != '\'';
  if (!isRight) {
    support::fail(Kind::INVALID, "packages.names: \"", name,
                  "\" is neither the name of a package nor the absolute path of its file");
  }
}

struct Manager {
  kj::StringPtr name;
  // Prints "NAME VERSION" for each package that is installed.
  kj::StringPtr list;
  kj::StringPtr install;
  kj::StringPtr remove;
};

constexpr Manager kManagers[] = {
    {"apt-get"_kj,
     "dpkg-query -W -f '${db:Status-Status} ${binary:Package} ${Version}\\n' | "
     "sed -n 's/^installed //p'"_kj,
     "env DEBIAN_FRONTEND=noninteractive apt-get -y -q --no-install-recommends install"_kj,
     "env DEBIAN_FRONTEND=noninteractive apt-get -y -q purge"_kj},
    {"dnf"_kj, "rpm -qa --qf '%{NAME}.%{ARCH} %{VERSION}-%{RELEASE}\\n'"_kj, "dnf -y -q install"_kj,
     "dnf -y -q --noautoremove remove"_kj},
};

const Manager& managerOf(kj::StringPtr name) {
  for (const Manager& manager : kManagers) {
    if (manager.name == name) return manager;
  }
  support::fail(Kind::UNSUPPORTED, "package manager ", name, " is not known here");
}

kj::Array<kj::String> shell(kj::StringPtr script) {
  return words({"sh", "-c", script});
}

// No name has a quote in it; of other characters a shell would take some for its own.
kj::String quotedWords(const kj::Vector<kj::StringPtr>& names) {
  kj::Vector<kj::String> all;
  for (kj::StringPtr name : names) all.add(kj::str("'", name, "'"));
  return kj::strArray(all, " ");
}

// Returns the packages with their versions, "NAME VERSION".
std::set<std::string> installed(const Manager& manager) {
  CommandOutput output;
  output.errors = CommandOutput::Errors::kDropped;
  output.bytesMax = kListBytesMax;
  CommandResult result = runCommand(shell(manager.list), kToolNs, output);
  if (!result.succeeded()) support::fail(Kind::SYSTEM, "list packages: ", describeEnd(result));
  std::set<std::string> all;
  std::istringstream lines(std::string(result.output.asChars().begin(), result.output.size()));
  for (std::string line; std::getline(lines, line);) all.insert(line);
  return all;
}

std::string nameIn(const std::string& line) {
  return line.substr(0, line.find(' '));
}

class PackagesKind final : public ChangeKind {
 public:
  kj::StringPtr name() const override { return "packages"; }
  bool isSlow() const override { return true; }
  bool outlivesBoot() const override { return true; }

  Values read(wire::ChangeSpec::Kind::Reader from) const override {
    auto names = from.getPackages().getNames();
    if (names.size() == 0 || names.size() > kPackagesMax) {
      support::fail(Kind::INVALID, "packages.names: ", names.size(), " are not between 1 and ",
                    kPackagesMax);
    }
    Values values;
    for (auto each : names) {
      requirePackageName(each);
      values.add("name", each);
    }
    return values;
  }
  kj::String text(const Values& values) const override {
    return kj::str("installs ", kj::strArray(values.getAll("name"), ", "));
  }

  void prepare(const Surroundings& node, const support::Id&, Values& values) const override {
    for (const Manager& manager : kManagers) {
      if (node.run(shell(kj::str("command -v ", manager.name)), kToolNs).succeeded()) {
        values.set("manager", manager.name);
        break;
      }
    }
    if (values.get("manager").size() == 0) {
      support::fail(Kind::UNSUPPORTED, "the node has neither apt-get nor dnf");
    }
    // The installed names stand in the record, so that the next keeper can tell what is new.
    std::set<std::string> names;
    for (auto& line : installed(managerOf(values.get("manager")))) names.insert(nameIn(line));
    std::string joined;
    for (auto& each : names) joined += each + "\n";
    values.set("installed", joined.c_str());
  }

  void make(const Surroundings& node, const support::Id&, Values& values) const override {
    const Manager& manager = managerOf(values.get("manager"));
    runTool(node, manager.name,
            shell(kj::str(kLocked, manager.install, " ", quotedWords(values.getAll("name")))),
            kInstallNs);
    std::set<std::string> before = namesBefore(values);
    for (auto& line : installed(manager)) {
      if (before.contains(nameIn(line))) continue;
      values.add(kj::str("detail.", nameIn(line).c_str()),
                 line.substr(nameIn(line).size() + 1).c_str());
    }
  }

  void undo(const Surroundings& node, const support::Id&, const Values& values) const override {
    const Manager& manager = managerOf(values.get("manager"));
    runTool(node, "util-linux", shell(kj::str(kLocked, "true")), kInstallNs);
    std::set<std::string> before = namesBefore(values);
    std::set<std::string> now;
    for (auto& line : installed(manager)) now.insert(nameIn(line));
    kj::Vector<kj::StringPtr> fresh;
    for (const std::string& each : now) {
      if (!before.contains(each)) fresh.add(each.c_str());
    }
    if (fresh.size() == 0) return;
    runTool(node, manager.name, shell(kj::str(kLocked, manager.remove, " ", quotedWords(fresh))),
            kInstallNs);
  }

 private:
  static std::set<std::string> namesBefore(const Values& values) {
    std::set<std::string> names;
    std::istringstream lines(values.get("installed").cStr());
    for (std::string line; std::getline(lines, line);) names.insert(line);
    return names;
  }
};

}  // namespace

kj::Own<ChangeKind> newPackagesKind() {
  return kj::heap<PackagesKind>();
}

}  // namespace nodeagent::change
