#include "harness/cli/copy_archive.h"

#include <muster/node_error.h>

#include "harness/cli/command_error.h"

namespace harness {
namespace {

constexpr int kStatusFailed = 1;

template <typename Call>
auto here(const Call& call) {
  try {
    return call();
  } catch (const muster::NodeError& error) {
    throw CommandError(kStatusFailed, error.detail());
  }
}

}  // namespace

std::unique_ptr<TarArchive> beginArchive(const std::string& path) {
  return here([&] { return std::make_unique<TarArchive>(path); });
}

void finishArchive(TarArchive& archive, const std::map<std::string, std::string>& failures,
                   muster::IfExists existing) {
  here([&] {
    for (const auto& [node, text] : failures) archive.addFailure(node, text);
    archive.publish(existing);
  });
}

}  // namespace harness
