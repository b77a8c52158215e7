#include "nodeagent/os/mount_table.h"

#include <stdlib.h>

#include <algorithm>
#include <sstream>

#include "nodeagent/os/read_file.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent {
namespace {

constexpr size_t kTableBytesMax = 16 << 20;
constexpr size_t kFieldsLeast = 6;

// Undoes the \ooo by which the kernel writes blanks and backslashes.
std::string unescaped(const std::string& text) {
  auto octal = [&](size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '7'; };
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && octal(i + 1) && octal(i + 2) && octal(i + 3)) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                 (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// Two blanks have an empty field between them, such as a source without a name.
std::vector<std::string> fieldsOf(const std::string& line) {
  std::vector<std::string> fields;
  std::istringstream rest(line);
  for (std::string field; std::getline(rest, field, ' ');) fields.push_back(unescaped(field));
  return fields;
}

}  // namespace

bool readMountLine(const std::string& line, MountLine& mount) {
  // ID PARENT MAJOR:MINOR ROOT TARGET OPTIONS [FIELD...] - TYPE SOURCE SUPEROPTIONS
  std::vector<std::string> fields = fieldsOf(line);
  if (fields.size() < kFieldsLeast) return false;
  auto dash = std::find(fields.begin() + kFieldsLeast, fields.end(), "-");
  if (fields.end() - dash < 4) return false;
  mount.id = strtoull(fields[0].c_str(), nullptr, 10);
  mount.parent = strtoull(fields[1].c_str(), nullptr, 10);
  mount.root = fields[3];
  mount.target = fields[4];
  mount.options = fields[5] + "," + dash[3];
  mount.type = dash[1];
  mount.source = dash[2];
  return true;
}

std::vector<MountLine> mountLines(kj::StringPtr table) {
  std::vector<MountLine> mounts;
  std::istringstream lines(table.cStr());
  MountLine mount;
  for (std::string line; std::getline(lines, line);) {
    if (readMountLine(line, mount)) mounts.push_back(mount);
  }
  return mounts;
}

std::vector<MountLine> readMounts(kj::StringPtr path) {
  auto table = readFile(path, kTableBytesMax);
  // Even the root directory has a line.
  if (table.size() == 0 || table.size() >= kTableBytesMax) {
    support::fail(wire::Error::Kind::SYSTEM, "read ", path, ": it cannot be read to its end");
  }
  return mountLines(table);
}

}  // namespace nodeagent
