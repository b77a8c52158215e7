// Gives unit tests a directory of logs that they write, rotate and truncate.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "nodeagent/log/log_files.h"

namespace nodeagent::logs {

class LogDirectory {
 public:
  LogDirectory() {
    char pattern[] = "/tmp/muster-logs-XXXXXX";
    root_ = ::mkdtemp(pattern);
  }
  ~LogDirectory() { std::filesystem::remove_all(root_); }

  std::string path(const std::string& name) const { return root_ + "/" + name; }

  void append(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::app) << text;
  }
  void rename(const std::string& from, const std::string& to) const {
    std::filesystem::rename(path(from), path(to));
  }
  void copy(const std::string& from, const std::string& to) const {
    std::filesystem::copy_file(path(from), path(to));
  }
  void empty(const std::string& name) const { std::filesystem::resize_file(path(name), 0); }

 private:
  std::string root_;
};

inline std::vector<std::string> textsOf(const Part& part) {
  std::vector<std::string> texts;
  for (const Line& line : part.lines) texts.push_back(line.text);
  return texts;
}

}  // namespace nodeagent::logs
