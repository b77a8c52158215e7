// Sits between a group of commands and the streams of this process, until the commands have ended.
#pragma once

#include <functional>
#include <string>

#include "harness/rpc/job/job_group.h"

namespace harness {

enum class PassInput { kNo, kYes };

struct Conversation {
  // kYes: standard input is passed on as it comes, and its end too.
  PassInput input = PassInput::kNo;

  // Is given the output that has come from a node.
  std::function<void(rpc::JobGroup::News& news)> take;

  // Begins the lines on standard error, as "muster exec".
  std::string speaker;

  // Ends them; a raw terminal needs "\r\n".
  std::string lineEnd = "\n";

  // Returns why the nodes cannot come back; empty if they can. It is asked once a second while a
  // connection is missing for longer than a moment. Unset: they always can.
  std::function<std::string()> whyGone;

  // A further descriptor that is waited for, and what is done when it is readable. Negative: none.
  int watched = -1;
  std::function<void()> act;
};

// `nodes` are those of the group. Says on standard error when there is no connection to one of them
// for some seconds, since its command is waited for then. Throws CommandError with kExitIo if
// standard input cannot be read, and with kExitUnavailable if the nodes are gone; and what `take`
// and `act` throw.
void converse(rpc::JobGroup& group, const std::vector<ControllerNode*>& nodes,
              const Conversation& conversation);

}  // namespace harness
