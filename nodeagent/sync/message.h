// The messages between a command and its agent over the node's unix socket: what a command asks
// for, and what it is answered. It neither sends nor decides.
//
// A message is its length, four bytes with the lowest first, and words that end with NUL. One
// connection carries one request and one reply. Anybody on the node can connect, so every byte is
// judged before it means anything.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <string>
#include <string_view>
#include <vector>

#include "schema/support/base/id.h"
#include "schema/support/base/sync_words.h"

namespace nodeagent::sync {

using support::SyncData;

constexpr size_t kLengthBytes = 4;
constexpr size_t kMessageBytesMax = 32 * 1024;

// A command waits for this long unless it says otherwise.
constexpr int64_t kWaitDefaultNs = 600'000'000'000;
constexpr int64_t kWaitMaxNs = 24 * 3600 * int64_t{1'000'000'000};

enum class Verb { kNotify, kWait, kBarrier, kReport };
enum class Result { kNone, kPass, kFail, kSkip };

struct Request {
  Verb verb = Verb::kNotify;

  // Command::key of the command that asks.
  support::Id key;

  // Names the event or the barrier; empty in a report.
  std::string name;

  // How long a command waits.
  int64_t limitNs = kWaitDefaultNs;

  // How many commands a barrier waits for. 0: as many as others say.
  uint32_t count = 0;

  // These belong to a report.
  Result result = Result::kNone;
  std::string message;

  SyncData data;
};

struct Reply {
  enum class Kind {
    kDone,
    // It will not be: the barrier was broken, or the session is gone.
    kFailed,
    // The request is wrong, or its sender is unknown.
    kRefused,
    // A limit is reached.
    kOverloaded,
    kTimedOut
  };
  Kind kind = Kind::kDone;

  // Says why it is not kDone.
  std::string text;

  // The data of an event.
  SyncData data;
};

// Return the whole message.
std::string encode(const Request& request);
std::string encode(const Reply& reply);

// Returns the length that the first kLengthBytes say. Fails with kind invalid if it is more than
// kMessageBytesMax.
size_t lengthOf(std::string_view begin);

// Read a message behind its length. Fail with kind invalid and a text that says what would be
// right.
Request readRequest(std::string_view message);
Reply readReply(std::string_view message);

// Returns the verb of a word such as "notify", and back.
bool findVerb(std::string_view word, Verb* verb);
std::string wordOf(Verb verb);

// Returns the result of a word of --result. False: there is none.
bool findResult(std::string_view word, Result* result);

}  // namespace nodeagent::sync
