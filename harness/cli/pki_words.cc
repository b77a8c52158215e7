#include "harness/cli/pki_words.h"

#include <cstdlib>
#include <ctime>
#include <iostream>

namespace harness {

PkiDirectory openDirectory(const Arguments& arguments) {
  if (arguments.has(kPkiDirectory)) return PkiDirectory(arguments[kPkiDirectory]);
  const char* environment = std::getenv("MUSTER_PKI");
  return PkiDirectory(environment != nullptr && *environment != '\0' ? environment : "pki");
}

void print(const Issued& issued, const Arguments& arguments) {
  if (arguments[kJson]) {
    printJson(jsonOf(issued));
    return;
  }
  std::cout << issued.certificate << "\n";
  if (!issued.key.empty() && issued.kind != "authority") std::cout << issued.key << "\n";
}

Json jsonOf(const Issued& issued) {
  Json entry = {{"kind", issued.kind},
                {"name", issued.name},
                {"names", issued.facts.dnsNames},
                {"serial", issued.facts.mark.serial},
                {"sha256", issued.facts.mark.sha256},
                {"notBefore", timeText(issued.facts.notBeforeSeconds)},
                {"notAfter", timeText(issued.facts.notAfterSeconds)},
                {"state", issued.state},
                {"certificate", issued.certificate}};
  entry["key"] = issued.key.empty() ? Json(nullptr) : Json(issued.key);
  return entry;
}

Json jsonOf(const TokenRecord& record) {
  Json json = {{"id", record.id},         {"node", record.node},
               {"names", record.names},   {"days", record.days},
               {"state", record.state()}, {"notAfter", timeText(record.expiresSeconds)}};
  json["used"] = nullptr;
  if (record.used()) {
    auto facts = support::describeCertificate(record.certificate);
    json["used"] = {{"at", timeText(record.usedSeconds)},
                    {"from", record.usedFrom},
                    {"serial", facts ? facts->mark.serial : ""}};
  }
  return json;
}

std::string timeText(int64_t seconds) {
  std::tm parts{};
  std::time_t time = seconds;
  ::gmtime_r(&time, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace harness
