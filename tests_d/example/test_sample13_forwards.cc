// Sample 13: reach a port of a node from the test, and one of the test from a node.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include <muster/muster.h>

using namespace muster;

// Returns the address of a port of this machine.
static sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

// Connects, sends `request`, and returns the first line of the answer.
static std::string firstLineOf(uint16_t port, const std::string& request) {
  int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = loopback(port);
  std::string line;
  if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      ::write(socket, request.data(), request.size()) > 0) {
    for (char byte; ::read(socket, &byte, 1) == 1 && byte != '\n';) line += byte;
  }
  ::close(socket);
  return line;
}

// A server of the test: greets one connection.
class Greeter {
 public:
  Greeter() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    ::bind(socket_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(socket_, 1);
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      int connection = ::accept(socket_, nullptr, nullptr);
      (void)!::write(connection, "hello from the test\n", 20);
      ::close(connection);
    });
  }

  ~Greeter() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }

  uint16_t port() const { return port_; }

 private:
  int socket_;
  uint16_t port_ = 0;
  std::thread thread_;
};

class ForwardSample : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}}; }
};

// The server listens on the node's loopback, which nobody else reaches.
TEST_F(ForwardSample, PortOfTheNodeIsReachedFromHere) {
  Process server = servers()[0].start({"python3", "-m", "http.server", "8080", "-b", "127.0.0.1"});
  EXPECT_THAT([] { return servers()[0].shell("ss -ltn").out; },
              Eventually(testing::HasSubstr("127.0.0.1:8080"), 10s));

  Forward web = Forward::toNode(servers()[0], "127.0.0.1:8080");
  EXPECT_THAT(firstLineOf(web.port(), "GET / HTTP/1.0\r\n\r\n"), testing::HasSubstr("200 OK"));
}

TEST_F(ForwardSample, ServerOfTheTestIsReachedFromTheNode) {
  Greeter greeter;
  Forward back = Forward::fromNode(servers()[0], std::to_string(greeter.port()));
  std::string talk = "exec 3<>/dev/tcp/127.0.0.1/" + std::to_string(back.port()) + "; cat <&3";
  EXPECT_THAT(servers()[0].run({"bash", "-c", talk}), StdoutIs("hello from the test\n"));
}
