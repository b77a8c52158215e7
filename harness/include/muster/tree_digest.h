// Says what the digest of a tree is of: File::treeDigest and FileSet::treeDigest compute it on the
// node, so that trees of several nodes are compared without a copy.
//
//   auto digests = servers().file("/srv/kvd").treeDigest().checked();
//   EXPECT_THAT(digests, OnEachNode(digests["server1"]));
//   std::string content = file.treeDigest({.mode = false, .owner = false, .attributes = false});
//
// Paths, types, targets of symbolic links and numbers of devices always count. Times, holes, sizes
// of directories and whether two names are one file do not. Digests of different options cannot be
// compared.
#pragma once

namespace muster {

struct TreeDigestOptions {
  // The bytes of regular files. Without them the digest takes no time, and still shows which files
  // there are.
  bool content = true;

  // Permission bits, but for symbolic links.
  bool mode = true;

  // Users and groups, by number.
  bool owner = true;

  // Extended attributes with their values, ACLs and capabilities among them, but no labels of
  // security modules.
  bool attributes = true;
};

}  // namespace muster
