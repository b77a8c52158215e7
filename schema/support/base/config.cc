#include "schema/support/base/config.h"

#include <algorithm>
#include <set>
#include <sstream>

#include <yaml-cpp/eventhandler.h>

#include "schema/support/base/suggestion.h"

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

// Notes where documents begin, so that a second one is refused at its place.
class DocumentStarts final : public YAML::EventHandler {
 public:
  std::vector<YAML::Mark> marks;

  void OnDocumentStart(const YAML::Mark& mark) override { marks.push_back(mark); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

std::string place(const std::string& path, const YAML::Mark& mark) {
  return path + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1) + ": ";
}

// Refuses NUL bytes: the kernel would read a value only up to its first NUL.
void requireNoNul(const std::string& path, const std::string& text) {
  size_t at = text.find('\0');
  if (at == std::string::npos) return;
  auto position = text.begin() + static_cast<ptrdiff_t>(at);
  size_t lineStart = text.rfind('\n', at) + 1;  // npos + 1 is 0: the first line.
  throw ConfigError(path + ":" + std::to_string(std::count(text.begin(), position, '\n') + 1) +
                    ":" + std::to_string(at - lineStart + 1) +
                    ": a NUL byte, where there must be text");
}

}  // namespace

void ConfigReader::fail(const YAML::Node& at, const std::string& reason, size_t column) const {
  YAML::Mark mark = at.Mark();
  // An empty document has a null mark.
  size_t line = mark.is_null() ? 1 : static_cast<size_t>(mark.line) + 1;
  size_t first = mark.is_null() ? 1 : static_cast<size_t>(mark.column) + 1;
  throw ConfigError(path_ + ":" + std::to_string(line) + ":" + std::to_string(first + column) +
                    ": " + reason);
}

YAML::Node ConfigReader::parse(const std::string& text) const {
  requireNoNul(path_, text);
  try {
    // The documents are counted by events and not by LoadAll, which takes some texts, such as
    // "[a],b", for documents without end.
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    DocumentStarts starts;
    while (starts.marks.size() < 2 && parser.HandleNextDocument(starts)) {
    }
    if (starts.marks.empty()) throw ConfigError(path_ + ":1:1: the file is empty");
    if (starts.marks.size() > 1) {
      throw ConfigError(place(path_, starts.marks[1]) + "a second document; there must be one");
    }
    YAML::Node document = YAML::Load(text);
    expectMap(document, "the file");
    return document;
  } catch (const YAML::Exception& error) {
    throw ConfigError(place(path_, error.mark) + "not YAML: " + error.msg);
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
