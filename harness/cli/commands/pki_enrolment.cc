#include "harness/cli/commands/pki_enrolment.h"

#include <time.h>

#include <chrono>
#include <iostream>

#include <nlohmann/json.hpp>

#include "harness/cli/command.h"
#include "harness/pki/enrolment_server.h"
#include "harness/pki/tokens.h"
#include "schema/support/base/duration.h"
#include "schema/support/tls/enrolment_token.h"

namespace harness {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kDay = 24 * 3600 * kSecond;

int64_t durationOf(const std::string& option, const std::string& text, int64_t leastNs) {
  auto ns = support::durationFromText(text);
  if (!ns || *ns < leastNs || *ns > 7 * kDay) {
    throw CommandError(kExitUsage, option + ": \"" + text + "\" is not a duration from " +
                                       support::durationText(leastNs) + " to 7 days, such as 10m");
  }
  return *ns;
}

Json jsonOf(const TokenRecord& record) {
  Json json = {{"id", record.id},         {"node", record.node},
               {"names", record.names},   {"days", record.days},
               {"state", record.state()}, {"notAfter", dayText(record.expiresSeconds)}};
  json["used"] = nullptr;
  if (record.used()) {
    auto facts = support::describeCertificate(record.certificate);
    json["used"] = {{"at", dayText(record.usedSeconds)},
                    {"from", record.usedFrom},
                    {"serial", facts ? facts->mark.serial : ""}};
  }
  return json;
}

// One line for each node that got its certificate.
void printEnrolled(const EnrolmentAsk& ask, const EnrolmentReply& reply, Form form) {
  auto facts = support::describeCertificate(reply.certificate);
  if (!facts) return;
  if (form == Form::kJson) {
    std::cout << Json{{"enrolled", facts->commonName},
                      {"from", ask.from},
                      {"token", ask.tokenId},
                      {"serial", facts->mark.serial}}
                     .dump()
              << std::endl;
  } else {
    std::cout << facts->commonName << " enrolled from " << ask.from << "  token " << ask.tokenId
              << "  serial " << facts->mark.serial << std::endl;
  }
}

}  // namespace

std::string dayText(int64_t seconds) {
  struct tm parts {};
  time_t time = static_cast<time_t>(seconds);
  gmtime_r(&time, &parts);
  char text[32];
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

void makeToken(PkiDirectory& directory, const TokenOptions& options, Form form) {
  int64_t validNs = durationOf("--valid", options.valid, 10 * kSecond);
  auto made =
      PkiTokens(directory).make(options.node, options.names, options.days, validNs / kSecond);
  if (form == Form::kJson) {
    Json json = jsonOf(made.record);
    json["token"] = made.text;
    std::cout << json.dump(2) << "\n";
  } else {
    std::cout << made.text << "\n";
  }
}

void showTokens(PkiDirectory& directory, Form form) {
  Json list = Json::array();
  for (const TokenRecord& record : PkiTokens(directory).list()) {
    if (form == Form::kJson) {
      list.push_back(jsonOf(record));
      continue;
    }
    std::cout << record.id << "  " << record.node << "  " << record.state() << "  until "
              << dayText(record.expiresSeconds);
    if (record.used()) {
      std::cout << "  used " << dayText(record.usedSeconds) << " from " << record.usedFrom;
    }
    std::cout << "\n";
  }
  if (form == Form::kJson) std::cout << list.dump(2) << "\n";
}

void withdrawToken(PkiDirectory& directory, const std::string& id, Form form) {
  TokenRecord record = PkiTokens(directory).revoke(id);
  if (form == Form::kJson) {
    std::cout
        << Json{{"withdrawn", record.id}, {"node", record.node}, {"used", record.used()}}.dump(2)
        << "\n";
  } else {
    std::cout << "withdrawn: " << record.id << " for " << record.node
              << (record.used() ? "; its certificate stays valid until it is revoked" : "") << "\n";
  }
}

void serveEnrolment(PkiDirectory& directory, const ServeOptions& options, Form form) {
  int64_t lastsNs = durationOf("--for", options.lasts, kSecond);
  if (options.count < 0) throw CommandError(kExitUsage, "--count: wanted a number of nodes");
  PkiTokens tokens(directory);
  tokens.finishInterrupted();
  EnrolmentServerOptions given =
      tokens.serverOptions(options.listen, std::chrono::nanoseconds(lastsNs));
  given.answer = [&tokens, form](const EnrolmentAsk& ask) {
    EnrolmentReply reply = tokens.redeem(ask);
    if (reply.reason == EnrolmentReason::kNone) printEnrolled(ask, reply, form);
    return reply;
  };
  auto until = std::chrono::steady_clock::now() + std::chrono::nanoseconds(lastsNs);
  EnrolmentServer server(std::move(given));
  if (form == Form::kJson) {
    std::cout << Json{{"listening", server.endpoint()}}.dump() << std::endl;
  } else {
    std::cout << "listening on " << server.endpoint() << " for " << support::durationText(lastsNs)
              << std::endl;
  }
  size_t enrolled = server.run(static_cast<size_t>(options.count), until);
  if (enrolled < static_cast<size_t>(options.count)) {
    throw CommandError(kExitUnavailable, "only " + std::to_string(enrolled) + " of " +
                                             std::to_string(options.count) +
                                             " nodes asked in time");
  }
}

}  // namespace harness
