// Gives variables to a service, or to the commands of a session.
//
// A unit of systemd gets a drop-in file in /run that names a file of variables. Environment= in it
// would lose against an EnvironmentFile= of the unit, and shows its values to everybody. A script
// gets lines at the end of the file of settings that it reads.
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nodeagent/change/checks.h"
#include "nodeagent/change/edit_file.h"
#include "nodeagent/os/clock.h"
#include "schema/support/base/text.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::change {
namespace {

using Kind = wire::Error::Kind;
using List = capnp::List<wire::EnvironmentVariable>::Reader;

constexpr size_t kVariablesMax = 64;
constexpr size_t kNameBytesMax = 255;
constexpr size_t kValueBytesMax = 32 << 10;
constexpr size_t kBytesMax = 64 << 10;
constexpr size_t kNamesShown = 8;
constexpr int64_t kReloadNs = 60'000'000'000;
constexpr size_t kOrderDigits = 20;

void requireName(kj::StringPtr name) {
  bool isRight =
      name.size() > 0 && name.size() <= kNameBytesMax && !(name[0] >= '0' && name[0] <= '9');
  for (char c : name) {
    isRight = isRight && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '_');
  }
  if (isRight) return;
  support::fail(
      Kind::INVALID, "environment: \"", support::printable({name.begin(), name.size()}).c_str(),
      "\" is no name of a variable, which has 1 to 255 letters, digits and \"_\" and does "
      "not begin with a digit");
}

// The value is not shown, because it may be a secret.
void requireValue(kj::StringPtr name, kj::StringPtr value) {
  bool isLine = support::isUtf8({value.begin(), value.size()});
  for (char c : value) {
    isLine = isLine && (static_cast<unsigned char>(c) >= 0x20 || c == '\t') && c != 0x7f;
  }
  if (!isLine) {
    support::fail(Kind::INVALID, "environment: the value of ", name,
                  " is not one line of UTF-8 without control characters");
  }
  if (value.size() > kValueBytesMax) {
    support::fail(Kind::INVALID, "environment: the value of ", name, " has ", value.size(),
                  " bytes, at most ", kValueBytesMax);
  }
}

void readVariables(List from, Values& to) {
  if (from.size() == 0 || from.size() > kVariablesMax) {
    support::fail(Kind::INVALID, "environment: ", from.size(), " variables are not between 1 and ",
                  kVariablesMax);
  }
  size_t bytes = 0;
  for (auto variable : from) {
    requireName(variable.getName());
    requireValue(variable.getName(), variable.getValue());
    bytes += variable.getName().size() + variable.getValue().size();
    to.add("name", variable.getName());
    to.add("value", variable.getValue());
  }
  if (bytes > kBytesMax) {
    support::fail(Kind::INVALID, "environment: ", bytes, " bytes together, at most ", kBytesMax);
  }
}

kj::Array<Variable> variablesOf(const Values& values) {
  auto names = values.getAll("name");
  auto texts = values.getAll("value");
  kj::Vector<Variable> all;
  for (size_t i = 0; i < names.size() && i < texts.size(); ++i) {
    all.add(Variable{kj::str(names[i]), kj::str(texts[i])});
  }
  return all.releaseAsArray();
}

kj::String namesText(const Values& values) {
  auto names = values.getAll("name");
  size_t shown = kj::min(names.size(), kNamesShown);
  auto text = kj::strArray(names.asPtr().slice(0, shown), ", ");
  if (shown == names.size()) return text;
  return kj::str(text, " and ", names.size() - shown, " more");
}

// Returns "NAME="VALUE"", which a shell and systemd read alike.
kj::String assignment(const Variable& variable) {
  kj::Vector<char> quoted;
  for (char c : variable.value) {
    if (c == '"' || c == '\\' || c == '$' || c == '`') quoted.add('\\');
    quoted.add(c);
  }
  return kj::str(variable.name, "=\"", quoted.asPtr(), "\"");
}

// Returns the value of a property as `systemctl show` prints it; empty if there is none.
kj::String propertyOf(kj::StringPtr shown, kj::StringPtr property) {
  std::string text = std::string("\n") + shown.cStr();
  std::string field = std::string("\n") + property.cStr() + "=";
  size_t begin = text.find(field);
  if (begin == std::string::npos) return kj::String();
  begin += field.size();
  return kj::str(text.substr(begin, text.find('\n', begin) - begin).c_str());
}

void removeFile(kj::StringPtr path) {
  if (::unlink(path.cStr()) < 0 && errno != ENOENT) support::failErrno(errno, "remove ", path);
}

class ServiceEnvironmentKind final : public ChangeKind {
 public:
  kj::StringPtr name() const override { return "environment"; }
  // What scripts read.
  bool outlivesBoot() const override { return true; }

  Values read(wire::ChangeSpec::Kind::Reader from) const override {
    auto environment = from.getServiceEnvironment();
    requireServiceName(environment.getService());
    Values values;
    values.add("service", environment.getService());
    readVariables(environment.getVariables(), values);
    return values;
  }
  kj::String text(const Values& values) const override {
    return kj::str("gives service ", values.get("service"), " the variables ", namesText(values));
  }

  void prepare(const Surroundings& node, const support::Id& id, Values& values) const override {
    switch (initSystem(node.init)) {
      case InitSystem::kSystemd:
        return prepareUnit(node, id, values);
      case InitSystem::kOpenrc:
        return prepareScript(node, node.openrcSettings, values);
      case InitSystem::kSysv:
        return prepareScript(node, node.sysvSettings, values);
      case InitSystem::kUnknown:
        break;
    }
    support::fail(Kind::UNSUPPORTED,
                  "services: this node runs neither systemd nor init scripts in ",
                  node.init.scripts);
  }
  void make(const Surroundings& node, const support::Id& id, Values& values) const override {
    if (values.get("unit").size() > 0) {
      makeUnit(node, values);
    } else {
      makeScript(id, values);
    }
  }
  void undo(const Surroundings& node, const support::Id& id, const Values& values) const override {
    if (values.get("unit").size() > 0) {
      undoUnit(node, values);
    } else {
      undoScript(id, values);
    }
  }

 private:
  static void prepareUnit(const Surroundings& node, const support::Id& id, Values& values) {
    kj::StringPtr service = values.get("service");
    auto shown = runTool(node, "systemd",
                         words({"systemctl", "show", "--property=LoadState,Id", "--", service}));
    auto state = propertyOf(shown, "LoadState");
    if (state.size() == 0 || state == "not-found") {
      support::fail(Kind::NOT_FOUND, "service ", service, ": systemd knows no such unit");
    }
    // A drop-in file belongs to the unit's own name, and not to an alias.
    auto unit = propertyOf(shown, "Id");
    if (!unit.endsWith(".service")) {
      support::fail(Kind::INVALID, "service ", service, ": the unit ", unit, " is no service");
    }
    // Files are read in order of their names, and the last one wins, as the newest change does.
    auto order = kj::str(systemClock().boottimeNs());
    auto zeros = kj::repeat('0', kOrderDigits - order.size());
    auto directory = kj::str(node.init.systemdRuntime, "/", unit, ".d");
    values.set("unit", unit);
    values.set("directory", directory);
    values.set("file", kj::str(directory, "/zz-muster-", zeros, order, "-",
                               id.text().substr(0, 8).c_str()));
  }
  static void makeUnit(const Surroundings& node, Values& values) {
    kj::StringPtr directory = values.get("directory");
    if (::mkdir(directory.cStr(), 0755) < 0 && errno != EEXIST) {
      support::failErrno(errno, "make directory ", directory);
    }
    auto lines = KJ_MAP(variable, variablesOf(values)) {
      return kj::str(assignment(variable), "\n");
    };
    kj::StringPtr file = values.get("file");
    auto variables = kj::str(file, ".env");
    writeNewFile(variables, kj::strArray(lines, ""), 0600);
    auto dropIn = kj::str(file, ".conf");
    writeNewFile(dropIn, kj::str("[Service]\nEnvironmentFile=", variables, "\n"), 0644);
    reload(node);
    values.set("detail.file", dropIn);
  }
  // The unit must not name a file that is missing, at no time.
  static void undoUnit(const Surroundings& node, const Values& values) {
    removeFile(kj::str(values.get("file"), ".conf"));
    reload(node);
    removeFile(kj::str(values.get("file"), ".env"));
    // It stays if others have files in it.
    ::rmdir(values.get("directory").cStr());
  }
  static void reload(const Surroundings& node) {
    if (initSystem(node.init) != InitSystem::kSystemd) return;
    runTool(node, "systemd", words({"systemctl", "daemon-reload"}), kReloadNs);
  }

  static void prepareScript(const Surroundings& node, kj::StringPtr directory, Values& values) {
    kj::StringPtr service = values.get("service");
    scriptOf(node.init.scripts, service);
    auto settings = kj::str(directory, "/", service);
    if (::access(directory.cStr(), F_OK) < 0) {
      support::fail(Kind::UNSUPPORTED, "service ", service, ": the node has no directory ",
                    directory, ", where its script would read variables");
    }
    if (::access(settings.cStr(), F_OK) < 0) {
      if (errno != ENOENT) support::failErrno(errno, "find ", settings);
      values.set("made", "yes");
    }
    values.set("settings", settings);
  }
  static void makeScript(const support::Id& id, Values& values) {
    kj::StringPtr settings = values.get("settings");
    if (values.get("made") == "yes") writeNewFile(settings, "", 0644);
    auto lines = KJ_MAP(variable, variablesOf(values)) {
      return kj::str("export ", assignment(variable), " ", markOf(id), "\n");
    };
    editFile(settings, [&](kj::StringPtr content) {
      bool isOpen = content.size() > 0 && !content.endsWith("\n");
      return kj::str(content, isOpen ? kOpenLine : ""_kj, kj::strArray(lines, ""));
    });
    values.set("detail.file", settings);
  }
  static void undoScript(const support::Id& id, const Values& values) {
    kj::StringPtr settings = values.get("settings");
    if (::access(settings.cStr(), F_OK) < 0 && errno == ENOENT) return;
    bool isEmpty = false;
    editFile(settings, [&](kj::StringPtr content) {
      auto left = withoutMarkedLines(content, id);
      if (left.endsWith(kOpenLine))
        left = kj::heapString(left.slice(0, left.size() - kOpenLine.size()));
      isEmpty = left.size() == 0;
      return left;
    });
    if (isEmpty && values.get("made") == "yes") removeFile(settings);
  }

  // Ends a last line that had no newline, so that it can lose it again.
  static constexpr kj::StringPtr kOpenLine = "\n# muster: the line above had no newline\n"_kj;
};

class CommandEnvironmentKind final : public ChangeKind {
 public:
  kj::StringPtr name() const override { return "command-environment"; }
  bool isAtomic() const override { return true; }

  Values read(wire::ChangeSpec::Kind::Reader from) const override {
    Values values;
    readVariables(from.getCommandEnvironment().getVariables(), values);
    return values;
  }
  kj::String text(const Values& values) const override {
    return kj::str("gives commands of the session the variables ", namesText(values));
  }

  // The node itself stays as it is: the session has the variables, and ends with its keeper.
  void prepare(const Surroundings&, const support::Id&, Values&) const override {}
  void make(const Surroundings&, const support::Id&, Values&) const override {}
  void undo(const Surroundings&, const support::Id&, const Values&) const override {}

  kj::Array<Variable> variables(const Values& values) const override { return variablesOf(values); }
};

}  // namespace

kj::Own<ChangeKind> newServiceEnvironmentKind() {
  return kj::heap<ServiceEnvironmentKind>();
}
kj::Own<ChangeKind> newCommandEnvironmentKind() {
  return kj::heap<CommandEnvironmentKind>();
}

}  // namespace nodeagent::change
