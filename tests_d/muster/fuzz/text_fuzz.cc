// Fuzzes the texts of peers that people read.
//
// Lines of the audit log must be valid JSON of a bounded size, escaped values must not break out of
// a line, and the role in a certificate must be a known one.
#include <kj/debug.h>
#include <nlohmann/json.hpp>

#include "nodeagent/os/clock.h"
#include "nodeagent/session/audit_log.h"
#include "schema/support/base/text.h"
#include "schema/support/base/wire_error.h"
#include "schema/support/tls/tls.h"
#include "tests_d/muster/fuzz/target.h"

namespace {

void checkAudit(const std::string& identity, const std::string& first, const std::string& second) {
  kj::EventLoop loop;
  kj::TimerImpl timer(kj::origin<kj::TimePoint>());
  nodeagent::ManualClock clock;
  nodeagent::Session::Options options;
  options.identity = kj::str(identity.c_str());
  auto session = kj::refcounted<nodeagent::Session>(kj::mv(options), clock, timer);
  std::string line =
      nodeagent::auditLine(clock, *session, "jobs.run", {{"argv", first}, {"path", second}});
  KJ_ASSERT(line.size() <= 8192 && line.find('\n') == std::string::npos);
  for (unsigned char c : line) KJ_ASSERT(c >= 0x20 && c < 0x7f);
  nlohmann::json parsed = nlohmann::json::parse(line);
  KJ_ASSERT(parsed.at("op") == "jobs.run" || parsed.dump().find("jobs.run") != std::string::npos);
}

void checkEscaped(const std::string& text) {
  for (unsigned char c : support::escaped(text)) KJ_ASSERT(c >= 0x20 && c != 0x7f && c != '\n');
}

void checkIdentity(const std::string& name) {
  auto refused = kj::runCatchingExceptions([&]() {
    support::Identity identity =
        support::identityFromCommonName(kj::StringPtr(name.c_str(), name.size()));
    KJ_ASSERT(identity.name == name && identity.role != wire::Role::UNSPECIFIED);
    KJ_ASSERT(name.size() <= 80 && name.find('\0') == std::string::npos);
  });
  KJ_IF_MAYBE (exception, refused) fuzz::expectTyped(*exception);
}

}  // namespace

MUSTER_FUZZ_TARGET(text) {
  std::string identity = input.text(), first = input.text(16384);
  auto rest = input.rest();
  std::string second(reinterpret_cast<const char*>(rest.begin()), rest.size());
  checkAudit(identity, first, second);
  checkEscaped(first);
  checkEscaped(second);
  checkIdentity(identity);
  checkIdentity(second);
}
