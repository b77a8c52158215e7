// The floor of a ping to many nodes on one machine: for each of them two processes that do nothing
// but pass a few bytes on, over unix sockets, as an agent's front and keeper do.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <vector>

namespace bench {

class Relays {
 public:
  // Starts two processes for each of `count`. Throws std::system_error.
  explicit Relays(size_t count);
  ~Relays();  // Ends them.
  Relays(const Relays&) = delete;
  Relays& operator=(const Relays&) = delete;

  size_t count() const { return nodes_.size(); }

  // Seconds until the last answer has come; all are asked at once, in order. Throws
  // std::runtime_error if one is gone.
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
