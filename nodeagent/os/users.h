// Who a user name means on this node. The agent is static, so it cannot load the node's name
// service modules: it reads /etc/passwd and /etc/group itself and asks the node's own `getent` for
// users that are not there.
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
  gid_t group = 0;          // Primary.
  kj::Array<gid_t> groups;  // All that the databases name, the primary one included.
  kj::String home;
  kj::String shell;
};

// The content of the database files; lines that cannot be understood are passed over.
kj::Maybe<User> parseUser(kj::StringPtr passwd, kj::StringPtr group, kj::StringPtr nameOrId);
kj::Maybe<gid_t> parseGroup(kj::StringPtr group, kj::StringPtr nameOrId);

// A decimal id that fits; null for anything else, such as a name.
kj::Maybe<uint32_t> decimalId(kj::StringPtr text);

class UserDatabase {
 public:
  // `root` is prefixed to the paths of the files, for tests; then `getent` is not asked.
  explicit UserDatabase(kj::StringPtr root = "");

  // From the files alone; they are read again when they have changed.
  kj::Maybe<User> find(kj::StringPtr nameOrId);
  kj::Maybe<gid_t> findGroup(kj::StringPtr nameOrId);

  // As above, then by `getent`, which may take as long as the network that it asks: bounded by five
  // seconds. null: there is no such user. This object outlives the promise.
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
  std::map<std::string, User> found_;  // In the files as they are; by what was asked for.
  bool asksGetent_;
};

}  // namespace nodeagent
