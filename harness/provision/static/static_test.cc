#include "harness/provision/static/static.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/os/error.h"
#include "harness/os/fd.h"
#include "harness/provision/error.h"
#include "harness/provision/kinds.h"

namespace harness {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

// Listens on loopback in the place of an agent.
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

ClusterPlan planFor(const std::string& address) {
  return parsePlan(
      "provisioner: static\nnodes: {server1: {role: server, address: \"" + address + "\"}}",
      "/x/three.yaml");
}

TEST(StaticProvisionerTest, DescribesNodesThatAnswer) {
  Listener agent;
  std::string where = "tcp:127.0.0.1:" + std::to_string(agent.port());
  ClusterDescription cluster = StaticProvisioner().up(planFor(where), Tenure::kStanding);
  ASSERT_EQ(cluster.nodes.size(), 1u);
  EXPECT_EQ(cluster.nodes[0].route.endpoint.text(), where);
  EXPECT_EQ(cluster.provisioner, "static");
}

TEST(StaticProvisionerTest, NamesTheNodeThatDoesNotAnswer) {
  Listener agent;
  std::string where = "127.0.0.1:" + std::to_string(agent.port());
  agent.close();
  EXPECT_THAT([&] { StaticProvisioner().up(planFor(where), Tenure::kStanding); },
              ThrowsMessage<ProvisionError>(AllOf(
                  HasSubstr("node server1: no agent answers at " + where), HasSubstr("refused"))));
  EXPECT_THAT(
      [] { StaticProvisioner().up(planFor("unix:/nowhere/agent.sock"), Tenure::kStanding); },
      ThrowsMessage<ProvisionError>(HasSubstr("/nowhere/agent.sock: No such file")));
}

TEST(StaticProvisionerTest, FindsANodeByItsName) {
  Listener agent;
  std::string place = "localhost:" + std::to_string(agent.port());
  ClusterDescription cluster = StaticProvisioner().up(planFor(place), Tenure::kStanding);
  EXPECT_EQ(cluster.nodes[0].route.place(), place);
  agent.close();
  EXPECT_THAT([&] { StaticProvisioner().up(planFor(place), Tenure::kStanding); },
              ThrowsMessage<ProvisionError>(HasSubstr("no agent answers at " + place + ": ")));
}

TEST(StaticProvisionerTest, CannotControlMachinesThatItDidNotMake) {
  EXPECT_EQ(StaticProvisioner().machineControl(), nullptr);
}

}  // namespace
}  // namespace harness
