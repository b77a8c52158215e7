// The files of one simulated node, and the contents that they may have.
//
// They lie below a directory of this machine, because the agent's service is real down to the file
// system.
#pragma once

#include <stdint.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <kj/common.h>
#include <kj/string.h>

namespace simulation {

class FileTree {
 public:
  FileTree();
  ~FileTree();
  KJ_DISALLOW_COPY(FileTree);

  // The contents that a target may have. It must have one of them, and whole.
  struct Target {
    std::optional<std::string> before;  // Absent if there was no file.
    std::string after;
    bool mayBeAfter = false;  // The end of its upload was requested.
    bool isAfter = false;     // The node answered that it is finished.
  };

  // The path of a file, and the directory for the keeper's notes.
  std::string pathOf(uint64_t token) const;
  kj::StringPtr statePath() const { return statePath_; }

  // Makes a target, and its old file if there is one.
  Target& make(uint64_t token, std::optional<std::string> before, std::string after);

  // Says what is wrong with a target now. Empty if nothing is.
  std::string problem(uint64_t token) const;

  // Says what is wrong with all targets, and with other files beside them, once no session is left.
  std::vector<std::string> problems() const;

  size_t openUploads() const;

  // Keeps the files as they are now. A simulated SIGKILL runs the destructors of a keeper, which
  // must not reach them.
  class Kept {
   public:
    explicit Kept(FileTree& tree);
    ~Kept();
    KJ_DISALLOW_COPY(Kept);

   private:
    FileTree& tree_;
  };

 private:
  std::string base_;
  std::string files_;
  kj::String statePath_;
  std::map<uint64_t, Target> targets_;
};

}  // namespace simulation
