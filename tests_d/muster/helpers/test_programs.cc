// Which programs become helpers, and how they come to the node.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <muster/muster.h>

namespace {

using namespace muster;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class HelperProgramTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}}; }
  static Node& node() { return servers()[0]; }

  // Returns the helper's program with `bytes` at `offset`.
  static std::string altered(size_t offset, const std::string& bytes) {
    auto self = std::filesystem::read_symlink("/proc/self/exe");
    std::ifstream file(self.parent_path() / "odd_helper", std::ios::binary);
    std::string content{std::istreambuf_iterator<char>(file), {}};
    return content.replace(offset, bytes.size(), bytes);
  }

  std::string written(const std::string& name, const std::string& content) const {
    std::string path = directory_ + "/" + name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  static std::vector<std::string> kept() {
    return node().shell("ls -d /run/nodeagent/helpers/* /var/cache/nodeagent/helpers/*").lines();
  }

  static void SetUpTestSuite() {
    node().shell("rm -rf /run/nodeagent/helpers /var/cache/nodeagent/helpers").checked();
  }

 protected:
  void SetUp() override { ASSERT_NE(::mkdtemp(directory_.data()), nullptr); }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string directory_ = testing::TempDir() + "muster-helpers-XXXXXX";
};

// 183 is EM_AARCH64, at the place of e_machine.
TEST_F(HelperProgramTest, OtherArchitectureIsRefusedBeforeAnythingIsSent) {
  std::string path = written("arm_helper", altered(18, std::string("\xb7\0", 2)));
  EXPECT_THAT(
      [&] { RemoteHelper helper(node(), path); },
      FailsWith(NodeError::Kind::kUnsupported,
                AllOf(HasSubstr("helper arm_helper"),
                      HasSubstr("for aarch64, and the node is x86_64; build it for x86_64"))));
  EXPECT_THAT(kept(), IsEmpty());
}

TEST_F(HelperProgramTest, MissingLoaderIsRefusedBeforeAnythingIsSent) {
  std::string content = altered(0, "");
  std::string loader = "/lib64/ld-linux";
  content.replace(content.find(loader), loader.size(), "/libXX/ld-linux");
  std::string path = written("odd_loader", content);
  EXPECT_THAT([&] { RemoteHelper helper(node(), path); },
              FailsWith(NodeError::Kind::kUnsupported,
                        AllOf(HasSubstr("/libXX/ld-linux"), HasSubstr("STATIC"))));
  EXPECT_THAT(kept(), IsEmpty());
}

TEST_F(HelperProgramTest, WhatIsNoHelperIsRefused) {
  EXPECT_THAT([] { RemoteHelper helper(node(), "no_such_helper"); },
              FailsWith(NodeError::Kind::kNotFound, HasSubstr("MUSTER_HELPERS")));
  EXPECT_THAT([this] { RemoteHelper helper(node(), written("text", "hello")); },
              FailsWith(NodeError::Kind::kInvalid, HasSubstr("neither an ELF program")));
  EXPECT_THAT([] { RemoteHelper helper(node(), "/bin/ls"); },
              FailsWith(NodeError::Kind::kCommandFailed, HasSubstr("muster_helper.py")));
  EXPECT_THAT([] { RemoteHelper helper(node(), "/bin/true"); },
              FailsWith(NodeError::Kind::kCommandFailed, HasSubstr("exited with status 0")));
}

// A changed file under the name of another content is not run.
TEST_F(HelperProgramTest, ProgramIsSentOnceAndKeptWhole) {
  SetUpTestSuite();
  { RemoteHelper first(node(), "odd_helper"); }
  ASSERT_EQ(kept().size(), 1u);
  std::string path = kept()[0];
  auto inode = [&] { return node().output({"stat", "-c", "%i", path}); };
  std::string before = inode();
  { RemoteHelper second(node(), "odd_helper"); }
  EXPECT_EQ(inode(), before);
  node().shell("echo >> " + path).checked();
  RemoteHelper third(node(), "odd_helper");
  EXPECT_EQ(third.call<int64_t>("count"), 1);
  EXPECT_NE(inode(), before);
}

TEST_F(HelperProgramTest, PythonHelperIsAsGoodAsAnother) {
  if (!node().run({"python3", "--version"}).succeeded()) GTEST_SKIP() << "needs python3";
  RemoteHelper helper(node(), "odd_python_helper", {.arguments = {"a"}});
  EXPECT_EQ(helper.call<int64_t>("count"), 1);
  EXPECT_EQ(helper.call<int64_t>("count"), 2);
  std::map<std::string, std::vector<double>> value = {{"a\xff", {-0.5}}, {"", {}}};
  using Value = decltype(value);
  EXPECT_EQ(helper.call<Value>("echo", value), value);
  EXPECT_THAT(helper.call<std::vector<std::string>>("shout"), ElementsAre("a"));
  EXPECT_EQ(helper.errors(), "printed\n");
}

TEST_F(HelperProgramTest, PythonExceptionBringsItsTraceback) {
  if (!node().run({"python3", "--version"}).succeeded()) GTEST_SKIP() << "needs python3";
  RemoteHelper helper(node(), "odd_python_helper");
  try {
    helper.call("fail");
    FAIL() << "it has not thrown";
  } catch (const RemoteError& error) {
    EXPECT_EQ(error.type(), "KeyError");
    EXPECT_EQ(error.message(), "'missing'");
    EXPECT_THAT(error.backtrace(),
                ElementsAre("inner at odd_python_helper:31: return table[\"missing\"]",
                            "fail at odd_python_helper:36: inner({})"));
  }
  DeadlineScope scope(300ms);
  EXPECT_THAT([&] { helper.call("run_for_ever"); }, FailsWith(NodeError::Kind::kTimeout));
}

}  // namespace
