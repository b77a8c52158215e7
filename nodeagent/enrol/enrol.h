// Gets a new node its first certificate, with a single-use token, from `muster pki serve`
// (schema/enrol.capnp). It runs once, before the agent is started for the first time.
//
// The key is made here and stays here, in KEY.enrolling until the certificate has come. An
// enrolment that was interrupted goes on with that key when it is tried again, so that the token is
// still good for it. If only the removal of the file was missing, the agent's next start removes
// it.
#pragma once

#include <stdexcept>
#include <string>

#include "nodeagent/config/options.h"

namespace nodeagent {

// The failure, as the program's exit status tells it.
enum class EnrolTrouble {
  // No server listens there, or no answer came in time.
  kUnreachable,
  // The server is full, turns this address away, or is broken.
  kBusy,
  // The server is not of the token's authority, or may not enrol, or the clock is wrong. It was
  // told nothing.
  kWrongServer,
  // The token is unknown, expired, or used with another key, or the name is taken.
  kTokenRefused,
  // The answer is not a certificate for this node and key.
  kBadAnswer
};

class EnrolError : public std::runtime_error {
 public:
  EnrolError(EnrolTrouble trouble, const std::string& text)
      : std::runtime_error(text), trouble_(trouble) {}
  EnrolTrouble trouble() const { return trouble_; }

 private:
  EnrolTrouble trouble_;
};

// Enrols the node and writes the files that tls.authority, tls.certificate and tls.key name.
// Returns a text for the user. Throws EnrolError; support::ConfigError if these are not set or the
// token is not this node's; support::FileError, before the token is sent, if there are files
// already (unless options.enrolReplace) or they could not be written.
std::string enrol(const Options& options);

// Removes KEY.enrolling if the key in it has reached its final place, as an enrolment leaves it
// that was interrupted at its last step. It is for an agent that has tried its certificate. Returns
// whether it removed the file; one that cannot be read stays, with a warning.
bool forgetPendingKey(const Options& options);

}  // namespace nodeagent
