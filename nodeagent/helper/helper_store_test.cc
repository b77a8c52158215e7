// Tries that the store finds helpers by their content, and stays within its bounds.
#include "nodeagent/helper/helper_store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/function.h>

#include "schema/support/base/sha256.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::helper {
namespace {

using Kind = wire::Error::Kind;

kj::ArrayPtr<const kj::byte> bytesOf(const std::string& text) {
  return kj::arrayPtr(text.data(), text.size()).asBytes();
}

class HelperStoreTest : public testing::Test {
 protected:
  HelperStoreTest() { ::mkdtemp(top_.data()); }
  ~HelperStoreTest() noexcept override { std::filesystem::remove_all(top_); }

  kj::Own<HelperStore> storeOf(const StoreLimits& limits = {}) {
    return kj::atomicRefcounted<HelperStore>(kj::arr(kj::str(top_.c_str(), "/a/helpers")), limits);
  }

  HelperStore::Located locate(const HelperStore& store, const std::string& content) {
    auto digest = support::Sha256::of(bytesOf(content));
    return store.locate(kj::arrayPtr(digest.data(), digest.size()), content.size());
  }

  // Does what an upload does. A later one was used later.
  std::string put(const HelperStore& store, const std::string& content) {
    std::string path = locate(store, content).path.cStr();
    std::ofstream(path) << content;
    ::chmod(path.c_str(), 0755);
    timespec times[2] = {{uploads_, 0}, {uploads_, 0}};
    ++uploads_;
    ::utimensat(AT_FDCWD, path.c_str(), times, 0);
    return path;
  }

  std::string top_ = "/tmp/helper-store-XXXXXX";
  time_t uploads_ = 1;
};

TEST_F(HelperStoreTest, HelperIsFoundByItsContent) {
  auto store = storeOf();
  EXPECT_FALSE(locate(*store, "one").isPresent);
  std::string path = put(*store, "one");
  EXPECT_TRUE(locate(*store, "one").isPresent);
  EXPECT_EQ(locate(*store, "one").path, path.c_str());
  EXPECT_FALSE(locate(*store, "two").isPresent);
}

TEST_F(HelperStoreTest, WhatHasAnotherContentOrModeIsRemoved) {
  auto store = storeOf();
  std::string path = put(*store, "one");
  std::ofstream(path) << "none";
  EXPECT_FALSE(locate(*store, "one").isPresent);
  EXPECT_FALSE(std::filesystem::exists(path));
  put(*store, "one");
  ::chmod(path.c_str(), 0777);
  EXPECT_FALSE(locate(*store, "one").isPresent);
  std::filesystem::create_symlink("/etc/passwd", path);
  EXPECT_FALSE(locate(*store, "one").isPresent);
  EXPECT_TRUE(std::filesystem::exists("/etc/passwd"));
}

TEST_F(HelperStoreTest, HelpersThatWereUnusedForTheLongestTimeMakeSpace) {
  auto store = storeOf({.filesMax = 3, .bytesMax = 100});
  std::string one = put(*store, "one");
  std::string two = put(*store, "two");
  std::string three = put(*store, "three");
  // It was used now.
  EXPECT_TRUE(locate(*store, "one").isPresent);
  put(*store, "four");
  EXPECT_TRUE(std::filesystem::exists(one));
  EXPECT_FALSE(std::filesystem::exists(two));
  EXPECT_TRUE(std::filesystem::exists(three));
  put(*store, std::string(95, 'x'));
  EXPECT_FALSE(std::filesystem::exists(three));
}

TEST_F(HelperStoreTest, OldStrangersGoAndYoungOnesStay) {
  auto store = storeOf();
  put(*store, "one");
  std::string directory = top_ + "/a/helpers/";
  std::ofstream(directory + "young") << "an upload";
  std::ofstream(directory + "old") << "an upload that broke off";
  timespec times[2] = {{1, 0}, {1, 0}};
  ::utimensat(AT_FDCWD, (directory + "old").c_str(), times, 0);
  locate(*store, "two");
  EXPECT_TRUE(std::filesystem::exists(directory + "young"));
  EXPECT_FALSE(std::filesystem::exists(directory + "old"));
}

Kind refusalOf(kj::FunctionParam<void()> call) {
  auto exception = kj::runCatchingExceptions([&]() { call(); });
  KJ_IF_MAYBE (thrown, exception) {
    KJ_IF_MAYBE (failure, support::carriedFailure(*thrown)) return failure->kind;
  }
  return Kind::UNSPECIFIED;
}

TEST_F(HelperStoreTest, WrongSizesAndPlacesAreRefused) {
  auto store = storeOf();
  auto digest = support::Sha256::of(bytesOf("one"));
  auto whole = kj::arrayPtr(digest.data(), digest.size());
  EXPECT_EQ(refusalOf([&]() { store->locate(whole.slice(0, 31), 3); }), Kind::INVALID);
  EXPECT_EQ(refusalOf([&]() { store->locate(whole, 0); }), Kind::INVALID);
  EXPECT_EQ(refusalOf([&]() { store->locate(whole, uint64_t{1} << 40); }), Kind::INVALID);
  // No file system of these lets programs run, or exists.
  auto nowhere = kj::atomicRefcounted<HelperStore>(
      kj::arr(kj::str("/proc/helpers"), kj::str("/dev/null/helpers")));
  EXPECT_EQ(refusalOf([&]() { nowhere->locate(whole, 3); }), Kind::UNSUPPORTED);
}

}  // namespace
}  // namespace nodeagent::helper
