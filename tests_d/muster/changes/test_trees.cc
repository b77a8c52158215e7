// Trees that become alike, digests that tell whether they are, and edits that end with the test.
#include <filesystem>
#include <fstream>

#include <muster/muster.h>

namespace {

using namespace muster;
using testing::Eq;
using testing::HasSubstr;
using testing::Optional;

namespace fs = std::filesystem;

class TreeTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 2}}}; }

 protected:
  void SetUp() override {
    local_ = fs::path(testing::TempDir()) / "muster-trees";
    fs::remove_all(local_);
    fs::create_directories(local_ / "d/empty");
    std::ofstream(local_ / "one") << "one";
    std::ofstream(local_ / "d/two") << std::string(100'000, 'x');
    fs::create_symlink("one", local_ / "link");
    change(servers(), TmpfsMount{.directory = "/mnt/trees", .bytes = 16 << 20}).checked();
  }
  void TearDown() override { fs::remove_all(local_); }

  Node& a() { return servers()[0]; }
  Node& b() { return servers()[1]; }

  fs::path local_;
  const std::string tree_ = "/mnt/trees/t";
};

TEST_F(TreeTest, SecondSyncSendsNothing) {
  for (const auto& one : syncTree(local_, servers(), tree_).checked()) {
    EXPECT_EQ(one.value->files, 2u);
    EXPECT_EQ(one.value->bytes, 100'003u);
  }
  TransferResult again = syncTree(local_, a(), tree_, {.extras = Extras::kDelete});
  EXPECT_EQ(again.files + again.bytes + again.deleted, 0u);
  EXPECT_EQ(again.unchanged, 5u);
  EXPECT_EQ(syncTree(a(), tree_, b(), tree_).files, 0u);
  EXPECT_EQ(syncTree(b(), tree_, local_).files, 0u);
  auto digests = servers().file(tree_).treeDigest().checked();
  EXPECT_EQ(digests["server1"], digests["server2"]);
}

TEST_F(TreeTest, DeletionStaysWithinTheTarget) {
  syncTree(local_, a(), tree_);
  a().shell(
      "mkdir -p /mnt/trees/out /mnt/trees/t/x/y; touch /mnt/trees/out/kept /mnt/trees/t/x/z; "
      "ln -s /mnt/trees/out /mnt/trees/t/way; rm -r /mnt/trees/t/d; "
      "ln -s /mnt/trees/out /mnt/trees/t/d");
  EXPECT_THAT([&] { syncTree(local_, a(), tree_); },
              FailsWith(NodeError::Kind::kConflict, HasSubstr("\"d\" is a directory at one end")));
  TransferResult result = syncTree(local_, a(), tree_, {.extras = Extras::kDelete});
  EXPECT_EQ(result.deleted, 5u) << testing::PrintToString(result);
  EXPECT_EQ(a().shell("cd /mnt/trees; find . | sort | tr '\\n' ' '").out,
            ". ./out ./out/kept ./t ./t/d ./t/d/empty ./t/d/two ./t/link ./t/one ");
}

TEST_F(TreeTest, DigestShowsEachDifferenceBetweenNodes) {
  syncTree(local_, servers(), tree_).checked();
  auto differ = [&](const TreeDigestOptions& options = {}) {
    auto digests = servers().file(tree_).treeDigest(options).checked();
    return digests["server1"] != digests["server2"];
  };
  EXPECT_FALSE(differ());
  b().file(tree_ + "/one").setMode(0600);
  EXPECT_TRUE(differ());
  EXPECT_FALSE(differ({.mode = false}));
  b().file(tree_ + "/one").setMode(a().file(tree_ + "/one").stat()->mode);
  EXPECT_FALSE(differ());
  b().file(tree_ + "/one").setAttribute("trusted.note", "x");
  EXPECT_TRUE(differ());
  EXPECT_FALSE(differ({.attributes = false}));
  EXPECT_THAT(b().file(tree_ + "/one").attribute("trusted.note"), Optional(Eq("x")));
  EXPECT_THAT(a().file(tree_ + "/one").attribute("trusted.note"), Eq(std::nullopt));
  EXPECT_THAT([&] { a().file(tree_ + "/nope").treeDigest(); },
              FailsWith(NodeError::Kind::kNotFound));
}

// A tar file of the trees of all nodes, as the tar of this machine reads it.
class ArchiveTest : public TreeTest {
 protected:
  void SetUp() override {
    TreeTest::SetUp();
    syncTree(local_, servers(), tree_).checked();
    b().file(tree_ + "/one").write("of b", {.mode = 0604});
  }
  // Runs a script here, beside the archive.
  std::string here(const std::string& script) const {
    return local().shell("cd '" + local_.string() + "'; " + script).out;
  }
  fs::path archive() const { return local_ / "all.tar.gz"; }
};

TEST_F(ArchiveTest, HasTheTreeOfEachNode) {
  auto results = servers().file(tree_).archiveTo(archive()).checked();
  EXPECT_EQ(results["server1"].files, 2u);
  EXPECT_EQ(here("mkdir x && tar -xpzf all.tar.gz -C x && cat x/server1/t/one x/server2/t/link"),
            "oneof b");
  EXPECT_EQ(here("stat -c %a x/server2/t/one; cmp d/two x/server2/t/d/two"), "604\n");
  EXPECT_EQ(here("ls x; ls -A | grep part"), "server1\nserver2\n");
}

TEST_F(ArchiveTest, NodeThatFailsIsNamedAndTheOthersAreThere) {
  b().file(tree_).removeTree();
  auto results = servers().file(tree_).archiveTo(archive());
  EXPECT_THAT([&] { results.checked(); },
              FailsWith(NodeError::Kind::kNotFound, HasSubstr("server2")));
  EXPECT_EQ(here("tar -xzf all.tar.gz && ls"),
            "all.tar.gz\nd\nlink\none\nserver1\nserver2.error\n");
  fs::remove(archive());
  auto none = servers().file("/mnt/trees/none").archiveTo(archive());
  EXPECT_FALSE(none.succeeded());
  EXPECT_FALSE(fs::exists(archive()));
  EXPECT_THAT([&] { (void)servers().file(tree_).archiveTo("/no/such/all.tar"); },
              FailsWith(NodeError::Kind::kSystem, HasSubstr("/no/such/all.tar")));
}

// The settings of the suite come back after the test that edits them.
class EditTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 2}}}; }
  static void SetUpTestSuite() {
    settings().write("# kvd\npeers=3\n", {.mode = 0640, .undo = UndoAt::kTestEnd}).checked();
  }
  static FileSet settings() { return servers().file("/etc/kvd.conf"); }
};

TEST_F(EditTest, EachNodeEditsItsOwnFile) {
  servers()[1].file("/etc/kvd.conf").append("more\n");
  auto edited = settings().edit(replacing("peers=3", "peers=5"), {.undo = UndoAt::kTestEnd});
  EXPECT_THAT(edited, OnEachNode(true));
  EXPECT_EQ(settings().read()["server1"], "# kvd\npeers=5\n");
  EXPECT_EQ(settings().read()["server2"], "# kvd\npeers=5\nmore\n");
  EXPECT_EQ(servers()[0].file("/etc/kvd.conf").stat()->mode, 0640u);
  EXPECT_THAT(settings().edit(replacingLines("# ", "# kvd"), {.undo = UndoAt::kTestEnd}),
              OnEachNode(false));
  EXPECT_THAT([&] { settings().edit(replacing("nope", "x")).checked(); },
              FailsWith(NodeError::Kind::kNotFound, HasSubstr("the file does not have it")));
}

TEST_F(EditTest, NextTestFindsTheSuitesFile) {
  EXPECT_EQ(settings().read()["server1"], "# kvd\npeers=3\n");
}

TEST_F(EditTest, FileThatSomebodyChangesMeanwhileIsLeftAlone) {
  File file = servers()[0].file("/etc/kvd.conf");
  auto meddle = [&](const std::string& content) {
    file.append("theirs\n");
    return content + "ours\n";
  };
  EXPECT_THAT([&] { file.edit(meddle); },
              FailsWith(NodeError::Kind::kConflict, HasSubstr("somebody else has changed")));
  EXPECT_THAT(file.read(), testing::EndsWith("theirs\n"));
  file.edit(replacing("theirs\n", ""));
}

TEST_F(EditTest, UndefinedVariableTouchesNothing) {
  File file = servers()[0].file("/etc/kvd.conf");
  EXPECT_THAT([&] { file.write(renderTemplate("peers={{peers}}\n", {})); },
              FailsWith(NodeError::Kind::kInvalid, HasSubstr("variable peers is not defined")));
  EXPECT_EQ(file.read(), "# kvd\npeers=3\n");
}

}  // namespace
