// Answers nodes that ask for their first certificate (schema/enrol.capnp): connections, limits and
// the protocol. Which token is good for what is decided by the caller.
#pragma once

#include <stddef.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace harness {

// What a node asks. `secret` must not be written anywhere.
struct EnrolmentAsk {
  std::string tokenId;
  std::string secret;
  std::string request;
  std::string from;  // The node's address.
};

// As wire::EnrolmentRefusal::Reason; kNone: not refused.
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
  std::string text;         // Of a refusal.
  std::string certificate;  // PEM.
};

struct EnrolmentServerOptions {
  std::string listen;       // "ADDRESS:PORT"; port 0 lets the kernel choose.
  std::string certificate;  // For support::kEnrolmentName, PEM, its key, and its authority.
  std::string key;
  std::string authority;
  // Called for one node after the other, on the thread that serves; blocks the others while it
  // runs.
  std::function<EnrolmentReply(const EnrolmentAsk&)> answer;

  size_t connectionsMax = 64;              // Above, connections are closed unheard.
  size_t busyMax = 32;                     // Above, they are answered that the server is full.
  size_t perSourceMax = 8;                 // Connections of one address; above, closed unheard.
  std::chrono::milliseconds limit{10000};  // Of one connection, from its beginning to its end.
  // Addresses that are not kept out for a while after a wrong token, with commas between them.
  std::string penaltyExempt = "127.0.0.0/8,::1";
};

// For one thread, which makes, runs and destroys it.
class EnrolmentServer {
 public:
  // Listens. Throws std::runtime_error that says what is wrong: the address, or a
  // port that is in use.
  explicit EnrolmentServer(EnrolmentServerOptions options);
  ~EnrolmentServer();
  EnrolmentServer(const EnrolmentServer&) = delete;

  // "ADDRESS:PORT", with the port that the kernel chose.
  std::string endpoint() const;

  // Serves until `enrolled` nodes have their certificates or `until` is reached, and then those who
  // have begun, for at most `limit`. 0: any number. Returns how many were enrolled.
  size_t run(size_t enrolled, std::chrono::steady_clock::time_point until);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace harness
