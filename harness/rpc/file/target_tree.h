// What the target of a copy has already, so that a copy writes only what differs, and knows what
// the source does not have.
//
// Files are compared by type, size, modification time, mode, owner, attributes and links, not by
// their bytes. The whole list is held, some 300 bytes a member.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "harness/rpc/file/copy.h"
#include "harness/rpc/file/copy_ends.h"

namespace harness {

class TargetTree {
 public:
  static constexpr size_t kMembersMax = 4'000'000;

  // Lists the target. One that is not there is empty. Borrows `options`. NodeError kConflict if it
  // is no directory, kInvalid if it has more than kMembersMax members.
  TargetTree(const CopyEnd& target, const CopyOptions& options, muster::SteadyTime until);

  bool isEmpty() const { return members_.empty(); }

  // Tells whether the target has that member of the source as it is.
  bool isUnchanged(const TreeItem& item) const;

  // Tells whether something that is a directory here and none there, or the other way round, has
  // the path of `item`.
  bool isInTheWay(const TreeItem& item) const;

  // Notes that the source has this path, and whether it was written anew.
  enum class Written { kNo, kYes };
  void note(const std::string& path, Written written);

  // Forgets a member with all below it, which was removed. Returns how many members that were.
  uint64_t forget(const std::string& path);

  // Returns the outermost members that the source has not named.
  std::vector<std::string> extras() const;

 private:
  struct Member {
    TreeItem item;
    bool isNamed = false;
  };

  void take(TreeItem item);
  bool hasSameOwner(const TreeItem& item, const TreeItem& there) const;

  const CopyOptions& options_;
  bool ownersCount_;
  std::map<std::string, Member> members_;
  // The paths that were written anew; other names of these files have to follow.
  std::set<std::string> written_;
};

}  // namespace harness
