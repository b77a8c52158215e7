#include "tests_d/muster/docs/steps.h"

#include <fstream>
#include <regex>
#include <sstream>

#include "tests_d/muster/support/patch.h"

namespace docs {
namespace {

[[noreturn]] void fail(size_t line, const std::string& what) {
  throw StepError("line " + std::to_string(line) + ": " + what);
}

bool isFence(const std::string& line) {
  return line.compare(0, 3, "```") == 0;
}

std::string contentOf(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

void write(const Step& step, const std::filesystem::path& path, const std::string& content) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream stream(path, std::ios::binary);
  stream << content;
  stream.close();
  if (!stream) fail(step.line, "cannot write " + path.string());
}

// Reads the document line by line.
class Reader {
 public:
  std::vector<Step> read(const std::string& document) {
    std::istringstream lines(document);
    for (std::string line; std::getline(lines, line);) {
      ++number_;
      if (isInBlock_) {
        readBlockLine(line);
      } else if (isFence(line)) {
        isInBlock_ = true;
        begin(line);
      } else {
        readProse(line);
      }
    }
    if (isInBlock_) fail(steps_.back().line, "the block has no end");
    requireNothingAnnounced();
    if (!steps_.empty() && isForReader_) steps_.pop_back();
    return std::move(steps_);
  }

 private:
  void readBlockLine(const std::string& line) {
    if (isFence(line)) {
      isInBlock_ = false;
    } else {
      steps_.back().text += line + "\n";
    }
  }

  void begin(const std::string& fence) {
    if (isForReader_) steps_.pop_back();
    isForReader_ = fence == "```text";
    steps_.push_back({kindOf(fence), number_, path_, ""});
    path_.clear();
  }

  Step::Kind kindOf(const std::string& fence) {
    if (!path_.empty()) return Step::Kind::kMake;
    if (fence == "```diff") return Step::Kind::kChange;
    if (fence == "```sh" || isForReader_) return Step::Kind::kRun;
    fail(number_, "no step: give it a path, or mark it \"diff\", \"sh\" or \"text\"");
  }

  void readProse(const std::string& line) {
    static const std::regex kPath("`([^` ]+)`:?");
    std::smatch match;
    if (!line.empty()) requireNothingAnnounced();
    if (!std::regex_match(line, match, kPath)) return;
    path_ = match[1];
    pathLine_ = number_;
  }

  void requireNothingAnnounced() {
    if (!path_.empty()) fail(pathLine_, "no block follows " + path_);
  }

  size_t number_ = 0;
  std::vector<Step> steps_;
  bool isInBlock_ = false;
  bool isForReader_ = false;  // The last one of `steps_` is for the reader only, and no step.
  std::string path_;          // The file that the next block becomes.
  size_t pathLine_ = 0;
};

}  // namespace

std::vector<Step> stepsOf(const std::string& document) {
  return Reader().read(document);
}

void follow(const Step& step, const std::filesystem::path& root) {
  if (step.kind == Step::Kind::kMake) {
    if (std::filesystem::exists(root / step.path)) fail(step.line, step.path + " is there already");
    return write(step, root / step.path, step.text);
  }
  if (step.kind != Step::Kind::kChange) fail(step.line, "a command is run, not followed");
  try {
    for (const auto& change : muster_tests::parsePatch(step.text).changes) {
      std::filesystem::path path = root / change.path;
      write(step, path, muster_tests::changed(change, contentOf(path)));
    }
  } catch (const muster_tests::PatchError& error) {
    fail(step.line, std::string("of its block, ") + error.what());
  }
}

}  // namespace docs
