#include "harness/os/resolve.h"

#include <netdb.h>

#include <gtest/gtest.h>

namespace harness {
namespace {

using std::chrono::seconds;

std::string textOf(const sockaddr_storage& address) {
  char text[NI_MAXHOST] = "";
  ::getnameinfo(reinterpret_cast<const sockaddr*>(&address), sizeof address, text, sizeof text,
                nullptr, 0, NI_NUMERICHOST);
  return text;
}

TEST(ResolveTest, LocalhostIsOfLoopback) {
  ResolvedHost host = resolve("localhost", after(seconds(10)));
  ASSERT_FALSE(host.addresses.empty()) << host.error;
  for (const sockaddr_storage& address : host.addresses) {
    std::string text = textOf(address);
    EXPECT_TRUE(text == "127.0.0.1" || text == "::1") << text;
  }
}

TEST(ResolveTest, UnknownNameHasTheResolversWords) {
  // RFC 6761 keeps the domain "invalid" for names that nobody has.
  ResolvedHost host = resolve("node7.invalid", after(seconds(30)));
  EXPECT_TRUE(host.addresses.empty());
  EXPECT_NE(host.error, "");
}

TEST(ResolveTest, AnswerThatComesTooLateIsNotWaitedFor) {
  EXPECT_EQ(resolve("node7.invalid", after(seconds(-1))).error,
            "the resolver gave no answer in time");
}

TEST(ResolveTest, OnlyHostNamesAreNames) {
  for (const char* good : {"node7", "node7.lab", "node7.lab.", "a_b-c.d0", "10.example", "x"}) {
    EXPECT_EQ(hostNameProblem(good), "") << good;
  }
  for (const char* bad : {"", ".", "a..b", "-a", "a-", "a b", "10.0.0", "10.0.0.300", "7", "a/b",
                          "a:b", "n\xc3\xb6"}) {
    EXPECT_NE(hostNameProblem(bad), "") << bad;
  }
  EXPECT_NE(hostNameProblem(std::string(64, 'a')), "");
  EXPECT_NE(hostNameProblem(std::string(254, 'a')), "");
}

}  // namespace
}  // namespace harness
