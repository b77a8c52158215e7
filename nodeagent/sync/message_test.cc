#include "nodeagent/sync/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/support/base/wire_error.h"

namespace nodeagent::sync {
namespace {

using testing::HasSubstr;

// Returns the text of the failure of kind invalid that `call` throws.
template <typename Call>
std::string refusalOf(Call call) {
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { call(); })) {
    auto failure = support::toFailure(*exception, "test");
    EXPECT_EQ(failure.kind, wire::Error::Kind::INVALID);
    return failure.text.cStr();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

std::string bodyOf(const std::string& message) {
  return message.substr(kLengthBytes);
}

Request request(Verb verb = Verb::kNotify) {
  Request made;
  made.verb = verb;
  made.key = support::Id::random();
  made.name = "ready";
  return made;
}

std::string refusalOf(const Request& made) {
  return refusalOf([&] { readRequest(bodyOf(encode(made))); });
}

TEST(SyncMessageTest, RequestComesBackAsItWas) {
  Request made = request(Verb::kReport);
  made.name = "";
  made.result = Result::kFail;
  made.message = "two\nlines";
  made.data = {{"a", "1"}, {"empty", ""}, {"equals", "x=y"}, {"bytes", "\xff\x01"}};
  std::string message = encode(made);
  EXPECT_EQ(lengthOf(message), message.size() - kLengthBytes);
  Request read = readRequest(bodyOf(message));
  EXPECT_EQ(read.verb, Verb::kReport);
  EXPECT_EQ(read.key, made.key);
  EXPECT_EQ(read.result, Result::kFail);
  EXPECT_EQ(read.message, "two\nlines");
  EXPECT_EQ(read.data, made.data);
}

TEST(SyncMessageTest, WaitCarriesCountAndLimit) {
  Request made = request(Verb::kBarrier);
  made.count = 64;
  made.limitNs = 5;
  Request read = readRequest(bodyOf(encode(made)));
  EXPECT_EQ(read.name, "ready");
  EXPECT_EQ(read.count, 64u);
  EXPECT_EQ(read.limitNs, 5);
}

TEST(SyncMessageTest, ReplyComesBackAsItWas) {
  Reply read = readReply(bodyOf(encode(Reply{Reply::Kind::kTimedOut, "why", {{"a", "b"}}})));
  EXPECT_EQ(read.kind, Reply::Kind::kTimedOut);
  EXPECT_EQ(read.text, "why");
  EXPECT_EQ(read.data, (SyncData{{"a", "b"}}));
}

TEST(SyncMessageTest, LengthBeyondTheLimitIsRefused) {
  EXPECT_THAT(refusalOf([] { lengthOf(std::string("\x01\x80\0\0", 4)); }),
              HasSubstr("32769 bytes, at most 32768"));
}

TEST(SyncMessageTest, BytesOfAStrangerAreRefused) {
  using std::string;
  for (const string& bytes : {string(), string("no end"), string("\0\0\0", 3),
                              string("muster-sync-1\0", 14), string("GET / HTTP/1.1\0", 15)}) {
    EXPECT_NE(refusalOf([&] { readRequest(bytes); }), "");
  }
}

TEST(SyncMessageTest, WrongFieldsAreNamedWithWhatWouldBeRight) {
  Request made = request();
  made.name = "a b";
  EXPECT_EQ(refusalOf(made), "name: \"a b\" is not of the form [A-Za-z0-9._:/-]{1,64}");
  made = request();
  made.data = {{"a", std::string(9000, 'x')}};
  EXPECT_THAT(refusalOf(made), HasSubstr("data: 9000 bytes, at most 8192"));
  made.data = {{"a", "1"}, {"a", "2"}};
  EXPECT_THAT(refusalOf(made), HasSubstr("\"a\" is given twice"));
  made.data = {{"a", "1\n2"}};
  EXPECT_THAT(refusalOf(made), HasSubstr("has a newline"));
  made = request();
  made.limitNs = kWaitMaxNs + 1;
  EXPECT_THAT(refusalOf(made), HasSubstr("timeout: "));
  made = request(Verb::kBarrier);
  made.count = support::kBarrierCountMax + 1;
  EXPECT_THAT(refusalOf(made), HasSubstr("count: "));
  made = request(Verb::kReport);
  EXPECT_THAT(refusalOf(made), HasSubstr("says nothing"));
}

TEST(SyncMessageTest, KeyOfTheWrongLengthIsRefused) {
  std::string body = bodyOf(encode(request()));
  body.erase(20, 1);
  EXPECT_THAT(refusalOf([&] { readRequest(body); }), HasSubstr("key: 31 characters"));
}

}  // namespace
}  // namespace nodeagent::sync
