// Makes, keeps and redeems enrolment tokens. The network part, with its limits, is in
// enrolment_server.cc.
#include "harness/pki/tokens.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <tuple>

#include <nlohmann/json.hpp>

#include "harness/pki/error.h"
#include "schema/support/base/text.h"
#include "schema/support/base/trusted_file.h"
#include "schema/support/tls/enrolment_token.h"

namespace harness {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using Kind = AuthorityError::Kind;
using support::Overwrite;

constexpr int64_t kDaySeconds = 24 * 3600;
constexpr size_t kTokensMax = 10000;

int64_t now() {
  return ::time(nullptr);
}

bool isId(const std::string& text) {
  return text.size() == 16 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Json jsonOf(const TokenRecord& record) {
  return {{"node", record.node},
          {"names", record.names},
          {"days", record.days},
          {"expires", record.expiresSeconds},
          {"secret_sha256", record.secretSha256},
          {"key_sha256", record.keySha256},
          {"certificate", record.certificate},
          {"used_from", record.usedFrom},
          {"used", record.usedSeconds}};
}

TokenRecord readRecord(const std::string& path) {
  std::string text;
  try {
    text = support::readTrustedFile(path, "token", support::FileCheck::kStrict,
                                    support::FileSecrecy::kSecret);
  } catch (const std::exception&) {
    throw AuthorityError(Kind::kDamaged, path + ": not a file of ours with mode 0600");
  }
  try {
    Json json = Json::parse(text);
    TokenRecord record;
    record.id = fs::path(path).filename();
    record.node = json.at("node");
    record.names = json.at("names").get<std::vector<std::string>>();
    record.days = json.at("days");
    record.expiresSeconds = json.at("expires");
    record.secretSha256 = json.at("secret_sha256");
    record.keySha256 = json.at("key_sha256");
    record.certificate = json.at("certificate");
    record.usedFrom = json.at("used_from");
    record.usedSeconds = json.at("used");
    return record;
  } catch (const Json::exception&) {
    throw AuthorityError(Kind::kDamaged, path + ": damaged; remove it and make another token");
  }
}

void writeRecord(const std::string& path, const TokenRecord& record, Overwrite overwrite) {
  try {
    support::writeTrustedFile(path, jsonOf(record).dump(1) + "\n", 0600, overwrite);
  } catch (const support::FileError& error) {
    throw AuthorityError(Kind::kIo, error.what());
  }
}

EnrolmentReply refused(EnrolmentReason reason, const std::string& text) {
  return {reason, text, ""};
}

}  // namespace

std::string TokenRecord::state() const {
  if (used()) return "used";
  return now() > expiresSeconds ? "expired" : "open";
}

// Makes a token under the directory's lock, in three steps. The name is checked before a token for
// it leaves this machine; tokens that expired long ago are removed; the record is written with the
// hash of the secret. The digest of the authority goes into the token for the node to compare.
PkiTokens::Made PkiTokens::make(const std::string& node, const std::vector<std::string>& names,
                                int64_t days, int64_t validSeconds) {
  auto authority = support::describeCertificate(directory_.authority());
  if (!authority) {
    throw AuthorityError(Kind::kDamaged,
                         directory_.file("authority.pem") + ": not a certificate in PEM form");
  }
  PkiDirectory::Lock lock(directory_.path());
  directory_.requireNewNode(node, names);
  std::string place = directory_.file("tokens");
  if (::mkdir(place.c_str(), 0700) != 0 && errno != EEXIST) {
    throw AuthorityError(Kind::kIo, place + ": " + ::strerror(errno));
  }
  std::vector<TokenRecord> all = list();
  size_t kept = all.size();
  for (const TokenRecord& old : all) {
    if (now() < old.expiresSeconds + (old.used() ? 365 : 1) * kDaySeconds) continue;
    ::unlink(path(old.id).c_str());
    --kept;
  }
  if (kept >= kTokensMax) {
    throw AuthorityError(Kind::kConflict,
                         place + ": holds 10000 tokens; revoke those that are not needed");
  }
  auto token = support::EnrolmentToken::make(node, authority->mark.sha256);
  TokenRecord record;
  record.id = token.id;
  record.node = node;
  record.names = names;
  record.days = days;
  record.expiresSeconds = now() + validSeconds;
  record.secretSha256 = support::hashOfSecret(token.secret);
  writeRecord(path(record.id), record, Overwrite::kNever);
  return {record, token.text()};
}

std::vector<TokenRecord> PkiTokens::list() const {
  std::vector<TokenRecord> all;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory_.file("tokens"), error)) {
    if (isId(entry.path().filename())) all.push_back(readRecord(entry.path()));
  }
  std::sort(all.begin(), all.end(), [](const TokenRecord& left, const TokenRecord& right) {
    return std::tie(left.node, left.expiresSeconds, left.id) <
           std::tie(right.node, right.expiresSeconds, right.id);
  });
  return all;
}

TokenRecord PkiTokens::revoke(const std::string& id) {
  PkiDirectory::Lock lock(directory_.path());
  if (!isId(id) || !fs::exists(path(id))) {
    throw AuthorityError(Kind::kNotFound, directory_.path() + ": has no token \"" +
                                              (isId(id) ? id : std::string("…")) +
                                              "\"; muster pki tokens lists them by their ids");
  }
  TokenRecord record = readRecord(path(id));
  if (::unlink(path(id).c_str()) != 0) {
    throw AuthorityError(Kind::kIo, path(id) + ": " + ::strerror(errno));
  }
  return record;
}

// Puts the certificate of a used token into nodes/. It may be there already, or have been replaced
// by a newer one since: neither is overwritten, so that the call may be repeated.
void PkiTokens::fileCertificate(const TokenRecord& record) {
  std::string certificate = directory_.file("nodes/" + record.node + ".pem");
  auto facts = support::describeCertificate(record.certificate);
  if (!facts || fs::exists(certificate) ||
      fs::exists(directory_.file("replaced/" + facts->mark.serial + ".pem"))) {
    return;
  }
  try {
    support::writeTrustedFile(certificate, record.certificate, 0644, Overwrite::kNever);
  } catch (const support::FileError& error) {
    throw AuthorityError(Kind::kIo, error.what());
  }
}

// A server that was killed between writing the token and writing nodes/ left only the token with
// the certificate in it. The certificate is filed from there.
void PkiTokens::finishInterrupted() {
  PkiDirectory::Lock lock(directory_.path());
  for (const TokenRecord& record : list()) {
    if (record.used() && now() <= record.expiresSeconds) fileCertificate(record);
  }
}

EnrolmentServerOptions PkiTokens::serverOptions(const std::string& listen,
                                                std::chrono::nanoseconds duration) const {
  support::Validity validity;
  validity.lastsSeconds =
      kDaySeconds + std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  support::KeyPair own = directory_.loadAuthority().issue(
      support::kEnrolmentName, {support::kEnrolmentName}, support::Purpose::kServer, validity);
  EnrolmentServerOptions options;
  options.listen = listen;
  options.certificate = own.certificate;
  options.key = own.key;
  options.authority = directory_.authority();
  return options;
}

EnrolmentReply PkiTokens::redeem(const EnrolmentAsk& ask) {
  try {
    PkiDirectory::Lock lock(directory_.path());
    return redeemLocked(ask);
  } catch (const std::exception& error) {
    // The text goes to this machine only, because the node must learn nothing of our files.
    fprintf(stderr, "muster: pki serve: %s\n", support::printable(error.what()).c_str());
    return refused(EnrolmentReason::kBroken, "the server cannot use its directory; see its output");
  }
}

// Exchanges a token for a certificate, in an order that tells a stranger nothing and survives a
// kill at any point:
//
//   1. An unknown id and a wrong secret get one answer, so that ids cannot be found by trying. Only
//      the owner of the secret learns that a token is expired or used.
//   2. A token that was used before is good for the same key only: its node lost the answer.
//   Another
//      key is refused with the address of the first use, so that the owner can find out who it was.
//   3. A fresh token is used up by writing the certificate into its file. From then on a repetition
//      gives this certificate and makes no second one.
//   4. The certificate is filed under nodes/, and only then does the node get it.
EnrolmentReply PkiTokens::redeemLocked(const EnrolmentAsk& ask) {
  const char* kUnknown = "no such token: revoked, mistyped, or of another authority's directory";
  if (!isId(ask.tokenId) || !fs::exists(path(ask.tokenId))) {
    return refused(EnrolmentReason::kUnknownToken, kUnknown);
  }
  TokenRecord record = readRecord(path(ask.tokenId));
  if (!support::equalInConstantTime(support::hashOfSecret(ask.secret), record.secretSha256)) {
    return refused(EnrolmentReason::kUnknownToken, kUnknown);
  }
  if (now() > record.expiresSeconds) {
    return refused(EnrolmentReason::kExpiredToken,
                   "the token for " + record.node + " has expired; make another");
  }
  try {
    std::string key = support::keyDigestOfRequest(ask.request);
    if (record.used() && record.keySha256 != key) {
      return refused(
          EnrolmentReason::kUsedToken,
          "the token for " + record.node + " was used with another key, from " + record.usedFrom);
    }
    if (!record.used()) {
      std::string taken = directory_.file("nodes/" + record.node + ".pem");
      if (fs::exists(taken)) {
        return refused(EnrolmentReason::kNameTaken,
                       record.node + " has a certificate that was not made by this token");
      }
      record.certificate = directory_.certify(ask.request, record.node, record.names, record.days);
      record.keySha256 = key;
      record.usedFrom = ask.from;
      record.usedSeconds = now();
      writeRecord(path(record.id), record, Overwrite::kYes);
    }
  } catch (const support::PkiError& error) {
    return refused(EnrolmentReason::kBadRequest, error.what());
  }
  fileCertificate(record);
  return {EnrolmentReason::kNone, "", record.certificate};
}

}  // namespace harness
