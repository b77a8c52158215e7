// How a cluster's certificate authority fails: its directory, its tokens and its enrolment server.
#pragma once

#include <stdexcept>
#include <string>

namespace harness {

// An error whose kind tells the caller's remedy. The text names the file or the name that is meant.
class AuthorityError : public std::runtime_error {
 public:
  enum class Kind {
    // A name, a role or an address that the caller gave is not possible.
    kUsage,
    // There is no such directory, certificate or token.
    kNotFound,
    // It exists already, is in use, or there are too many: change something first.
    kConflict,
    // A file is there, and is not what it should be.
    kDamaged,
    // Others could read or replace the files.
    kUnsafe,
    // A file, a directory or a socket cannot be made or written.
    kIo,
  };

  AuthorityError(Kind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

}  // namespace harness
