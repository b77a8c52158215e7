#include "nodeagent/enrol/enrol.h"

#include <stdio.h>
#include <unistd.h>

#include <capnp/message.h>
#include <kj/async-io.h>
#include <kj/debug.h>

#include "nodeagent/config/read_credentials.h"
#include "schema/enrol.capnp.h"
#include "schema/support/base/config.h"
#include "schema/support/base/log.h"
#include "schema/support/base/trusted_file.h"
#include "schema/support/base/wire_error.h"
#include "schema/support/rpc/rpc_connection.h"
#include "schema/support/tls/certificate.h"
#include "schema/support/tls/dial.h"
#include "schema/support/tls/enrolment_tls.h"
#include "schema/support/tls/enrolment_token.h"
#include "schema/support/tls/pki.h"

namespace nodeagent {
namespace {

using support::ConfigError;
using support::EnrolmentToken;
using support::FileCheck;
using support::FileError;
using support::FileSecrecy;
using support::Overwrite;
using Reason = wire::EnrolmentRefusal::Reason;

constexpr size_t kTokenBytesMax = 4096;
constexpr kj::Duration kAttemptLimit = 10 * kj::SECONDS;
constexpr kj::Duration kPause = 250 * kj::MILLISECONDS;  // The pause between attempts.
constexpr kj::Duration kStepMin = 1 * kj::SECONDS;       // Each step has at least this time.

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

std::string pendingKeyOf(const Options& options) {
  return options.tlsKey + ".enrolling";
}

std::string readKey(const std::string& path) {
  return support::readTrustedFile(path, "key", FileCheck::kStrict, FileSecrecy::kSecret);
}

std::string readInput() {
  std::string text;
  char buffer[kTokenBytesMax];
  while (text.size() < kTokenBytesMax) {
    size_t count = fread(buffer, 1, sizeof buffer, stdin);
    if (count == 0) break;
    text.append(buffer, count);
  }
  return text;
}

EnrolmentToken readToken(const Options& options) {
  std::string text = options.tokenFile == "-"
                         ? readInput()
                         : support::readTrustedFile(options.tokenFile, "token", FileCheck::kStrict,
                                                    FileSecrecy::kSecret);
  std::string why;
  auto token = EnrolmentToken::fromText(text, &why);
  if (!token) throw ConfigError("--token-file " + options.tokenFile + ": " + why);
  if (token->nodeName != options.nodeName) {
    throw ConfigError("the token is for node " + token->nodeName + ", and this is " +
                      options.nodeName + ": set node, or use the token that is meant for it");
  }
  return *token;
}

// The three files of an enrolment, and the rules for those that exist already.
class Places {
 public:
  Places(const Options& options, const EnrolmentToken& token)
      : options_(options), pendingKey_(pendingKeyOf(options)) {
    for (const std::string& path : {options.tlsAuthority, options.tlsCertificate, options.tlsKey}) {
      if (path.empty())
        throw ConfigError(
            "tls.authority, tls.certificate and tls.key must name the files to be made");
      std::string directory = path.substr(0, path.rfind('/') + 1);
      if (!exists(directory)) throw FileError(directory + ": there is no such directory");
      std::string reason = support::whyUnsafe(directory);
      if (!reason.empty()) throw FileError(reason);
      if (::access(directory.c_str(), W_OK) != 0)
        throw FileError(directory + ": cannot be written to by this user");
    }
    // An authority file that includes the token's stays: it may hold others, and this node may be
    // enrolled anew.
    keepsAuthority_ = exists(options.tlsAuthority) && trusts(token.authoritySha256);
    if (options.enrolReplace) return;
    refuseExisting(options.tlsCertificate);
    // If a pending key exists, an interrupted run may have put it in place already.
    if (!exists(pendingKey_)) refuseExisting(options.tlsKey);
    if (!keepsAuthority_) refuseExisting(options.tlsAuthority);
  }

  // Returns the key of an interrupted run, or a new one that outlives this run.
  std::string key() const {
    if (exists(pendingKey_)) return readKey(pendingKey_);
    std::string made = support::makeRequest(options_.nodeName).key;
    support::writeTrustedFile(pendingKey_, made, 0600, Overwrite::kNever);
    return made;
  }

  // Writes the files, the certificate last. With it the node is enrolled, and forgetPendingKey()
  // finishes the work if this is interrupted.
  void keep(const std::string& authority, const support::KeyPair& pair) const {
    if (!keepsAuthority_)
      support::writeTrustedFile(options_.tlsAuthority, authority, 0644, Overwrite::kYes);
    support::writeTrustedFile(options_.tlsKey, pair.key, 0600, Overwrite::kYes);
    support::writeTrustedFile(options_.tlsCertificate, pair.certificate, 0644, Overwrite::kYes);
    ::unlink(pendingKey_.c_str());
  }

 private:
  static void refuseExisting(const std::string& path) {
    if (!exists(path)) return;
    throw FileError(path + ": exists already; --enrol-replace replaces it");
  }

  // Returns whether the authorities there include the token's.
  bool trusts(const std::string& sha256) const {
    return support::holdsCertificate(
        support::readTrustedFile(options_.tlsAuthority, "tls authority", FileCheck::kStrict,
                                 FileSecrecy::kPublic),
        sha256);
  }

  const Options& options_;
  std::string pendingKey_;
  bool keepsAuthority_ = false;
};

const char* nameOf(Reason reason) {
  switch (reason) {
    case Reason::UNKNOWN_TOKEN:
      return "unknownToken";
    case Reason::EXPIRED_TOKEN:
      return "expiredToken";
    case Reason::USED_TOKEN:
      return "usedToken";
    case Reason::BAD_REQUEST:
      return "badRequest";
    case Reason::NAME_TAKEN:
      return "nameTaken";
    case Reason::FULL:
      return "full";
    case Reason::BROKEN:
      return "broken";
    default:
      return "refused";
  }
}

struct Answer {
  std::string certificate;
  std::string authority;  // The certificate that the server has shown and the token names.
};

// One exchange with the server.
class Exchange {
 public:
  Exchange(const Options& options, const EnrolmentToken& token, const std::string& request)
      : options_(options), token_(token), request_(request) {
    std::string why;
    auto endpoint = support::Endpoint::fromText("tcp:" + options.enrolAt, &why);
    if (!endpoint || endpoint->port() == 0) {
      throw ConfigError("--enrol \"" + options.enrolAt +
                        "\": wanted ADDRESS:PORT, such as 10.1.0.1:7412");
    }
    endpoint_ = *endpoint;
  }

  // Tries until the server answers, as long as it cannot be reached or is full.
  Answer untilAnswered() {
    auto& timer = io_.provider->getTimer();
    auto end = timer.now() + options_.enrolLimitNs * kj::NANOSECONDS;
    for (;;) {
      try {
        return once(kj::min(kAttemptLimit, kj::max(end - timer.now(), kStepMin)));
      } catch (const EnrolError& error) {
        bool passes =
            error.trouble() == EnrolTrouble::kUnreachable || error.trouble() == EnrolTrouble::kBusy;
        if (!passes || timer.now() + kPause >= end) throw;
      }
      timer.afterDelay(kPause).wait(io_.waitScope);
    }
  }

 private:
  [[noreturn]] void refuse(EnrolTrouble trouble, const std::string& text) const {
    throw EnrolError(trouble, "enrol at " + options_.enrolAt + ": " + text);
  }

  Answer once(kj::Duration limit) {
    auto& timer = io_.provider->getTimer();
    auto late = timer.now() + limit;
    auto stream = connected(timer, limit);
    auto meeting = met(kj::mv(stream), kj::max(late - timer.now(), kStepMin));
    support::RpcConnection connection(kj::mv(meeting.stream), timer);
    auto call = connection.bootstrap().castAs<wire::Enrolment>().enrolRequest();
    call.setTokenId(token_.id.c_str());
    call.setSecret(token_.secret.c_str());
    call.setRequest(request_.c_str());
    try {
      auto reply = timer.timeoutAfter(kj::max(late - timer.now(), kStepMin), call.send())
                       .wait(io_.waitScope);
      return {judged(reply), meeting.authority};
    } catch (const kj::Exception& exception) {
      refuse(EnrolTrouble::kUnreachable,
             std::string("unreachable: the connection ended before the answer; ") +
                 (exception.getType() == kj::Exception::Type::OVERLOADED ? "it took too long"
                                                                         : "the server may be "
                                                                           "gone"));
    }
  }

  kj::Own<kj::AsyncIoStream> connected(kj::Timer& timer, kj::Duration limit) {
    support::DialOptions dialling;
    dialling.endpoint = endpoint_;
    dialling.limit = limit;
    try {
      return support::dial(io_.unixEventPort, timer, kj::mv(dialling)).wait(io_.waitScope);
    } catch (const kj::Exception& exception) {
      refuse(EnrolTrouble::kUnreachable,
             std::string("unreachable: ") + support::toFailure(exception, "enrol").text.cStr());
    }
  }

  // Shakes hands. The server has proved itself when this returns, so the secret may be sent.
  support::EnrolmentConnection met(kj::Own<kj::AsyncIoStream> stream, kj::Duration limit) {
    auto& timer = io_.provider->getTimer();
    try {
      return timer
          .timeoutAfter(limit, support::connectForEnrolment(kj::mv(stream), token_.authoritySha256))
          .wait(io_.waitScope);
    } catch (const kj::Exception& exception) {
      switch (support::doubtOf(exception)) {
        case support::EnrolmentDoubt::kOtherAuthority:
          refuse(EnrolTrouble::kWrongServer, "wrongAuthority: " + textOf(exception));
        case support::EnrolmentDoubt::kOtherName:
          refuse(EnrolTrouble::kWrongServer, "wrongServer: " + textOf(exception));
        case support::EnrolmentDoubt::kClock:
          refuse(EnrolTrouble::kWrongServer, "wrongClock: " + textOf(exception));
        case support::EnrolmentDoubt::kNone:
          break;
      }
      if (exception.getType() == kj::Exception::Type::DISCONNECTED) {
        refuse(EnrolTrouble::kBusy,
               "full: the server closed the connection at once; it has too many, or keeps this "
               "address out for a while after wrong tokens");
      }
      if (exception.getType() == kj::Exception::Type::OVERLOADED) {
        refuse(EnrolTrouble::kUnreachable, "unreachable: no handshake in time");
      }
      refuse(EnrolTrouble::kWrongServer,
             "wrongServer: what answers there does not speak TLS 1.3 "
             "as muster pki serve does");
    }
  }

  static std::string textOf(const kj::Exception& exception) {
    return support::toFailure(exception, "enrol").text.cStr();
  }

  std::string judged(wire::EnrolmentAnswer::Reader answer) const {
    if (answer.isCertificate()) return answer.getCertificate();
    auto refusal = answer.getRefusal();
    std::string text = std::string(nameOf(refusal.getReason())) + ": " + refusal.getText().cStr();
    switch (refusal.getReason()) {
      case Reason::FULL:
      case Reason::BROKEN:
        refuse(EnrolTrouble::kBusy, text);
      case Reason::BAD_REQUEST:
        refuse(EnrolTrouble::kBadAnswer, text);
      default:
        refuse(EnrolTrouble::kTokenRefused, text);
    }
  }

  const Options& options_;
  const EnrolmentToken& token_;
  const std::string& request_;
  support::Endpoint endpoint_;
  kj::AsyncIoContext io_ = kj::setupAsyncIo();
};

// Returns whether an earlier run came as far as the certificate, and no further.
bool wasEnrolled(const Options& options) {
  if (!exists(pendingKeyOf(options)) || !exists(options.tlsCertificate)) return false;
  bool usable = kj::runCatchingExceptions([&]() { readCredentials(options); }) == nullptr;
  return usable && forgetPendingKey(options);
}

}  // namespace

bool forgetPendingKey(const Options& options) {
  std::string pending = pendingKeyOf(options);
  if (options.tlsKey.empty() || !exists(pending)) return false;
  try {
    if (readKey(pending) != readKey(options.tlsKey)) return false;
  } catch (const std::exception& error) {
    support::log(support::Level::kWarn, "a key of an enrolment stays where it is",
                 {{"reason", error.what()}});
    return false;
  }
  return ::unlink(pending.c_str()) == 0;
}

std::string enrol(const Options& options) {
  if (!support::isCertificateName(options.nodeName)) {
    throw ConfigError("node \"" + options.nodeName + "\" is no name for a certificate");
  }
  EnrolmentToken token = readToken(options);
  std::string done = "enrolled as " + options.nodeName + ": " + options.tlsCertificate;
  if (!options.enrolReplace && wasEnrolled(options)) return done;
  Places places(options, token);
  std::string key = places.key();
  std::string request;
  try {
    request = support::requestFor(key, options.nodeName);
  } catch (const support::PkiError& error) {
    throw ConfigError(options.tlsKey + ".enrolling: " + error.what() + "; remove it");
  }
  Answer answer = Exchange(options, token, request).untilAnswered();
  std::string why =
      support::whyNotOfNode(answer.certificate, {options.nodeName, key, answer.authority});
  if (!why.empty()) {
    throw EnrolError(EnrolTrouble::kBadAnswer, "enrol at " + options.enrolAt +
                                                   ": badAnswer: the certificate is not one for " +
                                                   options.nodeName + ": " + why);
  }
  places.keep(answer.authority, {answer.certificate, key});
  return done;
}

}  // namespace nodeagent
