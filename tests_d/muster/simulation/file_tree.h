// The files of one simulated node, below a directory of this machine, and what they may hold: the
// service of the agent is real down to the file system.
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

  // What the contents of a target may be: one of them, and whole.
  struct Target {
    std::optional<std::string> before;  // Absent: there was no file.
    std::string after;
    bool mayBeAfter = false;  // Its upload was asked to finish.
    bool isAfter = false;     // It was answered that it is.
  };

  // Where files are, and where the keeper keeps its notes.
  std::string pathOf(uint64_t token) const;
  kj::StringPtr statePath() const { return statePath_; }

  // Puts the old file there, if there is one.
  Target& make(uint64_t token, std::optional<std::string> before, std::string after);

  // What is wrong with that one now; empty: nothing.
  std::string problem(uint64_t token) const;

  // With all, and with what lies beside them, once no session is left.
  std::vector<std::string> problems() const;

  size_t openUploads() const;

  // Files as they are now stay, whatever the destructors of a keeper do that is said to be killed.
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
