// Files are read, written and copied whole, alone and in trees.
#include <errno.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <muster/muster.h>

namespace {

using namespace muster;
using testing::ElementsAre;
using testing::HasSubstr;

class FilesTest : public ClusterTest {
 protected:
  void SetUp() override {
    node().file("/tmp/files").removeTree();
    node().file("/tmp/files").makeDirectory();
  }
  void TearDown() override { std::filesystem::remove_all(local_); }

  Node& node() { return servers()[0]; }

  std::filesystem::path local_ =
      std::filesystem::temp_directory_path() / ("agent-tests-" + std::to_string(getpid()));
};

TEST_F(FilesTest, ContentModeAndDigestAreAsWritten) {
  File file = node().file("/tmp/files/a");
  file.write("hello", {.mode = 0640});
  EXPECT_EQ(file.read(), "hello");
  EXPECT_EQ(file.readPart(1, 3), "ell");
  EXPECT_EQ(file.stat()->mode, 0640u);
  EXPECT_EQ(node().run({"sha256sum", file.path()}).out.substr(0, 64), file.digest());
  file.append(" world");
  EXPECT_EQ(file.read(), "hello world");
}

// A test may expect that a file is absent. Other failures must not pass for that.
TEST_F(FilesTest, AbsentAndForbiddenAreToldApart) {
  EXPECT_FALSE(node().file("/tmp/files/none").exists());
  EXPECT_FALSE(node().file("/tmp/files/none").remove());
  EXPECT_THAT([&] { node().file("/tmp/files/none").read(); },
              FailsWith(NodeError::Kind::kNotFound, HasSubstr("/tmp/files/none")));
  node().file("/tmp/files/a").write("x");
  EXPECT_THAT([&] { node().file("/tmp/files/a").write("y", {.existing = IfExists::kRefuse}); },
              FailsWith(NodeError::Kind::kConflict));
  EXPECT_THAT([&] { node().file("relative").read(); }, FailsWith(NodeError::Kind::kInvalid));
  EXPECT_THAT([&] { node().file("/").removeTree(); }, FailsWith(NodeError::Kind::kInvalid));
}

TEST_F(FilesTest, LinksRenamesAndListingsAgree) {
  node().file("/tmp/files/a").write("x");
  node().file("/tmp/files/l").linkTo("a");
  EXPECT_EQ(node().file("/tmp/files/l").readLink(), "a");
  node().file("/tmp/files/a").rename("/tmp/files/b");
  std::vector<std::string> names;
  for (const FileEntry& entry : node().file("/tmp/files").list()) names.push_back(entry.name);
  EXPECT_THAT(names, ElementsAre("b", "l"));
  EXPECT_FALSE(node().file("/proc/version").read().empty());
}

// Five MiB are several chunks in either direction.
TEST_F(FilesTest, LargeFilesGoThereAndBack) {
  std::filesystem::create_directories(local_);
  std::string content;
  for (int i = 0; content.size() < (5u << 20); ++i) content += std::to_string(i) + "\n";
  std::ofstream(local_ / "big") << content;
  TransferResult there = node().push(local_ / "big", "/tmp/files/big");
  EXPECT_EQ(node().file("/tmp/files/big").digest(), there.digest);
  TransferResult back = node().pull("/tmp/files/big", local_ / "back");
  EXPECT_EQ(back.digest, there.digest);
  EXPECT_EQ(std::filesystem::file_size(local_ / "back"), content.size());
}

// Small files travel together and big ones by chunks, and a symbolic link is not followed.
TEST_F(FilesTest, TreesGoThereAndBack) {
  std::filesystem::create_directories(local_ / "tree/deep/er");
  std::ofstream(local_ / "tree/deep/small") << "small";
  std::ofstream(local_ / "tree/deep/er/big") << std::string(300000, 'b');
  std::filesystem::create_symlink("deep/small", local_ / "tree/link");
  EXPECT_EQ(node().pushTree(local_ / "tree", "/tmp/files/tree").files, 2u);
  EXPECT_EQ(node().file("/tmp/files/tree/deep/small").read(), "small");
  EXPECT_EQ(node().pullTree("/tmp/files/tree", local_ / "copy").files, 2u);
  EXPECT_EQ(std::filesystem::file_size(local_ / "copy/deep/er/big"), 300000u);
  EXPECT_EQ(std::filesystem::read_symlink(local_ / "copy/link"), "deep/small");
}

TEST_F(FilesTest, CopyWithinANodeKeepsContentAndAttributes) {
  File file = node().file("/tmp/files/a");
  file.write(std::string(1 << 20, 'x'), {.mode = 0640, .user = "nobody"});
  TransferResult result = node().copyTo("/tmp/files/a", node(), "/tmp/files/b");
  EXPECT_EQ(result.digest, file.digest());
  File copy = node().file("/tmp/files/b");
  EXPECT_EQ(copy.digest(), result.digest);
  EXPECT_EQ(copy.stat()->mode, 0640u);
  EXPECT_EQ(copy.stat()->user, "nobody");
  EXPECT_TRUE(copy.stat()->modified == file.stat()->modified);
}

TEST_F(FilesTest, LocalFileThatCannotBeReadIsNamed) {
  EXPECT_THAT([&] { node().push("/no/such/file", "/tmp/files/x"); },
              FailsWith(NodeError::Kind::kSystem, HasSubstr("/no/such/file")));
}

}  // namespace
