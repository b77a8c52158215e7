#include "nodeagent/log/container.h"

#include <errno.h>

#include <map>

#include <capnp/message.h>
#include <gmock/gmock.h>

#include "nodeagent/log/log_testing.h"
#include "nodeagent/log/source.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::logs {
namespace {

using Kind = wire::Error::Kind;
using testing::HasSubstr;

// Answers of the programs that the node has. A text that begins with "!" is a failure.
RunTool tools(const std::map<std::string, std::string>& answers) {
  return [answers](kj::ArrayPtr<const kj::String> argv, int64_t, const CommandOutput&) {
    auto found = answers.find(argv[0].cStr());
    if (found == answers.end()) return CommandResult{CommandResult::End::kNotStarted, ENOENT, {}};
    std::string text = found->second;
    bool fails = text.starts_with("!");
    auto bytes = kj::heapArray(kj::arrayPtr(text.data(), text.size()).asBytes());
    return CommandResult{CommandResult::End::kExited, fails ? 125 : 0, kj::mv(bytes)};
  };
}

support::Failure failureOfContainer(const std::function<void()>& body) {
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { body(); })) {
    return support::toFailure(*exception, "test");
  }
  return {};
}

TEST(ContainerTest, FileOfTheDriverIsFound) {
  EXPECT_EQ(
      outputOfContainer(tools({{"podman", "k8s-file\n/var/lib/c/ctr.log\nkvd\n"}}), "kvd").file,
      "/var/lib/c/ctr.log");
  auto both = tools({{"podman", "!no such container"}, {"docker", "json-file\n/d/x.log\n/kvd\n"}});
  EXPECT_EQ(outputOfContainer(both, "kvd").file, "/d/x.log");
}

TEST(ContainerTest, JournalHasTheContainersName) {
  auto output = outputOfContainer(tools({{"docker", "journald\n\n/kvd\n"}}), "4711ab");
  EXPECT_EQ(output.journalName, "kvd");
  EXPECT_EQ(output.file, "");
}

TEST(ContainerTest, WhatIsMissingIsNamed) {
  auto missing = failureOfContainer([&]() { outputOfContainer(tools({}), "kvd"); });
  EXPECT_EQ(missing.kind, Kind::UNSUPPORTED);
  EXPECT_THAT(missing.text.cStr(), HasSubstr("neither podman nor docker"));
  auto unknown = failureOfContainer([&]() {
    outputOfContainer(tools({{"podman", "!Error: no such container kvd"}}), "kvd");
  });
  EXPECT_EQ(unknown.kind, Kind::NOT_FOUND);
  EXPECT_THAT(unknown.text.cStr(), HasSubstr("no such container kvd"));
  auto both = tools({{"podman", "!no such one"}, {"docker", "!no daemon"}});
  EXPECT_THAT(failureOfContainer([&]() { outputOfContainer(both, "kvd"); }).text.cStr(),
              testing::AllOf(HasSubstr("no such one; docker: "), HasSubstr("no daemon")));
  auto none = failureOfContainer([&]() {
    outputOfContainer(tools({{"podman", "none\n\nkvd\n"}}), "kvd");
  });
  EXPECT_EQ(none.kind, Kind::UNSUPPORTED);
  EXPECT_THAT(none.text.cStr(), HasSubstr("log driver \"none\""));
}

TEST(ContainerTest, WrongNamesAreRefused) {
  for (const char* wrong : {"", "-f", "a b", "a/b", "a\n", "*"}) {
    EXPECT_EQ(failureOfContainer([&]() { requireContainer(wrong); }).kind, Kind::INVALID) << wrong;
  }
  EXPECT_NO_THROW(requireContainer("kvd_1.a-b"));
}

// A mark of before the container's first line is one of its beginning.
TEST(ContainerTest, SourceReadsTheFileFromAMarkAndFromTheBeginning) {
  LogDirectory directory;
  directory.append("ctr.log", "2026 stdout F one\n");
  auto run = tools({{"podman", "k8s-file\n" + directory.path("ctr.log") + "\nkvd\n"}});
  capnp::MallocMessageBuilder message;
  auto request = message.initRoot<wire::LogSource>();
  request.setContainer("kvd");
  auto source = makeSource(request.asReader(), LogPaths(), run, "");
  Mark mark = source->mark();
  directory.append("ctr.log", "2026 stderr F two\n");
  EXPECT_TRUE(source->owns(mark));
  EXPECT_TRUE(source->owns(Mark()));
  EXPECT_THAT(textsOf(source->read(mark, Mark(), LineFilter({}), PartLimits())),
              testing::ElementsAre("2026 stderr F two"));
  EXPECT_THAT(textsOf(source->read(Mark(), Mark(), LineFilter({}), PartLimits())),
              testing::SizeIs(2));
  EXPECT_THAT(source->watched(mark), testing::Contains(directory.path("ctr.log")));
}

}  // namespace
}  // namespace nodeagent::logs
