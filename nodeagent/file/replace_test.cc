// Tries that a file is replaced in one step, and stays as it was if anything fails before.
#include "nodeagent/file/replace.h"

#include <sys/xattr.h>

#include <atomic>
#include <thread>

#include <gmock/gmock.h>

#include "nodeagent/file/file_testing.h"
#include "nodeagent/file/view.h"

namespace nodeagent::file {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(WriteFileTest, MakesAFileWithTheModeAskedFor) {
  TemporaryDirectory directory;
  WriteOptions options;
  options.mode = 04751;
  FileStat stat = writeFile(directory / "f", bytesOf("text"), options);
  EXPECT_EQ(contentOf(directory / "f"), "text");
  EXPECT_EQ(modeOf(directory / "f"), 04751u);
  EXPECT_EQ(stat.status.st_size, 4);
  EXPECT_THAT(directory.names(), ElementsAre("f"));
}

TEST(WriteFileTest, KeepsModeOfAReplacedFileUnlessToldNotTo) {
  TemporaryDirectory directory;
  put(directory / "f", "old");
  ::chmod((directory / "f").cStr(), 0600);
  writeFile(directory / "f", bytesOf("new"), {});
  EXPECT_EQ(modeOf(directory / "f"), 0600u);
  WriteOptions options;
  options.keepMode = false;
  writeFile(directory / "f", bytesOf("newer"), options);
  EXPECT_EQ(modeOf(directory / "f"), 0644u);
  EXPECT_THAT(directory.names(), ElementsAre("f"));
}

TEST(WriteFileTest, KeepsOwnerOrTakesTheOneAskedFor) {
  if (::geteuid() != 0) GTEST_SKIP() << "changing owners needs root";
  TemporaryDirectory directory;
  put(directory / "f", "old");
  ASSERT_EQ(::chown((directory / "f").cStr(), 4711, 4712), 0);
  EXPECT_EQ(writeFile(directory / "f", bytesOf("new"), {}).status.st_uid, 4711u);
  WriteOptions options;
  options.user = kj::str("12");
  options.group = kj::str("root");
  FileStat stat = writeFile(directory / "f", bytesOf("new"), options);
  EXPECT_EQ(stat.status.st_uid, 12u);
  EXPECT_EQ(stat.status.st_gid, 0u);
}

TEST(WriteFileTest, RefusesBeforeItMakesAnything) {
  TemporaryDirectory directory;
  put(directory / "f", "old");
  ASSERT_EQ(::mkdir((directory / "d").cStr(), 0755), 0);
  WriteOptions never;
  never.replace = Replace::kNever;
  EXPECT_EQ(failureOf([&] { writeFile(directory / "f", bytesOf("new"), never); }).kind,
            Kind::CONFLICT);
  EXPECT_EQ(failureOf([&] { writeFile(directory / "d", bytesOf("new"), {}); }).kind,
            Kind::CONFLICT);
  EXPECT_EQ(failureOf([&] { writeFile(directory / "x/y", bytesOf("new"), {}); }).kind,
            Kind::NOT_FOUND);
  EXPECT_EQ(failureOf([&] { writeFile(directory / "f/", bytesOf("new"), {}); }).kind,
            Kind::INVALID);
  EXPECT_EQ(failureOf([&] { writeFile(directory / "..", bytesOf("new"), {}); }).kind,
            Kind::INVALID);
  WriteOptions stranger;
  stranger.user = kj::str("no-such-user");
  stranger.parents = true;
  EXPECT_EQ(failureOf([&] { writeFile(directory / "p/f", bytesOf("new"), stranger); }).kind,
            Kind::NOT_FOUND);
  WriteOptions mode;
  mode.mode = 010000;
  EXPECT_THAT(failureOf([&] { writeFile(directory / "g", bytesOf(""), mode); }).text.cStr(),
              HasSubstr("010000"));
  EXPECT_EQ(contentOf(directory / "f"), "old");
  EXPECT_THAT(directory.names(), ElementsAre("d", "f"));
}

TEST(WriteFileTest, TakesAnyName) {
  TemporaryDirectory directory;
  for (const std::string& name :
       {std::string("new\nline"), std::string("\xff\xfe"), std::string("-rf"),
        std::string(255, 'n'), std::string("$(reboot)"), std::string(" ")}) {
    writeFile(directory / name, bytesOf(name), {});
    EXPECT_EQ(contentOf(directory / name), name);
    writeFile(directory / name, bytesOf("again"), {});
    EXPECT_EQ(contentOf(directory / name), "again");
  }
  support::Failure failure =
      failureOf([&] { writeFile(directory / std::string(256, 'n'), bytesOf(""), {}); });
  EXPECT_EQ(failure.errorNumber, ENAMETOOLONG);
}

TEST(WriteFileTest, ReplacesALinkAndKeepsItsTarget) {
  TemporaryDirectory directory;
  put(directory / "f", "old");
  ASSERT_EQ(::symlink("f", (directory / "link").cStr()), 0);
  writeFile(directory / "link", bytesOf("new"), {});
  EXPECT_EQ(contentOf(directory / "f"), "old");
  EXPECT_EQ(contentOf(directory / "link"), "new");
}

TEST(WriteFileTest, MakesParentsAndSyncsIfAsked) {
  TemporaryDirectory directory;
  WriteOptions options;
  options.parents = true;
  options.sync = true;
  writeFile(directory / "a/b/f", bytesOf("text"), options);
  EXPECT_EQ(contentOf(directory / "a/b/f"), "text");
  EXPECT_EQ(modeOf(directory / "a"), 0755u);
}

TEST(WriteFileTest, KeepsTheAccessListOfAReplacedFile) {
  TemporaryDirectory directory;
  put(directory / "f", "old");
  // Version 2; user::rw-, user:4711:r--, group::r--, mask::r--, other::---.
  const unsigned char list[] = {2,    0,    0,    0,    1,    0,    6,    0,    0xff, 0xff, 0xff,
                                0xff, 2,    0,    4,    0,    0x67, 0x12, 0,    0,    4,    0,
                                4,    0,    0xff, 0xff, 0xff, 0xff, 16,   0,    4,    0,    0xff,
                                0xff, 0xff, 0xff, 32,   0,    0,    0,    0xff, 0xff, 0xff, 0xff};
  if (::setxattr((directory / "f").cStr(), "system.posix_acl_access", list, sizeof list, 0) < 0) {
    GTEST_SKIP() << "no access lists on this file system";
  }
  writeFile(directory / "f", bytesOf("new"), {});
  char value[sizeof list];
  EXPECT_EQ(::getxattr((directory / "f").cStr(), "system.posix_acl_access", value, sizeof value),
            static_cast<ssize_t>(sizeof list));
  EXPECT_EQ(memcmp(value, list, sizeof list), 0);
}

// A reader gets one of the contents whole, whenever it looks.
TEST(WriteFileTest, IsNeverSeenTorn) {
  TemporaryDirectory directory;
  kj::String path = directory / "f";
  constexpr size_t kSize = 300'000;
  writeFile(path, bytesOf(std::string(kSize, '0')), {});
  std::atomic<bool> done{false};
  std::atomic<int> torn{0};
  std::atomic<int> reads{0};
  std::thread reader([&] {
    while (!done || reads == 0) {
      std::string content = contentOf(path);
      torn += content.size() != kSize || content.find_first_not_of(content[0]) != std::string::npos;
      ++reads;
    }
  });
  for (int i = 1; i <= 100; ++i)
    writeFile(path, bytesOf(std::string(kSize, static_cast<char>('0' + i % 10))), {});
  done = true;
  reader.join();
  EXPECT_EQ(torn, 0) << "of " << reads << " reads";
  EXPECT_THAT(directory.names(), ElementsAre("f"));
}

TEST(WriteFileTest, LeavesTheTargetAloneOnAFullDisk) {
  TemporaryDirectory directory;
  std::string found = inMountNamespace([&]() -> std::string {
    if (::mount("none", directory.path().c_str(), "tmpfs", 0, "size=256k") < 0) return "skip";
    put(directory / "f", "old");
    support::Failure failure =
        failureOf([&] { writeFile(directory / "f", bytesOf(std::string(1 << 20, 'x')), {}); });
    if (failure.errorNumber != ENOSPC || failure.kind != Kind::SYSTEM)
      return "no ENOSPC: " + std::string(failure.text.cStr());
    if (contentOf(directory / "f") != "old") return "the target was changed";
    if (directory.names() != std::vector<std::string>{"f"}) return "something was left behind";
    if (space(directory.path().c_str()).availableBytes < (200 << 10))
      return "space was not given back";
    return "";
  });
  if (found == "skip") GTEST_SKIP() << "needs a mount namespace of its own";
  EXPECT_EQ(found, "");
}

TEST(WriteFileTest, LeavesTheTargetAloneOnAReadOnlyDisk) {
  TemporaryDirectory directory;
  std::string found = inMountNamespace([&]() -> std::string {
    if (::mount("none", directory.path().c_str(), "tmpfs", 0, "size=256k") < 0) return "skip";
    put(directory / "f", "old");
    if (::mount("none", directory.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) < 0)
      return "remount";
    support::Failure failure = failureOf([&] { writeFile(directory / "f", bytesOf("new"), {}); });
    if (failure.errorNumber != EROFS) return "no EROFS: " + std::string(failure.text.cStr());
    return contentOf(directory / "f") == "old" ? "" : "the target was changed";
  });
  if (found == "skip") GTEST_SKIP() << "needs a mount namespace of its own";
  EXPECT_EQ(found, "");
}

TEST(StagedFileTest, IsGoneIfItIsNotPublished) {
  TemporaryDirectory directory;
  { StagedFile staged(placeOf(directory / "f"), kj::str(".muster-1.part")); }
  EXPECT_THAT(directory.names(), ElementsAre());
}

TEST(StagedFileTest, ReservesSpaceOrSaysThatThereIsNone) {
  TemporaryDirectory directory;
  StagedFile staged(placeOf(directory / "f"), kj::str(".muster-1.part"));
  staged.reserve(100'000);
  EXPECT_EQ(failureOf([&] { staged.reserve(UINT64_MAX); }).kind, Kind::INVALID);
  support::Failure failure = failureOf([&] { staged.reserve(uint64_t{1} << 60); });
  EXPECT_THAT(failure.errorNumber, ::testing::AnyOf(ENOSPC, EFBIG));
}

}  // namespace
}  // namespace nodeagent::file
