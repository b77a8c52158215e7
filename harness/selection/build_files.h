// Tells of which files programs are made, by the graph and the dependency log of ninja. It builds
// nothing.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace harness::selection {

// The files that were compiled into one object of a program: its source, and what that includes.
using ObjectFiles = std::set<std::string>;

struct ProgramFiles {
  // By the absolute path of each object's source.
  std::map<std::string, ObjectFiles> objects = {};

  // What else the program is made of: sources of generated files, libraries.
  std::set<std::string> others = {};

  // Why the list may lack files. Empty: it does not.
  std::string problem = {};
};

// Returns the build directory of ninja in which a program stands. Empty: there is none.
std::string buildDirectoryOf(const std::string& program);

// Returns the files of a program of a build directory. All paths are absolute.
ProgramFiles filesOf(const std::string& buildDirectory, const std::string& program);

}  // namespace harness::selection
