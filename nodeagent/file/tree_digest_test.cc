#include "nodeagent/file/tree_digest.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include <gtest/gtest.h>
#include <kj/exception.h>

namespace nodeagent::file {
namespace {

namespace fs = std::filesystem;

class TreeDigestTest : public testing::Test {
 protected:
  TreeDigestTest() {
    char pattern[] = "/tmp/tree-digest-XXXXXX";
    directory_ = mkdtemp(pattern);
    fill("a");
    fill("b");
  }
  ~TreeDigestTest() override { fs::remove_all(directory_); }

  std::string at(const std::string& path) const { return directory_ + "/" + path; }
  void fill(const std::string& tree) const {
    fs::create_directories(at(tree + "/d/empty"));
    std::ofstream(at(tree + "/one")) << "one";
    std::ofstream(at(tree + "/d/two")) << "two";
    fs::create_symlink("one", at(tree + "/link"));
  }
  support::Digest of(const std::string& tree, const TreeDigestOptions& options = {}) const {
    return treeDigest(at(tree).c_str(), options).sha256;
  }

  // Tells whether a change of the second tree makes the digests differ. The tree is made anew.
  bool shows(const std::function<void()>& change, const TreeDigestOptions& options = {}) const {
    fs::remove_all(at("b"));
    fill("b");
    EXPECT_EQ(of("a", options), of("b", options));
    change();
    return of("a", options) != of("b", options);
  }

  std::string directory_;
};

TEST_F(TreeDigestTest, EqualTreesAreEqualWhereverTheyLie) {
  EXPECT_EQ(of("a"), of("b"));
  auto result = treeDigest(at("a").c_str(), {});
  EXPECT_EQ(result.entries, 5u);
  EXPECT_EQ(result.bytes, 6u);
}

TEST_F(TreeDigestTest, EachSingleChangeShows) {
  EXPECT_TRUE(shows([&] { std::ofstream(at("b/one")) << "onf"; }));
  EXPECT_TRUE(shows([&] { fs::rename(at("b/one"), at("b/uno")); }));
  EXPECT_TRUE(shows([&] { fs::remove(at("b/d/empty")); }));
  EXPECT_TRUE(shows([&] { fs::rename(at("b/d/two"), at("b/two")); }));
  EXPECT_TRUE(shows([&] {
    fs::remove(at("b/link"));
    fs::create_symlink("d/two", at("b/link"));
  }));
  EXPECT_TRUE(shows([&] { ::chmod(at("b/d").c_str(), 0700); }));
  EXPECT_TRUE(shows([&] { ::chmod(at("b").c_str(), 0700); })) << "the root counts";
  EXPECT_TRUE(shows([&] {
    fs::remove(at("b/d/empty"));
    std::ofstream(at("b/d/empty")) << "";
  }));
}

TEST_F(TreeDigestTest, OwnersAndAttributesShow) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  EXPECT_TRUE(shows([&] { EXPECT_EQ(::chown(at("b/one").c_str(), 1, 0), 0); }));
  EXPECT_TRUE(shows([&] { EXPECT_EQ(::chown(at("b/one").c_str(), 0, 1), 0); }));
  std::string one = at("b/one");
  if (::setxattr(one.c_str(), "trusted.note", "x", 1, 0) != 0) GTEST_SKIP() << "no attributes";
  auto give = [&](const char* name, const char* value) {
    return [=] { EXPECT_EQ(::setxattr(one.c_str(), name, value, 1, 0), 0); };
  };
  EXPECT_TRUE(shows(give("trusted.note", "x")));
  ASSERT_EQ(::setxattr(at("a/one").c_str(), "trusted.note", "x", 1, 0), 0);
  EXPECT_EQ(of("a"), of("b"));
  give("trusted.note", "y")();
  EXPECT_NE(of("a"), of("b"));
}

TEST_F(TreeDigestTest, TimesAndWhatWasLeftOutDoNotShow) {
  EXPECT_FALSE(shows([&] { fs::last_write_time(at("b/one"), fs::file_time_type::min()); }));
  EXPECT_FALSE(shows([&] { ::chmod(at("b/one").c_str(), 0600); }, {.mode = false}));
  EXPECT_FALSE(shows([&] { std::ofstream(at("b/one")) << "x"; }, {.content = false}));
  EXPECT_TRUE(shows([&] { fs::remove(at("b/one")); }, {.content = false}));
}

// Names and contents that run into each other when they are put side by side.
TEST_F(TreeDigestTest, BordersOfNamesShow) {
  for (const char* tree : {"c", "d"}) fs::create_directory(at(tree));
  std::ofstream(at("c/ab")) << "c";
  std::ofstream(at("d/a")) << "bc";
  EXPECT_NE(of("c"), of("d"));
}

TEST_F(TreeDigestTest, MissingRootIsAFailure) {
  EXPECT_THROW(treeDigest(at("nope").c_str(), {}), kj::Exception);
}

}  // namespace
}  // namespace nodeagent::file
