// Tries this machine's ends of a copy: what a node says must not reach beyond the target, what
// breaks off must leave nothing, and all that is kept must arrive.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/node_error.h>

#include "harness/rpc/file/copy_ends.h"
#include "schema/support/base/file_metadata.h"

namespace harness {
namespace {

namespace fs = std::filesystem;
using muster::NodeError;

class CopyLocalTest : public testing::Test {
 protected:
  CopyLocalTest() {
    char pattern[] = "/tmp/muster-copy-XXXXXX";
    top_ = ::mkdtemp(pattern);
    options_.what = CopyOptions::What::kTree;
  }
  ~CopyLocalTest() override { fs::remove_all(top_); }

  static TreeItem item(const std::string& path, muster::FileType type) {
    TreeItem made;
    made.path = path;
    made.type = type;
    made.mode = 0755;
    made.uid = ::geteuid();
    made.gid = ::getegid();
    return made;
  }
  static TreeItem file(const std::string& path, const std::string& content) {
    TreeItem made = item(path, muster::FileType::kRegular);
    made.content = content;
    made.hasContent = true;
    return made;
  }
  static std::string contentOf(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }
  std::unique_ptr<CopyTarget> tree() {
    auto target = localTarget(top_ + "/tree", options_);
    target->makeRoot(item("", muster::FileType::kDirectory));
    return target;
  }

  std::string top_;
  CopyOptions options_;
};

TEST_F(CopyLocalTest, NothingIsWrittenThroughALinkThatTheTreeBrought) {
  fs::create_directory(top_ + "/outside");
  auto target = tree();
  TreeItem link = item("way", muster::FileType::kSymlink);
  link.target = top_ + "/outside";
  target->add(link);
  EXPECT_THROW(target->add(file("way/f", "x")), NodeError);
  EXPECT_THROW(target->add(item("way/d", muster::FileType::kDirectory)), NodeError);
  EXPECT_TRUE(fs::is_empty(top_ + "/outside"));
}

TEST_F(CopyLocalTest, NamesThatLeadOutAreRefused) {
  auto target = tree();
  for (std::string path : {"../f", "..", "d/../../f", "/etc/f"}) {
    EXPECT_THROW(target->add(file(path, "x")), NodeError) << path;
  }
  EXPECT_FALSE(fs::exists(top_ + "/f"));
}

TEST_F(CopyLocalTest, AFileWhoseDigestIsWrongLeavesTheOldOneAndNothingBeside) {
  std::ofstream(top_ + "/f") << "old";
  const std::string content = "new";
  FileFeed feed = feedOf(content);
  feed.check = [](const TransferDigest&) {
    throw NodeError(NodeError::Kind::kCorrupt, "", "copy", "the digest differs");
  };
  auto target = localTarget(top_ + "/f", options_);
  EXPECT_THROW(target->addFile(item("", muster::FileType::kRegular), feed), NodeError);
  EXPECT_EQ(contentOf(top_ + "/f"), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(top_), fs::directory_iterator()), 1);
}

TEST_F(CopyLocalTest, FileReplacesNoDeviceAndNoLinkToOne) {
  options_.what = CopyOptions::What::kFile;
  ASSERT_EQ(::mkfifo((top_ + "/fifo").c_str(), 0600), 0);
  fs::create_symlink("/dev/null", top_ + "/null");
  const std::string content = "new";
  for (const char* name : {"/fifo", "/null"}) {
    auto target = localTarget(top_ + name, options_);
    EXPECT_THROW(target->addFile(item("", muster::FileType::kRegular), feedOf(content)), NodeError)
        << name;
  }
  EXPECT_TRUE(fs::is_fifo(top_ + "/fifo"));
  EXPECT_TRUE(fs::is_symlink(top_ + "/null"));
}

TEST_F(CopyLocalTest, WhatMustNotBeReplacedIsNot) {
  std::ofstream(top_ + "/f") << "old";
  options_.write.existing = muster::IfExists::kRefuse;
  auto target = localTarget(top_ + "/f", options_);
  const std::string content = "new";
  try {
    target->addFile(item("", muster::FileType::kRegular), feedOf(content));
    FAIL() << "it was replaced";
  } catch (const NodeError& error) {
    EXPECT_EQ(error.kind(), NodeError::Kind::kConflict);
  }
  EXPECT_EQ(contentOf(top_ + "/f"), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(top_), fs::directory_iterator()), 1);
}

TEST_F(CopyLocalTest, ModesTimesAndHolesAreKept) {
  std::string content = std::string(4'000'000, '\0') + "end";
  TreeItem sparse = item("hole", muster::FileType::kRegular);
  sparse.size = content.size();
  sparse.mode = 0421;
  sparse.modifiedNs = 1'000'000'000'000'000'005;
  auto target = tree();
  target->addFile(sparse, feedOf(content));
  target->finish();
  struct stat status {};
  ASSERT_EQ(::stat((top_ + "/tree/hole").c_str(), &status), 0);
  EXPECT_EQ(contentOf(top_ + "/tree/hole"), content);
  EXPECT_LT(status.st_blocks * 512, 1'000'000);
  EXPECT_EQ(status.st_mode & 07777, 0421u);
  EXPECT_EQ(status.st_mtim.tv_nsec, 5);
}

// Passes everything from one local end to the other, as Copy does.
std::vector<LeftOutItem> passOn(CopySource& source, CopyTarget& target) {
  target.makeRoot(source.root());
  for (auto page = source.next(); !page.empty(); page = source.next()) {
    for (TreeItem& item : page) {
      bool comesApart = item.type == muster::FileType::kRegular && !item.hasContent;
      if (comesApart) {
        target.addFile(item, source.open(item));
      } else {
        target.add(std::move(item));
      }
    }
  }
  return target.finish();
}

TEST_F(CopyLocalTest, EveryTimeOf64BitsIsKeptOrRefused) {
  fs::create_directory(top_ + "/s");
  for (int64_t ns : {int64_t{0}, int64_t{-500'000'000}, int64_t{-1}, int64_t{1},
                     int64_t{-2'000'000'000'000'000'000}, int64_t{8'000'000'000'000'000'000}}) {
    TreeItem timed = file("f", "x");
    timed.modifiedNs = ns;
    auto target = tree();
    target->add(timed);
    struct stat status {};
    ASSERT_EQ(::stat((top_ + "/tree/f").c_str(), &status), 0);
    EXPECT_EQ(support::nanosecondsOf(status.st_mtim), ns);
  }
  TreeItem beyond = file("g", "x");
  beyond.modifiedNs = std::nullopt;
  auto target = tree();
  EXPECT_THROW(target->add(beyond), NodeError);
  EXPECT_FALSE(fs::exists(top_ + "/tree/g"));
}

// Work below a directory changes its time and needs its permission, so it comes first.
TEST_F(CopyLocalTest, EveryDirectoryBecomesLikeItsSourceEvenIfItExisted) {
  options_.root = CopyOptions::Root::kLikeSource;
  fs::create_directories(top_ + "/s/inner");
  std::ofstream(top_ + "/s/inner/f") << "x";
  fs::create_directories(top_ + "/tree/inner");
  ::setxattr((top_ + "/tree/inner").c_str(), "user.old", "x", 1, 0);
  for (std::string path : {"/s/inner", "/s"}) {
    ::setxattr((top_ + path).c_str(), "user.color", "red", 3, 0);
    ::chmod((top_ + path).c_str(), 0510);
    timespec times[2] = {{}, {1'000'000'000, 7}};
    ::utimensat(AT_FDCWD, (top_ + path).c_str(), times, 0);
  }
  auto source = localSource(top_ + "/s", muster::SteadyTime::max());
  passOn(*source, *localTarget(top_ + "/tree", options_));
  for (std::string path : {"/tree/inner", "/tree"}) {
    struct stat status {};
    ASSERT_EQ(::stat((top_ + path).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0510u) << path;
    EXPECT_EQ(status.st_mtim.tv_nsec, 7) << path;
    char names[100];
    ssize_t size = ::listxattr((top_ + path).c_str(), names, sizeof names);
    EXPECT_EQ(std::string(names, static_cast<size_t>(size)), std::string("user.color\0", 11));
  }
}

// Reading 20 GiB of zeros takes many seconds; finding the only block takes none.
TEST_F(CopyLocalTest, HolesAreNeitherReadNorWritten) {
  constexpr off_t kSize = off_t{20} << 30;
  fs::create_directory(top_ + "/s");
  int file = ::open((top_ + "/s/f").c_str(), O_WRONLY | O_CREAT, 0600);
  ASSERT_EQ(::pwrite(file, "x", 1, kSize / 2), 1);
  ASSERT_EQ(::ftruncate(file, kSize), 0);
  ::close(file);
  auto source = localSource(top_ + "/s", muster::SteadyTime::max());
  source->root();
  FileFeed feed = source->open(source->next().front());
  FilePiece data = feed.next(1 << 20);
  EXPECT_LE(data.bytes.size(), size_t{1} << 16);
  EXPECT_NE(data.bytes.find('x'), std::string::npos);
  FilePiece end = feed.next(1 << 20);
  EXPECT_EQ(end.offset, static_cast<uint64_t>(kSize));
  EXPECT_TRUE(end.bytes.empty());
}

TEST_F(CopyLocalTest, HardLinksAndSpecialFilesAreMade) {
  options_.root = CopyOptions::Root::kLikeSource;
  fs::create_directory(top_ + "/s");
  ::mkfifo((top_ + "/s/pipe").c_str(), 0640);
  auto source = localSource(top_ + "/s", muster::SteadyTime::max());
  auto target = localTarget(top_ + "/tree", options_);
  EXPECT_TRUE(passOn(*source, *target).empty());
  // A second copy meets what the first one made.
  for (int i = 0; i < 2; ++i) {
    target->add(file("a", "x"));
    TreeItem link = item("b", muster::FileType::kRegular);
    link.linkTo = "a";
    target->add(link);
  }
  struct stat first {
  }, second{};
  ASSERT_EQ(::stat((top_ + "/tree/a").c_str(), &first), 0);
  ASSERT_EQ(::stat((top_ + "/tree/b").c_str(), &second), 0);
  EXPECT_EQ(first.st_ino, second.st_ino);
  EXPECT_EQ(first.st_nlink, 2u);
  ASSERT_EQ(::stat((top_ + "/tree/pipe").c_str(), &first), 0);
  EXPECT_TRUE(S_ISFIFO(first.st_mode));
  EXPECT_EQ(first.st_mode & 07777, 0640u);
  EXPECT_EQ(std::distance(fs::directory_iterator(top_ + "/tree"), fs::directory_iterator()), 3);
}

// No kernel has a device of this number, so that root may not make it either.
TEST_F(CopyLocalTest, SpecialFileThatMayNotBeMadeIsNamed) {
  TreeItem strange = item("dev", muster::FileType::kCharacter);
  strange.specialDevice = ~uint64_t{0};
  auto target = tree();
  target->add(strange);
  auto leftOut = target->finish();
  ASSERT_EQ(leftOut.size(), 1u);
  EXPECT_EQ(leftOut[0].path, "dev");
  EXPECT_NE(leftOut[0].reason, "");
}

TEST_F(CopyLocalTest, InheritedListIsNotKept) {
  fs::create_directory(top_ + "/tree");
  // Version 2; user::rwx, user:4711:rwx, group::r-x, mask::rwx, other::r-x.
  const unsigned char list[] = {2,    0,    0,    0,    1,    0,    7,    0,    0xff, 0xff, 0xff,
                                0xff, 2,    0,    7,    0,    0x67, 0x12, 0,    0,    4,    0,
                                5,    0,    0xff, 0xff, 0xff, 0xff, 16,   0,    7,    0,    0xff,
                                0xff, 0xff, 0xff, 32,   0,    5,    0,    0xff, 0xff, 0xff, 0xff};
  std::string directory = top_ + "/tree";
  if (::setxattr(directory.c_str(), "system.posix_acl_default", list, sizeof list, 0) != 0) {
    GTEST_SKIP() << "no access lists on this file system";
  }
  auto target = tree();
  target->add(file("f", "x"));
  target->add(item("d", muster::FileType::kDirectory));
  target->finish();
  for (const char* name : {"/f", "/d"}) {
    char names[200];
    EXPECT_EQ(::listxattr((directory + name).c_str(), names, sizeof names), 0) << name;
  }
}

TEST_F(CopyLocalTest, FileInPlaceKeepsAllButItsContent) {
  std::ofstream(top_ + "/f") << "older and longer";
  ::chmod((top_ + "/f").c_str(), 0604);
  struct stat before {
  }, after{};
  ::stat((top_ + "/f").c_str(), &before);
  options_.what = CopyOptions::What::kFile;
  options_.keep = CopyOptions::Keep::kAll;
  options_.write.way = muster::WriteWay::kInPlace;
  for (const std::string& content : {std::string("new"), std::string(700'000, 'x')}) {
    TreeItem large = file("", content);
    large.size = content.size();
    localTarget(top_ + "/f", options_)->addFile(large, feedOf(content));
    EXPECT_EQ(contentOf(top_ + "/f"), content);
  }
  ::stat((top_ + "/f").c_str(), &after);
  EXPECT_EQ(after.st_ino, before.st_ino);
  EXPECT_EQ(after.st_mode, before.st_mode);
  EXPECT_THROW(localTarget(top_ + "/none", options_)->addFile(file("", "x"), feedOf("x")),
               NodeError);
  EXPECT_EQ(std::distance(fs::directory_iterator(top_), fs::directory_iterator()), 1);
}

TEST_F(CopyLocalTest, TreeWithPathsThatAreTooLongIsRefusedAtOnce) {
  fs::create_directory(top_ + "/s");
  const std::string kName(200, 'n');
  int directory = ::open((top_ + "/s").c_str(), O_PATH);
  for (int i = 0; i < 25; ++i) {
    ASSERT_EQ(::mkdirat(directory, kName.c_str(), 0700), 0);
    int next = ::openat(directory, kName.c_str(), O_PATH);
    ::close(std::exchange(directory, next));
  }
  ::close(directory);
  auto source = localSource(top_ + "/s", muster::SteadyTime::max());
  try {
    source->root();
    FAIL() << "it was taken";
  } catch (const NodeError& error) {
    EXPECT_EQ(error.kind(), NodeError::Kind::kInvalid);
    EXPECT_THAT(error.detail(), testing::HasSubstr("at most 4095 can be copied"));
  }
}

TEST_F(CopyLocalTest, ATreeIsReadParentsFirstAndInOrder) {
  fs::create_directories(top_ + "/s/b");
  std::ofstream(top_ + "/s/b/inner") << "x";
  std::ofstream(top_ + "/s/a") << "y";
  auto source = localSource(top_ + "/s", muster::SteadyTime::max());
  EXPECT_EQ(source->root().type, muster::FileType::kDirectory);
  std::vector<std::string> paths;
  for (const TreeItem& each : source->next()) paths.push_back(each.path);
  EXPECT_THAT(paths, testing::ElementsAre("a", "b", "b/inner"));
  EXPECT_TRUE(source->next().empty());
}

}  // namespace
}  // namespace harness
