#include "tests_d/muster/simulation/file_tree.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include <kj/debug.h>

namespace simulation {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> contentOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

FileTree::FileTree() {
  // The directory is in memory where that is possible, because a sync costs nothing there.
  std::string pattern = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  pattern += "/muster-simulation-XXXXXX";
  KJ_REQUIRE(::mkdtemp(pattern.data()) != nullptr, "no directory for the files of a node", pattern);
  base_ = pattern;
  files_ = base_ + "/files";
  statePath_ = kj::str(base_.c_str(), "/state");
  fs::create_directory(files_);
  fs::create_directory(statePath_.cStr());
}

FileTree::~FileTree() {
  std::error_code ignored;
  fs::remove_all(base_, ignored);
}

std::string FileTree::pathOf(uint64_t token) const {
  return files_ + "/" + std::to_string(token);
}

FileTree::Target& FileTree::make(uint64_t token, std::optional<std::string> before,
                                 std::string after) {
  if (before) std::ofstream(pathOf(token), std::ios::binary) << *before;
  Target& target = targets_[token];
  target.before = std::move(before);
  target.after = std::move(after);
  return target;
}

std::string FileTree::problem(uint64_t token) const {
  const Target& target = targets_.at(token);
  auto content = contentOf(pathOf(token));
  bool isBefore = content == target.before;
  bool isAfter = content && *content == target.after;
  if (isAfter && (target.mayBeAfter || isBefore)) return "";
  if (isBefore && !target.isAfter) return "";
  std::string name = "file " + std::to_string(token) + ": ";
  if (isBefore) return name + "is the old one, and the new one was said to be there";
  if (isAfter) return name + "is the new one, and nobody finished its upload";
  return name + (content ? "neither the old nor the new one" : "gone");
}

std::vector<std::string> FileTree::problems() const {
  std::vector<std::string> all;
  for (const auto& [token, target] : targets_) {
    std::string wrong = problem(token);
    if (!wrong.empty()) all.push_back(wrong);
  }
  for (const auto& entry : fs::directory_iterator(files_)) {
    std::string name = entry.path().filename();
    if (name[0] == '.') all.push_back("left beside the files: " + name.substr(0, 8) + "…");
  }
  return all;
}

size_t FileTree::openUploads() const {
  size_t count = 0;
  for (const auto& entry : fs::directory_iterator(files_)) {
    count += entry.path().filename().native()[0] == '.' ? 1 : 0;
  }
  return count;
}

// The destructors of the keeper reach the directory that they have open. From now on the tree is
// another directory, with links to the same files.
FileTree::Kept::Kept(FileTree& tree) : tree_(tree) {
  fs::rename(tree_.files_, tree_.base_ + "/dead");
  fs::create_directory(tree_.files_);
  for (const auto& entry : fs::directory_iterator(tree_.base_ + "/dead")) {
    fs::create_hard_link(entry.path(), tree_.files_ / entry.path().filename());
  }
}

FileTree::Kept::~Kept() {
  std::error_code ignored;
  fs::remove_all(tree_.base_ + "/dead", ignored);
}

}  // namespace simulation
