// Strict reading of YAML, for the agent's configuration and for cluster files: every error has
// file, line and column.
//
// The only place that sees yaml-cpp; what keys a document may have is its reader's business.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include <yaml-cpp/yaml.h>

namespace support {

// "PATH:LINE:COLUMN: what is wrong; what would be right".
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A document and where it came from. Throws ConfigError for everything that it does not like.
class ConfigReader {
 public:
  explicit ConfigReader(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }

  // The one document in `text`, which must be a map.
  YAML::Node parse(const std::string& text) const;

  // `column` is added to the node's own.
  [[noreturn]] void fail(const YAML::Node& at, const std::string& reason, size_t column = 0) const;

  // Every key must be in `known`, and only once.
  void checkKeys(const YAML::Node& map, const std::vector<std::string>& known) const;

  // Keys may be anything, but only once.
  void checkNoDuplicates(const YAML::Node& map) const;

  // These fail unless the node has the type; `what` names it in the text.
  std::string text(const YAML::Node& node, const std::string& what) const;  // Not empty.
  std::vector<std::string> texts(const YAML::Node& node, const std::string& what) const;
  void expectMap(const YAML::Node& node, const std::string& what) const;

  // One of `words`; their index.
  size_t word(const YAML::Node& node, const std::string& what,
              const std::vector<std::string>& words) const;

 private:
  std::string path_;
};

}  // namespace support
