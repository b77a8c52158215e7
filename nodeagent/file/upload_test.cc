// Tries uploads that stop, overlap, go on, or end with other bytes than were announced.
#include "nodeagent/file/upload.h"

#include <filesystem>

#include <gmock/gmock.h>

#include "nodeagent/file/file_testing.h"
#include "nodeagent/file/view.h"

namespace nodeagent::file {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

kj::Array<kj::byte> sha256Of(const std::string& text) {
  auto digest = support::Sha256::of(bytesOf(text));
  return kj::heapArray<kj::byte>(digest.data(), digest.size());
}

kj::Own<const Upload> newUpload(kj::String path, uint64_t size, WriteOptions options = {}) {
  return kj::atomicRefcounted<Upload>(support::Id::random(), kj::mv(path), size, kj::mv(options),
                                      kj::atomicRefcounted<RestoreJournal>(kj::String()),
                                      kj::str("upload"));
}

TEST(UploadTest, GoesOnAfterAnInterruption) {
  TemporaryDirectory directory;
  put(directory / "f", "old");
  auto upload = newUpload(directory / "f", 10);
  EXPECT_EQ(upload->begin(), 0u);
  EXPECT_EQ(upload->write(0, bytesOf("01234")), 5u);
  EXPECT_EQ(upload->begin(), 5u);
  EXPECT_EQ(upload->write(0, bytesOf("01234")), 5u) << "a copy is ignored";
  EXPECT_EQ(upload->write(3, bytesOf("34567")), 8u) << "an overlap is cut";
  EXPECT_EQ(contentOf(directory / "f"), "old");
  EXPECT_EQ(upload->write(8, bytesOf("89")), 10u);
  EXPECT_EQ(upload->finish(sha256Of("0123456789")).status.st_size, 10);
  EXPECT_EQ(contentOf(directory / "f"), "0123456789");
  EXPECT_THAT(directory.names(), ElementsAre("f"));
  EXPECT_EQ(upload->finish(sha256Of("0123456789")).status.st_size, 10) << "may be asked again";
  EXPECT_EQ(upload->write(8, bytesOf("89")), 10u) << "a late copy";
}

TEST(UploadTest, KeepsItsBytesInAPartFileThatOthersCannotRead) {
  TemporaryDirectory directory;
  auto upload = newUpload(directory / "f", 100'000);
  upload->begin();
  auto names = directory.names();
  ASSERT_EQ(names.size(), 1u);
  EXPECT_THAT(names[0], ::testing::MatchesRegex("\\.muster-[0-9a-f]{32}\\.part"));
  FileStat part = statOf(directory / names[0], SymlinkPolicy::kKeep);
  EXPECT_EQ(part.status.st_mode & 07777, 0600u);
  EXPECT_GE(part.status.st_blocks * 512, 100'000) << "the space is taken at once";
  upload->discard();
  EXPECT_THAT(directory.names(), ElementsAre());
}

// Zeros that were left out count as received, and the digest is of the data alone.
TEST(UploadTest, LeavesOutHolesThatAreNotSent) {
  TemporaryDirectory directory;
  constexpr uint64_t kSize = uint64_t{20} << 30;
  constexpr uint64_t kMiddle = kSize / 2;
  WriteOptions options;
  options.sparse = true;
  options.digestKind = DigestKind::kBlocks;
  auto upload = newUpload(directory / "f", kSize, kj::mv(options));
  upload->begin();
  EXPECT_EQ(upload->write(kMiddle, bytesOf("x"), kMiddle), kMiddle + 1);
  EXPECT_EQ(upload->write(kMiddle, bytesOf("x"), kMiddle), kMiddle + 1) << "a copy is ignored";
  EXPECT_EQ(failureOf([&] { upload->write(kSize, bytesOf(""), 5); }).kind, Kind::CORRUPT);
  EXPECT_EQ(failureOf([&] { upload->write(5, bytesOf(""), 6); }).kind, Kind::INVALID);
  EXPECT_EQ(upload->write(kSize, bytesOf(""), kSize - kMiddle - 1), kSize);
  support::BlockDigest blocks;
  blocks.add(kMiddle, bytesOf("x"));
  support::Digest sum = blocks.digest(kSize);
  struct stat status = upload->finish({sum.data(), sum.size()}).status;
  EXPECT_EQ(status.st_size, static_cast<off_t>(kSize));
  EXPECT_LE(status.st_blocks * 512, 1 << 20);
  EXPECT_EQ(digest(directory / "f", DigestKind::kBlocks).sha256, sum);
}

TEST(UploadTest, WritesHolesWhereTheyAreNotWanted) {
  TemporaryDirectory directory;
  auto upload = newUpload(directory / "f", 5);
  upload->begin();
  EXPECT_EQ(upload->write(3, bytesOf("xy"), 3), 5u);
  std::string content("\0\0\0xy", 5);
  upload->finish(sha256Of(content));
  EXPECT_EQ(contentOf(directory / "f"), content);
}

TEST(UploadTest, InPlaceChangesNothingButTheContent) {
  TemporaryDirectory directory;
  put(directory / "f", "older and longer");
  ASSERT_EQ(::chmod((directory / "f").cStr(), 0604), 0);
  struct stat before = statOf(directory / "f", SymlinkPolicy::kKeep).status;
  WriteOptions options;
  options.inPlace = true;
  auto upload = newUpload(directory / "f", 3, kj::mv(options));
  upload->begin();
  upload->write(0, bytesOf("new"));
  EXPECT_EQ(contentOf(directory / "f"), "older and longer") << "nothing is touched before the end";
  struct stat after = upload->finish(sha256Of("new")).status;
  EXPECT_EQ(contentOf(directory / "f"), "new");
  EXPECT_EQ(after.st_ino, before.st_ino);
  EXPECT_EQ(after.st_mode, before.st_mode);
  EXPECT_THAT(directory.names(), ElementsAre("f"));
}

TEST(UploadTest, ASparseOneHasHolesWhereItsZerosAre) {
  TemporaryDirectory directory;
  WriteOptions options;
  options.sparse = true;
  auto upload = newUpload(directory / "f", 1'000'000, kj::mv(options));
  std::string content = "begin" + std::string(999'990, '\0') + "ended";
  upload->begin();
  // The pieces do not begin where blocks do.
  for (size_t at = 0; at < content.size(); at += 33'333) {
    upload->write(at, bytesOf(content.substr(at, 33'333)));
  }
  FileStat stat = upload->finish(sha256Of(content));
  EXPECT_EQ(contentOf(directory / "f"), content);
  EXPECT_LE(stat.status.st_blocks * 512, 100'000);
}

TEST(UploadTest, TakesItsPlaceWithTimeAndAttributes) {
  TemporaryDirectory directory;
  WriteOptions options;
  options.modifiedNs = 1'000'000'000'000'000'005;
  auto attribute = kj::heapArrayBuilder<Attribute>(1);
  attribute.add(Attribute{kj::str("user.no.such"), kj::heapArray<kj::byte>(70'000)});
  auto timed = newUpload(directory / "f", 1, kj::mv(options));
  timed->begin();
  timed->write(0, bytesOf("x"));
  FileStat stat = timed->finish(sha256Of("x"));
  EXPECT_EQ(stat.status.st_mtim.tv_sec, 1'000'000'000);
  EXPECT_EQ(stat.status.st_mtim.tv_nsec, 5);
  WriteOptions wrong;
  wrong.attributes = attribute.finish();  // Larger than an attribute can be.
  auto refused = newUpload(directory / "g", 1, kj::mv(wrong));
  refused->begin();
  refused->write(0, bytesOf("x"));
  EXPECT_ANY_THROW(refused->finish(sha256Of("x")));
  EXPECT_FALSE(std::filesystem::exists((directory / "g").cStr()));
}

TEST(UploadTest, IsDiscardedIfTheDigestOrSizeIsWrong) {
  TemporaryDirectory directory;
  put(directory / "f", "old");
  auto upload = newUpload(directory / "f", 3);
  upload->begin();
  upload->write(0, bytesOf("new"));
  EXPECT_EQ(failureOf([&] { upload->finish(bytesOf("short")); }).kind, Kind::INVALID);
  EXPECT_EQ(failureOf([&] { upload->finish(sha256Of("other")); }).kind, Kind::CORRUPT);
  EXPECT_EQ(failureOf([&] { upload->finish(sha256Of("new")); }).kind, Kind::CORRUPT)
      << "the answer stays";
  auto half = newUpload(directory / "f", 3);
  half->begin();
  half->write(0, bytesOf("ne"));
  EXPECT_THAT(failureOf([&] { half->finish(sha256Of("ne")); }).text.cStr(),
              HasSubstr("2 of 3 bytes"));
  EXPECT_EQ(contentOf(directory / "f"), "old");
  EXPECT_THAT(directory.names(), ElementsAre("f"));
}

TEST(UploadTest, RefusesGapsAndBytesBeyondItsSize) {
  TemporaryDirectory directory;
  auto upload = newUpload(directory / "f", 3);
  EXPECT_EQ(failureOf([&] { upload->write(0, bytesOf("x")); }).kind, Kind::NOT_FOUND);
  upload->begin();
  EXPECT_EQ(failureOf([&] { upload->write(1, bytesOf("x")); }).kind, Kind::CORRUPT);
  EXPECT_EQ(failureOf([&] { upload->write(0, bytesOf("xxxx")); }).kind, Kind::CORRUPT);
  EXPECT_EQ(failureOf([&] { upload->write(UINT64_MAX, bytesOf("xx")); }).kind, Kind::CORRUPT);
  EXPECT_EQ(upload->begin(), 0u);
}

TEST(UploadTest, SaysAtOnceThatThereIsNoSpace) {
  TemporaryDirectory directory;
  std::string found = inMountNamespace([&]() -> std::string {
    if (::mount("none", directory.path().c_str(), "tmpfs", 0, "size=256k") < 0) return "skip";
    WriteOptions options;
    options.parents = true;
    auto upload = newUpload(directory / "a/f", 1 << 20, kj::mv(options));
    support::Failure failure = failureOf([&] { upload->begin(); });
    if (failure.errorNumber != ENOSPC) return "no ENOSPC: " + std::string(failure.text.cStr());
    return directory.names().empty() ? "" : "something was left behind";
  });
  if (found == "skip") GTEST_SKIP() << "needs a mount namespace of its own";
  EXPECT_EQ(found, "");
}

TEST(UploadTest, MakesAnEmptyFileToo) {
  TemporaryDirectory directory;
  auto upload = newUpload(directory / "f", 0);
  upload->begin();
  upload->finish(sha256Of(""));
  EXPECT_EQ(contentOf(directory / "f"), "");
}

}  // namespace
}  // namespace nodeagent::file
