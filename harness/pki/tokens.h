// The tokens by which new nodes get their certificates over the network: one file each in the
// directory of a cluster's certificates, with a hash of the secret and not the secret.
//
//   tokens/ID (0600)   JSON: what it is good for, until when, and who used it
//
// A token is used up by writing its file, certificate and all, before anything of the certificate
// is told to anybody: whatever dies afterwards, only the same key can ask for it again.
#pragma once

#include <stdint.h>

#include <string>
#include <vector>

#include "harness/pki/enrolment_server.h"
#include "harness/pki/directory.h"

namespace harness {

struct TokenRecord {
  std::string id;
  std::string node;
  std::vector<std::string> names;  // Besides the node's.
  int64_t days = 0;                // How long its certificate is valid.
  int64_t expiresSeconds = 0;      // Since 1970.
  std::string secretSha256;

  // Of a used one.
  std::string keySha256;
  std::string certificate;  // PEM.
  std::string usedFrom;
  int64_t usedSeconds = 0;

  bool used() const { return !keySha256.empty(); }
  std::string state() const;  // "open", "used", "expired"
};

// Throws as PkiDirectory does.
class PkiTokens {
 public:
  // `directory` outlives it.
  explicit PkiTokens(PkiDirectory& directory) : directory_(directory) {}

  struct Made {
    TokenRecord record;
    std::string text;  // The token, which is nowhere else.
  };

  // Forgets expired tokens along the way: unused ones a day after, used ones a year after.
  Made make(const std::string& node, const std::vector<std::string>& names, int64_t days,
            int64_t validSeconds);

  std::vector<TokenRecord> list() const;

  // It is unknown from then on, used or not. A certificate that was made by it stays as it is.
  TokenRecord withdraw(const std::string& id);

  // Exchanges a token for a certificate, also into nodes/NAME.pem. Never throws.
  EnrolmentReply redeem(const EnrolmentAsk& ask);

  // Puts certificates into nodes/ that a server which was killed had made and not put there.
  void finishInterrupted();

 private:
  EnrolmentReply redeemLocked(const EnrolmentAsk& ask);
  void fileCertificate(const TokenRecord& record);
  std::string path(const std::string& id) const { return directory_.file("tokens/" + id); }

  PkiDirectory& directory_;
};

}  // namespace harness
