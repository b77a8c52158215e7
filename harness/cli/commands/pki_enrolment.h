// The actions of `muster pki` by which new nodes get certificates over the network: what they take,
// and what they print. The tokens themselves are in harness/pki/tokens.h.
#pragma once

#include <stdint.h>

#include <string>
#include <vector>

#include "harness/pki/directory.h"

namespace harness {

struct TokenOptions {
  std::string node;
  std::vector<std::string> names;
  int64_t days = 0;
  std::string valid;  // A duration such as "1h".
};

struct ServeOptions {
  std::string listen;  // "ADDRESS:PORT"
  std::string lasts;   // A duration such as "10m".
  int64_t count = 0;   // Of nodes, after which it ends; 0: any.
};

enum class Form { kText, kJson };

// Throw CommandError.
void makeToken(PkiDirectory& directory, const TokenOptions& options, Form form);
void showTokens(PkiDirectory& directory, Form form);
void withdrawToken(PkiDirectory& directory, const std::string& id, Form form);
void serveEnrolment(PkiDirectory& directory, const ServeOptions& options, Form form);

// "2026-11-21T04:00:00Z"
std::string dayText(int64_t seconds);

}  // namespace harness
