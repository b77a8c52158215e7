// Tries that a tree is listed in pages, and made again the same, without leading outside.
#include "nodeagent/file/tree.h"

#include <sys/xattr.h>

#include <map>

#include <gmock/gmock.h>

#include "nodeagent/file/change.h"
#include "nodeagent/file/file_testing.h"
#include "nodeagent/file/view.h"
#include "nodeagent/file/write_tree.h"
#include "schema/support/base/id.h"

namespace nodeagent::file {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

WalkResult walkAll(const TemporaryDirectory& directory, uint32_t inlineBytesMax = 4096) {
  return walk({directory.path().c_str(), "", 0, inlineBytesMax});
}

std::vector<std::string> pathsOf(kj::ArrayPtr<const TreeEntry> entries) {
  std::vector<std::string> paths;
  for (auto& entry : entries) paths.push_back(entry.path.cStr());
  return paths;
}

kj::Array<TreeEntry> one(TreeEntry entry) {
  auto builder = kj::heapArrayBuilder<TreeEntry>(1);
  builder.add(kj::mv(entry));
  return builder.finish();
}

TreeEntry fileEntry(const std::string& path, const std::string& content) {
  TreeEntry entry;
  entry.path = kj::str(path.c_str());
  entry.stat.status.st_mode = S_IFREG | 0640;
  entry.stat.status.st_uid = ::geteuid();
  entry.stat.status.st_gid = ::getegid();
  entry.content = kj::heapArray<kj::byte>(bytesOf(content));
  entry.contentInline = true;
  return entry;
}

// Describes the part of a tree that must survive being listed and made again.
std::map<std::string, std::string> summary(const TemporaryDirectory& directory) {
  std::map<std::string, std::string> all;
  kj::String after = kj::str("");
  WalkResult page;
  do {
    page = walk({directory.path().c_str(), after, 0, 0});
    for (auto& entry : page.entries) {
      const struct stat& status = entry.stat.status;
      kj::String path = directory / entry.path.cStr();
      std::string text = std::to_string(status.st_mode) + " " + std::to_string(status.st_uid) +
                         " " + std::to_string(nanoseconds(status.st_mtim)) + " " +
                         entry.target.cStr();
      if (S_ISREG(status.st_mode)) {
        auto sha256 = digest(path).sha256;
        text += support::hex(kj::arrayPtr(sha256.data(), sha256.size()));
      }
      for (auto& attribute : entry.attributes)
        text += std::string(" ") + attribute.name.cStr() + textOf(attribute.value);
      all[entry.path.cStr()] = text;
    }
    if (page.entries.size() > 0) after = kj::str(page.entries.back().path);
  } while (page.more);
  return all;
}

TEST(WalkTest, PutsDirectoriesBeforeTheirEntries) {
  TemporaryDirectory directory;
  makeDirectory(directory / "a/b", 0755, Parents::kMade).parents.keep();
  put(directory / "a/b/f", "x");
  put(directory / "a-", "y");  // Between "a" and "a/b" as plain bytes.
  ASSERT_EQ(::symlink("a", (directory / "z").cStr()), 0);
  WalkResult all = walkAll(directory);
  EXPECT_THAT(pathsOf(all.entries), ElementsAre("a", "a/b", "a/b/f", "a-", "z"));
  EXPECT_FALSE(all.more);
  EXPECT_EQ(textOf(all.entries[2].content), "x");
  EXPECT_EQ(all.entries[4].target, "a");
}

TEST(WalkTest, PagesFromAnyPath) {
  TemporaryDirectory directory;
  makeDirectory(directory / "a/b", 0755, Parents::kMade).parents.keep();
  put(directory / "a/b/f", "x");
  put(directory / "a/c", "x");
  put(directory / "d", "x");
  std::vector<std::string> all = pathsOf(walkAll(directory).entries);
  for (size_t i = 0; i < all.size(); ++i) {
    WalkResult rest = walk({directory.path().c_str(), all[i].c_str(), 1, 0});
    std::vector<std::string> expected;
    if (i + 1 < all.size()) expected.push_back(all[i + 1]);
    EXPECT_EQ(pathsOf(rest.entries), expected) << "behind " << all[i];
    EXPECT_EQ(rest.more, i + 2 < all.size());
  }
  EXPECT_THAT(pathsOf(walk({directory.path().c_str(), "a/bb/gone", 1, 0}).entries),
              ElementsAre("a/c"));
}

TEST(WalkTest, EndsAPageThatWouldBeTooLong) {
  TemporaryDirectory directory;
  for (int i = 0; i < 5; ++i) put(directory / std::to_string(i), std::string(400'000, 'x'));
  WalkResult page = walkAll(directory, 400'000);
  EXPECT_EQ(page.entries.size(), 2u);
  EXPECT_TRUE(page.more);
  EXPECT_EQ(walkAll(directory, 399'999).entries.size(), 5u);
  EXPECT_FALSE(walkAll(directory, 399'999).entries[0].contentInline);
}

TEST(WalkTest, RefusesFilesAndTreesThatAreTooDeep) {
  TemporaryDirectory directory;
  put(directory / "f", "");
  EXPECT_EQ(failureOf([&] { walk({directory / "f", "", 0, 0}); }).errorNumber, ENOTDIR);
  std::string path = directory.path();
  for (size_t i = 0; i < kTreeDepthMax; ++i) path += "/d";
  makeDirectory(path.c_str(), 0755, Parents::kMade).parents.keep();
  EXPECT_EQ(failureOf([&] { walkAll(directory); }).kind, Kind::INVALID);
}

TEST(WalkTest, StaysOnItsFileSystem) {
  TemporaryDirectory directory;
  std::string found = inMountNamespace([&]() -> std::string {
    makeDirectory(directory / "m", 0755, Parents::kMustExist);
    if (::mount("none", (directory / "m").cStr(), "tmpfs", 0, nullptr) < 0) return "skip";
    put(directory / "m/f", "");
    return pathsOf(walkAll(directory).entries) == std::vector<std::string>{"m"}
               ? ""
               : "it went into the mount";
  });
  if (found == "skip") GTEST_SKIP() << "needs a mount namespace of its own";
  EXPECT_EQ(found, "");
}

TEST(WriteTreeTest, MakesATreeThatIsTheSame) {
  TemporaryDirectory source;
  TemporaryDirectory target;
  for (int i = 0; i < 40; ++i) {
    std::string below = "d" + std::to_string(i);
    makeDirectory(source / below, 0750, Parents::kMustExist);
    for (int j = 0; j < 50; ++j) {
      kj::String path = source / (below + "/f\n" + std::to_string(j));
      put(path, std::string(static_cast<size_t>(i + j), 'x') + std::to_string(i * j));
      ::chmod(path.cStr(), 0600 + static_cast<mode_t>(j));
      setTimes(path, 0, 1'000'000'007LL * (j + 1));
    }
    link(source / (below + "/link"), "../nowhere", LinkType::kSymbolic, Replace::kNever);
    setTimes(source / below, 0, 3'000'000'000LL * (i + 1));
  }
  ::setxattr((source / "d0").cStr(), "user.muster", "v", 1, 0);
  kj::String after = kj::str("");
  WalkResult page;
  kj::Vector<TreeEntry> entries;
  do {
    page = walk({source.path().c_str(), after, 300, 4096});
    after = kj::str(page.entries.back().path);
    for (auto& entry : page.entries) entries.add(kj::mv(entry));
  } while (page.more);
  EXPECT_EQ(entries.size(), 40u * 52u);
  writeTree(target.path().c_str(), entries, {});
  EXPECT_EQ(summary(source), summary(target));
  writeTree(target.path().c_str(), entries, {});
  EXPECT_EQ(summary(source).size(), summary(target).size());
}

TEST(WriteTreeTest, NeverWritesThroughALinkInTheTree) {
  TemporaryDirectory directory;
  TemporaryDirectory outside;
  ASSERT_EQ(::symlink(outside.path().c_str(), (directory / "way").cStr()), 0);
  for (bool parents : {false, true}) {
    WriteOptions options;
    options.parents = parents;
    EXPECT_NE(failureOf([&] {
                writeTree(directory.path().c_str(), one(fileEntry("way/f", "x")), options);
              }).kind,
              Kind::UNSPECIFIED);
  }
  TreeEntry way = fileEntry("way", "");
  way.stat.status.st_mode = S_IFDIR | 0755;
  EXPECT_EQ(failureOf([&] { writeTree(directory.path().c_str(), one(kj::mv(way)), {}); }).kind,
            Kind::CONFLICT);
  EXPECT_THAT(outside.names(), ElementsAre());
}

TEST(WriteTreeTest, NamesTheEntryThatCannotBeMade) {
  TemporaryDirectory directory;
  EXPECT_THAT(failureOf([&] {
                writeTree(directory.path().c_str(), one(fileEntry("a/f", "x")), {});
              }).text.cStr(),
              HasSubstr("\"a/f\""));
  TreeEntry big = fileEntry("big", "");
  big.contentInline = false;
  EXPECT_EQ(failureOf([&] { writeTree(directory.path().c_str(), one(kj::mv(big)), {}); }).kind,
            Kind::INVALID);
  put(directory / "f", "old");
  WriteOptions never;
  never.replace = Replace::kNever;
  EXPECT_EQ(failureOf([&] {
              writeTree(directory.path().c_str(), one(fileEntry("f", "new")), never);
            }).kind,
            Kind::CONFLICT);
  EXPECT_EQ(contentOf(directory / "f"), "old");
}

TreeEntry entryOf(const std::string& path, mode_t mode) {
  TreeEntry entry = fileEntry(path, "");
  entry.contentInline = false;
  entry.stat.status.st_mode = mode;
  return entry;
}

TEST(WriteTreeTest, MakesSpecialFilesAndNamesThoseThatItMayNotMake) {
  TemporaryDirectory directory;
  kj::Vector<TreeEntry> entries;
  entries.add(entryOf("pipe", S_IFIFO | 0640));
  entries.add(entryOf("socket", S_IFSOCK | 0600));
  entries.add(entryOf("device", S_IFCHR | 0600));
  // No kernel has a device of this number, so that root may not make it either.
  entries[2].stat.status.st_rdev = ~dev_t{0};
  TreeEntry other = entryOf("device2", S_IFCHR | 0600);
  other.linkTo = kj::str("device");
  entries.add(kj::mv(other));
  // The second time, all names are taken.
  for (int i = 0; i < 2; ++i) {
    auto leftOut = writeTree(directory.path().c_str(), entries, {});
    ASSERT_EQ(leftOut.size(), 2u);
    EXPECT_EQ(leftOut[0].entry, 2u);
    EXPECT_EQ(leftOut[0].failure.errorNumber, EINVAL);
    EXPECT_EQ(leftOut[1].entry, 3u);
  }
  EXPECT_THAT(directory.names(), ElementsAre("pipe", "socket"));
  EXPECT_EQ(statOf(directory / "pipe", SymlinkPolicy::kKeep).status.st_mode, S_IFIFO | 0640u);
}

TEST(WriteTreeTest, LinksFurtherNamesOfAFile) {
  TemporaryDirectory directory;
  for (int i = 0; i < 2; ++i) {
    kj::Vector<TreeEntry> entries;
    entries.add(entryOf("d", S_IFDIR | 0755));
    entries.add(fileEntry("d/f", "text"));
    entries.add(entryOf("g", S_IFREG | 0640));
    entries[2].linkTo = kj::str("d/f");
    EXPECT_EQ(writeTree(directory.path().c_str(), entries, {}).size(), 0u);
    struct stat status = statOf(directory / "g", SymlinkPolicy::kKeep).status;
    EXPECT_EQ(status.st_ino, statOf(directory / "d/f", SymlinkPolicy::kKeep).status.st_ino);
    EXPECT_EQ(status.st_nlink, 2u);
    EXPECT_THAT(directory.names(), ElementsAre("d", "g"));
  }
}

// A directory gets its own mode, time and attributes after all below it, the root as well.
TEST(WriteTreeTest, FinishesDirectoriesThatExist) {
  TemporaryDirectory directory;
  kj::String inner = directory / "d";
  ASSERT_EQ(::mkdir(inner.cStr(), 0777), 0);
  setAttribute(inner, {kj::str("user.old"), kj::heapArray<kj::byte>(bytesOf("x"))});
  kj::Vector<TreeEntry> entries;
  for (const char* path : {"d", ""}) {
    TreeEntry finished = entryOf(path, S_IFDIR | 0510);
    finished.finished = true;
    finished.stat.status.st_mtim = {-1, 500'000'000};
    finished.attributes = kj::heapArray<Attribute>(1);
    finished.attributes[0] = {kj::str("user.color"), kj::heapArray<kj::byte>(bytesOf("red"))};
    entries.add(kj::mv(finished));
  }
  entries.add(fileEntry("d/f", "text"));
  writeTree(directory.path().c_str(), entries, {});
  for (auto& path : {kj::str(inner), kj::str(directory.path().c_str())}) {
    struct stat status = statOf(path, SymlinkPolicy::kKeep).status;
    EXPECT_EQ(status.st_mode & 07777, 0510u);
    EXPECT_EQ(nanoseconds(status.st_mtim), -500'000'000);
    auto attributes = attributesOf(path);
    ASSERT_EQ(attributes.size(), 1u);
    EXPECT_EQ(attributes[0].name, "user.color");
  }
  ::chmod(directory.path().c_str(), 0755);
  ::chmod(inner.cStr(), 0755);
}

TEST(WriteTreeTest, LeavesHolesInASparseFile) {
  TemporaryDirectory directory;
  std::string content = std::string(12'288, '\0') + "end";
  TreeEntry entry = fileEntry("f", content);
  entry.sparse = true;
  writeTree(directory.path().c_str(), one(kj::mv(entry)), {});
  EXPECT_EQ(contentOf(directory / "f"), content);
  auto found = extents(directory / "f", 0, 0).extents;
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].offset, 12'288u);
}

TEST(WriteTreeTest, IsTakenBackByPreparedRestores) {
  TemporaryDirectory directory;
  makeDirectory(directory / "there", 0755, Parents::kMustExist);
  put(directory / "there/f", "old");
  auto before = summary(directory);
  kj::Vector<TreeEntry> entries;
  TreeEntry made = fileEntry("new", "");
  made.stat.status.st_mode = S_IFDIR | 0755;
  entries.add(kj::mv(made));
  entries.add(fileEntry("new/f", "x"));
  entries.add(fileEntry("there/f", "new"));
  entries.add(fileEntry("there/g", "new"));
  auto restores = prepareRestores(directory.path().c_str(), entries, {});
  for (auto& restore : restores) restore.hold();
  EXPECT_EQ(restores.size(), 3u) << "what lies in a new directory goes with it";
  writeTree(directory.path().c_str(), entries, {});
  EXPECT_EQ(contentOf(directory / "there/f"), "new");
  for (auto& restore : restores) restore.apply();
  auto after = summary(directory);
  after["there"] = before["there"];  // Its own time has moved on.
  EXPECT_EQ(after, before);
}

}  // namespace
}  // namespace nodeagent::file
