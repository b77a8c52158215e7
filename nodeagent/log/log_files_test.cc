#include "nodeagent/log/log_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodeagent/log/log_testing.h"
#include "nodeagent/log/slice_plan.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::logs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using NoteKind = wire::LogNote::Kind;

class LogFilesTest : public testing::Test {
 protected:
  std::vector<Place> mark(const std::string& pattern = "*.log") {
    return markFiles(logs_.path(pattern));
  }
  Part read(const std::vector<Place>& from, std::optional<std::vector<Place>> to = std::nullopt,
            const std::vector<std::string>& patterns = {}, const PartLimits& limits = {}) {
    return readFiles({logs_.path("*.log"), from, std::move(to), limits}, LineFilter(patterns));
  }

  LogDirectory logs_;
};

TEST_F(LogFilesTest, SliceHasWhatWasWrittenBetweenItsMarks) {
  logs_.append("a.log", "before\n");
  auto from = mark();
  logs_.append("a.log", "within\n");
  auto to = mark();
  logs_.append("a.log", "after\n");
  Part part = read(from, to);
  EXPECT_THAT(textsOf(part), ElementsAre("within"));
  EXPECT_EQ(part.lines[0].number, 1u);
  EXPECT_EQ(part.lines[0].offset, 7u);
  EXPECT_THAT(part.notes, IsEmpty());
  EXPECT_THAT(textsOf(read(to)), ElementsAre("after"));
}

TEST_F(LogFilesTest, NewFileBeginsAtItsBeginning) {
  auto from = mark();
  logs_.append("new.log", "first\nsecond\n");
  EXPECT_THAT(textsOf(read(from)), ElementsAre("first", "second"));
}

TEST_F(LogFilesTest, SeveralRotationsByRenameAreFollowed) {
  logs_.append("a.log", "old\n");
  auto from = mark();
  logs_.append("a.log", "one\n");
  logs_.rename("a.log", "a.log.1");
  logs_.append("a.log.1", "late\n");
  logs_.append("a.log", "two\n");
  logs_.rename("a.log.1", "a.log.2");
  logs_.rename("a.log", "a.log.1");
  logs_.append("a.log", "three\n");
  auto to = mark();
  EXPECT_THAT(textsOf(read(from)), ElementsAre("one", "late", "two", "three"));
  Part marked = read(from, to);
  EXPECT_THAT(textsOf(marked), ElementsAre("one", "late", "two", "three"));
  EXPECT_THAT(marked.notes, IsEmpty());
  EXPECT_THAT(textsOf(read(to)), IsEmpty());
}

// Between the rename and the next line there is no file of the pattern.
TEST_F(LogFilesTest, MarkWithinARotationKnowsTheRotatedFile) {
  logs_.append("a.log", "before\n");
  auto from = mark();
  logs_.append("a.log", "one\n");
  logs_.rename("a.log", "a.log.1");
  auto middle = mark();
  logs_.append("a.log", "two\n");
  EXPECT_THAT(textsOf(read(from, middle)), ElementsAre("one"));
  Part part = read(middle);
  EXPECT_THAT(textsOf(part), ElementsAre("two"));
  EXPECT_THAT(part.notes, IsEmpty());
}

// Such as a program that keeps its old log by a name of its own.
TEST_F(LogFilesTest, FileThatIsRenamedToAnyNameIsReadToItsEnd) {
  logs_.append("a.log", "before\n");
  logs_.append("a.log.1", "older\n");
  auto from = mark();
  logs_.append("a.log", "one\n");
  logs_.rename("a.log", "kept");
  logs_.append("a.log", "two\n");
  auto to = mark();
  Part part = read(from, to);
  EXPECT_THAT(textsOf(part), ElementsAre("one", "two"));
  EXPECT_THAT(part.notes, IsEmpty());
  EXPECT_THAT(textsOf(read(to)), IsEmpty());
}

TEST_F(LogFilesTest, RotationBehindTheSliceDoesNotHideIt) {
  auto from = mark();
  logs_.append("a.log", "within\n");
  auto to = mark();
  logs_.rename("a.log", "a.log.1");
  logs_.append("a.log", "after\n");
  EXPECT_THAT(textsOf(read(from, to)), ElementsAre("within"));
  EXPECT_THAT(textsOf(read(to)), ElementsAre("after"));
}

TEST_F(LogFilesTest, EmptiedFileIsReadFromItsBeginningAndSaid) {
  logs_.append("a.log", "a long line before\n");
  auto from = mark();
  logs_.empty("a.log");
  logs_.append("a.log", "a line that is longer than the one before it\n");
  Part part = read(from);
  EXPECT_THAT(textsOf(part), ElementsAre("a line that is longer than the one before it"));
  ASSERT_THAT(part.notes, SizeIs(1));
  EXPECT_EQ(part.notes[0].kind, NoteKind::TRUNCATED);
  EXPECT_THAT(
      readFiles({logs_.path("*.log"), part.next.files, std::nullopt, {}}, LineFilter({})).notes,
      IsEmpty());
}

TEST_F(LogFilesTest, CopyThatWasMadeBeforeTheFileWasEmptiedIsReadOn) {
  logs_.append("a.log", "before\n");
  auto from = mark();
  logs_.append("a.log", "copied\n");
  logs_.copy("a.log", "a.log.1");
  logs_.empty("a.log");
  logs_.append("a.log", "after\n");
  EXPECT_THAT(textsOf(read(from)), ElementsAre("copied", "after"));
  EXPECT_THAT(textsOf(read(from, mark())), ElementsAre("copied", "after"));
}

TEST_F(LogFilesTest, CopyOfAFileThatGoesOnIsNotReadTwice) {
  logs_.append("a.log", "before\n");
  auto from = mark();
  logs_.append("a.log", "within\n");
  logs_.copy("a.log", "a.log.1");
  EXPECT_THAT(textsOf(read(from)), ElementsAre("within"));
}

TEST_F(LogFilesTest, FileThatIsGoneOrCompressedIsSaidOnce) {
  logs_.append("a.log", "a\n");
  logs_.append("b.log", "b\n");
  auto from = mark();
  std::filesystem::remove(logs_.path("a.log"));
  logs_.rename("b.log", "b.log.1.gz");
  // A rotated file that is compressed is a new file.
  std::filesystem::copy_file(logs_.path("b.log.1.gz"), logs_.path("other"));
  std::filesystem::remove(logs_.path("b.log.1.gz"));
  logs_.rename("other", "b.log.1.gz");
  Part part = read(from);
  ASSERT_THAT(part.notes, SizeIs(2));
  EXPECT_EQ(part.notes[0].kind, NoteKind::GONE);
  EXPECT_EQ(part.notes[1].kind, NoteKind::COMPRESSED);
  EXPECT_THAT(part.notes[1].text, HasSubstr("behind byte 2"));
  EXPECT_THAT(read(part.next.files).notes, IsEmpty());
}

TEST_F(LogFilesTest, UnfinishedLineComesAtAFixedEndOnly) {
  auto from = mark();
  logs_.append("a.log", "whole\nhal");
  EXPECT_THAT(textsOf(read(from)), ElementsAre("whole"));
  auto to = mark();
  Part part = read(from, to);
  EXPECT_THAT(textsOf(part), ElementsAre("whole", "hal"));
  EXPECT_TRUE(part.lines[1].isUnfinished);
  logs_.append("a.log", "f\n");
  EXPECT_THAT(textsOf(read(to)), ElementsAre("f"));
}

TEST_F(LogFilesTest, LongLineComesInParts) {
  auto from = mark();
  logs_.append("a.log", std::string(kLineBytesMax, 'x') + "yz\nend\n");
  Part part = read(from);
  ASSERT_THAT(part.lines, SizeIs(3));
  EXPECT_TRUE(part.lines[0].isCut);
  EXPECT_EQ(part.lines[0].text.size(), kLineBytesMax);
  EXPECT_EQ(part.lines[1].text, "yz");
  EXPECT_FALSE(part.lines[1].isCut);
  EXPECT_EQ(part.lines[2].text, "end");
}

TEST_F(LogFilesTest, PartsJoinToTheWholeSlice) {
  auto from = mark();
  std::vector<std::string> written;
  for (int i = 0; i < 500; ++i) {
    written.push_back("line " + std::to_string(i));
    logs_.append(i % 2 == 0 ? "a.log" : "b.log", written.back() + "\n");
    if (i == 200) logs_.rename("a.log", "a.log.1");
  }
  auto to = mark();
  std::vector<std::string> read_;
  Part part;
  part.next.files = from;
  int parts = 0;
  do {
    part = read(part.next.files, to, {}, {.linesMax = 7});
    for (const std::string& text : textsOf(part)) read_.push_back(text);
  } while (part.hasMore && ++parts < 200);
  EXPECT_GT(parts, 60);
  EXPECT_THAT(read_, testing::UnorderedElementsAreArray(written));
}

TEST_F(LogFilesTest, OnlyMatchingLinesComeWithTheirNumbers) {
  auto from = mark();
  for (int i = 1; i <= 5000; ++i) logs_.append("a.log", "line " + std::to_string(i) + "\n");
  Part part = read(from, std::nullopt, {"line 42$", "^line 4999"});
  ASSERT_THAT(textsOf(part), ElementsAre("line 42", "line 4999"));
  EXPECT_EQ(part.lines[1].number, 4999u);
}

TEST_F(LogFilesTest, ScanIsBounded) {
  auto from = mark();
  for (int i = 0; i < 40; ++i) logs_.append("a.log", std::string(50'000, 'x') + "\n");
  logs_.append("a.log", "needle\n");
  Part part = read(from, std::nullopt, {"needle"}, {.scannedMax = 1 << 20});
  EXPECT_TRUE(part.hasMore);
  EXPECT_THAT(part.lines, IsEmpty());
  EXPECT_THAT(textsOf(read(part.next.files, std::nullopt, {"needle"})), ElementsAre("needle"));
}

// What happens to files between the plan and the read is in the notes.
class PlannedTest : public LogFilesTest {
 protected:
  SlicePlan plan(const std::vector<Place>& from) {
    return planSlice({logs_.path("*.log"), from, std::nullopt, {}});
  }
  Part readPlanned(SlicePlan plan) {
    return logs::readPlanned(std::move(plan), {}, LineFilter({}));
  }
};

TEST_F(PlannedTest, FileThatIsEmptiedMeanwhileIsSaidAndReadFromItsBeginning) {
  logs_.append("a.log", "before\n");
  auto from = mark();
  logs_.append("a.log", "within\n");
  SlicePlan planned = plan(from);
  logs_.empty("a.log");
  Part part = readPlanned(std::move(planned));
  EXPECT_THAT(part.lines, IsEmpty());
  ASSERT_THAT(part.notes, SizeIs(1));
  EXPECT_EQ(part.notes[0].kind, NoteKind::TRUNCATED);
  EXPECT_THAT(part.notes[0].text, HasSubstr("behind byte 7 is unknown"));
  EXPECT_TRUE(part.hasMore);
  logs_.append("a.log", "after that, with more bytes than there were\n");
  Part next = read(part.next.files);
  EXPECT_THAT(textsOf(next), ElementsAre("after that, with more bytes than there were"));
  EXPECT_THAT(next.notes, IsEmpty());
}

TEST_F(PlannedTest, FileThatBecomesShorterMeanwhileIsSaid) {
  auto from = mark();
  logs_.append("a.log", "one\ntwo\n");
  SlicePlan planned = plan(from);
  std::filesystem::resize_file(logs_.path("a.log"), 5);
  Part part = readPlanned(std::move(planned));
  EXPECT_THAT(textsOf(part), ElementsAre("one"));
  ASSERT_THAT(part.notes, SizeIs(1));
  EXPECT_EQ(part.notes[0].kind, NoteKind::TRUNCATED);
  EXPECT_THAT(part.notes[0].text, HasSubstr("became shorter while it was read"));
}

// The memory of a process is a file whose first page cannot be read.
TEST_F(PlannedTest, ReadErrorIsSaidAndSkipped) {
  Stretch stretch;
  ASSERT_TRUE(look("/proc/self/mem", &stretch.file));
  stretch.start = {stretch.file.path, stretch.file.id};
  stretch.end = 100;
  Part part = readPlanned({{stretch}, {}});
  ASSERT_THAT(part.notes, SizeIs(1));
  EXPECT_EQ(part.notes[0].kind, NoteKind::UNREADABLE);
  EXPECT_THAT(part.notes[0].text, HasSubstr("cannot be read behind byte 0: Input/output error"));
  EXPECT_EQ(part.next.files[0].offset, 100u);
  EXPECT_FALSE(part.hasMore);
}

// A log that is not found because its directory cannot be looked through is missing, too.
TEST_F(LogFilesTest, DirectoryThatIsNotReadToItsEndIsSaid) {
  for (size_t i = 0; i <= kNamesMax; ++i) logs_.append(std::to_string(i), "");
  Part part = read({});
  ASSERT_THAT(part.notes, SizeIs(1));
  EXPECT_EQ(part.notes[0].kind, NoteKind::UNREADABLE);
  EXPECT_THAT(part.notes[0].text, HasSubstr("has over 16384 names"));
}

// Each line carries the path of its file, and a frame has 4 MiB.
class LongPathsTest : public LogFilesTest {
 protected:
  LongPathsTest() {
    while (directory_.size() < 3600) directory_ += std::string(200, 'd') + "/";
    std::filesystem::create_directories(logs_.path(directory_));
  }

  std::string directory_;
};

TEST_F(LongPathsTest, PartWithLongPathsFitsIntoAFrame) {
  auto from = markFiles(logs_.path(directory_ + "*.log"));
  std::string lines;
  for (int i = 0; i < 5000; ++i) lines += "line\n";
  logs_.append(directory_ + "a.log", lines);
  FilesRequest request{logs_.path(directory_ + "*.log"), from, std::nullopt, {}};
  size_t total = 0;
  Part part;
  do {
    part = readFiles(request, LineFilter({}));
    size_t bytes = 0;
    for (const Line& line : part.lines) bytes += line.file.size() + line.text.size();
    EXPECT_LT(bytes, size_t{3} << 20);
    total += part.lines.size();
    request.from = part.next.files;
  } while (part.hasMore && !part.lines.empty());
  EXPECT_EQ(total, 5000u);
}

TEST_F(LongPathsTest, MarkThatFitsIntoNoFrameIsRefused) {
  for (int i = 0; i < 300; ++i) logs_.append(directory_ + std::to_string(i) + ".log", "");
  auto failure = kj::runCatchingExceptions([&]() { markFiles(logs_.path(directory_ + "*.log")); });
  KJ_IF_MAYBE (exception, failure) {
    EXPECT_EQ(support::toFailure(*exception, "test").kind, wire::Error::Kind::OVERLOADED);
  } else {
    ADD_FAILURE() << "it was not refused";
  }
}

}  // namespace
}  // namespace nodeagent::logs
