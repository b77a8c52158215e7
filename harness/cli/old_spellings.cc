#include "harness/cli/old_spellings.h"

namespace harness {

const std::vector<OldSpelling>& oldSpellings() {
  static const std::vector<OldSpelling> kAll = {
      {"exec", "--patience", "--connect-timeout"}, {"exec", "-p", "--prefix"},
      {"ps", "--patience", "--connect-timeout"},   {"ps", "--run", "--run-id"},
      {"kill", "--patience", "--connect-timeout"}, {"kill", "--run", "--run-id"},
      {"kill", "--timeout", "--time-limit"},       {"cp", "--patience", "--connect-timeout"},
      {"cp", "--timeout", "--time-limit"},         {"cp", "-t", "--time-limit"},
      {"nodes", "--timeout", "--connect-timeout"}, {"run", "--timeout", "--program-time-limit"},
      {"pki", "withdraw", "revoke-token"},         {"pki serve", "--for", "--duration"},
  };
  return kAll;
}

const OldSpelling* findOldSpelling(const std::string& command, const std::string& spelling) {
  for (const OldSpelling& each : oldSpellings()) {
    if (command == each.command && spelling == each.old) return &each;
  }
  return nullptr;
}

std::string noteOn(const OldSpelling& spelling) {
  return std::string(spelling.old) + " is now spelt " + spelling.now +
         "; the old spelling ends with the next release";
}

}  // namespace harness
