#include "harness/runner/wrapper.h"

#include <filesystem>

#include "harness/os/files.h"

namespace harness::runner {
namespace {

constexpr size_t kTracesMax = 1000;

}  // namespace

std::vector<std::string> wordsFor(const Wrapper& wrapper, const std::string& directory) {
  std::vector<std::string> words = wrapper.words;
  bool isNamed = false;
  for (std::string& word : words) {
    for (size_t at = 0; (at = word.find(kDirectoryWord, at)) != std::string::npos;) {
      word.replace(at, sizeof kDirectoryWord - 1, directory);
      at += directory.size();
      isNamed = true;
    }
  }
  if (isNamed) makeDirectories(directory);
  return words;
}

void noteTraces(run::RecordWriter& writer, const std::string& item, const std::string& runDirectory,
                const std::string& directory) {
  namespace fs = std::filesystem;
  size_t count = 0;
  std::error_code failed;
  for (fs::recursive_directory_iterator at(directory, failed), end; at != end && !failed;
       at.increment(failed)) {
    if (!at->is_regular_file(failed) || failed || ++count > kTracesMax) continue;
    std::string path = at->path().lexically_relative(runDirectory);
    std::string id = writer.begin("artifact", item, {{"path", path}, {"type", "trace"}});
    writer.end(id, {{"bytes", at->file_size(failed)}});
  }
  if (count <= kTracesMax) return;
  writer.add(item, "hidden", {{"count", count - kTracesMax}, {"text", "more files of a tracer"}});
}

}  // namespace harness::runner
