// Measures the floor of a ping to many nodes on one machine: for each node two processes pass a few
// bytes on over unix sockets, as an agent's front and keeper do, and do nothing else.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <vector>

namespace bench {

class Relays {
 public:
  // Starts two processes for each of `count`. Throws std::system_error.
  explicit Relays(size_t count);
  // Ends the processes.
  ~Relays();
  Relays(const Relays&) = delete;
  Relays& operator=(const Relays&) = delete;

  size_t count() const { return nodes_.size(); }

  // Asks all nodes at once, in order, and returns the seconds until the last answer has come.
  // Throws std::runtime_error if one is gone.
  double ask();

 private:
  struct Node {
    int socket = -1;
    pid_t front = -1;
  };

  void start();

  std::vector<Node> nodes_;
  int poll_ = -1;
};

}  // namespace bench
