#include "nodeagent/log/container.h"

#include <errno.h>
#include <string.h>

#include <algorithm>

#include <kj/vector.h>

#include "schema/support/base/text.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::logs {
namespace {

using Kind = wire::Error::Kind;

constexpr int64_t kContainerLimitNs = 10'000'000'000;
constexpr size_t kNameBytesMax = 255;
constexpr size_t kNamesBytesMax = 16 << 10;

struct Engine {
  const char* program;
  // Prints the driver, the file and the name of a container, a line each.
  const char* format;
};
constexpr Engine kEngines[] = {
    {"podman", "{{.HostConfig.LogConfig.Type}}\n{{.HostConfig.LogConfig.Path}}\n{{.Name}}"},
    {"docker", "{{.HostConfig.LogConfig.Type}}\n{{.LogPath}}\n{{.Name}}"},
};

std::string takeLine(std::string& text) {
  size_t end = std::min(text.find('\n'), text.size());
  std::string line = text.substr(0, end);
  text.erase(0, std::min(end + 1, text.size()));
  return line;
}

ContainerOutput readOutput(std::string text, const std::string& name) {
  std::string driver = takeLine(text);
  std::string file = takeLine(text);
  std::string fullName = takeLine(text);
  // Docker's names begin with a slash.
  if (fullName.starts_with('/')) fullName.erase(0, 1);
  if (driver == "journald" && !fullName.empty()) return {"", fullName};
  if (file.starts_with('/')) return {file, ""};
  support::fail(Kind::UNSUPPORTED, "container ", name.c_str(), ": its log driver \"",
                support::escaped(driver).c_str(),
                "\" keeps neither a file nor entries of the journal; run it with k8s-file, "
                "json-file or journald");
}

}  // namespace

void requireContainer(const std::string& name) {
  bool isPlain = !name.empty() && name.size() <= kNameBytesMax && isalnum(name[0]) != 0 &&
                 std::all_of(name.begin(), name.end(), [](unsigned char character) {
                   return isalnum(character) || strchr("_.-", character) != nullptr;
                 });
  if (isPlain) return;
  support::fail(Kind::INVALID, "container \"",
                support::escaped(support::beginningOf(name, kNameBytesMax)).c_str(),
                "\": is no name or id of a container, such as kvd-1");
}

ContainerOutput outputOfContainer(const RunTool& run, const std::string& name) {
  kj::Vector<kj::String> refusals;
  for (const Engine& engine : kEngines) {
    auto argv = kj::arr(kj::str(engine.program), kj::str("container"), kj::str("inspect"),
                        kj::str("--format"), kj::str(engine.format), kj::str(name.c_str()));
    CommandOutput output{CommandOutput::Errors::kTogether, kNamesBytesMax};
    CommandResult result = run(argv, kContainerLimitNs, output);
    if (result.succeeded()) {
      auto chars = result.output.asChars();
      return readOutput(std::string(chars.begin(), chars.size()), name);
    }
    if (result.end == CommandResult::End::kNotStarted && result.value == ENOENT) continue;
    if (result.end == CommandResult::End::kDeadline) {
      support::fail(Kind::TIMEOUT, "container ", name.c_str(), ": ", engine.program, ": ",
                    describeEnd(result));
    }
    refusals.add(kj::str(engine.program, ": ", describeEnd(result)));
  }
  if (refusals.size() == 0) {
    support::fail(Kind::UNSUPPORTED, "container ", name.c_str(),
                  ": the node has neither podman nor docker");
  }
  support::fail(Kind::NOT_FOUND, "container ", name.c_str(), ": ", kj::strArray(refusals, "; "));
}

}  // namespace nodeagent::logs
