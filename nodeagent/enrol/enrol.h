// How a new node gets its certificate: with a single-use token, from `muster pki serve`
// (schema/enrol.capnp). Once, before the agent is started for the first time.
//
// The key is made here and stays here, in KEY.enrolling until the certificate has come. Whatever is
// interrupted goes on with that key when it is tried again, so that the token is still good for it;
// if only its removal was missing, the agent's next start sees to that.
#pragma once

#include <stdexcept>
#include <string>

#include "nodeagent/config/options.h"

namespace nodeagent {

// What went wrong, as the program's exit status tells it.
enum class EnrolTrouble {
  kUnreachable,   // Nobody listens there, or nothing came back in time.
  kBusy,          // The server is full, or turns this address away; or it is broken.
  kWrongServer,   // It is not of the token's authority, or may not enrol, or the clock is wrong. It
                  // was told nothing.
  kTokenRefused,  // Unknown, expired, used with another key, or the name is taken.
  kBadAnswer      // What came is not a certificate for this node and key.
};

class EnrolError : public std::runtime_error {
 public:
  EnrolError(EnrolTrouble trouble, const std::string& text)
      : std::runtime_error(text), trouble_(trouble) {}
  EnrolTrouble trouble() const { return trouble_; }

 private:
  EnrolTrouble trouble_;
};

// Writes the files that tls.authority, tls.certificate and tls.key name. Returns what to tell.
// Throws EnrolError; support::ConfigError if these are not set or the token is not this node's;
// support::FileError, before the token is sent, if there are files already (unless
// options.enrolReplace) or they could not be written.
std::string enrol(const Options& options);

// For an agent that has tried its certificate: removes KEY.enrolling if the key in it is in its
// place, as an enrolment leaves it that is interrupted after all else is done. Whether it did; one
// that cannot be read stays, with a warning.
bool forgetPendingKey(const Options& options);

}  // namespace nodeagent
