// Adds users and groups, by the node's own programs.
#include <string.h>
#include <unistd.h>

#include "nodeagent/change/checks.h"
#include "nodeagent/os/read_file.h"
#include "nodeagent/os/users.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::change {
namespace {

using Kind = wire::Error::Kind;

constexpr kj::StringPtr kPackage = "passwd or shadow-utils"_kj;
// What userdel and groupdel answer for an account that is not there.
constexpr int kNoSuchAccount = 6;

constexpr kj::StringPtr kUseraddDefaults = "/etc/default/useradd"_kj;

// Returns where useradd makes homes.
kj::String homesDirectory() {
  kj::String text = readFile(kUseraddDefaults);
  const char* found = text.startsWith("HOME=") ? text.begin() : strstr(text.cStr(), "\nHOME=");
  if (found == nullptr) return kj::str("/home");
  const char* begin = strchr(found, '=') + 1;
  return kj::heapString(begin, strcspn(begin, "\n"));
}

kj::Maybe<gid_t> groupId(kj::StringPtr nameOrId) {
  return parseGroup(readFile("/etc/group"), nameOrId);
}
bool hasUser(kj::StringPtr nameOrId) {
  return parseUser(readFile("/etc/passwd"), readFile("/etc/group"), nameOrId) != nullptr;
}
bool hasGroup(kj::StringPtr nameOrId) {
  return groupId(nameOrId) != nullptr;
}

void removeAccount(const Surroundings& node, kj::ArrayPtr<const kj::String> argv) {
  CommandResult result = node.run(argv, kToolNs);
  bool isGone = result.end == CommandResult::End::kExited && result.value == kNoSuchAccount;
  if (result.succeeded() || isGone) return;
  support::fail(Kind::SYSTEM, kj::strArray(argv, " "), ": ", describeEnd(result));
}

class UserKind final : public ChangeKind {
 public:
  kj::StringPtr name() const override { return "user"; }
  bool outlivesBoot() const override { return true; }

  Values read(wire::ChangeSpec::Kind::Reader from) const override {
    auto user = from.getUser();
    Values values;
    values.add("name", accountName("user.name", user.getName()));
    if (user.getId() > 0) values.add("id", decimal(user.getId()));
    if (user.getGroup().size() > 0) {
      values.add("group", accountName("user.group", user.getGroup()));
    }
    kj::StringPtr shell = user.getShell();
    if (shell.size() > 0 && !shell.startsWith("/")) {
      support::fail(Kind::INVALID, "user.shell: \"", shell, "\" is no absolute path");
    }
    values.add("shell", shell);
    if (user.getWithHome()) values.add("home", "yes");
    return values;
  }
  kj::String text(const Values& values) const override {
    return kj::str("adds user ", values.get("name"));
  }
  void prepare(const Surroundings&, const support::Id&, Values& values) const override {
    if (hasUser(values.get("name"))) {
      support::fail(Kind::CONFLICT, "the node has a user ", values.get("name"), " already");
    }
    if (values.get("id").size() > 0 && hasUser(values.get("id"))) {
      support::fail(Kind::CONFLICT, "the node has a user of id ", values.get("id"), " already");
    }
    if (values.get("group").size() > 0 && !hasGroup(values.get("group"))) {
      support::fail(Kind::NOT_FOUND, "the node has no group ", values.get("group"));
    }
    // userdel would remove both.
    kj::String home = kj::str(homesDirectory(), "/", values.get("name"));
    if (values.get("home").size() > 0 && ::access(home.cStr(), F_OK) == 0) {
      support::fail(Kind::CONFLICT, "the node has a directory ", home, " already");
    }
    if (values.get("group") == values.get("name")) {
      KJ_IF_MAYBE (id, groupId(values.get("group"))) values.set("groupId", decimal(*id));
    }
  }
  void make(const Surroundings& node, const support::Id&, Values& values) const override {
    kj::Vector<kj::String> argv;
    argv.add(kj::str("useradd"));
    auto option = [&](kj::StringPtr letter, kj::StringPtr value) {
      if (value.size() == 0) return;
      argv.add(kj::str(letter));
      argv.add(kj::str(value));
    };
    option("-u", values.get("id"));
    option("-g", values.get("group"));
    option("-s", values.get("shell"));
    argv.add(kj::str(values.get("home").size() > 0 ? "-m" : "-M"));
    argv.add(kj::str(values.get("name")));
    runTool(node, kPackage, argv);
  }
  void undo(const Surroundings& node, const support::Id&, const Values& values) const override {
    bool hasHome = values.get("home").size() > 0;
    kj::StringPtr name = values.get("name");
    removeAccount(node, hasHome ? words({"userdel", "-r", name}) : words({"userdel", name}));
    // It takes a group of the user's name with it, which was there before.
    kj::StringPtr id = values.get("groupId");
    if (id.size() > 0 && !hasGroup(name)) {
      runTool(node, kPackage, words({"groupadd", "-g", id, name}));
    }
  }
};

class GroupKind final : public ChangeKind {
 public:
  kj::StringPtr name() const override { return "group"; }
  bool outlivesBoot() const override { return true; }

  Values read(wire::ChangeSpec::Kind::Reader from) const override {
    auto group = from.getGroup();
    Values values;
    values.add("name", accountName("group.name", group.getName()));
    if (group.getId() > 0) values.add("id", decimal(group.getId()));
    return values;
  }
  kj::String text(const Values& values) const override {
    return kj::str("adds group ", values.get("name"));
  }
  void prepare(const Surroundings&, const support::Id&, Values& values) const override {
    if (hasGroup(values.get("name"))) {
      support::fail(Kind::CONFLICT, "the node has a group ", values.get("name"), " already");
    }
  }
  void make(const Surroundings& node, const support::Id&, Values& values) const override {
    kj::StringPtr name = values.get("name");
    kj::StringPtr id = values.get("id");
    runTool(node, kPackage,
            id.size() > 0 ? words({"groupadd", "-g", id, name}) : words({"groupadd", name}));
  }
  void undo(const Surroundings& node, const support::Id&, const Values& values) const override {
    removeAccount(node, words({"groupdel", values.get("name")}));
  }
};

}  // namespace

kj::Own<ChangeKind> newUserKind() {
  return kj::heap<UserKind>();
}
kj::Own<ChangeKind> newGroupKind() {
  return kj::heap<GroupKind>();
}

}  // namespace nodeagent::change
