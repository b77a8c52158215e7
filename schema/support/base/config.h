// Reads YAML strictly, for the agent's configuration and for cluster files. Every error has file,
// line and column.
//
// This is the only place that sees yaml-cpp. It does not know which keys a document may have: its
// callers say so.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include <yaml-cpp/yaml.h>

namespace support {

// The text has the form "PATH:LINE:COLUMN: what is wrong; what would be right".
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Reads one document and remembers its path for errors. Every method throws ConfigError for a
// document that is not as asked for.
class ConfigReader {
 public:
  explicit ConfigReader(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }

  // Parses the one document in `text`, which must be a map.
  YAML::Node parse(const std::string& text) const;

  // Throws a ConfigError that points at `at`; `column` is added to the node's own.
  [[noreturn]] void fail(const YAML::Node& at, const std::string& reason, size_t column = 0) const;

  // Fails unless every key of `map` is in `known` and stands there only once.
  void checkKeys(const YAML::Node& map, const std::vector<std::string>& known) const;

  // Fails if a key stands in `map` twice. Keys may be anything.
  void checkNoDuplicates(const YAML::Node& map) const;

  // The following fail unless the node has the type; `what` names the node in the text. `text` and
  // the items of `texts` are never empty.
  std::string text(const YAML::Node& node, const std::string& what) const;
  std::vector<std::string> texts(const YAML::Node& node, const std::string& what) const;
  void expectMap(const YAML::Node& node, const std::string& what) const;

  // Returns the index in `words` of the node's text; fails if it is none of them.
  size_t word(const YAML::Node& node, const std::string& what,
              const std::vector<std::string>& words) const;

 private:
  std::string path_;
};

}  // namespace support
