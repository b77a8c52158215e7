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

  // Look in the files alone, which are read again when they have changed.
  kj::Maybe<User> find(kj::StringPtr nameOrId);
  kj::Maybe<gid_t> findGroup(kj::StringPtr nameOrId);

  // Look in the files, then ask `getent`, which may take as long as the network that it asks, but
  // is killed after five seconds. Null if there is none of that name. This object outlives the
  // promise.
  kj::Promise<kj::Maybe<User>> look(kj::StringPtr nameOrId, Worker& worker);
  kj::Promise<kj::Maybe<gid_t>> lookGroup(kj::StringPtr nameOrId, Worker& worker);

 private:
  struct File {
    kj::String path;
    kj::String content;
    int64_t modifiedNs = -1;
    uint64_t inode = 0;
    uint64_t size = 0;
  };

  void refresh(File& file);

  File passwd_;
  File group_;
  // Users found in the files as they are now, by the name or number asked for.
  std::map<std::string, User> found_;
  bool asksGetent_;
};

}  // namespace nodeagent
