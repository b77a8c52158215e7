// Tries each change on real files, with links, mounts and full disks in the way.
#include "nodeagent/file/change.h"

#include <sys/xattr.h>

#include <gmock/gmock.h>

#include "nodeagent/file/file_testing.h"
#include "nodeagent/file/view.h"

namespace nodeagent::file {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(AppendTest, AddsAndMayBeSentAgain) {
  TemporaryDirectory directory;
  kj::String path = directory / "f";
  EXPECT_EQ(append(path, 0, bytesOf("one ")), 4u);
  EXPECT_EQ(append(path, 4, bytesOf("two")), 7u);
  EXPECT_EQ(append(path, 4, bytesOf("two")), 7u);
  EXPECT_EQ(append(path, 4, bytesOf("two and")), 11u)
      << "the part that is there is not written again";
  EXPECT_EQ(contentOf(path), "one two and");
  EXPECT_EQ(modeOf(path), 0644u);
}

TEST(AppendTest, RefusesAGapOrOtherBytes) {
  TemporaryDirectory directory;
  kj::String path = directory / "f";
  EXPECT_EQ(failureOf([&] { append(path, 1, bytesOf("x")); }).kind, Kind::CORRUPT);
  EXPECT_THAT(directory.names(), ElementsAre());
  put(path, "text");
  EXPECT_EQ(failureOf([&] { append(path, 5, bytesOf("x")); }).kind, Kind::CORRUPT);
  EXPECT_EQ(failureOf([&] { append(path, 0, bytesOf("next")); }).kind, Kind::CORRUPT);
  EXPECT_EQ(contentOf(path), "text");
}

TEST(AppendTest, DoesNotWaitForTheReaderOfAFifo) {
  TemporaryDirectory directory;
  ASSERT_EQ(::mkfifo((directory / "fifo").cStr(), 0600), 0);
  ASSERT_EQ(::symlink("f", (directory / "link").cStr()), 0);
  EXPECT_THAT(failureOf([&] { append(directory / "fifo", 0, bytesOf("x")); }).text.cStr(),
              HasSubstr("is a fifo"));
  EXPECT_EQ(failureOf([&] { append(directory / "link", 0, bytesOf("x")); }).kind, Kind::INVALID);
}

TEST(AppendTest, TakesBackAWriteThatDidNotFit) {
  TemporaryDirectory directory;
  std::string found = inMountNamespace([&]() -> std::string {
    if (::mount("none", directory.path().c_str(), "tmpfs", 0, "size=64k") < 0) return "skip";
    append(directory / "f", 0, bytesOf("old"));
    support::Failure failure =
        failureOf([&] { append(directory / "f", 3, bytesOf(std::string(200'000, 'x'))); });
    if (failure.errorNumber != ENOSPC) return "no ENOSPC: " + std::string(failure.text.cStr());
    return contentOf(directory / "f") == "old" ? "" : "a part stayed";
  });
  if (found == "skip") GTEST_SKIP() << "needs a mount namespace of its own";
  EXPECT_EQ(found, "");
}

TEST(MakeDirectoryTest, MakesItOnceWithItsMode) {
  TemporaryDirectory directory;
  EXPECT_TRUE(makeDirectory(directory / "d", 01777, Parents::kMustExist).created);
  EXPECT_EQ(modeOf(directory / "d"), 01777u);
  EXPECT_FALSE(makeDirectory(directory / "d", 0700, Parents::kMustExist).created);
  EXPECT_EQ(modeOf(directory / "d"), 01777u);
  EXPECT_FALSE(makeDirectory("/", 0700, Parents::kMade).created);
  put(directory / "f", "");
  EXPECT_EQ(failureOf([&] { makeDirectory(directory / "f", 0755, Parents::kMustExist); }).kind,
            Kind::CONFLICT);
  EXPECT_EQ(failureOf([&] { makeDirectory(directory / "a/b", 0755, Parents::kMustExist); }).kind,
            Kind::NOT_FOUND);
  MadeDirectory made = makeDirectory(directory / "a/b/c", 0755, Parents::kMade);
  EXPECT_EQ(made.parents.paths().size(), 2u);
  made.parents.keep();
  EXPECT_TRUE(std::filesystem::is_directory(directory.path() + "/a/b/c"));
}

TEST(RemoveTest, RemovesFilesAndTrees) {
  TemporaryDirectory directory;
  makeDirectory(directory / "t/a/b", 0755, Parents::kMade).parents.keep();
  put(directory / "t/a/f", "");
  put(directory / "t/-rf", "");
  ASSERT_EQ(::symlink("/etc", (directory / "t/link").cStr()), 0);
  EXPECT_EQ(failureOf([&] { remove(directory / "t", RemoveWhat::kOneName); }).errorNumber,
            ENOTEMPTY);
  EXPECT_TRUE(remove(directory / "t", RemoveWhat::kTree));
  EXPECT_THAT(directory.names(), ElementsAre());
  EXPECT_TRUE(std::filesystem::exists("/etc/passwd"));
  EXPECT_FALSE(remove(directory / "t", RemoveWhat::kTree));
  EXPECT_FALSE(remove(directory / "t/below/it", RemoveWhat::kTree));
}

TEST(RemoveTest, RemovesALinkAndKeepsItsTarget) {
  TemporaryDirectory directory;
  makeDirectory(directory / "d", 0755, Parents::kMustExist);
  put(directory / "d/f", "");
  ASSERT_EQ(::symlink("d", (directory / "link").cStr()), 0);
  EXPECT_TRUE(remove(directory / "link", RemoveWhat::kTree));
  EXPECT_TRUE(std::filesystem::exists(directory.path() + "/d/f"));
}

TEST(RemoveTest, RefusesTheRootInEverySpelling) {
  for (const char* path : {"/", "//", "/..", "/.", "/tmp/..", "/tmp/../"}) {
    EXPECT_EQ(failureOf([&] { remove(path, RemoveWhat::kTree); }).kind, Kind::INVALID) << path;
  }
  std::string root = "/proc/self/root";
  EXPECT_NE(failureOf([&] { remove(root.c_str(), RemoveWhat::kTree); }).kind, Kind::UNSPECIFIED);
}

TEST(RemoveTest, StopsAtAMountPoint) {
  TemporaryDirectory directory;
  std::string found = inMountNamespace([&]() -> std::string {
    makeDirectory(directory / "t/m", 0755, Parents::kMade).parents.keep();
    makeDirectory(directory / "other", 0755, Parents::kMustExist);
    put(directory / "other/f", "kept");
    // A bind mount of the same file system, which device numbers do not tell.
    if (::mount((directory / "other").cStr(), (directory / "t/m").cStr(), nullptr, MS_BIND,
                nullptr) < 0)
      return "skip";
    support::Failure failure = failureOf([&] { remove(directory / "t", RemoveWhat::kTree); });
    if (failure.errorNumber != EXDEV) return "no EXDEV: " + std::string(failure.text.cStr());
    return contentOf(directory / "other/f") == "kept" ? "" : "it went into the mount";
  });
  if (found == "skip") GTEST_SKIP() << "needs a mount namespace of its own";
  EXPECT_EQ(found, "");
}

TEST(RenameTest, ReplacesOnlyWhereThatIsAllowed) {
  TemporaryDirectory directory;
  put(directory / "a", "a");
  put(directory / "b", "b");
  EXPECT_EQ(failureOf([&] { rename(directory / "a", directory / "b", Replace::kNever); }).kind,
            Kind::CONFLICT);
  EXPECT_EQ(contentOf(directory / "b"), "b");
  rename(directory / "a", directory / "b", Replace::kExisting);
  EXPECT_EQ(contentOf(directory / "b"), "a");
  rename(directory / "b", directory / "c", Replace::kNever);
  EXPECT_THAT(directory.names(), ElementsAre("c"));
  EXPECT_EQ(failureOf([&] { rename(directory / "a", directory / "b", Replace::kExisting); }).kind,
            Kind::NOT_FOUND);
}

TEST(RenameTest, DoesNotPutAFileOverADirectory) {
  TemporaryDirectory directory;
  put(directory / "f", "");
  makeDirectory(directory / "d", 0755, Parents::kMustExist);
  EXPECT_EQ(
      failureOf([&] { rename(directory / "f", directory / "d", Replace::kExisting); }).errorNumber,
      EISDIR);
}

// Two directories may well have a file of one name.
TEST(RenameTest, FailureNamesBothPathsInFull) {
  TemporaryDirectory directory;
  for (const char* path : {"1", "2", "1/a", "2/a", "2/a/b"}) {
    makeDirectory(directory / path, 0755, Parents::kMustExist);
  }
  EXPECT_EQ(
      failureOf([&] { rename(directory / "1/a", directory / "2/a", Replace::kExisting); }).text,
      "rename \"" + directory.path() + "/1/a\" to \"" + directory.path() +
          "/2/a\": Directory not empty");
}

TEST(SetModeTest, SetsAllTwelveBits) {
  TemporaryDirectory directory;
  put(directory / "f", "");
  setMode(directory / "f", 07777);
  EXPECT_EQ(modeOf(directory / "f"), 07777u);
  EXPECT_EQ(failureOf([&] { setMode(directory / "f", 010000); }).kind, Kind::INVALID);
  EXPECT_EQ(failureOf([&] { setMode(directory / "absent", 0644); }).kind, Kind::NOT_FOUND);
}

TEST(SetOwnerTest, ChangesTheLinkOrItsTarget) {
  if (::geteuid() != 0) GTEST_SKIP() << "changing owners needs root";
  TemporaryDirectory directory;
  put(directory / "f", "");
  ASSERT_EQ(::symlink("f", (directory / "link").cStr()), 0);
  setOwner(directory / "link", "11", "", SymlinkPolicy::kKeep);
  EXPECT_EQ(statOf(directory / "link", SymlinkPolicy::kKeep).status.st_uid, 11u);
  EXPECT_EQ(statOf(directory / "f", SymlinkPolicy::kKeep).status.st_uid, 0u);
  setOwner(directory / "link", "", "12", SymlinkPolicy::kFollow);
  EXPECT_EQ(statOf(directory / "f", SymlinkPolicy::kKeep).status.st_gid, 12u);
}

TEST(SetTimesTest, TakesExtremes) {
  TemporaryDirectory directory;
  put(directory / "f", "");
  setTimes(directory / "f", 1'500'000'001, 2'000'000'003);
  FileStat stat = statOf(directory / "f", SymlinkPolicy::kKeep);
  EXPECT_EQ(nanoseconds(stat.status.st_atim), 1'500'000'001);
  EXPECT_EQ(nanoseconds(stat.status.st_mtim), 2'000'000'003);
  for (int64_t ns : {int64_t{0}, int64_t{-1}, int64_t{-500'000'000}, INT64_MIN, INT64_MAX}) {
    support::Failure failure = failureOf([&] { setTimes(directory / "f", ns, ns); });
    stat = statOf(directory / "f", SymlinkPolicy::kKeep);
    bool isSet = nanoseconds(stat.status.st_mtim) == ns;
    EXPECT_EQ(failure.kind, isSet ? Kind::UNSPECIFIED : Kind::UNSUPPORTED) << ns;
  }
}

TEST(LinkTest, MakesBothKindsAndReplacesInOneStep) {
  TemporaryDirectory directory;
  put(directory / "f", "text");
  link(directory / "s", "anything/../\n", LinkType::kSymbolic, Replace::kNever);
  EXPECT_EQ(readLink(directory / "s"), "anything/../\n");
  EXPECT_EQ(
      failureOf([&] { link(directory / "s", "x", LinkType::kSymbolic, Replace::kNever); }).kind,
      Kind::CONFLICT);
  link(directory / "s", "f", LinkType::kSymbolic, Replace::kExisting);
  EXPECT_EQ(contentOf(directory / "s"), "text");
  for (int i = 0; i < 2; ++i)
    link(directory / "h", directory / "f", LinkType::kHard, Replace::kExisting);
  EXPECT_EQ(statOf(directory / "f", SymlinkPolicy::kKeep).status.st_nlink, 2u);
  EXPECT_EQ(failureOf([&] {
              link(directory / "x", directory / "no", LinkType::kHard, Replace::kExisting);
            }).kind,
            Kind::NOT_FOUND);
  EXPECT_THAT(directory.names(), ElementsAre("f", "h", "s"));
}

TEST(AttributeTest, GoRoundTrip) {
  TemporaryDirectory directory;
  kj::String path = directory / "f";
  put(path, "");
  std::string value("\0\xff value", 8);
  Attribute attribute{kj::str("user.muster.test"), kj::heapArray<kj::byte>(bytesOf(value))};
  support::Failure failure = failureOf([&] { setAttribute(path, attribute); });
  if (failure.kind == Kind::UNSUPPORTED) GTEST_SKIP() << "no attributes on this file system";
  ASSERT_EQ(failure.kind, Kind::UNSPECIFIED) << failure.text.cStr();
  auto all = attributesOf(path);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].name, "user.muster.test");
  EXPECT_EQ(textOf(all[0].value), value);
  removeAttribute(path, "user.muster.test");
  removeAttribute(path, "user.muster.test");
  EXPECT_EQ(attributesOf(path).size(), 0u);
  EXPECT_NE(failureOf([&] { setAttribute(path, {kj::str("nonsense"), nullptr}); }).errorNumber, 0);
}

}  // namespace
}  // namespace nodeagent::file
