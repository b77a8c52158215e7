// Finds the user or group that a name or number means on this node. The agent is static, so it
// cannot load the node's name service modules: it reads /etc/passwd and /etc/group itself and asks
// the node's own `getent` for users that are not there.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>

#include <kj/array.h>
#include <kj/async.h>
#include <kj/string.h>

#include "nodeagent/os/spawn.h"
#include "nodeagent/os/worker.h"

namespace nodeagent {

struct User {
  kj::String name;
  uid_t id = 0;
  // The primary group.
  gid_t group = 0;
  // All groups that the databases name, the primary one included.
  kj::Array<gid_t> groups;
  kj::String home;
  kj::String shell;
};

// Look a user or group up in the content of the database files; lines that cannot be understood are
// passed over.
kj::Maybe<User> parseUser(kj::StringPtr passwd, kj::StringPtr group, kj::StringPtr nameOrId);
kj::Maybe<gid_t> parseGroup(kj::StringPtr group, kj::StringPtr nameOrId);

// Returns a decimal id that fits; null for anything else, such as a name.
kj::Maybe<uint32_t> decimalId(kj::StringPtr text);

class UserDatabase {
 public:
  // `root` is put before the paths of the files, for tests; then `getent` is not asked.
  explicit UserDatabase(kj::StringPtr root = "");

  // Look in the files alone, which are read again when they have changed. They wait for the file
  // system, so they belong to a start.
  kj::Maybe<User> find(kj::StringPtr nameOrId);
  kj::Maybe<gid_t> findGroup(kj::StringPtr nameOrId);

  // Look in the files, then ask `getent`, which may take as long as the network that it asks, but
  // is killed after five seconds. Null if there is none of that name. Only threads of the worker
  // wait for a file system; an answer from files that have not changed needs none. This object
  // outlives the promise.
  kj::Promise<kj::Maybe<User>> look(kj::StringPtr nameOrId, Worker& worker);
  kj::Promise<kj::Maybe<gid_t>> lookGroup(kj::StringPtr nameOrId, Worker& worker);

 private:
  // Tells one state of a file from another. Tools replace these files by rename, so a new inode
  // means a new content even within one tick of the clock. All zero stands for no file.
  struct Mark {
    int64_t modifiedNs = 0;
    uint64_t inode = 0;
    uint64_t size = 0;
    bool operator==(const Mark&) const = default;
  };
  struct File {
    kj::String path;
    kj::String content;
    // Null before the first look.
    kj::Maybe<Mark> mark;
  };

  enum class Wait { kNo, kYes };
  static kj::Maybe<Mark> markOf(kj::StringPtr path, Wait wait);
  static File readAgain(File file);
  void store(File& file, File fresh);
  static bool isFresh(const File& file);
  // Says whether the files are as they were read. False also if that cannot be told at once.
  bool areFresh() const { return isFresh(passwd_) && isFresh(group_); }
  // Reads the files again on a thread.
  kj::Promise<void> refresh(Worker& worker);
  kj::Maybe<User> findNow(kj::StringPtr nameOrId);

  File passwd_;
  File group_;
  // Users found in the files as they are now, by the name or number asked for.
  std::map<std::string, User> found_;
  bool asksGetent_;
};

}  // namespace nodeagent
