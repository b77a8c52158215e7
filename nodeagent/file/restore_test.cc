// Tries that a changed file comes back, by its session or by the journal of a killed keeper.
#include "nodeagent/file/restore.h"

#include <gmock/gmock.h>
#include <kj/debug.h>

#include "nodeagent/file/file_testing.h"
#include "nodeagent/file/replace.h"
#include "nodeagent/file/restore_journal.h"
#include "nodeagent/file/view.h"

namespace nodeagent::file {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Restore held(kj::StringPtr path, Restore::Expected expected, Parents parents) {
  Restore restore = KJ_ASSERT_NONNULL(Restore::prepare(path, expected, parents));
  restore.hold();
  return restore;
}

TEST(RestoreTest, BringsBackTheVeryFile) {
  TemporaryDirectory directory;
  kj::String path = directory / "f";
  put(path, "old");
  ::chmod(path.cStr(), 0640);
  FileStat before = statOf(path, SymlinkPolicy::kKeep);
  Restore restore = held(path, Restore::Expected::kFile, Parents::kMustExist);
  writeFile(path, bytesOf("new"), {});
  EXPECT_EQ(contentOf(path), "new");
  restore.apply();
  FileStat after = statOf(path, SymlinkPolicy::kKeep);
  EXPECT_EQ(contentOf(path), "old");
  EXPECT_EQ(after.status.st_ino, before.status.st_ino);
  EXPECT_EQ(after.status.st_nlink, 1u);
  EXPECT_THAT(directory.names(), ElementsAre("f"));
}

TEST(RestoreTest, RemovesFilesThatDidNotExist) {
  TemporaryDirectory directory;
  kj::String path = directory / "a/b/f";
  Restore restore = held(path, Restore::Expected::kFile, Parents::kMade);
  writeFile(path, bytesOf("new"), {});
  restore.apply();
  EXPECT_THAT(directory.names(), ElementsAre());
}

TEST(RestoreTest, LeavesParentsThatOthersUseNow) {
  TemporaryDirectory directory;
  Restore restore = held(directory / "a/f", Restore::Expected::kFile, Parents::kMade);
  put(directory / "a/f", "new");
  put(directory / "a/other", "theirs");
  restore.apply();
  EXPECT_EQ(contentOf(directory / "a/other"), "theirs");
  EXPECT_FALSE(std::filesystem::exists(directory.path() + "/a/f"));
}

TEST(RestoreTest, NamesTheObstacle) {
  TemporaryDirectory directory;
  kj::String path = directory / "f";
  put(path, "old");
  Restore restore = held(path, Restore::Expected::kFile, Parents::kMustExist);
  std::filesystem::remove(path.cStr());
  std::filesystem::create_directory(path.cStr());
  support::Failure failure = failureOf([&] { restore.apply(); });
  EXPECT_EQ(failure.kind, Kind::CONFLICT);
  EXPECT_THAT(failure.text.cStr(), HasSubstr(".bak\" beside it"));
}

TEST(RestoreTest, DiscardLeavesNoTrace) {
  TemporaryDirectory directory;
  put(directory / "f", "old");
  held(directory / "f", Restore::Expected::kFile, Parents::kMustExist).discard();
  held(directory / "a/g", Restore::Expected::kFile, Parents::kMade).discard();
  // And applied where the change never came to be.
  held(directory / "f", Restore::Expected::kFile, Parents::kMustExist).apply();
  EXPECT_EQ(contentOf(directory / "f"), "old");
  EXPECT_THAT(directory.names(), ElementsAre("f"));
}

TEST(RestoreTest, SurvivesAsText) {
  TemporaryDirectory directory;
  kj::String path = directory / "a/b\n \xff/f";
  Restore restore = held(path, Restore::Expected::kFile, Parents::kMade);
  put(path, "new");
  Restore again = KJ_ASSERT_NONNULL(Restore::parse(restore.record()));
  EXPECT_EQ(again.record(), restore.record());
  again.apply();
  EXPECT_THAT(directory.names(), IsEmpty());
  for (const char* text : {"", "file", "file 2f61", "other 2f61 -", "file xx -", "file 2f61 2",
                           "file  -", "file 61 -", "file 2f6100 -"}) {
    EXPECT_TRUE(Restore::parse(text) == nullptr) << text;
  }
}

TEST(RestoreJournalTest, TakesBackTheNewestFirst) {
  TemporaryDirectory directory;
  kj::String path = directory / "f";
  put(path, "old");
  {
    RestoreJournal journal(directory / "journal");
    for (const char* content : {"new", "newer"}) {
      kj::Vector<Restore> restores;
      restores.add(held(path, Restore::Expected::kFile, Parents::kMustExist));
      journal.write(journal.newName(support::Id::random()), restores);
      writeFile(path, bytesOf(content), {});
    }
    put(directory / "part", "");
    journal.writePart(journal.newName(support::Id::random()), directory / "part");
    journal.writePart("never", directory / "f");
    journal.drop("never");
  }
  // The next keeper.
  RestoreJournal journal(directory / "journal");
  auto names = journal.names();
  EXPECT_EQ(names.size(), 3u);
  for (auto& name : names) EXPECT_TRUE(journal.recover(name) == nullptr);
  EXPECT_EQ(contentOf(path), "old");
  EXPECT_THAT(directory.names(), ElementsAre("f", "journal"));
  EXPECT_EQ(journal.names().size(), 0u);
}

// A keeper can be killed at each of these moments; its successor must end in the same state.
TEST(RestoreJournalTest, NoteOfAChangeNeverMadeLeavesNoTrace) {
  TemporaryDirectory directory;
  put(directory / "f", "old");
  RestoreJournal journal(directory / "journal");
  kj::Vector<Restore> restores;
  for (const char* name : {"f", "a/b/g"}) {
    restores.add(KJ_ASSERT_NONNULL(
        Restore::prepare(directory / name, Restore::Expected::kFile, Parents::kMade)));
  }
  EXPECT_THAT(directory.names(), ElementsAre("f", "journal")) << "only looked";
  journal.write("noted", restores);
  EXPECT_TRUE(journal.recover("noted") == nullptr);
  EXPECT_THAT(directory.names(), ElementsAre("f", "journal"));

  for (auto& restore : restores) restore.hold();
  journal.write("held", restores);
  EXPECT_TRUE(journal.recover("held") == nullptr);
  EXPECT_THAT(directory.names(), ElementsAre("f", "journal"));

  journal.write("applied", restores);
  EXPECT_TRUE(journal.recover("applied") == nullptr);
  EXPECT_EQ(contentOf(directory / "f"), "old");
  EXPECT_THAT(directory.names(), ElementsAre("f", "journal"));
}

// A flipped bit names another file, which must not be removed; nor may a part of a record be acted
// on.
TEST(RestoreJournalTest, DamagedRecordTouchesNothing) {
  TemporaryDirectory directory;
  RestoreJournal journal(directory / "journal");
  kj::String path = directory / "f";
  put(path, "old");
  kj::Vector<Restore> restores;
  restores.add(held(path, Restore::Expected::kFile, Parents::kMustExist));
  journal.write("good", restores);
  writeFile(path, bytesOf("new"), {});
  const std::string good = contentOf(directory / "journal/good");
  const auto before = directory.names();
  auto refuses = [&](const std::string& damaged) {
    put(directory / "journal/bad", damaged);
    auto failure = journal.recover("bad");
    KJ_IF_MAYBE (why, failure) return why->kind == Kind::CORRUPT && contentOf(path) == "new";
    return false;
  };
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string damaged = good;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    ASSERT_TRUE(refuses(damaged)) << damaged;
  }
  for (size_t length = 0; length < good.size(); ++length)
    ASSERT_TRUE(refuses(good.substr(0, length))) << length;
  EXPECT_EQ(directory.names(), before);
  EXPECT_TRUE(journal.recover("good") == nullptr);
  EXPECT_EQ(contentOf(path), "old");
}

TEST(RestoreJournalTest, ReportsAFailedRecoveryOnce) {
  TemporaryDirectory directory;
  RestoreJournal journal(directory / "journal");
  put(directory / "journal/broken", "nonsense");
  support::Failure failure = KJ_ASSERT_NONNULL(journal.recover("broken"));
  EXPECT_EQ(failure.kind, Kind::CORRUPT);
  EXPECT_EQ(journal.names().size(), 0u);
}

}  // namespace
}  // namespace nodeagent::file
