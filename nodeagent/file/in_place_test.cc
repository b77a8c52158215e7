// Tries that a file that nothing can replace is written all the same, and that its options are
// those that make sense.
#include "nodeagent/file/in_place.h"

#include <gmock/gmock.h>

#include "nodeagent/file/file_testing.h"

namespace nodeagent::file {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(InPlaceTest, WritesAFileOnWhichAnotherIsMounted) {
  TemporaryDirectory directory;
  std::string found = inMountNamespace([&]() -> std::string {
    put(directory / "f", "old");
    put(directory / "mounted", "mounted and long");
    if (::mount((directory / "mounted").cStr(), (directory / "f").cStr(), nullptr, MS_BIND,
                nullptr) < 0) {
      return "skip";
    }
    support::Failure failure = failureOf([&] { writeFile(directory / "f", bytesOf("x"), {}); });
    if (std::string(failure.text.cStr()).find("in place") == std::string::npos)
      return std::string("no hint: ") + failure.text.cStr();
    writeInPlace(directory / "f", bytesOf("new"), {});
    return contentOf(directory / "mounted") == "new" ? "" : "another file was written";
  });
  if (found == "skip") GTEST_SKIP() << "needs a mount namespace of its own";
  EXPECT_EQ(found, "");
}

TEST(InPlaceTest, WritesAValueOfTheKernel) {
  kj::StringPtr path = "/proc/self/comm";
  std::string before = contentOf(path);
  writeInPlace(path, bytesOf("in-place"), {});
  EXPECT_EQ(contentOf(path), "in-place\n");
  writeInPlace(path, bytesOf(before), {});
}

TEST(InPlaceTest, FollowsALinkAndNeedsAFile) {
  TemporaryDirectory directory;
  put(directory / "f", "old");
  ASSERT_EQ(::symlink("f", (directory / "link").cStr()), 0);
  writeInPlace(directory / "link", bytesOf("new"), {});
  EXPECT_EQ(contentOf(directory / "f"), "new");
  EXPECT_EQ(failureOf([&] { writeInPlace(directory / "none", bytesOf(""), {}); }).kind,
            Kind::NOT_FOUND);
  EXPECT_EQ(failureOf([&] { writeInPlace(directory.path().c_str(), bytesOf(""), {}); }).kind,
            Kind::CONFLICT);
  EXPECT_THAT(directory.names(), ElementsAre("f", "link"));
}

TEST(InPlaceTest, RefusesOptionsThatItCannotKeep) {
  auto refusal = [](void (*edit)(WriteOptions&)) {
    WriteOptions options;
    edit(options);
    return std::string(failureOf([&] { requireFitInPlace(options); }).text.cStr());
  };
  EXPECT_EQ(refusal([](WriteOptions& options) { options.sync = true; }), "");
  EXPECT_THAT(refusal([](WriteOptions& options) { options.keepMode = false; }),
              HasSubstr("a mode"));
  EXPECT_THAT(refusal([](WriteOptions& options) { options.lifetime = Lifetime::kSession; }),
              HasSubstr("the session's lifetime"));
}

}  // namespace
}  // namespace nodeagent::file
