// Sample 4: read, write and copy files and trees.
#include <muster/muster.h>

using namespace muster;

class FileSample : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}, {"client", 1}}}; }
};

TEST_F(FileSample, WritesReplaceAFileInOneStep) {
  File file = servers()[0].file("/root/settings");
  file.write("a = 1\n", {.mode = 0600});
  EXPECT_EQ(file.read(), "a = 1\n");
  EXPECT_EQ(file.stat()->mode, 0600u);
  file.append("b = 2\n");
  EXPECT_EQ(file.read(), "a = 1\nb = 2\n");
  EXPECT_TRUE(file.remove());
  EXPECT_FALSE(file.exists());
}

// A failure is an exception that names node, operation and path.
TEST_F(FileSample, MissingFileIsAnError) {
  EXPECT_THAT([] { return servers()[0].file("/none").read(); },
              FailsWith(NodeError::Kind::kNotFound, testing::HasSubstr("/none")));
}

// The harness compares digests during each transfer, and this test does so again.
TEST_F(FileSample, BigFilesKeepTheirContent) {
  ASSERT_THAT(servers()[0].shell("head -c 5000000 /dev/urandom > /root/big"), Succeeded());
  auto here = std::filesystem::temp_directory_path() / "muster-sample-big";
  servers()[0].pull("/root/big", here);
  clients()[0].push(here, "/root/big");
  std::filesystem::remove(here);
  EXPECT_EQ(clients()[0].file("/root/big").digest(), servers()[0].file("/root/big").digest());
}
