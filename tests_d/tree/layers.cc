// The table of layers: which room may include what. docs/internals/layers.md explains it.
#include <algorithm>
#include <regex>

#include "tests_d/tree/tidy.h"

namespace tree {
namespace {

struct Room {
  std::string path;                  // Prefix of the files' paths; the longest that fits counts.
  std::vector<std::string> allowed;  // Prefixes of includes of ours, besides the room's own files.
  std::vector<std::string> banned;   // Prefixes of includes of others.
};

const std::vector<std::string> kRpcLibraries = {"kj/", "capnp/"};

const std::vector<Room>& rooms() {
  static const std::vector<Room> kRooms = {
      {"schema/support/", {"schema/"}, {"gtest", "gmock", "libvirt"}},
      {"nodeagent/os/", {"schema/"}, {"gtest", "gmock", "yaml-cpp"}},
      {"nodeagent/exec/",
       {"schema/", "nodeagent/os/", "nodeagent/session.h", "nodeagent/audit_log.h"},
       {"gtest", "gmock", "yaml-cpp"}},
      {"nodeagent/file/",
       {"schema/", "nodeagent/os/", "nodeagent/session.h", "nodeagent/audit_log.h"},
       {"gtest", "gmock", "yaml-cpp"}},
      {"nodeagent/service/",
       {"schema/", "nodeagent/os/", "nodeagent/session.h", "nodeagent/audit_log.h"},
       {"gtest", "gmock", "yaml-cpp"}},
      {"nodeagent/facts/",
       {"schema/", "nodeagent/os/", "nodeagent/session.h", "nodeagent/audit_log.h"},
       {"gtest", "gmock", "yaml-cpp"}},
      {"nodeagent/", {"schema/", "nodeagent/"}, {"gtest", "gmock", "yaml-cpp", "spdlog"}},
      {"harness/include/muster/", {"muster/"}, {"kj/", "capnp/", "libvirt", "spdlog", "yaml-cpp"}},
      {"harness/rpc/",
       {"schema/", "muster/", "harness/cluster/description.h"},
       {"gtest", "gmock", "yaml-cpp", "spdlog"}},
      {"harness/faultproxy/", {"muster/"}, kRpcLibraries},
      {"harness/match/",
       {"muster/", "harness/rpc/stubs.h", "harness/rpc/failure_text.h"},
       kRpcLibraries},
      {"harness/cluster/",
       {"schema/support/", "muster/", "harness/rpc/stubs.h"},
       {"kj/", "capnp/", "gtest", "gmock"}},
      {"harness/provision/",
       {"schema/support/", "harness/cluster/", "muster/"},
       {"kj/", "capnp/", "gtest", "gmock"}},
      {"harness/fixture/",
       {"schema/support/", "muster/", "harness/rpc/stubs.h", "harness/rpc/failure_text.h",
        "harness/match/", "harness/cluster/", "harness/provision/"},
       kRpcLibraries},
      {"harness/cli/",
       {"schema/support/", "muster/", "harness/"},
       {"kj/", "capnp/", "gtest", "gmock"}},
      // These start agents and make connections of their own, as no other test should.
      {"tests_d/faults/", {"muster/muster.h", "harness/rpc/stubs.h"}, kRpcLibraries},
      // These call the parsers of either side directly.
      {"tests_d/fuzz/", {"schema/", "nodeagent/", "harness/", "muster/"}, {"yaml-cpp", "spdlog"}},
      {"tests_d/badinput/",
       {"schema/", "nodeagent/", "harness/", "muster/", "tests_d/fuzz/"},
       {"yaml-cpp", "spdlog"}},
      // Agent and controller in one process.
      {"tests_d/simulation/",
       {"schema/", "nodeagent/", "muster/", "harness/rpc/", "harness/cluster/description.h"},
       {"gtest", "gmock", "yaml-cpp", "spdlog"}},
      {"tests_d/", {"muster/muster.h"}, kRpcLibraries},
  };
  return kRooms;
}

bool hasPrefix(const std::string& text, const std::vector<std::string>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const std::string& prefix) { return startsWith(text, prefix); });
}

bool isOurs(const std::string& include) {
  return hasPrefix(include, {"schema/", "nodeagent/", "harness/", "tests_d/", "muster/"});
}

const Room* roomOf(const std::string& path) {
  const Room* found = nullptr;
  for (const Room& room : rooms()) {
    if (startsWith(path, room.path) && (!found || room.path.size() > found->path.size())) {
      found = &room;
    }
  }
  return found;
}

// A component's own directory: "tests_d/glusterfs/". Other rooms own what is below their path.
std::string ownPrefix(const Room& room, const std::string& path) {
  if (room.path != "tests_d/") return room.path;
  return path.substr(0, path.find('/', room.path.size()) + 1);
}

void checkInclude(const SourceFile& file, size_t line, const std::string& include, const Room& room,
                  Complaints& complaints) {
  std::string where = file.path + ":" + std::to_string(line + 1) + ": ";
  bool unitTest = endsWith(file.path, "_test.cc") || endsWith(file.path, "_fixture.h") ||
                  endsWith(file.path, "_fixture.cc") || endsWith(file.path, "_testing.h") ||
                  endsWith(file.path, "_testing.cc") ||
                  file.path.find("/test_") != std::string::npos;
  if (isOurs(include)) {
    bool generated = endsWith(include, ".capnp.h");
    bool own = startsWith(include, ownPrefix(room, file.path));
    if (own || hasPrefix(include, room.allowed)) return;
    if (generated && startsWith(room.path, "nodeagent/")) return;
    complaints.push_back(where + "includes \"" + include + "\"; the room " + room.path +
                         " may not (docs/internals/layers.md)");
    return;
  }
  if (unitTest && hasPrefix(include, {"gtest", "gmock"})) return;
  if (hasPrefix(include, room.banned)) {
    complaints.push_back(where + "includes <" + include + ">; the room " + room.path +
                         " may not (docs/internals/layers.md)");
  }
}

// spdlog and yaml-cpp cost seconds a file and have one home each.
void checkHomes(const SourceFile& file, size_t line, const std::string& include,
                Complaints& complaints) {
  std::string where = file.path + ":" + std::to_string(line + 1) + ": ";
  if (startsWith(include, "spdlog/") && file.path != "schema/support/log.cc") {
    complaints.push_back(where + "includes <" + include + ">; log through schema/support/log.h");
  }
  if (startsWith(include, "yaml-cpp/") && !startsWith(file.path, "schema/support/config")) {
    complaints.push_back(where + "includes <" + include +
                         ">; read through schema/support/config.h");
  }
}

}  // namespace

Complaints checkLayers(const SourceFile& file) {
  Complaints complaints;
  if (!endsWith(file.path, ".cc") && !endsWith(file.path, ".h")) return complaints;
  static const std::regex kInclude("^#include [<\"]([^>\"]+)[>\"]");
  const Room* room = roomOf(file.path);
  bool first = true;
  std::vector<std::string> lines = linesOf(file.text);
  for (size_t line = 0; line < lines.size(); ++line) {
    std::smatch match;
    if (!std::regex_search(lines[line], match, kInclude)) continue;
    std::string include = match[1];
    if (room) checkInclude(file, line, include, *room, complaints);
    checkHomes(file, line, include, complaints);
    std::string stem = file.path.substr(0, file.path.rfind('.'));
    bool own = include == stem + ".h" || "harness/include/" + include == stem + ".h";
    if (own && !first) {
      complaints.push_back(file.path + ":" + std::to_string(line + 1) +
                           ": includes its own header late; it comes first");
    }
    first = false;
  }
  return complaints;
}

}  // namespace tree
