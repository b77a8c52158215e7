#include "harness/collect/collect.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>

#include <muster/node_error.h>

#include "harness/rpc/file/files.h"
#include "harness/rpc/file/path_patterns.h"
#include "harness/rpc/job/jobs.h"
#include "harness/values/at_once.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

namespace fs = std::filesystem;
using muster::FileStat;
using muster::FileType;
using muster::SymlinkPolicy;

constexpr size_t kFanOutMax = 32;
constexpr size_t kFilesMax = 1000;
constexpr uint64_t kPieceBytes = uint64_t{1} << 20;
constexpr size_t kWordBytesMax = 40;

// A command may print as much, and of all commands together half of what the node may.
constexpr uint64_t kOutputBytesMax = uint64_t{16} << 20;

// The agent takes no smaller bound of an output.
constexpr uint64_t kOutputBytesLeast = 4096;

// A command that has less time is not begun.
constexpr std::chrono::milliseconds kCommandTimeLeast{100};

// The node tells the end of a command that much later.
constexpr std::chrono::seconds kAnswerMax{5};

// Files in /proc have no size and content all the same.
constexpr uint64_t kUnsizedBytesMax = uint64_t{1} << 20;

SteadyTime in(std::chrono::nanoseconds time) {
  return std::chrono::steady_clock::now() + time;
}

std::string bytesText(uint64_t bytes) {
  return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes");
}

// A file that is to be taken, and how much of its end.
struct Chosen {
  std::string path;
  uint64_t size = 0;
  uint64_t wanted = 0;
};

// Gives small files all, and large ones an equal share of the rest.
void share(std::vector<Chosen>& files, uint64_t bytes) {
  std::vector<Chosen*> bySize;
  for (Chosen& file : files) bySize.push_back(&file);
  std::stable_sort(bySize.begin(), bySize.end(),
                   [](const Chosen* a, const Chosen* b) { return a->size < b->size; });
  for (size_t i = 0; i < bySize.size(); ++i) {
    uint64_t most = bytes / (bySize.size() - i);
    uint64_t size = bySize[i]->size == 0 ? kUnsizedBytesMax : bySize[i]->size;
    bySize[i]->wanted = std::min(size, most);
    // What a file without a size takes is not known before.
    bytes -= std::min(bytes, bySize[i]->size == 0 ? 0 : bySize[i]->wanted);
  }
}

// Takes what is wished from one node.
class NodeCollector {
 public:
  NodeCollector(const CollectFrom& from, fs::path directory, SteadyTime until)
      : node_(*from.node),
        wish_(from.wish),
        directory_(std::move(directory)),
        until_(until),
        left_(from.wish.bytesMax) {
    collected_.node = node_.description().name;
  }

  Collected run() {
    try {
      fs::create_directories(directory_);
      collected_.isReached = isReached();
      if (collected_.isReached) {
        takeOutputs();
        takeFiles();
      }
      writeNote();
    } catch (const std::exception& error) {
      gap(error.what());
    }
    return std::move(collected_);
  }

 private:
  void gap(const std::string& text) { collected_.gaps.push_back(support::printable(text)); }
  void took(const std::string& text) { taken_.push_back(support::printable(text)); }

  // A node that refuses this question may still answer others; one that is frozen does not.
  bool isReached() {
    using Kind = muster::NodeError::Kind;
    try {
      node_.awaitConnected(std::min(until_, in(kCollectReachMax)));
      rpc::Files(node_).stat("/", SymlinkPolicy::kFollow, std::min(until_, in(kCollectReachMax)));
      return true;
    } catch (const muster::NodeError& error) {
      if (error.kind() != Kind::kUnreachable && error.kind() != Kind::kTimeout) return true;
      gap(std::string("nothing was taken: ") + error.what());
      return false;
    }
  }

  bool isOver() const { return std::chrono::steady_clock::now() >= until_; }

  // Commands that hang must leave time for the files.
  void takeOutputs() {
    uint64_t most = left_ / 2;
    auto begin = std::chrono::steady_clock::now();
    SteadyTime end = begin + (until_ - begin) / 2;
    for (size_t i = 0; i < wish_.commands.size(); ++i) {
      const std::vector<std::string>& argv = wish_.commands[i];
      std::string name = argvText(argv);
      std::chrono::nanoseconds left = end - std::chrono::steady_clock::now();
      if (left < kCommandTimeLeast) {
        gap("command " + name + " was not run: the time for commands is over");
        continue;
      }
      try {
        JobRequest request;
        request.argv = argv;
        request.options.deadline = std::min<std::chrono::nanoseconds>(kCollectCommandMax, left);
        uint64_t bytes = takeOutput(std::move(request), i, std::min(most, kOutputBytesMax));
        most -= std::min(most, bytes);
      } catch (const std::exception& error) {
        gap("command " + name + ": " + error.what());
      }
    }
  }

  uint64_t takeOutput(JobRequest request, size_t index, uint64_t bytesMax) {
    const std::vector<std::string> argv = request.argv;
    request.options.grace = std::chrono::nanoseconds(0);
    request.options.outputBytesMax = std::max(bytesMax, kOutputBytesLeast);
    request.options.overflow = muster::OutputOverflow::kKeepTail;
    request.options.stderrTo = muster::StderrTo::kStdout;
    request.options.lifetime = muster::CommandLifetime::kSession;
    SteadyTime answerBy = std::min(until_, in(*request.options.deadline + kAnswerMax));
    muster::Result result = rpc::Jobs(node_).run(std::move(request), answerBy);
    std::string out =
        result.out.substr(result.out.size() - std::min<size_t>(result.out.size(), bytesMax));
    std::string name = commandFile(argv, index);
    write(directory_ / "commands" / name,
          "$ " + argvText(argv) + "\n" + out + "\n[" + toString(result.outcome) + "]\n");
    ++collected_.outputs;
    count(out.size());
    took("commands/" + name + ": " + bytesText(out.size()) + ", " + toString(result.outcome));
    uint64_t cut =
        result.outProducedBytes - std::min<uint64_t>(result.outProducedBytes, out.size());
    if (cut > 0) gap("commands/" + name + ": the first " + bytesText(cut) + " are left out");
    if (!result.outcome.succeeded()) gap("commands/" + name + ": " + toString(result.outcome));
    return out.size();
  }

  // "02-kvctl.txt"; a line for a shell gives its own words.
  static std::string commandFile(const std::vector<std::string>& argv, size_t index) {
    bool isLine = argv.size() == 3 && argv[0] == "sh" && argv[1] == "-c";
    std::string name;
    for (unsigned char c : isLine ? argv[2] : argv[0]) {
      bool isPlain = std::isalnum(c) != 0 || c == '-' || c == '.';
      if (!isPlain && name.ends_with('_')) continue;
      name += isPlain ? static_cast<char>(c) : '_';
    }
    std::string number = std::to_string(index + 1);
    return std::string(number.size() < 2 ? "0" : "") + number + "-" +
           name.substr(0, kWordBytesMax) + ".txt";
  }

  void takeFiles() {
    std::vector<Chosen> files = choose();
    share(files, left_);
    for (const Chosen& file : files) {
      if (isOver()) {
        gap(file.path + " was not taken: the time is over");
        continue;
      }
      try {
        takeFile(file);
      } catch (const std::exception& error) {
        gap(file.path + ": " + error.what());
      }
    }
  }

  std::vector<Chosen> choose() {
    std::vector<Chosen> files;
    std::set<std::string> known;
    for (const std::string& pattern : wish_.files) {
      std::vector<std::string> paths = pathsOf(pattern);
      if (paths.empty()) took(pattern + ": there is none");
      for (const std::string& path : paths) {
        if (!known.insert(path).second) continue;
        if (files.size() == kFilesMax) {
          gap(pattern + ": there are more than " + std::to_string(kFilesMax) + " files");
          return files;
        }
        look(path, files);
      }
    }
    return files;
  }

  std::vector<std::string> pathsOf(const std::string& pattern) {
    try {
      return expandPattern(pattern,
                           [this](const std::string& directory) { return namesIn(directory); });
    } catch (const std::exception& error) {
      gap(pattern + ": " + error.what());
      return {};
    }
  }

  // A file gets its path below the directory here, whatever names a node tells.
  std::vector<std::string> namesIn(const std::string& directory) {
    std::vector<std::string> names;
    try {
      for (const muster::FileEntry& entry : rpc::Files(node_).list(directory, until_)) {
        bool isName = entry.name.find('/') == std::string::npos && entry.name != ".." &&
                      entry.name != "." && !entry.name.empty();
        if (isName) names.push_back(entry.name);
      }
    } catch (const muster::NodeError& error) {
      bool isNone =
          error.kind() == muster::NodeError::Kind::kNotFound || error.errnoValue() == ENOTDIR;
      if (!isNone) throw;
    }
    return names;
  }

  void look(const std::string& path, std::vector<Chosen>& files) {
    try {
      auto stat = rpc::Files(node_).stat(path, SymlinkPolicy::kFollow, until_);
      if (!stat) return took(path + ": there is none");
      if (stat->type != FileType::kRegular) return gap(path + ": is no regular file");
      files.push_back({path, stat->size, 0});
    } catch (const std::exception& error) {
      gap(path + ": " + error.what());
    }
  }

  void takeFile(const Chosen& file) {
    fs::path target = directory_ / "files" / fs::path(file.path).lexically_normal().relative_path();
    fs::create_directories(target.parent_path());
    std::ofstream out(target, std::ios::binary);
    uint64_t offset = file.size - std::min(file.size, file.wanted);
    uint64_t begin = offset;
    // A file without a size has taken no share before.
    uint64_t wanted = file.size == 0 ? std::min(file.wanted, left_) : file.wanted;
    while (offset - begin < wanted) {
      uint64_t most = std::min(kPieceBytes, wanted - (offset - begin));
      std::string piece = rpc::Files(node_).read(file.path, offset, most, until_);
      if (piece.empty()) break;
      out.write(piece.data(), static_cast<std::streamsize>(piece.size()));
      offset += piece.size();
      count(piece.size());
    }
    out.close();
    if (!out) throw std::runtime_error("cannot be written to " + inQuotes(target.string()));
    ++collected_.files;
    took("files" + file.path + ": " + bytesText(offset - begin) + " of " + bytesText(file.size));
    if (begin > 0) gap("files" + file.path + ": the first " + bytesText(begin) + " are left out");
  }

  void count(uint64_t bytes) {
    collected_.bytes += bytes;
    left_ -= std::min(left_, bytes);
  }

  static void write(const fs::path& path, const std::string& content) {
    fs::create_directories(path.parent_path());
    std::ofstream file(path, std::ios::binary);
    file << content;
    file.close();
    if (!file) throw std::runtime_error("cannot be written to " + inQuotes(path.string()));
  }

  void writeNote() {
    std::string text = "node " + collected_.node + ", " + bytesText(collected_.bytes) +
                       " of at most " + bytesText(wish_.bytesMax) + "\n";
    for (const std::string& each : taken_) text += "  " + each + "\n";
    if (!collected_.gaps.empty()) text += "cut, failed or not to be had:\n";
    for (const std::string& each : collected_.gaps) text += "  " + each + "\n";
    write(directory_ / "collected.txt", text);
  }

  ControllerNode& node_;
  const CollectWish& wish_;
  const fs::path directory_;
  const SteadyTime until_;
  uint64_t left_;
  Collected collected_;
  std::vector<std::string> taken_;
};

}  // namespace

std::vector<Collected> collectFrom(const std::vector<CollectFrom>& all,
                                   const std::string& directory, SteadyTime until) noexcept {
  std::vector<Collected> collected(all.size());
  for (size_t i = 0; i < all.size(); ++i) collected[i].node = all[i].node->description().name;
  try {
    atOnce(all.size(), kFanOutMax, [&](size_t i) {
      fs::path own = fs::path(directory) / collected[i].node;
      collected[i] = NodeCollector(all[i], own, until).run();
    });
  } catch (const std::exception& error) {
    for (Collected& each : collected) each.gaps.push_back(error.what());
  }
  return collected;
}

std::string toString(const Collected& collected) {
  auto counted = [](size_t count, const std::string& what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
  };
  std::string text = collected.node + ": " + counted(collected.files, "file") + " and " +
                     counted(collected.outputs, "output") + ", " + bytesText(collected.bytes);
  if (!collected.gaps.empty()) text += "; " + counted(collected.gaps.size(), "gap");
  return text;
}

}  // namespace harness
