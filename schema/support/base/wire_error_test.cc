// Tries that a failure survives exceptions and the wire, and that the texts of other exceptions do
// not.
#include "schema/support/base/wire_error.h"

#include <errno.h>

#include <capnp/message.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/debug.h>

#include "schema/support/base/id.h"
#include "schema/support/base/log.h"

namespace support {
namespace {

using Kind = wire::Error::Kind;
using testing::HasSubstr;
using testing::Not;

template <typename Call>
Failure thrownBy(Call&& call) {
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions(kj::fwd<Call>(call))) {
    return toFailure(*exception, "test.op");
  }
  return {};
}

TEST(WireErrorTest, FailureKeepsKindErrnoAndTextThroughAnException) {
  Failure failure = thrownBy([]() { failErrno(ENOSPC, "write ", "/tmp/x"); });
  EXPECT_EQ(failure.kind, Kind::SYSTEM);
  EXPECT_EQ(failure.errorNumber, ENOSPC);
  EXPECT_STREQ(failure.text.cStr(), "write /tmp/x: No space left on device");
}

TEST(WireErrorTest, OnlyExceptionsMadeFromAFailureCarryOne) {
  kj::Exception ours = failure(Kind::CORRUPT, "byte ", 7, " differs");
  KJ_IF_MAYBE (carried, carriedFailure(ours)) {
    EXPECT_EQ(carried->kind, Kind::CORRUPT);
    EXPECT_STREQ(carried->text.cStr(), "byte 7 differs");
  } else {
    ADD_FAILURE() << "nothing was carried";
  }
  EXPECT_TRUE(carriedFailure(KJ_EXCEPTION(FAILED, "byte 7 differs")) == nullptr);
}

TEST(WireErrorTest, ForeignExceptionBecomesAnIncidentThatOnlyTheLogExplains) {
  CapturedLog log;
  int secret = 4711;
  Failure failure = thrownBy([&]() { KJ_REQUIRE(secret == 0, "no", secret); });
  EXPECT_EQ(failure.kind, Kind::INTERNAL);
  EXPECT_NE(failure.incident, 0u);
  EXPECT_THAT(failure.text.cStr(), Not(HasSubstr("4711")));
  EXPECT_THAT(log.text(), HasSubstr("4711"));
  EXPECT_THAT(log.text(), HasSubstr("incident=" + std::to_string(failure.incident)));
}

TEST(WireErrorTest, WrittenErrorReadsTheSameAndIsCutAtACharacter) {
  capnp::MallocMessageBuilder message;
  auto error = message.initRoot<wire::Error>();
  auto text = kj::str(kj::repeat('x', 4095), "\xc3\xa9", "tail");
  writeError(error, {Kind::CONFLICT, EEXIST, kj::str(text), 7});
  Failure read = readError(error.asReader());
  EXPECT_EQ(read.kind, Kind::CONFLICT);
  EXPECT_EQ(read.errorNumber, EEXIST);
  EXPECT_EQ(read.incident, 7u);
  EXPECT_EQ(read.text.size(), 4095u);
}

TEST(WireErrorTest, ReasonHasNoCodeInIt) {
  auto reason = [](kj::StringPtr text) {
    return std::string(
        reasonOf(kj::Exception(kj::Exception::Type::FAILED, "f.cc", 1, kj::str(text))).cStr());
  };
  EXPECT_EQ(reason("::sendmsg(socket_, &message, MSG_NOSIGNAL): Broken pipe"), "Broken pipe");
  EXPECT_EQ(reason("connect(fd, (sockaddr*)&at, size()): No route to host"), "No route to host");
  for (const char* whole :
       {"the agent's end (n1) was closed", "f(x) is wrong", "f(x", "n1: (a): b", "a(b: c", ""}) {
    EXPECT_EQ(reason(whole), whole);
  }
  EXPECT_EQ(reasonOf(failure(Kind::DENIED, "run(8): not you")), "run(8): not you");
}

TEST(WireErrorTest, KindsAreSpelledAsInTheSchema) {
  EXPECT_EQ(kindText(Kind::NOT_FOUND), "notFound");
  EXPECT_EQ(kindText(static_cast<Kind>(999)), "unknown");
}

TEST(LogTest, LinesCannotBeForgedAndNoiseIsLimited) {
  CapturedLog log;
  support::log(Level::kInfo, "peer says", {{"text", "a\nerror b=\"c\""}, {"n", 3}});
  EXPECT_EQ(log.text(), "info peer says text=\"a\\nerror b=\\\"c\\\"\" n=3\n");
  std::string source = Id::random().text();  // New with each repetition of the test.
  for (int i = 0; i < 50; ++i) logLimited(source, Level::kWarn, "noise");
  auto text = log.text();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 11);
}

}  // namespace
}  // namespace support
