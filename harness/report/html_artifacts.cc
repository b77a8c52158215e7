#include "harness/report/html_artifacts.h"

#include "harness/os/files.h"
#include "schema/support/base/text.h"

namespace harness::report {
namespace {

namespace fs = std::filesystem;

bool isBelow(const fs::path& file, const fs::path& directory) {
  fs::path relative = file.lexically_relative(directory);
  return !relative.empty() && *relative.begin() != "..";
}

std::string sizeText(size_t bytes) {
  if (bytes >= (size_t{1} << 20)) return std::to_string(bytes >> 20) + " MiB";
  return std::to_string(bytes >> 10) + " KiB";
}

}  // namespace

HtmlArtifacts::HtmlArtifacts(std::string directory, std::string report, Limits limits,
                             Totals& totals)
    : limits_(limits), totals_(totals) {
  std::error_code error;
  directory_ = fs::weakly_canonical(directory, error);
  report_ = fs::weakly_canonical(fs::absolute(report, error), error);
}

Json HtmlArtifacts::linked(const fs::path& file, const std::string& why) const {
  std::string link = file.lexically_relative(report_.parent_path());
  return {{"link", support::printable(link)}, {"why", why}};
}

// The record may name any path: links are followed before it is judged where the file lies.
Json HtmlArtifacts::take(const std::string& path, HtmlBlocks& blocks) {
  ++totals_.count;
  std::error_code error;
  fs::path file = fs::weakly_canonical(directory_ / path, error);
  if (error || !isBelow(file, directory_)) return {{"why", "it is not in the run's directory"}};
  if (!fs::is_regular_file(file, error)) return {{"why", "there is no such file"}};
  size_t size = fs::file_size(file, error);
  Json taken;
  if (size > limits_.bytesMax) {
    taken = linked(file, "it is larger than " + sizeText(limits_.bytesMax));
  } else if (totals_.bytes + size > limits_.totalBytesMax) {
    taken =
        linked(file, "the report has " + sizeText(limits_.totalBytesMax) + " of artifacts already");
  } else {
    std::string content = readIfPresent(file);
    totals_.bytes += content.size();
    ++totals_.inlined;
    taken = {{"extent", toJson(blocks.add(content))}};
  }
  taken["bytes"] = size;
  return taken;
}

}  // namespace harness::report
