// The tokens by which new nodes get their certificates over the network. Each is one file in the
// directory of a cluster's certificates, with a hash of the secret instead of the secret. No
// connection is made here.
//
//   tokens/ID (0600)   JSON: node, names, expiry, and by which key and address it was used
//
// A token is used up by writing its file, with the certificate in it, before the node gets any part
// of the certificate. Whatever dies afterwards, only the same key can ask for it again.
#pragma once

#include <stdint.h>

#include <chrono>
#include <string>
#include <vector>

#include "harness/pki/directory.h"
#include "harness/pki/enrolment_server.h"

namespace harness {

struct TokenRecord {
  std::string id;
  std::string node;

  // Names of the certificate besides the node's.
  std::vector<std::string> names;

  // The time for which the certificate is valid.
  int64_t days = 0;

  // Since 1970.
  int64_t expiresSeconds = 0;
  std::string secretSha256;

  // Empty or zero until the token is used.
  std::string keySha256;

  // In PEM form.
  std::string certificate;
  std::string usedFrom;
  int64_t usedSeconds = 0;

  bool used() const { return !keySha256.empty(); }

  // Returns "open", "used" or "expired".
  std::string state() const;
};

// Throws as PkiDirectory does.
class PkiTokens {
 public:
  // `directory` outlives it.
  explicit PkiTokens(PkiDirectory& directory) : directory_(directory) {}

  struct Made {
    TokenRecord record;
    // The token, which is kept nowhere.
    std::string text;
  };

  // Removes expired tokens on the way: unused ones after a day, used ones after a year.
  Made make(const std::string& node, const std::vector<std::string>& names, int64_t days,
            int64_t validSeconds);

  std::vector<TokenRecord> list() const;

  // Makes a token unknown, used or not. A certificate that was made with it stays as it is.
  TokenRecord revoke(const std::string& id);

  // Exchanges a token for a certificate, which also goes to nodes/NAME.pem. Never throws.
  EnrolmentReply redeem(const EnrolmentAsk& ask);

  // Options of a server that runs for `duration` and proves by a certificate of its own, kept
  // nowhere, that it belongs to the authority. The caller sets `answer`, mostly to redeem().
  EnrolmentServerOptions serverOptions(const std::string& listen,
                                       std::chrono::nanoseconds duration) const;

  // Puts certificates into nodes/ that a server had made but not put there when it was killed.
  void finishInterrupted();

 private:
  EnrolmentReply redeemLocked(const EnrolmentAsk& ask);
  void fileCertificate(const TokenRecord& record);
  std::string path(const std::string& id) const { return directory_.file("tokens/" + id); }

  PkiDirectory& directory_;
};

}  // namespace harness
