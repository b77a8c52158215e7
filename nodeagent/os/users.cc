#include "nodeagent/os/users.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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
constexpr int kMarkTries = 3;

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
  // getent would take it for a number.
  if (nameOrId.startsWith("+") || nameOrId.startsWith("-")) return nullptr;
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

// The mark is null if it cannot be told without waiting: the name is not in the kernel's memory, or
// the kernel cannot be asked so, which takes Linux 5.12.
kj::Maybe<UserDatabase::Mark> UserDatabase::markOf(kj::StringPtr path, Wait wait) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  if (wait == Wait::kNo) how.resolve = RESOLVE_CACHED;
  kj::AutoCloseFd fd(wait == Wait::kNo ? static_cast<int>(syscall(SYS_openat2, AT_FDCWD,
                                                                  path.cStr(), &how, sizeof(how)))
                                       : open(path.cStr(), O_PATH | O_CLOEXEC));
  if (fd.get() < 0 && errno == ENOENT) return Mark();
  struct statx status {};
  int flags = AT_EMPTY_PATH | (wait == Wait::kNo ? AT_STATX_DONT_SYNC : 0);
  if (fd.get() < 0 || statx(fd, "", flags, STATX_BASIC_STATS, &status) != 0) return nullptr;
  return Mark{status.stx_mtime.tv_sec * 1'000'000'000LL + status.stx_mtime.tv_nsec, status.stx_ino,
              status.stx_size};
}

// Returns the file as it is now. What cannot be read is taken for empty.
UserDatabase::File UserDatabase::readAgain(File file) {
  auto mark = markOf(file.path, Wait::kYes);
  if (mark != nullptr && mark == file.mark) return file;
  file.content = nullptr;
  file.mark = mark;
  uint64_t size = mark.orDefault(Mark()).size;
  kj::AutoCloseFd fd(open(file.path.cStr(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0 || size > kFileBytesMax) return file;
  auto content = kj::heapString(size);
  size_t count = kj::FdInputStream(fd.get()).tryRead(content.begin(), size, size);
  file.content = kj::heapString(content.begin(), count);
  return file;
}

void UserDatabase::store(File& file, File fresh) {
  if (fresh.mark != nullptr && fresh.mark == file.mark) return;
  file = kj::mv(fresh);
  found_.clear();
}

// Another process's rename can make a single try vain.
bool UserDatabase::isFresh(const File& file) {
  kj::Maybe<Mark> mark;
  for (int tries = 0; tries < kMarkTries && file.mark != nullptr && mark == nullptr; ++tries)
    mark = markOf(file.path, Wait::kNo);
  return mark != nullptr && mark == file.mark;
}

kj::Promise<void> UserDatabase::refresh(Worker& worker) {
  struct Files {
    File passwd;
    File group;
  };
  auto copyOfFile = [](const File& file) {
    return File{kj::str(file.path), kj::str(file.content), file.mark};
  };
  Files known{copyOfFile(passwd_), copyOfFile(group_)};
  return worker
      .run([known = kj::mv(known)]() mutable {
        return Files{readAgain(kj::mv(known.passwd)), readAgain(kj::mv(known.group))};
      })
      .then([this](Files&& fresh) {
        store(passwd_, kj::mv(fresh.passwd));
        store(group_, kj::mv(fresh.group));
      });
}

// Most jobs ask for the same few users, and parsing the files costs more than the rest of the
// look-up.
kj::Maybe<User> UserDatabase::findNow(kj::StringPtr nameOrId) {
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

kj::Maybe<User> UserDatabase::find(kj::StringPtr nameOrId) {
  store(passwd_, readAgain(File{kj::str(passwd_.path), nullptr, nullptr}));
  store(group_, readAgain(File{kj::str(group_.path), nullptr, nullptr}));
  return findNow(nameOrId);
}

kj::Maybe<gid_t> UserDatabase::findGroup(kj::StringPtr nameOrId) {
  store(group_, readAgain(File{kj::str(group_.path), nullptr, nullptr}));
  return parseGroup(group_.content, nameOrId);
}

kj::Promise<kj::Maybe<User>> UserDatabase::look(kj::StringPtr nameOrId, Worker& worker) {
  auto lookNow = [this, name = kj::str(nameOrId),
                  &worker]() mutable -> kj::Promise<kj::Maybe<User>> {
    auto found = findNow(name);
    if (found != nullptr || !asksGetent_) return kj::mv(found);
    return worker.run([name = kj::mv(name)]() { return askForUser(name); });
  };
  if (areFresh()) return lookNow();
  return refresh(worker).then(kj::mv(lookNow));
}

kj::Promise<kj::Maybe<gid_t>> UserDatabase::lookGroup(kj::StringPtr nameOrId, Worker& worker) {
  auto lookNow = [this, name = kj::str(nameOrId),
                  &worker]() mutable -> kj::Promise<kj::Maybe<gid_t>> {
    auto found = parseGroup(group_.content, name);
    if (found != nullptr || !asksGetent_) return found;
    return worker.run([name = kj::mv(name)]() -> kj::Maybe<gid_t> {
      auto text = getent("group", name);
      return parseGroup(text, name);
    });
  };
  if (areFresh()) return lookNow();
  return refresh(worker).then(kj::mv(lookNow));
}

}  // namespace nodeagent
