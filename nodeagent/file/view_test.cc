// Tries the methods that only read, on ordinary, special and hostile files.
#include "nodeagent/file/view.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <gmock/gmock.h>

#include "nodeagent/file/file_testing.h"
#include "nodeagent/file/path.h"

namespace nodeagent::file {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> namesOf(const ListResult& result) {
  std::vector<std::string> names;
  for (auto& entry : result.entries) names.push_back(entry.name.cStr());
  return names;
}

kj::String pathFrom(const std::string& text) {
  return absolutePath(bytesOf(text));
}

TEST(PathTest, RefusesAllButAbsolutePaths) {
  EXPECT_EQ(failureOf([] { pathFrom(""); }).kind, Kind::INVALID);
  EXPECT_EQ(failureOf([] { pathFrom("etc/passwd"); }).kind, Kind::INVALID);
  EXPECT_EQ(failureOf([] { pathFrom(std::string("/a\0b", 4)); }).kind, Kind::INVALID);
  EXPECT_EQ(failureOf([] { pathFrom("/" + std::string(4095, 'a')); }).kind, Kind::INVALID);
  EXPECT_EQ(pathFrom("/" + std::string(4094, 'a')).size(), 4095u);
}

TEST(PathTest, RefusesRelativePathsThatCouldLeadOut) {
  for (std::string path : {"/a", "..", "a/../b", "a//b", "a/", ".", "./a", "a/."}) {
    EXPECT_EQ(failureOf([&] { relativePath(bytesOf(path)); }).kind, Kind::INVALID) << path;
  }
  EXPECT_EQ(relativePath(bytesOf("a/..b/...")), "a/..b/...");
}

TEST(PathTest, QuotesHostileNames) {
  EXPECT_EQ(quoted("/a b"), "\"/a b\"");
  EXPECT_EQ(quoted("a\n\x1b[31m\"\\"), "\"a\\x0a\\x1b[31m\\x22\\x5c\"");
  EXPECT_EQ(quoted("\xc3\xa4"), "\"\xc3\xa4\"");
  EXPECT_EQ(quoted("\xff\xc3\xa4"), "\"\\xff\\xc3\\xa4\"");
  EXPECT_EQ(quoted(kj::StringPtr(std::string(400, 'x').c_str())).size(), 300u + 5u);
}

TEST(PathTest, MadeParentsAreRemovedUnlessKept) {
  TemporaryDirectory directory;
  { auto made = makeParents(directory / "a/b//c/file"); }
  EXPECT_THAT(directory.names(), ElementsAre());
  auto made = makeParents(directory / "a/b/c/file");
  made.keep();
  EXPECT_TRUE(std::filesystem::is_directory(directory.path() + "/a/b/c"));
  put(directory / "f", "");
  EXPECT_EQ(failureOf([&] { makeParents(directory / "f/x/y"); }).errorNumber, ENOTDIR);
}

TEST(ReadTest, GivesPartsOfAFileByOffset) {
  TemporaryDirectory directory;
  kj::String path = directory / "f";
  put(path, "0123456789");
  EXPECT_EQ(textOf(readChunk(path, 0, 4).data), "0123");
  EXPECT_EQ(textOf(readChunk(path, 8, 4).data), "89");
  EXPECT_EQ(readChunk(path, 10, 4).data.size(), 0u);
  EXPECT_EQ(readChunk(path, uint64_t{1} << 60, 4).data.size(), 0u);
  EXPECT_EQ(readChunk(path, 0, 4).size, 10u);
  EXPECT_EQ(failureOf([&] { readChunk(path, UINT64_MAX, 4); }).kind, Kind::INVALID);
  EXPECT_EQ(failureOf([&] { readChunk(path, 0, 0); }).kind, Kind::INVALID);
}

TEST(ReadTest, VersionChangesWithTheFile) {
  TemporaryDirectory directory;
  kj::String path = directory / "f";
  put(path, "old");
  FileVersion before = readChunk(path, 0, 10).version;
  EXPECT_EQ(readChunk(path, 0, 10).version, before);
  put(directory / "new", "new");
  std::filesystem::rename(directory.path() + "/new", directory.path() + "/f");
  EXPECT_FALSE(readChunk(path, 0, 10).version == before);
}

TEST(ReadTest, LimitsAChunk) {
  TemporaryDirectory directory;
  kj::String path = directory / "f";
  put(path, std::string(kChunkBytesMax + 5, 'x'));
  EXPECT_EQ(readChunk(path, 0, UINT32_MAX).data.size(), kChunkBytesMax);
  EXPECT_EQ(readChunk(path, kChunkBytesMax, UINT32_MAX).data.size(), 5u);
}

TEST(ReadTest, ReadsFilesWithoutASize) {
  // It is the same at every read, unlike most files of /proc.
  ReadResult result = readChunk("/proc/version", 0, kChunkBytesMax);
  EXPECT_EQ(result.size, 0u);
  EXPECT_THAT(textOf(result.data), HasSubstr("Linux"));
  EXPECT_EQ(readChunk("/proc/version", result.data.size(), kChunkBytesMax).data.size(), 0u);
}

TEST(ReadTest, RefusesSpecialFilesAtOnce) {
  TemporaryDirectory directory;
  kj::String fifo = directory / "fifo";
  ASSERT_EQ(::mkfifo(fifo.cStr(), 0600), 0);
  kj::String socketPath = directory / "socket";
  int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  strncpy(address.sun_path, socketPath.cStr(), sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket, reinterpret_cast<struct sockaddr*>(&address), sizeof address), 0);
  EXPECT_THAT(failureOf([&] { readChunk(fifo, 0, 1); }).text.cStr(), HasSubstr("is a fifo"));
  EXPECT_THAT(failureOf([&] { digest(fifo); }).text.cStr(), HasSubstr("is a fifo"));
  EXPECT_THAT(failureOf([&] { readChunk(socketPath, 0, 1); }).text.cStr(),
              HasSubstr("is a socket"));
  EXPECT_THAT(failureOf([&] { readChunk("/dev/zero", 0, 1); }).text.cStr(),
              HasSubstr("is a character device"));
  EXPECT_THAT(failureOf([&] { readChunk("/tmp", 0, 1); }).text.cStr(), HasSubstr("is a directory"));
  EXPECT_EQ(failureOf([&] { readChunk("/tmp", 0, 1); }).kind, Kind::INVALID);
  ::close(socket);
}

TEST(ReadTest, ReportsMissingFilesWithErrno) {
  TemporaryDirectory directory;
  support::Failure failure = failureOf([&] { readChunk(directory / "absent", 0, 1); });
  EXPECT_EQ(failure.kind, Kind::NOT_FOUND);
  EXPECT_EQ(failure.errorNumber, ENOENT);
  EXPECT_EQ(failureOf([&] { readChunk(directory / std::string(256, 'n'), 0, 1); }).errorNumber,
            ENAMETOOLONG);
  EXPECT_EQ(failureOf([&] { readChunk("/proc/self/mem", 0, 1); }).errorNumber, EIO);
}

TEST(ReadTest, FollowsTheLastLinkButNoLoop) {
  TemporaryDirectory directory;
  put(directory / "f", "text");
  ASSERT_EQ(::symlink("f", (directory / "link").cStr()), 0);
  ASSERT_EQ(::symlink("loop", (directory / "loop").cStr()), 0);
  EXPECT_EQ(textOf(readChunk(directory / "link", 0, 9).data), "text");
  EXPECT_EQ(failureOf([&] { readChunk(directory / "loop", 0, 9); }).errorNumber, ELOOP);
  EXPECT_EQ(readLink(directory / "loop"), "loop");
  EXPECT_EQ(failureOf([&] { readLink(directory / "f"); }).kind, Kind::INVALID);
}

TEST(ReadTest, FindsTheHoleOfASparseFile) {
  TemporaryDirectory directory;
  kj::String path = directory / "f";
  put(path, "head");
  ASSERT_EQ(::truncate(path.cStr(), int64_t{5} << 30), 0);
  EXPECT_EQ(textOf(readChunk(path, (uint64_t{5} << 30) - 2, 9).data), std::string(2, '\0'));
  FileStat stat = statOf(path, SymlinkPolicy::kKeep);
  EXPECT_EQ(stat.status.st_size, int64_t{5} << 30);
  EXPECT_LT(stat.status.st_blocks * 512, 1 << 20);
}

TEST(DigestTest, IsThatOfTheWholeFile) {
  TemporaryDirectory directory;
  std::string content(700'001, 'z');
  put(directory / "f", content);
  DigestResult result = digest(directory / "f");
  EXPECT_EQ(result.size, content.size());
  EXPECT_EQ(result.sha256, support::Sha256::of(bytesOf(content)));
}

TEST(ListTest, PagesInByteOrder) {
  TemporaryDirectory directory;
  for (std::string name : {"b", "a", "\xff", "-x", "new\nline", "B"}) put(directory / name, "");
  ListResult all = list(directory.path().c_str(), "", 0);
  EXPECT_THAT(namesOf(all), ElementsAre("-x", "B", "a", "b", "new\nline", "\xff"));
  EXPECT_FALSE(all.more);
  ListResult first = list(directory.path().c_str(), "", 4);
  EXPECT_THAT(namesOf(first), ElementsAre("-x", "B", "a", "b"));
  EXPECT_TRUE(first.more);
  ListResult rest = list(directory.path().c_str(), "bb", 4);
  EXPECT_THAT(namesOf(rest), ElementsAre("new\nline", "\xff"));
  EXPECT_FALSE(rest.more);
}

TEST(ListTest, HoldsAtMostAThousand) {
  TemporaryDirectory directory;
  for (int i = 0; i < 1001; ++i) put(directory / std::to_string(i), "");
  ListResult page = list(directory.path().c_str(), "", UINT32_MAX);
  EXPECT_EQ(page.entries.size(), 1000u);
  EXPECT_TRUE(page.more);
}

TEST(ListTest, KnowsNamesOfOwners) {
  EXPECT_EQ(statOf("/", SymlinkPolicy::kKeep).user, "root");
  EXPECT_EQ(userNumber("root"), 0u);
  EXPECT_EQ(userNumber("12345"), 12345u);
  EXPECT_EQ(userNumber(""), kUnchangedId);
  EXPECT_EQ(failureOf([] { userNumber("no-such-user"); }).kind, Kind::NOT_FOUND);
  EXPECT_EQ(failureOf([] { groupNumber("4294967295"); }).kind, Kind::INVALID);
}

TEST(SpaceTest, AnswersForTheFileSystem) {
  Space result = space("/tmp");
  EXPECT_GT(result.totalBytes, result.availableBytes);
  EXPECT_GT(result.availableBytes, 0u);
  EXPECT_EQ(failureOf([] { space("/no/such"); }).kind, Kind::NOT_FOUND);
}

TEST(ExtentsTest, NamesTheDataBetweenHoles) {
  TemporaryDirectory directory;
  kj::String path = directory / "f";
  int file = ::open(path.cStr(), O_WRONLY | O_CREAT, 0600);
  constexpr uint64_t kStep = 1 << 20;
  for (uint64_t at : {kStep, 3 * kStep}) ::pwrite(file, "x", 1, static_cast<off_t>(at));
  ASSERT_EQ(::ftruncate(file, 4 * kStep), 0);
  ::close(file);
  ExtentsResult all = extents(path, 0, 0);
  ASSERT_EQ(all.extents.size(), 2u);
  EXPECT_EQ(all.extents[0].offset, kStep);
  EXPECT_EQ(all.extents[1].offset, 3 * kStep);
  EXPECT_EQ(all.size, 4 * kStep);
  EXPECT_FALSE(all.more);
  ExtentsResult first = extents(path, 0, 1);
  EXPECT_EQ(first.extents.size(), 1u);
  EXPECT_TRUE(first.more);
  EXPECT_EQ(extents(path, 4 * kStep, 0).extents.size(), 0u);
  EXPECT_EQ(failureOf([&] { extents(path, UINT64_MAX, 0); }).kind, Kind::INVALID);
  EXPECT_FALSE(extents("/proc/self/status", 0, 0).more) << "a file without a size";
}

TEST(TimeTest, TimeOutOfRangeBecomesTheNearest) {
  EXPECT_EQ(nanoseconds({-1, 500'000'000}), -500'000'000);
  EXPECT_EQ(nanoseconds({INT64_MAX, 0}), INT64_MAX);
  EXPECT_EQ(nanoseconds({INT64_MIN, 0}), INT64_MIN);
}

}  // namespace
}  // namespace nodeagent::file
