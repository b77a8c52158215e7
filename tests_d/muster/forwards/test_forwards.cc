// Streams between this machine and a node, whatever happens to the connection that carries them.
#include <muster/muster.h>

#include "sockets.h"

namespace {

using namespace muster;
using forward_tests::Client;
using forward_tests::EchoServer;
using forward_tests::talk;
using testing::HasSubstr;
using testing::IsEmpty;

class ForwardTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}}; }
  static Node& node() { return servers()[0]; }
  static std::string portOf(const Forward& forward) { return std::to_string(forward.port()); }

  // The helper has a socket of its own, so that it serves whatever becomes of the agent.
  RemoteHelper echo_{node(), "echo_helper"};
  std::string place_ = echo_.call<std::string>("serve", "");
};

TEST_F(ForwardTest, PortOfTheNodeIsReachedFromHere) {
  Forward forward = Forward::toNode(node(), place_);
  EXPECT_EQ(talk(portOf(forward), "hello"), "hellobye");
  EXPECT_EQ(talk(portOf(forward), ""), "bye");
  EXPECT_EQ(forward.accepted(), 2u);
  EXPECT_THAT(forward.failure(), IsEmpty());
}

TEST_F(ForwardTest, PortOfThisMachineIsReachedFromTheNode) {
  EchoServer here;
  Forward forward = Forward::fromNode(node(), here.place());
  EXPECT_EQ(echo_.call<std::string>("exchange", portOf(forward), "hello"), "hellobye");
  EXPECT_EQ(echo_.call<std::string>("exchange", portOf(forward), ""), "bye");
}

TEST_F(ForwardTest, UnixSocketsAreForwardedToo) {
  std::string there = "/run/forward-test/served.sock";
  node().file("/run/forward-test").makeDirectory();
  node().file(there).remove();
  RemoteHelper second(node(), "echo_helper");
  second.call("serve", there);
  std::string here = testing::TempDir() + "muster-forward.sock";
  Forward forward = Forward::toNode(node(), there, here);
  EXPECT_EQ(forward.place(), here);
  EXPECT_EQ(talk(here, "hello"), "hellobye");

  std::string listened = "/run/forward-test/listened.sock";
  {
    Forward back = Forward::fromNode(node(), here, listened);
    EXPECT_EQ(echo_.call<std::string>("exchange", listened, "twice"), "twicebye");
  }
  EXPECT_THAT([&] { return node().shell("ls /run/forward-test").out; },
              Eventually(testing::Eq("served.sock\n"), 5s));
}

// The windows of both sides are filled many times over.
TEST_F(ForwardTest, LargeStreamsArriveWhole) {
  Forward forward = Forward::toNode(node(), place_);
  std::string bytes;
  for (int i = 0; bytes.size() < 20'000'000; ++i) bytes += std::to_string(i) + ",";
  EXPECT_TRUE(talk(portOf(forward), bytes) == bytes + "bye");

  EchoServer here;
  Forward back = Forward::fromNode(node(), here.place());
  EXPECT_EQ(echo_.call<int64_t>("exchange zeros", portOf(back), 20'000'000), 20'000'003);
}

// A stream that waits while the connection is lost goes on at the exact byte. Only a connection
// that is counted has been lost and made again.
TEST_F(ForwardTest, StreamOutlivesTheConnection) {
  Forward forward = Forward::toNode(node(), place_);
  Client client(portOf(forward));
  for (int round = 0; round < 3; ++round) {
    uint32_t before = node().state().reconnects;
    Process killer = node().start({"pkill", "-KILL", "-f", "--", "--role=front"});
    client.send("during");
    EXPECT_THAT([] { return node().state().reconnects; }, Eventually(testing::Gt(before), 20s));
    client.send("after");
    EXPECT_EQ(client.receive(11), "duringafter");
  }
  client.finish();
  EXPECT_EQ(client.receive(SIZE_MAX), "bye");
  EXPECT_EQ(forward.accepted(), 1u);
  EXPECT_THAT(forward.failure(), IsEmpty());
}

// The node's listener takes connections without a controller, and the next calls find them.
TEST_F(ForwardTest, ListenerOutlivesTheConnection) {
  EchoServer here;
  Forward back = Forward::fromNode(node(), here.place());
  uint32_t before = node().state().reconnects;
  Process killer = node().start({"pkill", "-KILL", "-f", "--", "--role=front"});
  EXPECT_THAT([] { return node().state().reconnects; }, Eventually(testing::Gt(before), 20s));
  EXPECT_EQ(echo_.call<std::string>("exchange", portOf(back), "hello"), "hellobye");
  EXPECT_EQ(back.accepted(), 1u);
  EXPECT_THAT(back.failure(), IsEmpty());
}

TEST_F(ForwardTest, PlaceWithoutListenerCutsTheConnectionAndSaysWhy) {
  Forward forward = Forward::toNode(node(), "1");
  EXPECT_EQ(talk(portOf(forward), "hello"), "");
  EXPECT_THAT([&] { return forward.failure(); },
              Eventually(HasSubstr("connect to tcp:127.0.0.1:1: Connection refused"), 5s));
  Forward back = Forward::fromNode(node(), "1");
  EXPECT_EQ(echo_.call<std::string>("exchange", portOf(back), ""), "");
}

TEST_F(ForwardTest, WrongPlacesAreRefused) {
  EXPECT_THAT([] { Forward made = Forward::toNode(node(), "kvd.example.org:80"); },
              FailsWith(NodeError::Kind::kInvalid, HasSubstr("target: \"kvd.example.org:80\"")));
  EXPECT_THAT([] { Forward made = Forward::toNode(node(), "80", "0.0.0.0:0"); },
              FailsWith(NodeError::Kind::kInvalid, HasSubstr("not a loopback address")));
  EXPECT_THAT([] { Forward made = Forward::fromNode(node(), "80", "0.0.0.0:0"); },
              FailsWith(NodeError::Kind::kInvalid, HasSubstr("not a loopback address")));
  Forward first = Forward::toNode(node(), "80");
  EXPECT_THAT([&] { Forward made = Forward::toNode(node(), "80", first.place()); },
              FailsWith(NodeError::Kind::kConflict, HasSubstr("in use")));
}

TEST_F(ForwardTest, EndFreesThePlaceAndCutsConnections) {
  std::string place;
  {
    Forward forward = Forward::toNode(node(), place_);
    place = portOf(forward);
    Client client(place);
    client.send("hello");
    EXPECT_EQ(client.receive(5), "hello");
    Forward ended = std::move(forward);
  }
  EXPECT_THROW(Client client(place), std::system_error);
  // The server has one connection at a time, and takes the next once the first was closed.
  Forward again = Forward::toNode(node(), place_, "127.0.0.1:" + place);
  EXPECT_EQ(talk(place, "again"), "againbye");
}

// A killed keeper cuts the streams; the next one listens again, and has no old socket in its way.
TEST_F(ForwardTest, ListenerComesBackAfterAKilledAgent) {
  EchoServer here;
  std::string listened = "/run/forward-test/listened.sock";
  node().file("/run/forward-test").makeDirectory();
  Forward back = Forward::fromNode(node(), here.place(), listened);
  EXPECT_EQ(echo_.call<std::string>("exchange", listened, "hello"), "hellobye");
  uint32_t before = node().state().reconnects;
  node().run({"pkill", "-KILL", "-f", "--", "--role=all"});
  EXPECT_THAT([&] { return node().state().reconnects; }, Eventually(testing::Gt(before), 20s));
  auto tried = [&] {
    RemoteHelper fresh(node(), "echo_helper");
    try {
      return fresh.call<std::string>("exchange", listened, "hello");
    } catch (const RemoteError& error) {
      return error.message();
    }
  };
  EXPECT_THAT(tried, Eventually(testing::Eq("hellobye"), 20s));
  EXPECT_GT(back.accepted(), 1u);
}

}  // namespace
