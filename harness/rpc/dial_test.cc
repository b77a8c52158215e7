#include "harness/rpc/dial.h"

#include <unistd.h>

#include <gtest/gtest.h>

#include "harness/rpc/io_thread.h"
#include "schema/support/base/socket.h"

namespace harness {
namespace {

// As of a node whose name is looked up, and whose address is of another family than the placeholder
// that stands beside it.
TEST(DialTest, SocketOfANamespaceHasTheFamilyOfTheAddressThatWasLookedUp) {
  if (::geteuid() != 0) GTEST_SKIP() << "to enter a network namespace needs root";
  auto there = support::Endpoint::parse("tcp:127.0.0.1:0");
  auto listener = support::openSocket(there);
  ASSERT_EQ(::bind(listener, there.socketAddress(), there.addressBytes), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  socklen_t size = sizeof there.address;
  ASSERT_EQ(::getsockname(listener, there.socketAddress(), &size), 0);
  AgentRoute route;
  route.endpoint = support::Endpoint::parse("tcp:[::1]:" + std::to_string(there.port()));
  route.hostName = "127.0.0.1";
  route.networkNamespace = "/proc/self/ns/net";
  IoThread io;
  auto limit = std::chrono::seconds(10);
  bool isConnected = io.run(
      [&]() -> kj::Promise<bool> {
        return io.dial(route, "n1", limit).then([](auto&&) { return true; });
      },
      std::chrono::steady_clock::now() + limit);
  EXPECT_TRUE(isConnected);
}

}  // namespace
}  // namespace harness
