// One way of each thing: what the product does in one place is done there and nowhere else.
#include <algorithm>

#include "tests_d/muster/tree/comments.h"
#include "tests_d/muster/tree/tidy.h"

namespace tree {
namespace {

// A text that only these files may hold, of those below `where`.
struct Home {
  const char* where;
  const char* text;
  std::vector<std::string> homes;
  const char* instead;
};

const std::vector<Home>& homes() {
  static const std::vector<Home> kHomes = {
      {"harness/", "class Fd", {"harness/os/fd.h"}, "own descriptors by Fd of harness/os/fd.h"},
      {"harness/",
       "::posix_spawn(",
       {"harness/os/process.cc"},
       "start programs by spawn() of harness/os/process.h"},
      {"harness/",
       "NodeError toNodeError(",
       {"harness/rpc/failure.h", "harness/rpc/failure.cc"},
       "failures become NodeErrors by harness/rpc/failure.h"},
      {"harness/",
       "inet_pton(",
       {"harness/provision/local/"},
       "addresses are parsed by schema/support/base/endpoint.h"},
      {"nodeagent/", "inet_pton(", {}, "addresses are parsed by schema/support/base/endpoint.h"},
      {"nodeagent/",
       "SYS_clone",
       {"nodeagent/os/spawn.cc", "nodeagent/os/raw_syscall.h"},
       "start programs by Spawner of nodeagent/os/spawn.h"},
      {"nodeagent/",
       "sigfillset(",
       {"nodeagent/os/signals_blocked.h"},
       "block signals by nodeagent/os/signals_blocked.h"},
      {"schema/",
       "inet_pton(",
       {"schema/support/base/endpoint.cc", "schema/support/rpc/admission.cc"},
       "addresses are parsed by schema/support/base/endpoint.h"},
  };
  return kHomes;
}

bool isProduct(const std::string& path) {
  return isCode(path) && !endsWith(path, "_test.cc") && !endsWith(path, "_testing.h");
}

}  // namespace

Complaints checkSingleHomes(const SourceFile& file) {
  Complaints complaints;
  if (!isProduct(file.path)) return complaints;
  std::vector<std::string> lines = linesOf(withoutComments(file, Literals::kEmptied));
  for (const Home& home : homes()) {
    bool isAtHome =
        std::any_of(home.homes.begin(), home.homes.end(),
                    [&file](const std::string& allowed) { return startsWith(file.path, allowed); });
    if (isAtHome || !startsWith(file.path, home.where)) continue;
    for (size_t line = 0; line < lines.size(); ++line) {
      if (lines[line].find(home.text) == std::string::npos) continue;
      complaints.push_back(placeOf(file, line) + "\"" + home.text + "\"; " + home.instead);
    }
  }
  return complaints;
}

}  // namespace tree
