// The directory in which a cluster's certificates are made and kept: the authority with its key,
// the certificates that it has issued, and the deny list. Prints nothing.
//
//   authority.pem  authority.key (0600)  denied.list
//   nodes/NAME.pem  nodes/NAME.key       clients/ROLE-NAME.pem  clients/ROLE-NAME.key
//   replaced/SERIAL.pem                  certificates that renew() has replaced
//   tokens/ID                            see tokens.h
#pragma once

#include <stdint.h>

#include <string>
#include <vector>

#include "harness/os/fd.h"
#include "schema/support/tls/certificate.h"
#include "schema/support/tls/pki.h"

namespace harness {

// One certificate of the directory.
struct Issued {
  // "authority", "node", "client"
  std::string kind;
  // The name of the node, "role:name" of a client, or the authority's own.
  std::string name;

  // The path of the certificate.
  std::string certificate;

  // The path of the key; empty for a certificate that was replaced or made from a request.
  std::string key;
  support::CertificateFacts facts;
  // "valid", "expired", "not yet valid", "denied", "replaced"
  std::string state;
};

// Every function throws AuthorityError. One process changes a directory at a time; another one
// waits for it up to 5 s.
class PkiDirectory {
 public:
  // Makes an authority for this cluster. `path` is made if it is missing.
  static PkiDirectory create(const std::string& path, const std::string& cluster);

  explicit PkiDirectory(const std::string& path);

  // Never replaces a certificate or key: for another of the same name there is renew().
  Issued issueNode(const std::string& name, const std::vector<std::string>& names, int64_t days);
  Issued issueClient(const std::string& role, const std::string& name, int64_t days);

  // Checks names as issueNode does: kUsage for a name that no certificate can have, and kConflict
  // if the node has a certificate already.
  void requireNewNode(const std::string& name, const std::vector<std::string>& names) const;

  // Returns a certificate as issueNode makes it, for the key of `request`, and keeps it nowhere.
  // Throws support::PkiError for a request that is none.
  std::string certify(const std::string& request, const std::string& name,
                      const std::vector<std::string>& names, int64_t days) const;

  // Certifies the key of a node that keeps its key to itself. Only the key counts in the request
  // that `requestFile` holds. A certificate that the node has already must be moved away first.
  Issued certifyNode(const std::string& name, const std::string& requestFile, int64_t days);

  // Replaces a certificate and its key by new ones for the same names; the old certificate stays
  // valid until it expires or is denied. `name` is a node's, "role:name", or the path of the
  // certificate. `days` 0: as many as the old one had.
  Issued renew(const std::string& name, int64_t days);

  // Adds a certificate to the deny list, by its serial number or the path of its file. False: it
  // was in the list already.
  bool deny(const std::string& serialOrFile);

  std::vector<Issued> list() const;
  Issued find(const std::string& name) const;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  std::string authority() const;
  support::DenyList denied() const;
  support::Authority loadAuthority() const;

  // Keeps other processes from changing the directory. The actions above take it themselves.
  class Lock {
   public:
    // Throws AuthorityError kConflict if another process holds it for 5 s.
    explicit Lock(const std::string& path);

   private:
    Fd file_;
  };

 private:
  void readAll(const std::string& directory, const std::string& kind,
               std::vector<Issued>& all) const;
  Issued described(const std::string& certificate, const std::string& kind) const;
  Issued keep(const std::string& stem, const support::KeyPair& pair, const std::string& kind);

  std::string path_;
};

}  // namespace harness
