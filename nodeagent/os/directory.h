// Holds a directory that is being read, and closes it.
//
//   Directory tasks(opendir("/proc/self/task"));
//   while (dirent* entry = tasks ? readdir(tasks.get()) : nullptr) ...
#pragma once

#include <dirent.h>

#include <memory>

namespace nodeagent {

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

// It is null if the directory could not be opened; errno has the reason.
using Directory = std::unique_ptr<DIR, CloseDirectory>;

}  // namespace nodeagent
