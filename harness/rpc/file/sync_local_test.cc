// Tries copies that write only what differs, between two directories of this machine.
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/node_error.h>

#include "harness/rpc/file/copy.h"

namespace harness {
namespace {

namespace fs = std::filesystem;
using Existing = CopyOptions::Existing;
using muster::NodeError;

class SyncLocalTest : public testing::Test {
 protected:
  SyncLocalTest() {
    char pattern[] = "/tmp/muster-sync-XXXXXX";
    top_ = ::mkdtemp(pattern);
    fs::create_directories(at("a/d/e"));
    write("a/one", "one");
    write("a/d/two", "two");
    write("a/large", std::string(100'000, 'x'));
    fs::create_symlink("one", at("a/link"));
    fs::create_hard_link(at("a/one"), at("a/uno"));
  }
  ~SyncLocalTest() override { fs::remove_all(top_); }

  std::string at(const std::string& path) const { return top_ + "/" + path; }
  void write(const std::string& path, const std::string& content) const {
    std::ofstream(at(path)) << content;
  }
  std::string read(const std::string& path) const {
    std::ostringstream text;
    text << std::ifstream(at(path)).rdbuf();
    return text.str();
  }
  muster::TransferResult sync(Existing existing = Existing::kCompared) const {
    CopyOptions options;
    options.what = CopyOptions::What::kTree;
    options.keep = CopyOptions::Keep::kAll;
    options.root = CopyOptions::Root::kLikeSource;
    options.existing = existing;
    return copy({nullptr, at("a")}, {nullptr, at("b")}, options,
                std::chrono::steady_clock::now() + std::chrono::seconds(30));
  }

  // Expects that the next copy writes these files, and the one after it none.
  void expectSent(uint64_t files, uint64_t bytes, Existing existing = Existing::kCompared) const {
    muster::TransferResult result = sync(existing);
    EXPECT_EQ(result.files, files);
    EXPECT_EQ(result.bytes, bytes);
    muster::TransferResult again = sync(existing);
    EXPECT_EQ(again.files + again.bytes + again.deleted, 0u);
    EXPECT_EQ(again.unchanged, 7u);
  }

  std::string top_;
};

TEST_F(SyncLocalTest, SecondTimeSendsNothing) {
  expectSent(3, 100'006);
  EXPECT_EQ(read("b/d/two"), "two");
  EXPECT_EQ(fs::read_symlink(at("b/link")), "one");
  EXPECT_EQ(fs::hard_link_count(at("b/one")), 2u);
}

TEST_F(SyncLocalTest, OnlyWhatDiffersIsSent) {
  sync();
  write("a/d/two", "TWO");
  expectSent(1, 3);
  EXPECT_EQ(read("b/d/two"), "TWO");
  ::chmod(at("a/large").c_str(), 0600);
  expectSent(1, 100'000);
  struct stat status;
  ASSERT_EQ(::stat(at("b/large").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  write("b/one", "ONE, of somebody else");
  expectSent(1, 3);
  EXPECT_EQ(read("b/uno"), "one");
  fs::remove(at("b/link"));
  fs::create_symlink("d", at("b/link"));
  expectSent(0, 0);
  EXPECT_EQ(fs::read_symlink(at("b/link")), "one");
}

TEST_F(SyncLocalTest, AttributesAndOwnersCount) {
  sync();
  if (::setxattr(at("a/one").c_str(), "user.note", "x", 1, 0) != 0) GTEST_SKIP() << "no attributes";
  expectSent(1, 3);
  if (::geteuid() != 0) return;
  ASSERT_EQ(::chown(at("a/d/two").c_str(), 1, 1), 0);
  expectSent(1, 3);
  struct stat status;
  ASSERT_EQ(::stat(at("b/d/two").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 1u);
}

TEST_F(SyncLocalTest, DirectoriesGetTheirTimesAgain) {
  fs::last_write_time(at("a/d/e"), fs::file_time_type::clock::now() - std::chrono::hours(5));
  fs::last_write_time(at("a/d"), fs::file_time_type::clock::now() - std::chrono::hours(9));
  sync();
  write("b/d/more", "");
  EXPECT_EQ(sync(Existing::kMirrored).deleted, 1u);
  EXPECT_EQ(fs::last_write_time(at("b/d")), fs::last_write_time(at("a/d")));
  EXPECT_EQ(fs::last_write_time(at("b/d/e")), fs::last_write_time(at("a/d/e")));
}

TEST_F(SyncLocalTest, NothingIsRemovedUnlessAskedFor) {
  sync();
  fs::create_directories(at("b/x/y"));
  write("b/x/y/z", "z");
  write("b/x-1", "");
  write("beside", "");
  EXPECT_EQ(sync().deleted, 0u);
  EXPECT_EQ(read("b/x/y/z"), "z");
  EXPECT_EQ(sync(Existing::kMirrored).deleted, 4u);
  EXPECT_FALSE(fs::exists(at("b/x")));
  EXPECT_TRUE(fs::exists(at("beside")));
}

TEST_F(SyncLocalTest, RemovalDoesNotFollowLinks) {
  sync();
  fs::create_directory(at("outside"));
  write("outside/kept", "");
  fs::create_directory_symlink(at("outside"), at("b/way"));
  EXPECT_EQ(sync(Existing::kMirrored).deleted, 1u);
  EXPECT_TRUE(fs::exists(at("outside/kept")));
  // A directory that became a link at the target is replaced, not entered.
  fs::remove_all(at("b/d"));
  fs::create_directory_symlink(at("outside"), at("b/d"));
  sync(Existing::kMirrored);
  EXPECT_TRUE(fs::is_directory(fs::symlink_status(at("b/d"))));
  EXPECT_FALSE(fs::exists(at("outside/two")));
}

TEST_F(SyncLocalTest, RemovalEntersNoMount) {
  sync();
  fs::create_directories(at("b/x/mount"));
  fs::create_directory(at("outside"));
  write("outside/kept", "");
  bool isMounted = false;
  // The thread has mounts of its own.
  std::thread([&] {
    isMounted =
        ::unshare(CLONE_NEWNS) == 0 &&
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
        ::mount(at("outside").c_str(), at("b/x/mount").c_str(), nullptr, MS_BIND, nullptr) == 0;
    if (isMounted) {
      EXPECT_THROW(sync(Existing::kMirrored), NodeError);
    }
  }).join();
  if (!isMounted) GTEST_SKIP() << "mounts are not permitted";
  EXPECT_TRUE(fs::exists(at("outside/kept")));
}

TEST_F(SyncLocalTest, FileInThePlaceOfADirectoryIsReplacedOnlyIfAskedFor) {
  sync();
  fs::remove_all(at("b/d"));
  write("b/d", "file");
  try {
    sync();
    FAIL() << "there is a file";
  } catch (const NodeError& error) {
    EXPECT_EQ(error.kind(), NodeError::Kind::kConflict);
  }
  EXPECT_EQ(read("b/d"), "file");
  EXPECT_EQ(sync(Existing::kMirrored).deleted, 1u);
  EXPECT_EQ(read("b/d/two"), "two");
  fs::remove(at("b/one"));
  fs::create_directories(at("b/one/x"));
  EXPECT_EQ(sync(Existing::kMirrored).deleted, 2u);
  EXPECT_EQ(read("b/one"), "one");
}

TEST_F(SyncLocalTest, TargetThatIsNoDirectoryIsRefused) {
  write("b", "file");
  EXPECT_THROW(sync(), NodeError);
  EXPECT_EQ(read("b"), "file");
}

}  // namespace
}  // namespace harness
