// Keeps on disk which unix sockets the agent listens at for controllers, so that the next keeper
// removes those that a killed one has left.
#pragma once

#include <kj/string.h>

namespace nodeagent::forward {

// Its calls touch a few small files of a local file system. A keeper that cannot write there goes
// on without.
class SocketJournal {
 public:
  // `directory` is made with the first note. Empty: nothing is kept.
  explicit SocketJournal(kj::String directory) : directory_(kj::mv(directory)) {}

  // Returns whether it was not noted before, so that a caller who fails takes back only its own.
  bool note(kj::StringPtr socketPath) const;
  void drop(kj::StringPtr socketPath) const;

  // Removes the sockets that were noted and that nobody serves, and their notes.
  void recover() const;

 private:
  kj::String pathOf(kj::StringPtr socketPath) const;

  const kj::String directory_;
};

// Removes a socket's file and its lock, if it is a socket that nobody serves.
void removeDeadSocket(kj::StringPtr socketPath);

}  // namespace nodeagent::forward
