// Answers nodes that ask for their first certificate (schema/enrol.capnp): connections, limits and
// the protocol. Does not decide which token gets which certificate: the caller does.
#pragma once

#include <stddef.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace harness {

// The request of a node. `secret` must not be written anywhere.
struct EnrolmentAsk {
  std::string tokenId;
  std::string secret;
  std::string request;
  // The node's address.
  std::string from;
};

// The reasons of wire::EnrolmentRefusal; kNone: the node is not refused.
enum class EnrolmentReason {
  kNone,
  kUnknownToken,
  kExpiredToken,
  kUsedToken,
  kBadRequest,
  kNameTaken,
  kFull,
  kBroken
};

struct EnrolmentReply {
  EnrolmentReason reason = EnrolmentReason::kNone;
  // Why the node is refused, for its user.
  std::string text;
  // PEM; empty if the node is refused.
  std::string certificate;
};

struct EnrolmentServerOptions {
  // "ADDRESS:PORT"; port 0 lets the kernel choose.
  std::string listen;
  // The server's certificate for support::kEnrolmentName, its key, and its authority: PEM.
  std::string certificate;
  std::string key;
  std::string authority;
  // Called for one node after the other, on the thread that serves. Blocks the others while it
  // runs.
  std::function<EnrolmentReply(const EnrolmentAsk&)> answer;

  // Further connections are closed unheard.
  size_t connectionsMax = 64;
  // Further connections are told that the server is full.
  size_t busyMax = 32;
  // Further connections of one address are closed unheard.
  size_t perSourceMax = 8;
  // The time of one connection, from its beginning to its end.
  std::chrono::milliseconds limit{10000};
  // Addresses that are not kept out for a while after a wrong token, with commas between them.
  std::string penaltyExempt = "127.0.0.0/8,::1";
};

// Belongs to one thread, which makes, runs and destroys it.
class EnrolmentServer {
 public:
  // Listens. Throws AuthorityError: kUsage for a wrong address, kIo for a port that is in use.
  explicit EnrolmentServer(EnrolmentServerOptions options);
  ~EnrolmentServer();
  EnrolmentServer(const EnrolmentServer&) = delete;

  // "ADDRESS:PORT", with the port that the kernel chose.
  std::string endpoint() const;

  // Serves until `enrolled` nodes (0: any number) have their certificates or `until` is reached.
  // Then finishes the connections that are open, for at most `limit`. Returns how many were
  // enrolled.
  size_t run(size_t enrolled, std::chrono::steady_clock::time_point until);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace harness
