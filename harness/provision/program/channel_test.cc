// Tries programs that do not keep to the protocol.
#include "harness/provision/program/channel.h"

#include <signal.h>

#include <gmock/gmock.h>

#include "harness/os/wait.h"
#include "harness/provision/program/program_testing.h"

namespace harness {
namespace {

using Kind = ProvisionError::Kind;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kDescription[] = R"(echo '{"protocol": 1, "kind": "toy"}')"
                                "\n";

class ProgramChannelTest : public ::testing::Test {
 protected:
  // A program that describes itself, and then does what `text` says.
  std::string program(const std::string& text) {
    return scratch_.script("muster-provisioner-toy", kDescription + text);
  }

  static ProgramChannel::Options fast() {
    return {.startTime = std::chrono::seconds(1),
            .silence = std::chrono::seconds(1),
            .total = std::chrono::seconds(2),
            .endTime = std::chrono::seconds(10)};
  }

  // Returns the error of a program that is asked for its list.
  ProvisionError failure(const std::string& path, const ProgramChannel::Options& options = {}) {
    try {
      ProgramChannel channel(path, "toy", options);
      channel.ask({{"do", "list"}});
    } catch (const ProvisionError& error) {
      return error;
    }
    return ProvisionError("it did not fail");
  }

  ScratchDirectory scratch_;
};

TEST_F(ProgramChannelTest, AnswerAndLinesBeforeItAreRead) {
  ProgramChannel channel(program(R"(read request
echo '{"id": 1, "progress": {"node": "a", "state": "boots"}}'
echo '{"id": 1, "ok": {"clusters": ["x"]}}'
read request
echo "{\"id\": 2, \"ok\": {\"end\": true}}")"),
                         "toy");
  std::vector<std::string> lines;
  ProtocolJson answer = channel.ask({{"do", "list"}}, [&](const ProtocolJson& line) {
    if (!line.empty()) lines.push_back(line.dump());
  });
  EXPECT_EQ(answer["clusters"][0], "x");
  EXPECT_THAT(lines, ::testing::ElementsAre(HasSubstr("boots")));
  EXPECT_EQ(channel.ask({{"do", "list"}})["end"], true);
}

TEST_F(ProgramChannelTest, ProgramThatIsNoneIsSaid) {
  ProvisionError error = failure(scratch_.path() + "/no-such");
  EXPECT_EQ(error.kind(), Kind::kNotPossibleHere);
  EXPECT_THAT(error.what(), StartsWith("no-such: start "));
}

TEST_F(ProgramChannelTest, ProgramThatEndsIsSaidWithItsLastWords) {
  EXPECT_THAT(failure(program("read request; echo 'libtoy: no device' >&2; exit 3")).what(),
              AllOf(StartsWith("muster-provisioner-toy ended with status 3 and did not answer "
                               "\"list\""),
                    HasSubstr("its last words: libtoy: no device")));
  EXPECT_THAT(failure(program("read request; kill -SEGV $$")).what(),
              HasSubstr("was killed by signal 11"));
  EXPECT_THAT(failure(scratch_.script("t", "exit 1")).what(),
              HasSubstr("t ended with status 1 and did not describe itself"));
  // It lives on, and nobody will hear it.
  EXPECT_THAT(failure(program("read request; exec >&-; sleep 60")).what(),
              HasSubstr("has closed its output and did not answer"));
}

TEST_F(ProgramChannelTest, ProgramThatHangsIsEndedWithWhatItHasStarted) {
  std::string mark = scratch_.path() + "/pid";
  ProvisionError error =
      failure(program("read request; sleep 60 & echo $! >" + mark + "; wait"), fast());
  EXPECT_EQ(error.kind(), Kind::kNoAnswer);
  EXPECT_THAT(error.what(),
              StartsWith("muster-provisioner-toy did not answer \"list\" within 1 s"));
  pid_t sleeper = std::stoi(readFile(mark));
  EXPECT_TRUE(waitUntil(after(std::chrono::seconds(10)), [&] { return ::kill(sleeper, 0) != 0; }));
  EXPECT_THAT(failure(scratch_.script("t", "sleep 60"), fast()).what(),
              HasSubstr("t did not describe itself within 1 s"));
}

TEST_F(ProgramChannelTest, ProgramThatOnlyTellsProgressIsEnded) {
  EXPECT_THAT(
      failure(program("while echo '{\"id\": 1, \"progress\": {}}'; do sleep 0.1; done"), fast())
          .what(),
      HasSubstr("did not answer \"list\" within 2 s"));
}

TEST_F(ProgramChannelTest, NonsenseIsShownWithItsLine) {
  for (auto [text, words] : std::vector<std::pair<std::string, std::string>>{
           {"hello", "line 2 of its output is no JSON object: \"hello\""},
           {"[1]", "is no JSON object"},
           {"{}", "does not answer request 1"},
           {R"({"id": 7, "ok": {}})", "does not answer request 1"},
           {R"({"id": 1})", "has neither ok, error, progress nor keep"},
           {R"({"id": 1, "error": "x"})", "is an error without a detail"},
           {R"({"id": 1, "error": {"detail": 3}})", "is an error without a detail"},
           {"\\033[31m", "no JSON object: \"\\x1b[31m\""}}) {
    EXPECT_THAT(failure(program("read request; printf '" + text + "\\n'; sleep 60")).what(),
                HasSubstr(words));
  }
}

TEST_F(ProgramChannelTest, WrongDescriptionIsRefused) {
  for (auto [line, words] : std::vector<std::pair<std::string, std::string>>{
           {R"({"protocol": 2, "kind": "toy"})", "says protocol 2, and this Muster speaks 1"},
           {R"({"kind": "toy"})", "does not describe a kind"},
           {R"({"protocol": 1, "kind": "other"})",
            "describes the kind \"other\" instead of \"toy\""},
           {R"({"protocol": 1, "kind": "toy", "node_keys": [{}]})", "does not describe a kind"}}) {
    EXPECT_THAT(failure(scratch_.script("t", "echo '" + line + "'; sleep 60")).what(),
                HasSubstr(words));
  }
}

TEST_F(ProgramChannelTest, LineWithoutEndIsBounded) {
  EXPECT_THAT(failure(program("read request; exec cat /dev/zero")).what(),
              HasSubstr("is longer than 64 MiB"));
}

TEST_F(ProgramChannelTest, ErrorsKeepTheirKind) {
  std::string path = program(R"(read request
echo '{"id": 1, "error": {"kind": "no-permission", "detail": "be root", "node": "a"}}'
read request
echo '{"id": 2, "error": {"kind": "bad-plan", "detail": "is no colour", "at": "/settings/x"}}'
read request)");
  ProgramChannel channel(path, "toy");
  try {
    channel.ask({{"do", "list"}});
    ADD_FAILURE();
  } catch (const ProvisionError& error) {
    EXPECT_EQ(error.kind(), Kind::kNoPermission);
    EXPECT_STREQ(error.what(), "node a: be root");
  }
  try {
    channel.ask({{"do", "check"}});
    ADD_FAILURE();
  } catch (const BadPlanError& error) {
    EXPECT_EQ(error.pointer(), "/settings/x");
  }
}

TEST_F(ProgramChannelTest, EndIsAwaitedAndNothingIsWrittenToAnEndedProgram) {
  std::string mark = scratch_.path() + "/mark";
  { ProgramChannel channel(program("cat >/dev/null; sleep 0.2; echo done >" + mark), "toy"); }
  EXPECT_EQ(readIfPresent(mark), "done\n");
  ProgramChannel channel(program("read request; exit 0"), "toy");
  EXPECT_THROW(channel.ask({{"do", "list"}}), ProvisionError);
  EXPECT_FALSE(channel.isOpen());
  EXPECT_THROW(channel.ask({{"do", "list"}}), ProvisionError);
}

}  // namespace
}  // namespace harness
