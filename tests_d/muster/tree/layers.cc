// The table of layers: which room may include what. docs/internals/layers.md explains it.
#include <algorithm>
#include <regex>

#include "tests_d/muster/tree/comments.h"

namespace tree {
namespace {

struct Room {
  // The directory with its files and its directories that have no row of their own. The last name
  // may be "*": each directory there is a room of its own. The longest that fits counts.
  std::string path;
  std::vector<std::string> allowed;  // Prefixes of includes of ours, besides the room's own files.
  std::vector<std::string> banned;   // Prefixes of includes of others.
  // Prefixes that are not allowed although a shorter one is. The longest that fits counts.
  std::vector<std::string> refused = {};
};

const std::vector<std::string> kRpcLibraries = {"kj/", "capnp/"};
const std::vector<std::string> kNoTestLibraries = {"gtest", "gmock"};
const std::vector<std::string> kAgentBans = {"gtest", "gmock", "yaml-cpp", "spdlog"};
const std::vector<std::string> kPlainBans = {"kj/", "capnp/", "gtest", "gmock"};

std::vector<Room> schemaRooms() {
  return {
      {"schema/support/base/", {}, {"gtest", "gmock", "libvirt"}},
      {"schema/support/tls/",
       {"schema/support/base/", "schema/support/rpc/"},
       {"gtest", "gmock", "libvirt"}},
      {"schema/support/rpc/", {"schema/support/base/"}, {"gtest", "gmock", "libvirt"}},
  };
}

std::vector<Room> agentRooms() {
  return {
      {"nodeagent/main.cc", {"schema/support/", "nodeagent/"}, kAgentBans},
      {"nodeagent/no_resolver.cc", {}, kAgentBans},
      {"nodeagent/frame_index.cc", {}, kAgentBans},
      {"nodeagent/os/", {"schema/support/base/"}, kAgentBans},
      {"nodeagent/session/", {"schema/support/base/", "nodeagent/os/"}, kAgentBans},
      {"nodeagent/config/", {"schema/support/"}, kAgentBans},
      {"nodeagent/link/", {"schema/support/base/", "schema/support/tls/"}, kAgentBans},
      {"nodeagent/enrol/", {"schema/support/", "nodeagent/config/"}, kAgentBans},
      {"nodeagent/init/", {"schema/support/base/", "nodeagent/os/"}, kAgentBans},
      {"nodeagent/front/",
       {"schema/support/", "nodeagent/link/", "nodeagent/config/", "nodeagent/enrol/",
        "nodeagent/os/"},
       kAgentBans},
      {"nodeagent/shim/",
       {"schema/support/base/", "schema/support/rpc/", "nodeagent/exec/", "nodeagent/session/",
        "nodeagent/os/"},
       kAgentBans},
      {"nodeagent/keeper/",
       {"schema/support/base/", "schema/support/rpc/", "nodeagent/link/", "nodeagent/config/",
        "nodeagent/session/", "nodeagent/os/"},
       kAgentBans},
      // The one list of services, which includes each of them.
      {"nodeagent/keeper/services.cc",
       {"nodeagent/"},
       kAgentBans,
       {"nodeagent/front/", "nodeagent/shim/", "nodeagent/init/", "nodeagent/enrol/",
        "nodeagent/agent_test/"}},
      {"nodeagent/agent_test/", {"schema/support/", "nodeagent/"}, kAgentBans},
      // The file system of a fault, which runs as a process of its own.
      {"nodeagent/disk/", {"schema/support/base/", "nodeagent/os/"}, kAgentBans},
      // What a link suffers, which runs as a process of its own, too.
      {"nodeagent/relay/", {"schema/support/base/", "nodeagent/os/"}, kAgentBans},
      {"nodeagent/netfault/",
       {"schema/support/base/", "schema/support/rpc/", "nodeagent/os/", "nodeagent/session/",
        "nodeagent/disk/", "nodeagent/relay/"},
       kAgentBans},
      // A service: what one interface of the schema does on a node.
      {"nodeagent/*/",
       {"schema/support/base/", "schema/support/rpc/", "nodeagent/os/", "nodeagent/session/"},
       kAgentBans},
  };
}

// The public values, which need no connection: below everything else of the harness.
std::vector<std::string> valuesAnd(std::vector<std::string> allowed) {
  for (const char* header : {"acl",
                             "change_options",
                             "condition",
                             "deadline",
                             "facts",
                             "fault_options",
                             "file_stat",
                             "helper_conversion",
                             "helper_value",
                             "http",
                             "log_rules",
                             "log_slice",
                             "metric_rules",
                             "metric_series",
                             "node_error",
                             "node_state",
                             "outcome",
                             "process_choice",
                             "result",
                             "run_options",
                             "service_status",
                             "signal_target",
                             "text_template",
                             "transfer_result",
                             "tree_digest",
                             "write_options"}) {
    allowed.push_back("muster/" + std::string(header) + ".h");
  }
  return allowed;
}

// What the fixtures may include, which is much: they put everything together for a test.
std::vector<std::string> fixtureIncludes() {
  return {"schema/support/base/",
          "muster/",
          "harness/values/",
          "harness/rpc/controller.h",
          "harness/rpc/controller_node.h",
          "harness/rpc/diagnosis/",
          "harness/rpc/facts/facts.h",
          "harness/rpc/fault/injected_fault.h",
          "harness/rpc/fake/fake_agent.h",
          "harness/rpc/job/jobs.h",
          "harness/rpc/file/files.h",
          "harness/rpc/log/logs.h",
          "harness/api/access.h",
          "harness/collect/",
          "harness/stacks/",
          "harness/fault/",
          "harness/log/",
          "harness/metrics/",
          "harness/run/",
          "harness/match/",
          "harness/cluster/",
          "harness/os/",
          "harness/provision/choice.h",
          "harness/provision/error.h",
          "harness/provision/kinds.h",
          "harness/provision/programs.h",
          "harness/provision/provisioner.h"};
}

// What a kind of provisioner may see, built in or a program.
std::vector<std::string> kindIncludes() {
  return {"schema/support/base/",
          "harness/cluster/",
          "harness/os/",
          "harness/provision/kind.h",
          "harness/provision/provisioner.h",
          "harness/provision/error.h",
          "harness/provision/agent_files.h",
          "harness/provision/programs.h",
          "harness/provision/contract_testing.h",
          "harness/provision/choice.h",
          "harness/provision/kinds.h",
          "harness/provision/listening.h",
          "harness/provision/plan_differences.h",
          "harness/provision/boot_commands.h",
          "harness/provision/systemd_units.h",
          "harness/provision/program/backend.h",
          "harness/provision/program/serve.h",
          "harness/provision/program/program_testing.h"};
}

std::vector<Room> provisionRooms() {
  return {
      {"harness/provision/kinds.cc", {"harness/cluster/", "harness/provision/"}, kPlainBans},
      {"harness/provision/",
       {"schema/support/base/", "schema/support/tls/pki.h", "harness/cluster/", "harness/os/"},
       kPlainBans},
      // A kind of provisioner: it sees what all of them have, and no other kind. Its tests also
      // choose clusters and read cluster files.
      {"harness/provision/*/", kindIncludes(), kPlainBans},
      // Speaks with kinds that are programs, and knows none of them.
      {"harness/provision/program/", kindIncludes(), kPlainBans},
      {"harness/provision/local/hub/",
       {"harness/os/", "schema/support/base/text.h", "schema/support/base/standard_streams.h"},
       kPlainBans},
  };
}

std::vector<Room> harnessRooms() {
  return {
      {"harness/include/muster/", {"muster/"}, {"kj/", "capnp/", "libvirt", "spdlog", "yaml-cpp"}},
      {"harness/values/", valuesAnd({"schema/support/base/text.h"}), kPlainBans},
      {"harness/fault/", valuesAnd({"harness/values/"}), kPlainBans},
      {"harness/log/", valuesAnd({"harness/values/"}), kPlainBans},
      {"harness/metrics/", valuesAnd({"harness/values/", "schema/support/base/text.h"}),
       kPlainBans},
      {"harness/os/", {"schema/support/base/text.h"}, kPlainBans},
      {"harness/faultproxy/",
       {"muster/", "harness/os/fd.h", "harness/values/wait_time.h",
        "schema/support/base/endpoint.h"},
       kPlainBans},
      {"harness/rpc/",
       valuesAnd({"schema/support/", "harness/values/", "harness/fault/", "harness/os/fd.h",
                  "harness/os/resolve.h", "harness/cluster/description.h",
                  "harness/cluster/named_hosts.h"}),
       kAgentBans},
      {"harness/cluster/",
       {"schema/support/base/", "muster/log_rules.h", "harness/log/rules.h"},
       kPlainBans},
      {"harness/collect/",
       valuesAnd({"schema/support/base/", "harness/values/", "harness/cluster/",
                  "harness/rpc/controller.h", "harness/rpc/controller_node.h", "harness/rpc/file/",
                  "harness/rpc/job/", "harness/rpc/fake/fake_agent.h"}),
       kPlainBans},
      {"harness/pki/", {"schema/support/", "harness/os/"}, kNoTestLibraries},
      {"harness/api/",
       {"muster/", "harness/values/", "harness/fault/", "harness/rpc/", "harness/cluster/"},
       kRpcLibraries},
      {"harness/helper/",
       {"muster/", "harness/values/", "harness/os/", "harness/rpc/", "harness/api/",
        "schema/support/base/text.h"},
       kRpcLibraries},
      // Runs on nodes, and is linked with nothing else of ours.
      {"harness/helper/program/",
       {"muster/helper.h", "muster/helper_conversion.h", "muster/helper_value.h",
        "harness/values/helper_codec.h"},
       kPlainBans},
      {"harness/match/", {"muster/", "harness/values/"}, kRpcLibraries},
      {"harness/fixture/", fixtureIncludes(), kRpcLibraries},
      {"harness/run/", {"harness/os/", "schema/support/base/"}, kPlainBans},
      {"harness/stacks/", {"harness/os/", "schema/support/base/"}, kPlainBans},
      {"harness/selection/", {"harness/run/", "harness/os/", "schema/support/base/"}, kPlainBans},
      {"harness/report/", {"harness/run/", "harness/os/", "schema/support/base/"}, kPlainBans},
      {"harness/history/", {"harness/run/", "harness/os/", "schema/support/base/"}, kPlainBans},
      {"harness/verdict/", {"harness/run/", "harness/os/", "schema/support/base/"}, kPlainBans},
      {"harness/runner/",
       {"harness/run/", "harness/selection/", "harness/stacks/", "harness/verdict/", "harness/os/",
        "schema/support/base/"},
       kPlainBans},
      {"harness/cli/", {"schema/support/", "muster/", "harness/"}, kPlainBans},
  };
}

std::vector<Room> testRooms() {
  return {
      // A component: it sees what any user's test sees.
      {"tests_d/*/", {"muster/muster.h", "muster/helper.h"}, kRpcLibraries},
      {"tests_d/muster/*/",
       {"muster/muster.h", "muster/helper.h", "tests_d/muster/support/"},
       kRpcLibraries},
      {"tests_d/muster/support/", {}, kPlainBans},
      // A controller whose lease is shorter than that of test programs.
      {"tests_d/muster/command/programs/",
       {"muster/muster.h", "harness/rpc/controller.h", "harness/rpc/change/changes.h",
        "harness/rpc/fault/injected_fault.h", "harness/provision/choice.h"},
       kRpcLibraries},
      // These start agents and make connections of their own, as no other test should.
      {"tests_d/muster/robustness/",
       {"muster/muster.h", "harness/rpc/controller.h", "harness/rpc/job/jobs.h",
        "harness/api/access.h", "tests_d/muster/support/"},
       kRpcLibraries},
      // These call the parsers of either side directly.
      {"tests_d/muster/fuzz/",
       {"schema/", "nodeagent/", "harness/", "muster/"},
       {"yaml-cpp", "spdlog"}},
      {"tests_d/muster/badinput/",
       {"schema/", "nodeagent/", "harness/", "muster/", "tests_d/muster/fuzz/",
        "tests_d/muster/support/"},
       {"yaml-cpp", "spdlog"}},
      // Agent and controller in one process.
      {"tests_d/muster/simulation/",
       {"schema/", "nodeagent/", "muster/", "harness/rpc/", "harness/values/",
        "tests_d/muster/support/", "harness/cluster/description.h"},
       kAgentBans},
      // A program that writes the report of records which a script has made.
      {"tests_d/muster/report_page/", {"harness/run/", "harness/report/"}, kPlainBans},
      // It reads the wire contract itself.
      {"tests_d/muster/versions/", {"schema/"}, {"yaml-cpp", "spdlog"}},
      {".cmake/", {}, {}},
      {"bench/", {"schema/", "harness/", "muster/", "nodeagent/"}, kNoTestLibraries},
      // Is a test program that is listed.
      {"bench/case/", {"muster/"}, kRpcLibraries},
  };
}

const std::vector<Room>& rooms() {
  static const std::vector<Room> kRooms = [] {
    std::vector<Room> all;
    for (const std::vector<Room>& some :
         {schemaRooms(), agentRooms(), harnessRooms(), provisionRooms(), testRooms()}) {
      all.insert(all.end(), some.begin(), some.end());
    }
    return all;
  }();
  return kRooms;
}

bool hasPrefix(const std::string& text, const std::vector<std::string>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const std::string& prefix) { return startsWith(text, prefix); });
}

size_t longestPrefix(const std::string& text, const std::vector<std::string>& prefixes) {
  size_t longest = 0;
  for (const std::string& prefix : prefixes) {
    if (startsWith(text, prefix)) longest = std::max(longest, prefix.size());
  }
  return longest;
}

bool isOurs(const std::string& include) {
  return hasPrefix(include, {"schema/", "nodeagent/", "harness/", "tests_d/", "muster/"});
}

// The directory of `path` that is `room` or, for a pattern, one of its rooms: "tests_d/glusterfs/".
// Empty: the path is not in it.
std::string ownPrefix(const Room& room, const std::string& path) {
  if (!endsWith(room.path, "*/")) return startsWith(path, room.path) ? room.path : "";
  std::string parent = room.path.substr(0, room.path.size() - 2);
  if (!startsWith(path, parent)) return "";
  size_t end = path.find('/', parent.size());
  return end == std::string::npos ? "" : path.substr(0, end + 1);
}

const Room* roomOf(const std::string& path) {
  const Room* found = nullptr;
  size_t longest = 0;
  for (const Room& room : rooms()) {
    size_t length = ownPrefix(room, path).size();
    // A room by name counts before a pattern of the same length.
    bool named = length == longest && found && endsWith(found->path, "*/");
    if (length > longest || (length > 0 && named)) {
      found = &room;
      longest = length;
    }
  }
  return found;
}

// Who speaks the wire contract: the agent, the controller's rpc, and what both share.
bool mayUseWire(const Room& room) {
  return hasPrefix(room.path, {"schema/", "nodeagent/", "harness/rpc/", "harness/pki/"});
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
    if (own || longestPrefix(include, room.allowed) > longestPrefix(include, room.refused)) return;
    if (generated && mayUseWire(room)) return;
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
  if (startsWith(include, "spdlog/") && file.path != "schema/support/base/log.cc") {
    complaints.push_back(where + "includes <" + include +
                         ">; log through schema/support/base/log.h");
  }
  if (startsWith(include, "yaml-cpp/") && !startsWith(file.path, "schema/support/base/config")) {
    complaints.push_back(where + "includes <" + include +
                         ">; read through schema/support/base/config.h");
  }
}

// One service a file, and a schema stands on the common one alone.
void checkImports(const SourceFile& file, Complaints& complaints) {
  static const std::regex kImport("import \"([^\"]+)\"");
  std::vector<std::string> lines = linesOf(withoutComments(file, Literals::kKept));
  for (size_t line = 0; line < lines.size(); ++line) {
    std::smatch match;
    if (!std::regex_search(lines[line], match, kImport)) continue;
    if (match[1] == "common.capnp" || match[1] == "/capnp/c++.capnp") continue;
    complaints.push_back(placeOf(file, line) + "imports \"" + match[1].str() +
                         "\"; a schema may import common.capnp (docs/internals/layers.md)");
  }
}

}  // namespace

Complaints checkLayers(const SourceFile& file) {
  Complaints complaints;
  if (endsWith(file.path, ".capnp")) checkImports(file, complaints);
  if (!endsWith(file.path, ".cc") && !endsWith(file.path, ".h")) return complaints;
  static const std::regex kInclude("^#include [<\"]([^>\"]+)[>\"]");
  const Room* room = roomOf(file.path);
  if (!room) {
    complaints.push_back(file.path +
                         ":1: is in no room of the table of layers; give its directory " +
                         "a row (docs/internals/layers.md)");
  }
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
