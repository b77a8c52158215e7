#include "harness/cluster/named_hosts.h"

#include <gtest/gtest.h>

namespace harness {
namespace {

std::vector<std::string> textsOf(const char* endpoint, const std::vector<const char*>& addresses) {
  AgentRoute route;
  route.endpoint = support::Endpoint::parse(endpoint);
  std::vector<sockaddr_storage> found;
  for (const char* address : addresses) found.push_back(support::readNumericHost(address).value());
  std::vector<std::string> texts;
  for (const auto& each : endpointsOf(route, found)) texts.push_back(each.text());
  return texts;
}

TEST(NamedHostsTest, AddressesHaveThePortOfTheRoute) {
  EXPECT_EQ(textsOf("tls:0.0.0.0:7411", {"10.0.0.5", "2001:db8::4"}),
            (std::vector<std::string>{"tls:10.0.0.5:7411", "tls:[2001:db8::4]:7411"}));
}

TEST(NamedHostsTest, PlainTcpGoesToLoopbackOnly) {
  EXPECT_EQ(textsOf("tcp:0.0.0.0:7411", {"10.0.0.5", "::1", "127.0.0.2"}),
            (std::vector<std::string>{"tcp:[::1]:7411", "tcp:127.0.0.2:7411"}));
  EXPECT_EQ(textsOf("tcp:0.0.0.0:7411", {"10.0.0.5"}), std::vector<std::string>());
}

}  // namespace
}  // namespace harness
