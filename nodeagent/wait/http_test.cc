// Tries what servers send, in pieces of every size, and the URLs of callers.
#include "nodeagent/wait/http.h"

#include <string.h>

#include <algorithm>
#include <functional>

#include <gmock/gmock.h>

#include "schema/support/base/wire_error.h"

namespace nodeagent::wait {
namespace {

using ::testing::HasSubstr;
using Kind = wire::Error::Kind;

support::Failure failureOf(const std::function<void()>& body) {
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { body(); })) {
    return support::toFailure(*exception, "test");
  }
  return {};
}

// Reads `text`, which comes in pieces of `piece` bytes.
HttpAnswer answerOf(const std::string& text, size_t piece = 4096) {
  size_t at = 0;
  return readAnswer([&text, &at, piece](kj::ArrayPtr<char> buffer) {
    size_t count = std::min({piece, buffer.size(), text.size() - at});
    memcpy(buffer.begin(), text.data() + at, count);
    at += count;
    return count;
  });
}

Kind kindOf(const std::string& text) {
  return failureOf([&] { answerOf(text); }).kind;
}

TEST(HttpAnswerTest, BodyHasTheLengthThatIsSaid) {
  std::string text =
      "HTTP/1.1 200 OK\r\nContent-Type:  text/plain \r\nContent-Length: 5\r\n\r\nhello, more";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    HttpAnswer answer = answerOf(text, piece);
    EXPECT_EQ(answer.status, 200);
    ASSERT_EQ(answer.headers.size(), 2u);
    EXPECT_EQ(answer.headers[0].name, "Content-Type");
    EXPECT_EQ(answer.headers[0].value, "text/plain");
    EXPECT_EQ(answer.body, "hello");
  }
}

TEST(HttpAnswerTest, ChunksAreJoined) {
  std::string text =
      "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n"
      "0\r\nTrailer: x\r\n\r\n";
  for (size_t piece : {1, 2, 7, 100}) EXPECT_EQ(answerOf(text, piece).body, "abc0123456789");
}

// Servers that write little at a time send more bytes around their chunks than headers may have.
TEST(HttpAnswerTest, SmallChunksAreNoHeaders) {
  std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string chunks;
  for (size_t i = 0; i < kHeadBytesMax; ++i) chunks += "1\r\nx\r\n";
  EXPECT_EQ(answerOf(head + chunks + "0\r\n\r\n").body, std::string(kHeadBytesMax, 'x'));
}

TEST(HttpAnswerTest, LinesOfChunksAndTrailersAreBounded) {
  std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string extension(60'000, 'e');
  std::string chunks;
  for (int i = 0; i < 300; ++i) chunks += "1;" + extension + "\r\nx\r\n";
  EXPECT_EQ(kindOf(head + chunks), Kind::OVERLOADED);
  std::string trailer;
  for (int i = 0; i < 10'000; ++i) trailer += "Header: value\r\n";
  EXPECT_EQ(kindOf(head + "0\r\n" + trailer), Kind::OVERLOADED);
}

TEST(HttpAnswerTest, BodyWithoutALengthEndsWithTheConnection) {
  EXPECT_EQ(answerOf("HTTP/1.0 503 Busy\n\nwait").body, "wait");
  EXPECT_EQ(answerOf("HTTP/1.0 503 Busy\n\nwait").status, 503);
}

TEST(HttpAnswerTest, AnswersWithoutABodyHaveNone) {
  EXPECT_EQ(answerOf("HTTP/1.1 204 None\r\n\r\nx").body, "");
  EXPECT_EQ(answerOf("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 304 Same\r\n\r\n").status, 304);
}

TEST(HttpAnswerTest, WhatIsNoAnswerIsRefused) {
  for (const char* text :
       {"", "HTTP/1.1 200 OK", "SSH-2.0-OpenSSH\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 \r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nnameless\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: x\r\n\r\n", "HTTP/1.1 200 OK\r\nA b: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n"}) {
    EXPECT_EQ(kindOf(text), Kind::SYSTEM) << text;
  }
}

TEST(HttpAnswerTest, InterimAnswersEndAtSomeTime) {
  std::string many;
  for (int i = 0; i < 20; ++i) many += "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_EQ(kindOf(many), Kind::SYSTEM);
}

TEST(HttpAnswerTest, TooMuchIsRefused) {
  std::string head = "HTTP/1.1 200 OK\r\n";
  std::string big(kBodyBytesMax + 1, 'x');
  EXPECT_EQ(kindOf(head + "\r\n" + big), Kind::OVERLOADED);
  EXPECT_EQ(kindOf(head + "Content-Length: 999999999999\r\n\r\n"), Kind::OVERLOADED);
  EXPECT_EQ(kindOf(head + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n"),
            Kind::OVERLOADED);
  EXPECT_EQ(kindOf(head + "A: " + std::string(kHeadBytesMax, 'x')), Kind::OVERLOADED);
  std::string lines;
  for (int i = 0; i < 10'000; ++i) lines += "Header: value\r\n";
  EXPECT_EQ(kindOf(head + lines + "\r\n"), Kind::OVERLOADED);
  EXPECT_EQ(answerOf(head + "\r\n" + big.substr(1)).body.size(), kBodyBytesMax);
}

TEST(UrlTest, PartsAreFound) {
  Url url = readUrl("http://db1.test:8080/a/b?c=d#part");
  EXPECT_EQ(url.host, "db1.test");
  EXPECT_EQ(url.port, 8080);
  EXPECT_EQ(url.authority, "db1.test:8080");
  EXPECT_EQ(url.target, "/a/b?c=d");
  EXPECT_EQ(readUrl("http://a").target, "/");
  EXPECT_EQ(readUrl("http://a?x").target, "/?x");
  EXPECT_EQ(readUrl("http://[::1]:81/").host, "::1");
  EXPECT_EQ(readUrl("http://[::1]:81/").port, 81);
  EXPECT_EQ(readUrl("http://[::1]/").port, 80);
}

TEST(UrlTest, OthersAreRefused) {
  for (const char* text : {"",
                           "a",
                           "ftp://a/",
                           "http://",
                           "http:///x",
                           "http://a:0/",
                           "http://a:65536/",
                           "http://a:/",
                           "http://a:x/",
                           "http://me@a/",
                           "http://a b/",
                           "http://a/\n",
                           "http://-a/",
                           "http://::1/",
                           "http://[::1]x/",
                           "http://[::1]x:80/",
                           "http://[::1]81/",
                           "http://[a]/",
                           "http://[::1/",
                           "http://a/\xc3\xa4"}) {
    EXPECT_EQ(failureOf([&] { readUrl(text); }).kind, Kind::INVALID) << text;
  }
  EXPECT_EQ(failureOf([] { readUrl("https://a/"); }).kind, Kind::UNSUPPORTED);
  auto longest = kj::str("http://a/", kj::repeat('x', 5000));
  EXPECT_EQ(failureOf([&] { readUrl(longest); }).kind, Kind::INVALID);
}

TEST(HttpHeadersTest, WhatWouldBreakTheRequestIsRefused) {
  auto kindOfHeader = [](const char* name, kj::StringPtr value) {
    auto headers = kj::arr(HttpHeader{kj::str(name), kj::str(value)});
    return failureOf([&] { requireSendable(headers); }).kind;
  };
  EXPECT_EQ(kindOfHeader("Accept", "text/html"), Kind::UNSPECIFIED);
  EXPECT_EQ(kindOfHeader("", "x"), Kind::INVALID);
  EXPECT_EQ(kindOfHeader("a b", "x"), Kind::INVALID);
  EXPECT_EQ(kindOfHeader("host", "x"), Kind::INVALID);
  EXPECT_EQ(kindOfHeader("A", "x\r\nB: y"), Kind::INVALID);
  EXPECT_EQ(kindOfHeader("A", kj::str(kj::repeat('x', 9000))), Kind::INVALID);
}

}  // namespace
}  // namespace nodeagent::wait
