// The directory in which a cluster's certificates are made and kept: the authority with its key,
// what it has issued, and what is denied. Files only; what is printed is decided in pki.cc.
//
//   authority.pem  authority.key (0600)  denied.list
//   nodes/NAME.pem  nodes/NAME.key       clients/ROLE-NAME.pem  clients/ROLE-NAME.key
//   replaced/SERIAL.pem                  certificates that renew() has replaced
//   tokens/ID                            see tokens.h
#pragma once

#include <stdint.h>

#include <string>
#include <vector>

#include "schema/support/tls/certificate.h"
#include "schema/support/tls/pki.h"

namespace harness {

// One certificate of the directory.
struct Issued {
  std::string kind;         // "authority", "node", "client"
  std::string name;         // Of the node, "role:name" of a client, or of the cluster.
  std::string certificate;  // Paths. No key for those that were replaced or made from a request.
  std::string key;
  support::CertificateFacts facts;
  std::string state;  // "valid", "expired", "not yet valid", "denied", "replaced"
};

// Everything throws CommandError: with kExitNoInput if there is no such directory or file,
// kExitCannotCreate if something cannot be written, exists already, or is in an unsafe place, and
// kExitData if a file is not what it should be. One process changes a directory at a time.
class PkiDirectory {
 public:
  // Makes an authority for this cluster. `path` is made if it is missing.
  static PkiDirectory create(const std::string& path, const std::string& cluster);

  explicit PkiDirectory(const std::string& path);

  // Never replaces a certificate or key: for another of the same name there is renew().
  Issued issueNode(const std::string& name, const std::vector<std::string>& names, int64_t days);
  Issued issueClient(const std::string& role, const std::string& name, int64_t days);

  // As issueNode checks them; throws with kExitUsage for those that no certificate can have, and
  // with kExitCannotCreate if the node has a certificate already.
  void requireNewNode(const std::string& name, const std::vector<std::string>& names) const;

  // A certificate as issueNode makes it, for the key of `request`; kept nowhere. Throws
  // support::PkiError for a request that is none.
  std::string certify(const std::string& request, const std::string& name,
                      const std::vector<std::string>& names, int64_t days) const;

  // For a node that keeps its key to itself: `requestFile` holds what it asks for, of which only
  // the key counts. A certificate that the node has already must be moved away first.
  Issued certifyNode(const std::string& name, const std::string& requestFile, int64_t days);

  // A new key and certificate for the same names, in place of those; the old certificate goes on
  // until it expires or is denied. `name` is a node's, "role:name", or the path of the certificate.
  // `days` 0: for as long as the old one.
  Issued renew(const std::string& name, int64_t days);

  // Adds to the deny list: a serial number, or the path of a certificate. False: it was there.
  bool deny(const std::string& serialOrFile);

  std::vector<Issued> list() const;
  Issued find(const std::string& name) const;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  std::string authority() const;
  support::DenyList denied() const;
  support::Authority loadAuthority() const;

  // Held while the directory is changed; the actions above take it themselves.
  class Lock {
   public:
    explicit Lock(const std::string& path);
    ~Lock();
    Lock(const Lock&) = delete;

   private:
    int file_;
  };

 private:
  void readAll(const std::string& directory, const std::string& kind,
               std::vector<Issued>& all) const;
  Issued described(const std::string& certificate, const std::string& kind) const;
  Issued keep(const std::string& stem, const support::KeyPair& pair, const std::string& kind);

  std::string path_;
};

}  // namespace harness
