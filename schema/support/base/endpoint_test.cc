// Tries which texts are endpoints, and that a refusal names the fault.
#include "schema/support/base/endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace support {
namespace {

TEST(EndpointTest, TextIsReadAndWrittenTheSame) {
  for (auto text :
       {"tcp:127.0.0.1:7411", "tls:[::1]:7411", "tls:10.0.0.1:0", "tls:[fe80::1%lo]:7411",
        "tls:[fe80::1%1]:7411", "unix:/run/nodeagent/agent.sock"}) {
    std::string why;
    auto endpoint = Endpoint::fromText(text, &why);
    ASSERT_TRUE(endpoint.has_value()) << why;
    EXPECT_EQ(endpoint->text(), text);
  }
}

TEST(EndpointTest, PartsAreThoseOfTheText) {
  Endpoint inet = Endpoint::parse("tls:[fe80::1%lo]:7411");
  EXPECT_EQ(inet.host(), "fe80::1%lo");
  EXPECT_EQ(inet.place(), "[fe80::1%lo]:7411");
  EXPECT_EQ(inet.port(), 7411);
  EXPECT_EQ(inet.path(), "");
  EXPECT_NE(reinterpret_cast<const sockaddr_in6&>(inet.address).sin6_scope_id, 0u);
  Endpoint local = Endpoint::parse("unix:/run/x");
  EXPECT_EQ(local.host(), "");
  EXPECT_EQ(local.place(), "/run/x");
  EXPECT_EQ(local.port(), 0);
  EXPECT_EQ(Endpoint().text(), "");
  EXPECT_EQ(inet, Endpoint::parse("tls:[fe80:0::1%lo]:7411"));
  EXPECT_FALSE(inet == Endpoint::parse("tcp:[fe80::1%lo]:7411"));
}

TEST(EndpointTest, LoopbackIsKnownInEverySpelling) {
  auto loopback = [](const char* text) {
    std::string why;
    return Endpoint::fromText(text, &why).value().loopback();
  };
  for (auto text : {"tcp:127.0.0.1:1", "tcp:127.9.9.9:1", "tcp:[::1]:1", "tcp:[::ffff:127.0.0.1]:1",
                    "unix:/x"}) {
    EXPECT_TRUE(loopback(text)) << text;
  }
  for (auto text : {"tcp:0.0.0.0:1", "tcp:10.0.0.1:1", "tcp:[::]:1", "tcp:[::ffff:0.0.0.0]:1",
                    "tcp:[fe80::1]:1"}) {
    EXPECT_FALSE(loopback(text)) << text;
  }
}

TEST(EndpointTest, RefusalNamesTheFault) {
  auto why = [](std::string_view text) {
    std::string reason;
    EXPECT_FALSE(Endpoint::fromText(text, &reason).has_value()) << text;
    return reason;
  };
  EXPECT_THAT(why("127.0.0.1:7411"), testing::HasSubstr("tls:"));
  EXPECT_THAT(why("tcp:127.0.0.1"), testing::HasSubstr("no port"));
  EXPECT_THAT(why("tcp:127.0.0.1:65536"), testing::HasSubstr("65535"));
  EXPECT_THAT(why("tcp:127.0.0.1:"), testing::HasSubstr("65535"));
  EXPECT_THAT(why("tcp:localhost:7411"), testing::HasSubstr("numeric"));
  EXPECT_THAT(why("tcp:::1:7411"), testing::HasSubstr("numeric"));
  EXPECT_THAT(why("tcp:[fe80::1%no-such-link]:7411"), testing::HasSubstr("numeric"));
  EXPECT_THAT(why("tcp:[fe80::1%]:7411"), testing::HasSubstr("numeric"));
  EXPECT_THAT(why("unix:relative"), testing::HasSubstr("absolute"));
  EXPECT_THAT(why("unix:/" + std::string(200, 'x')), testing::HasSubstr("108"));
}

TEST(EndpointTest, ParseThrowsWhatIsWrongWithTheText) {
  EXPECT_THAT(
      [] { Endpoint::parse("tcp:127.0.0.1"); },
      testing::ThrowsMessage<EndpointError>(testing::StartsWith("\"tcp:127.0.0.1\" has no port")));
}

TEST(NumericHostTest, ReadsAddressesAndNothingElse) {
  for (const char* text : {"10.0.0.1", "::1", "fe80::1", "fd77::1:2"}) {
    auto address = readNumericHost(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(hostText(*address), text);
  }
  for (const char* text : {"", "10.0.0", "10.0.0.1:80", "[::1]", "fe80::1%eth0", "host"}) {
    EXPECT_FALSE(readNumericHost(text)) << text;
  }
}

}  // namespace
}  // namespace support
