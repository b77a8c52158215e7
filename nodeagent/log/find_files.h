// Finds the files that a pattern of paths stands for now, and what else lies in their directories:
// rotated files. It opens none.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "nodeagent/log/log_values.h"

namespace nodeagent::logs {

// At most this many files belong to a source.
constexpr size_t kFilesMax = 1024;
// At most this many names of a directory are looked at.
constexpr size_t kNamesMax = 16'384;

struct FoundFile {
  std::string path;
  FileId id;
  uint64_t size = 0;
  int64_t modifiedNs = 0;
};

// Fails with kind invalid unless `pattern` is absolute, has at most 4095 bytes and no NUL, and its
// last component names something.
void requirePattern(const std::string& pattern);

// Looks at directories, each once, as they are when it is first asked.
class Directories {
 public:
  // Returns the regular files of a directory by their names; links to files count. A directory that
  // cannot be read has none.
  const std::vector<FoundFile>& filesIn(const std::string& directory);

  // Returns the regular files that the pattern stands for, in order of their paths. Fails with kind
  // overloaded for over kFilesMax.
  std::vector<FoundFile> matching(const std::string& pattern);

  // Returns the rotated files of those that the pattern stands for, whether these exist at the
  // moment or not: between a rename and the next line a log has only its rotated file.
  std::vector<FoundFile> rotatedOf(const std::string& pattern);

  // Returns the directories in which the last matching() looked for names.
  const std::vector<std::string>& visited() const { return visited_; }

  // Returns why a directory could not be read, or not to its end, for each such. One that does not
  // exist is none.
  const std::map<std::string, std::string>& problems() const { return problems_; }

 private:
  std::vector<std::string> namesIn(const std::string& directory);
  void descend(const std::string& at, const std::vector<std::string>& components, size_t index,
               std::vector<FoundFile>& found);

  std::map<std::string, std::vector<FoundFile>> files_;
  std::map<std::string, std::string> problems_;
  std::vector<std::string> visited_;
  // Those of them that hold the files themselves.
  std::vector<std::string> holders_;
};

// Tells whether `name` is what programs that rotate make of `base`: "app.log.1", "app.log-2026".
bool isRotatedName(const std::string& name, const std::string& base);

// Tells whether it is what they make of a name that matches the pattern.
bool isRotatedMatch(const std::string& name, const std::string& pattern);

// Tells whether a file of this name is compressed.
bool isCompressedName(const std::string& name);

std::string directoryOf(const std::string& path);
std::string nameOf(const std::string& path);

// Fills in what stat(2) says. False: it is no regular file, or it is gone.
bool look(const std::string& path, FoundFile* file);
bool look(int fd, FoundFile* file);

}  // namespace nodeagent::logs
