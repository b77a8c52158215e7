// This machine's side of a copy: what a node says must not reach beyond the target, and what breaks
// off must leave nothing.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/node_error.h>

#include "harness/rpc/file/copy_ends.h"

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
  static FileFeed feedOf(const std::string& content) {
    return {[content](uint64_t offset, size_t most) {
              return content.substr(std::min<uint64_t>(offset, content.size()), most);
            },
            [](const std::string&) {}};
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
  FileFeed feed = feedOf("new");
  feed.check = [](const std::string&) {
    throw NodeError(NodeError::Kind::kCorrupt, "", "copy", "the digest differs");
  };
  auto target = localTarget(top_ + "/f", options_);
  EXPECT_THROW(target->addFile(item("", muster::FileType::kRegular), feed), NodeError);
  EXPECT_EQ(contentOf(top_ + "/f"), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(top_), fs::directory_iterator()), 1);
}

TEST_F(CopyLocalTest, WhatMustNotBeReplacedIsNot) {
  std::ofstream(top_ + "/f") << "old";
  options_.write.existing = muster::IfExists::kRefuse;
  auto target = localTarget(top_ + "/f", options_);
  try {
    target->addFile(item("", muster::FileType::kRegular), feedOf("new"));
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
  sparse.sparse = true;
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
