// Makes the TLS client of a connection, once for each set of certificate files.
//
// Reading three files, parsing them and setting OpenSSL up costs milliseconds and some 60 KiB,
// which a thousand connections share. Whom to trust is not decided here: see
// schema/support/tls/tls.h.
#pragma once

#include <sys/types.h>
#include <time.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/cluster/description.h"
#include "schema/support/tls/tls.h"

namespace harness {

// For the io thread only.
class TlsClients {
 public:
  // The client of these files as they are now: files that were replaced or changed since the last
  // call are read again, and connections made before go on. Throws as support::loadCredentials
  // and support::TlsClient do.
  support::TlsClient get(const TlsFiles& files);

 private:
  // Tells whether a file is the one that was read.
  struct Stamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t bytes = 0;
    int64_t modifiedNs = 0;
    int64_t changedNs = 0;
    bool operator==(const Stamp&) const = default;
  };
  using Stamps = std::vector<Stamp>;
  struct Known {
    Stamps stamps;
    support::TlsClient client;
  };

  static Stamps stampsOf(const TlsFiles& files);

  // The clients by their three paths.
  std::map<std::string, Known> known_;
};

}  // namespace harness
