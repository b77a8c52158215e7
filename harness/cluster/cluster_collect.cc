#include "harness/cluster/cluster_collect.h"

#include <algorithm>
#include <stdexcept>

#include "harness/cluster/plan.h"
#include "schema/support/base/size.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

constexpr size_t kItemsMax = 100;

// The components that would lead out of the directory here, in which a file gets its path.
bool leadsUp(const std::string& path) {
  std::string inSlashes = path + "/";
  return inSlashes.find("/../") != std::string::npos || inSlashes.find("/./") != std::string::npos;
}

std::vector<std::string> wordsOf(const Setting& command) {
  if (command.kind() == Setting::Kind::kText) {
    command.expectUtf8();
    return {"sh", "-c", command.text()};
  }
  for (const Setting& word : command.items()) word.expectUtf8();
  if (command.items().empty()) command.fail("commands: a command has no words");
  return command.texts();
}

void requireFew(const Setting& list) {
  if (list.items().size() <= kItemsMax) return;
  list.fail(list.name() + ": " + std::to_string(list.items().size()) + " of them, at most " +
            std::to_string(kItemsMax) + " are possible");
}

void add(CollectWish& wish, const ClusterCollect::Part& part) {
  wish.files.insert(wish.files.end(), part.files.begin(), part.files.end());
  wish.commands.insert(wish.commands.end(), part.commands.begin(), part.commands.end());
  if (part.bytesMax > 0) wish.bytesMax = part.bytesMax;
}

}  // namespace

std::string collectFileProblem(const std::string& pattern) {
  if (!pattern.starts_with('/')) return "is to be an absolute path or a pattern of such";
  return leadsUp(pattern) ? "has . or .. among its directories" : "";
}

uint64_t collectBytesFrom(const std::string& text) {
  std::string quoted = "\"" + support::escaped(text) + "\"";
  auto bytes = support::sizeFromText(text);
  if (!bytes) throw std::invalid_argument(quoted + " is not a size such as 64MiB, 500KiB or 1GiB");
  if (*bytes == 0 || *bytes > CollectWish::kBytesMaxMost) {
    throw std::invalid_argument(quoted + " is not from 1 byte to 4GiB");
  }
  return *bytes;
}

void addCollect(const Setting& collect, const std::vector<std::string>& names,
                ClusterCollect& all) {
  collect.expectKeys({"files", "commands", "max_size"});
  ClusterCollect::Part part;
  part.nodes = names;
  if (const Setting* files = collect.find("files")) {
    requireFew(*files);
    for (const Setting& file : files->items()) {
      file.expectUtf8();
      std::string problem = collectFileProblem(file.text());
      if (!problem.empty()) file.fail("files: \"" + file.text() + "\" " + problem);
      part.files.push_back(file.text());
    }
  }
  if (const Setting* commands = collect.find("commands")) {
    requireFew(*commands);
    for (const Setting& command : commands->items()) part.commands.push_back(wordsOf(command));
  }
  if (const Setting* size = collect.find("max_size")) {
    try {
      part.bytesMax = collectBytesFrom(size->text());
    } catch (const std::invalid_argument& error) {
      size->fail(std::string("max_size: ") + error.what());
    }
  }
  bool isOfFile = names.empty();
  all.parts.insert(isOfFile ? all.parts.begin() : all.parts.end(), std::move(part));
}

CollectWish collectOn(const ClusterCollect& collect, const std::string& node) {
  CollectWish wish;
  for (const ClusterCollect::Part& part : collect.parts) {
    bool isMeant = part.nodes.empty() ||
                   std::find(part.nodes.begin(), part.nodes.end(), node) != part.nodes.end();
    if (isMeant) add(wish, part);
  }
  return wish;
}

}  // namespace harness
