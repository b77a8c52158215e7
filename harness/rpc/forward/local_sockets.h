// Listens and connects on this machine, for the io thread.
#pragma once

#include <string>

#include <kj/async-io.h>

namespace harness::rpc {

// Its destruction stops listening and removes a unix socket's file.
struct LocalListener {
  ~LocalListener() noexcept(false);

  // The endpoint with the port that the kernel chose.
  std::string bound;
  // Empty: it is no unix socket.
  std::string path;
  kj::Own<kj::ConnectionReceiver> receiver;
};

// Listens at an endpoint of loopback, or at a unix socket that only we can reach. Fails with kinds
// invalid (another address), conflict (in use) and system.
kj::Own<LocalListener> listenHere(kj::LowLevelAsyncIoProvider& provider,
                                  const std::string& endpoint);

// Connects to an endpoint.
kj::Promise<kj::Own<kj::AsyncIoStream>> dialHere(kj::Network& network, const std::string& endpoint);

}  // namespace harness::rpc
