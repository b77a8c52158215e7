#include "harness/cli/copy_words.h"

#include "harness/cli/command_error.h"

namespace harness {

CopyWord copyWord(const std::string& word) {
  if (word.empty()) throw CommandError(kExitUsage, "an empty word is not a path");
  if (word == "-") {
    throw CommandError(
        kExitUsage,
        "\"-\": standard input and output cannot be copied; use \"muster exec NODE -i -- "
        "tee FILE\" or \"muster exec NODE -- cat FILE\". A file of that name is \"./-\"");
  }
  size_t colon = word.find(':');
  if (colon == std::string::npos || colon > word.find('/')) return {"", word};
  if (colon == 0) {
    throw CommandError(kExitUsage, "\"" + word + "\": a node is missing before the colon");
  }
  std::string path = word.substr(colon + 1);
  if (path.starts_with("/")) return {word.substr(0, colon), path};
  throw CommandError(kExitUsage, "\"" + word +
                                     "\": the path on a node must be absolute; a local file whose "
                                     "name has a colon is \"./" +
                                     word + "\"");
}

void requireArchiveWords(const std::vector<CopyWord>& words) {
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (!words[i].nodes.empty()) continue;
    throw CommandError(kExitUsage, "\"" + words[i].path +
                                       "\": with --archive the sources are files of nodes, such "
                                       "as @server:/var/log");
  }
  if (words.back().nodes.empty()) return;
  throw CommandError(kExitUsage, "\"" + words.back().nodes + ":" + words.back().path +
                                     "\": with --archive the target is a file of this machine");
}

std::string joined(const std::string& directory, const std::string& name) {
  return directory + (directory.ends_with("/") ? "" : "/") + name;
}

}  // namespace harness
