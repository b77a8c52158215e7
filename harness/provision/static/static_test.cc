#include "harness/provision/static/static.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/os/error.h"
#include "harness/os/fd.h"
#include "harness/provision/error.h"

namespace harness {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

// A listener on loopback, in the place of an agent.
class Listener {
 public:
  Listener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    check(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size), "bind");
    check(::listen(socket_.get(), 4), "listen");
    check(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size),
          "getsockname");
    port_ = ntohs(address.sin_port);
  }
  uint16_t port() const { return port_; }
  void close() { socket_.reset(); }

 private:
  Fd socket_;
  uint16_t port_ = 0;
};

ClusterPlan planFor(uint16_t port) {
  ClusterPlan plan;
  plan.name = "three";
  plan.provisioner = "static";
  NodePlan node;
  node.name = "server1";
  node.role = "server";
  node.endpoint = Endpoint{Endpoint::Kind::kTcp, "127.0.0.1", port, "", {}};
  plan.nodes.push_back(node);
  return plan;
}

TEST(StaticProvisionerTest, DescribesNodesThatAnswer) {
  Listener agent;
  ClusterDescription cluster = StaticProvisioner().up(planFor(agent.port()), Tenure::kStanding);
  ASSERT_EQ(cluster.nodes.size(), 1u);
  EXPECT_EQ(cluster.nodes[0].endpoint.port, agent.port());
  EXPECT_EQ(cluster.provisioner, "static");
}

TEST(StaticProvisionerTest, NamesTheNodeThatDoesNotAnswer) {
  Listener agent;
  ClusterPlan plan = planFor(agent.port());
  agent.close();
  std::string where = "127.0.0.1:" + std::to_string(agent.port());
  EXPECT_THAT([&] { StaticProvisioner().up(plan, Tenure::kStanding); },
              ThrowsMessage<ProvisionError>(AllOf(
                  HasSubstr("node server1: no agent answers at " + where), HasSubstr("refused"))));
  plan.nodes[0].endpoint = Endpoint{Endpoint::Kind::kUnix, "/nowhere/agent.sock", 0, "", {}};
  EXPECT_THAT([&] { StaticProvisioner().up(plan, Tenure::kStanding); },
              ThrowsMessage<ProvisionError>(HasSubstr("/nowhere/agent.sock: No such file")));
}

TEST(StaticProvisionerTest, CannotFreezeWhatItDidNotMake) {
  EXPECT_THAT([] { StaticProvisioner().freeze("three", "server1"); },
              ThrowsMessage<ProvisionError>(HasSubstr("node server1: freeze: unsupported")));
}

}  // namespace
}  // namespace harness
