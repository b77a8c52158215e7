#include "nodeagent/log/journal.h"

#include <errno.h>

#include <functional>
#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/debug.h>

#include "nodeagent/log/log_testing.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::logs {
namespace {

using Kind = wire::Error::Kind;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

std::string entry(int number, const std::string& message) {
  return "__CURSOR=s=a;i=" + std::to_string(number) +
         ";b=b\n_SYSTEMD_UNIT=kvd.service\nMESSAGE=" + message + "\n\n";
}

// Answers with `text`, and keeps the words.
RunTool tool(const std::string& text, std::vector<std::string>* words = nullptr) {
  return [text, words](kj::ArrayPtr<const kj::String> argv, int64_t, const CommandOutput&) {
    for (auto& word : argv) {
      if (words) words->push_back(word.cStr());
    }
    auto bytes = kj::heapArray(kj::arrayPtr(text.data(), text.size()).asBytes());
    return CommandResult{CommandResult::End::kExited, 0, kj::mv(bytes)};
  };
}

support::Failure failureOfJournal(const std::function<void()>& body) {
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { body(); })) {
    return support::toFailure(*exception, "test");
  }
  return {};
}

Mark cursor(const std::string& text) {
  Mark mark;
  mark.kind = Mark::Kind::kJournal;
  mark.cursor = text;
  return mark;
}

TEST(JournalTest, ReadsTextAndBinaryFieldsAndLeavesOutACutEntry) {
  std::string binary = "__CURSOR=c2\nMESSAGE\n" + std::string("\3\0\0\0\0\0\0\0", 8) + "a\nb\n\n";
  auto entries = parseExport(entry(1, "one") + binary + "__CURSOR=c3\nMESSAGE=cut");
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].message, "one");
  EXPECT_EQ(entries[0].unit, "kvd.service");
  EXPECT_EQ(entries[1].cursor, "c2");
  EXPECT_EQ(entries[1].message, "a\nb");
}

TEST(JournalTest, HostileLengthIsNoEntry) {
  EXPECT_TRUE(parseExport("MESSAGE\n" + std::string(8, '\xff') + "a\n\n").empty());
}

TEST(JournalTest, MarkIsTheLastCursor) {
  EXPECT_EQ(markJournal(tool(entry(7, "x"))).cursor, "s=a;i=7;b=b");
  EXPECT_EQ(markJournal(tool("")).cursor, "");
}

TEST(JournalTest, SliceEndsAtItsMarkAlsoWithoutThatEntry) {
  std::vector<std::string> words;
  Part part = readJournal(tool(entry(2, "two") + entry(9, "nine"), &words), "--unit=kvd.service",
                          cursor("s=a;i=1;b=b"), cursor("s=a;i=5;b=b"), LineFilter({}), {});
  EXPECT_THAT(textsOf(part), ElementsAre("two"));
  EXPECT_THAT(words, Contains("--after-cursor=s=a;i=1;b=b"));
  EXPECT_THAT(words, Contains("--unit=kvd.service"));
}

TEST(JournalTest, NodeWithoutJournalctlIsUnsupported) {
  RunTool missing = [](kj::ArrayPtr<const kj::String>, int64_t, const CommandOutput&) {
    return CommandResult{CommandResult::End::kNotStarted, ENOENT, nullptr};
  };
  auto failure = failureOfJournal([&]() { markJournal(missing); });
  EXPECT_EQ(failure.kind, wire::Error::Kind::UNSUPPORTED);
  EXPECT_THAT(failure.text.cStr(), HasSubstr("no program journalctl"));
}

// Whoever asks may try again after these, so they must not look like a node without a journal.
TEST(JournalTest, FailureOfTheToolIsNoMissingJournal) {
  using End = CommandResult::End;
  for (auto& [end, value, kind] :
       {std::tuple(End::kExited, 1, Kind::SYSTEM), std::tuple(End::kSignalled, 9, Kind::SYSTEM),
        std::tuple(End::kDeadline, 9, Kind::TIMEOUT),
        std::tuple(End::kNotStarted, ENOMEM, Kind::SYSTEM),
        std::tuple(End::kNotStarted, EACCES, Kind::DENIED)}) {
    auto result = [end = end, value = value](kj::ArrayPtr<const kj::String>, int64_t,
                                             const CommandOutput&) {
      return CommandResult{end, value, nullptr};
    };
    EXPECT_EQ(failureOfJournal([&]() { markJournal(result); }).kind, kind) << value;
  }
}

TEST(JournalTest, EntryThatDoesNotFitBeginsTheNextPart) {
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += std::string(9, 'x') + "\n";
  // The message of an entry in the binary form.
  auto big = [&](const std::string& number) {
    std::string length(8, '\0');
    length[0] = static_cast<char>(lines.size() & 0xff);
    length[1] = static_cast<char>(lines.size() >> 8);
    return "__CURSOR=s=a;i=" + number + ";b=b\nMESSAGE\n" + length + lines + "\n\n";
  };
  PartLimits limits{.messageBytesMax = 2000};
  RunTool run = tool(entry(1, "small") + big("2"));
  Part part = readJournal(run, "", cursor(""), Mark(), LineFilter({}), limits);
  EXPECT_THAT(textsOf(part), ElementsAre("small"));
  EXPECT_TRUE(part.hasMore);
  EXPECT_EQ(part.next.cursor, "s=a;i=1;b=b");
  // Alone it is cut, which is said.
  part = readJournal(tool(big("2")), "", cursor(""), Mark(), LineFilter({}), limits);
  EXPECT_FALSE(part.hasMore);
  EXPECT_LT(part.lines.size(), 30u);
  EXPECT_THAT(part.lines, testing::Not(testing::IsEmpty()));
  ASSERT_EQ(part.notes.size(), 1u);
  EXPECT_THAT(part.notes[0].text, HasSubstr("a message of 1000 bytes"));
}

TEST(JournalTest, NameThatIsNoUnitIsRefused) {
  requireUnit("sshd.service");
  requireUnit("getty@tty1.service");
  EXPECT_ANY_THROW(requireUnit("--vacuum-size=0"));
  EXPECT_ANY_THROW(requireUnit("a b"));
}

}  // namespace
}  // namespace nodeagent::logs
