#include "harness/run/git_state.h"

#include <chrono>

#include "harness/os/command.h"
#include "harness/os/error.h"

namespace harness::run {
namespace {

constexpr char kGit[] = "/usr/bin/git";

std::string lineOf(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

// One call tells all three: "# branch.oid …", "# branch.head …", and a line for each file.
nlohmann::json gitState() {
  nlohmann::json state = nlohmann::json::object();
  try {
    CommandLimits limits{.time = std::chrono::seconds(2), .outputBytes = 1 << 20};
    CommandResult result = runCommand(
        {kGit, "--no-optional-locks", "status", "--porcelain=v2", "--branch", "-uno"}, limits);
    if (!result.succeeded()) return state;
    for (const auto& [name, key] :
         {std::pair("# branch.oid ", "revision"), std::pair("# branch.head ", "branch")}) {
      size_t at = result.output.find(name);
      if (at == std::string::npos) continue;
      state[key] = lineOf(result.output.substr(at + std::char_traits<char>::length(name)));
    }
    bool isDirty = false;
    for (size_t at = 0; at < result.output.size();) {
      isDirty = isDirty || result.output[at] != '#';
      size_t end = result.output.find('\n', at);
      at = end == std::string::npos ? result.output.size() : end + 1;
    }
    state["dirty"] = isDirty;
  } catch (const SystemError&) {
    // There is no git here.
  }
  return state;
}

}  // namespace harness::run
