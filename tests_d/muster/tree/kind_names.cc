// One kind of provisioner is one folder and one line: no other code may ask which kind there is.
#include <algorithm>
#include <cctype>

#include "tests_d/muster/tree/tidy.h"

namespace tree {
namespace {

constexpr char kProvision[] = "harness/provision/";
constexpr char kKindHeader[] = "/kind.h";

bool isExempt(const std::string& path, const std::string& kind) {
  bool code = endsWith(path, ".cc") || endsWith(path, ".h");
  return !code || !startsWith(path, "harness/") || endsWith(path, "_test.cc") ||
         endsWith(path, "_testing.h") || path == std::string(kProvision) + "kinds.cc" ||
         startsWith(path, kProvision + kind + "/");
}

// Names by which a kind is meant: its word, its folder, and the types that are called after it.
std::vector<std::string> namesOf(const std::string& kind) {
  std::string type = kind;
  type[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(type[0])));
  return {"\"" + kind + "\"", kProvision + kind + "/", type + "Provisioner", kind + "Kind("};
}

}  // namespace

std::vector<std::string> provisionerKindsOf(const std::vector<SourceFile>& files) {
  std::vector<std::string> kinds;
  for (const SourceFile& file : files) {
    if (!startsWith(file.path, kProvision) || !endsWith(file.path, kKindHeader)) continue;
    size_t begin = std::string(kProvision).size();
    size_t end = file.path.find('/', begin);
    bool direct = file.path.substr(std::min(end, file.path.size())) == kKindHeader;
    if (direct) kinds.push_back(file.path.substr(begin, end - begin));
  }
  return kinds;
}

Complaints checkKindNames(const SourceFile& file, const std::vector<std::string>& kinds) {
  Complaints complaints;
  std::vector<std::string> lines = linesOf(file.text);
  for (const std::string& kind : kinds) {
    if (isExempt(file.path, kind)) continue;
    for (size_t line = 0; line < lines.size(); ++line) {
      for (const std::string& name : namesOf(kind)) {
        if (lines[line].find(name) == std::string::npos) continue;
        complaints.push_back(file.path + ":" + std::to_string(line + 1) +
                             ": names the kind of provisioner \"" + kind + "\" (" + name +
                             "); only its folder and kinds.cc do");
      }
    }
  }
  return complaints;
}

}  // namespace tree
