// Decides what is said of nodes whose connection is lost while a command of theirs is waited for.
// It is given the states and the time, and says nothing by itself.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <muster/node_state.h>

namespace harness {

class SilenceNotes {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // A connection that is made again sooner than this is nobody's concern.
  static constexpr std::chrono::seconds kSilenceMax{5};

  struct Member {
    std::string node;
    muster::NodeState state;

    // Its command was begun, and has not ended. Nothing is said of others.
    bool isAwaited = false;
  };

  // Returns a line, without its end, for each member that has become silent since the last call,
  // and for each of those that is connected again. The members are the same ones in each call.
  std::vector<std::string> look(const std::vector<Member>& members, Time now);

  // Tells whether the last call found a member silent.
  bool isAnySilent() const { return isAnySilent_; }

 private:
  std::vector<bool> said_;
  bool isAnySilent_ = false;
};

}  // namespace harness
