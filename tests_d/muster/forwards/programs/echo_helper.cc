// The node's side of the tests of forwards.
#include <memory>

#include <muster/helper.h>

#include "sockets.h"

using forward_tests::EchoServer;

int main() {
  muster::Helper helper;
  std::unique_ptr<EchoServer> server;
  helper.on("serve", [&](std::string place) {
    server = std::make_unique<EchoServer>(place);
    return server->place();
  });
  helper.on("exchange",
            [](std::string place, std::string bytes) { return forward_tests::talk(place, bytes); });
  helper.on("exchange zeros", [](std::string place, int64_t count) {
    return forward_tests::talk(place, std::string(static_cast<size_t>(count), '\0')).size();
  });
  return helper.serve();
}
