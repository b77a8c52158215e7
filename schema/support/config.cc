#include "schema/support/config.h"

#include <algorithm>
#include <set>

#include "schema/support/suggestion.h"

namespace support {
namespace {

std::string typeOf(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Map:
      return "a map";
    case YAML::NodeType::Sequence:
      return "a list";
    case YAML::NodeType::Scalar:
      return "\"" + node.Scalar() + "\"";
    default:
      return "nothing";
  }
}

}  // namespace

void ConfigReader::fail(const YAML::Node& at, const std::string& reason, size_t column) const {
  YAML::Mark mark = at.Mark();
  // A null mark is that of an empty document.
  size_t line = mark.is_null() ? 1 : static_cast<size_t>(mark.line) + 1;
  size_t first = mark.is_null() ? 1 : static_cast<size_t>(mark.column) + 1;
  throw ConfigError(path_ + ":" + std::to_string(line) + ":" + std::to_string(first + column) +
                    ": " + reason);
}

YAML::Node ConfigReader::parse(const std::string& text) const {
  try {
    std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.size() > 1) fail(documents[1], "a second document; there must be one");
    if (documents.empty()) throw ConfigError(path_ + ":1:1: the file is empty");
    expectMap(documents[0], "the file");
    return documents[0];
  } catch (const YAML::Exception& error) {
    throw ConfigError(path_ + ":" + std::to_string(error.mark.line + 1) + ":" +
                      std::to_string(error.mark.column + 1) + ": not YAML: " + error.msg);
  }
}

void ConfigReader::checkNoDuplicates(const YAML::Node& map) const {
  std::set<std::string> seen;
  for (const auto& entry : map) {
    std::string key = text(entry.first, "a key");
    if (!seen.insert(key).second) fail(entry.first, "key \"" + key + "\" is here a second time");
  }
}

void ConfigReader::checkKeys(const YAML::Node& map, const std::vector<std::string>& known) const {
  checkNoDuplicates(map);
  for (const auto& entry : map) {
    const std::string& key = entry.first.Scalar();
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      fail(entry.first, "unknown key \"" + key + "\"" + suggestion(key, known));
    }
  }
}

std::string ConfigReader::text(const YAML::Node& node, const std::string& what) const {
  if (!node.IsScalar()) fail(node, what + ": expected text and found " + typeOf(node));
  if (node.Scalar().empty()) fail(node, what + ": expected text and found none");
  return node.Scalar();
}

std::vector<std::string> ConfigReader::texts(const YAML::Node& node,
                                             const std::string& what) const {
  if (!node.IsSequence()) fail(node, what + ": expected a list and found " + typeOf(node));
  std::vector<std::string> all;
  for (const YAML::Node& each : node) all.push_back(text(each, what));
  return all;
}

void ConfigReader::expectMap(const YAML::Node& node, const std::string& what) const {
  if (!node.IsMap()) fail(node, what + ": expected a map and found " + typeOf(node));
}

size_t ConfigReader::word(const YAML::Node& node, const std::string& what,
                          const std::vector<std::string>& words) const {
  std::string given = text(node, what);
  auto found = std::find(words.begin(), words.end(), given);
  if (found == words.end()) {
    fail(node, what + ": there is no \"" + given + "\"" + suggestion(given, words));
  }
  return static_cast<size_t>(found - words.begin());
}

}  // namespace support
