#include "nodeagent/os/users.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>

#include <kj/debug.h>
#include <kj/io.h>
#include <kj/vector.h>

#include "nodeagent/os/command.h"

namespace nodeagent {
namespace {

constexpr size_t kFileBytesMax = 16 << 20;
constexpr int64_t kGetentLimitNs = 5'000'000'000;
constexpr size_t kGetentBytesMax = 64 << 10;
constexpr size_t kFoundMax = 64;

// What getent says of a key of that database; empty if it fails or takes too long.
kj::String getent(kj::StringPtr database, kj::StringPtr key) {
  auto argv = kj::arr(kj::str("getent"), kj::str(database), kj::str(key));
  auto result =
      runCommand(argv, kGetentLimitNs, {CommandOutput::Errors::kDropped, kGetentBytesMax});
  if (!result.succeeded()) return kj::String();
  return kj::heapString(result.output.asChars());
}

User copyOf(const User& user) {
  return {kj::str(user.name), user.id,
          user.group,         kj::heapArray<gid_t>(user.groups.asPtr()),
          kj::str(user.home), kj::str(user.shell)};
}

// Splits at `separator`. An empty text has one empty part.
kj::Vector<kj::ArrayPtr<const char>> split(kj::ArrayPtr<const char> text, char separator) {
  kj::Vector<kj::ArrayPtr<const char>> parts;
  size_t begin = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || text[i] == separator) {
      parts.add(text.slice(begin, i));
      begin = i + 1;
    }
  }
  return parts;
}

bool same(kj::ArrayPtr<const char> left, kj::ArrayPtr<const char> right) {
  return left.size() == right.size() && std::equal(left.begin(), left.end(), right.begin());
}

kj::Maybe<uint32_t> number(kj::ArrayPtr<const char> text) {
  uint32_t value = 0;
  auto result = std::from_chars(text.begin(), text.end(), value);
  // The kernel reads the maximum as "leave as it is", so it is no id.
  if (text.size() == 0 || result.ec != std::errc() || result.ptr != text.end() ||
      value == UINT32_MAX)
    return nullptr;
  return value;
}

// Reads lines "name:password:gid:member,member".
kj::Vector<gid_t> groupsOf(kj::StringPtr groupFile, kj::ArrayPtr<const char> name, gid_t primary) {
  kj::Vector<gid_t> groups;
  groups.add(primary);
  for (auto line : split(groupFile.asArray(), '\n')) {
    auto fields = split(line, ':');
    if (fields.size() != 4) continue;
    KJ_IF_MAYBE (id, number(fields[2])) {
      if (*id == primary) continue;
      for (auto member : split(fields[3], ',')) {
        if (same(member, name)) {
          groups.add(*id);
          break;
        }
      }
    }
  }
  return groups;
}

// Reads a line "name:password:uid:gid:comment:home:shell".
kj::Maybe<User> parseUserLine(kj::ArrayPtr<const char> line) {
  auto fields = split(line, ':');
  if (fields.size() != 7) return nullptr;
  KJ_IF_MAYBE (id, number(fields[2])) {
    KJ_IF_MAYBE (group, number(fields[3])) {
      User user;
      user.name = kj::heapString(fields[0]);
      user.id = *id;
      user.group = *group;
      user.home = kj::heapString(fields[5]);
      user.shell = kj::heapString(fields[6]);
      return kj::mv(user);
    }
  }
  return nullptr;
}

// Asks `getent`. Blocks, so it belongs on a worker thread.
kj::Maybe<User> askForUser(kj::StringPtr nameOrId) {
  auto line = getent("passwd", nameOrId);
  auto lines = split(line.asArray(), '\n');
  KJ_IF_MAYBE (user, parseUserLine(lines[0])) {
    // The answer is "name gid gid ...".
    auto text = getent("initgroups", user->name);
    kj::Vector<gid_t> groups;
    groups.add(user->group);
    for (auto word : split(split(text.asArray(), '\n')[0], ' ')) {
      KJ_IF_MAYBE (id, number(word)) {
        if (*id != user->group) groups.add(*id);
      }
    }
    user->groups = groups.releaseAsArray();
    return kj::mv(*user);
  }
  return nullptr;
}

}  // namespace

kj::Maybe<uint32_t> decimalId(kj::StringPtr text) {
  return number(text.asArray());
}

kj::Maybe<User> parseUser(kj::StringPtr passwd, kj::StringPtr group, kj::StringPtr nameOrId) {
  auto id = decimalId(nameOrId);
  for (auto line : split(passwd.asArray(), '\n')) {
    KJ_IF_MAYBE (user, parseUserLine(line)) {
      bool matches = id == nullptr ? user->name == nameOrId : user->id == KJ_ASSERT_NONNULL(id);
      if (!matches) continue;
      user->groups = groupsOf(group, user->name.asArray(), user->group).releaseAsArray();
      return kj::mv(*user);
    }
  }
  return nullptr;
}

kj::Maybe<gid_t> parseGroup(kj::StringPtr group, kj::StringPtr nameOrId) {
  KJ_IF_MAYBE (id, decimalId(nameOrId)) return *id;
  for (auto line : split(group.asArray(), '\n')) {
    auto fields = split(line, ':');
    if (fields.size() == 4 && same(fields[0], nameOrId.asArray())) return number(fields[2]);
  }
  return nullptr;
}

UserDatabase::UserDatabase(kj::StringPtr root) : asksGetent_(root.size() == 0) {
  passwd_.path = kj::str(root, "/etc/passwd");
  group_.path = kj::str(root, "/etc/group");
}

void UserDatabase::refresh(File& file) {
  struct stat status {};
  if (stat(file.path.cStr(), &status) < 0) {
    file.content = nullptr;
    file.modifiedNs = -1;
    found_.clear();
    return;
  }
  int64_t modifiedNs = status.st_mtim.tv_sec * 1'000'000'000LL + status.st_mtim.tv_nsec;
  auto size = static_cast<uint64_t>(status.st_size);
  // Tools replace these files by rename, so a new inode means a new content even within one tick of
  // the clock.
  if (file.modifiedNs == modifiedNs && file.inode == status.st_ino && file.size == size) return;
  kj::AutoCloseFd fd(open(file.path.cStr(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0 || size > kFileBytesMax) return;
  auto content = kj::heapString(size);
  size_t count = kj::FdInputStream(fd.get()).tryRead(content.begin(), size, size);
  file.content = kj::heapString(content.begin(), count);
  found_.clear();
  file.modifiedNs = modifiedNs;
  file.inode = status.st_ino;
  file.size = size;
}

kj::Maybe<User> UserDatabase::find(kj::StringPtr nameOrId) {
  refresh(passwd_);
  refresh(group_);
  // Most jobs ask for the same few users, and parsing the files costs more than the rest of the
  // look-up.
  std::string asked(nameOrId.begin(), nameOrId.size());
  auto known = found_.find(asked);
  if (known != found_.end()) return copyOf(known->second);
  auto user = parseUser(passwd_.content, group_.content, nameOrId);
  KJ_IF_MAYBE (found, user) {
    if (found_.size() >= kFoundMax) found_.clear();
    found_.emplace(asked, copyOf(*found));
  }
  return user;
}

kj::Maybe<gid_t> UserDatabase::findGroup(kj::StringPtr nameOrId) {
  refresh(group_);
  return parseGroup(group_.content, nameOrId);
}

kj::Promise<kj::Maybe<User>> UserDatabase::look(kj::StringPtr nameOrId, Worker& worker) {
  auto found = find(nameOrId);
  if (found != nullptr || !asksGetent_) return kj::mv(found);
  return worker.run([name = kj::str(nameOrId)]() { return askForUser(name); });
}

kj::Promise<kj::Maybe<gid_t>> UserDatabase::lookGroup(kj::StringPtr nameOrId, Worker& worker) {
  auto found = findGroup(nameOrId);
  if (found != nullptr || !asksGetent_) return found;
  return worker.run([name = kj::str(nameOrId)]() -> kj::Maybe<gid_t> {
    auto text = getent("group", name);
    return parseGroup(text, name);
  });
}

}  // namespace nodeagent
