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

std::string lastNameOf(const std::string& path) {
  size_t end = path.find_last_not_of('/');
  if (end == std::string::npos) return "";
  size_t slash = path.find_last_of('/', end);
  size_t begin = slash == std::string::npos ? 0 : slash + 1;
  std::string name = path.substr(begin, end + 1 - begin);
  return name == "." || name == ".." ? "" : name;
}

std::string joined(const std::string& directory, const std::string& name) {
  return directory + (directory.ends_with("/") ? "" : "/") + name;
}

}  // namespace harness
