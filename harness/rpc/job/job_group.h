// One command on several nodes, for one plain thread that gives it input and takes its output while
// it runs, both of any size. The thread waits for what it likes besides, such as its own input.
//
//   rpc::JobGroup group(nodes, request, std::chrono::minutes(1));
//   while (!group.ended()) {
//     … poll() group.descriptor() and standard input, the latter if group.wantsInput() …
//     while (auto news = group.next()) write(news->out);
//     if (…) group.giveInput(bytes);
//   }
//
// Memory is bounded: a node's next output is asked for when the caller has taken the last, and the
// slowest node decides when there is capacity for more input.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/rpc/job/jobs.h"

namespace harness::rpc {

// Call it from one thread.
class JobGroup {
 public:
  // Begins to start the command on each of `nodes`, which are of one controller and outlive this:
  // on `fanOut` of them, and on one more each time that it is over on one. The request says whether
  // input will be given, which goes to all at once, and whether output is taken or kept. Each
  // command is left alone when `time` has passed since its own beginning, so that a node that was
  // lost keeps its place no longer than one that is there. Throws NodeError for a request that can
  // never work.
  JobGroup(const std::vector<ControllerNode*>& nodes, JobRequest request,
           std::chrono::nanoseconds time, size_t fanOut = std::numeric_limits<size_t>::max());

  // Leaves the commands that run to the end of their sessions.
  ~JobGroup();
  JobGroup(const JobGroup&) = delete;
  JobGroup& operator=(const JobGroup&) = delete;

  // What a node has to tell.
  struct News {
    size_t node = 0;

    // The number of the first process, when the command has begun to run. 0: this is other news.
    int pid = 0;

    // The bytes that have come, with JobOutput::kTake.
    std::string out;
    std::string err;
  };

  // Returns a descriptor that is readable while next() has something to return.
  int descriptor() const;

  // Returns the next news, without waiting for any.
  std::optional<News> next();

  // Every node has its answer.
  bool ended() const { return running_ == 0; }
  bool ended(size_t node) const { return members_[node].answer.has_value(); }

  // The command of this node was told to start, which `fanOut` holds back on others.
  bool begun(size_t node) const { return node < next_; }

  // Takes away the answer of a node that has one. With JobOutput::kTake its result has no output.
  RunAnswer takeAnswer(size_t node) { return std::move(*members_[node].answer); }

  // There is capacity for more input, and a command for it.
  bool wantsInput() const;
  void giveInput(std::string bytes);
  void endInput();

  // Sets the size of the terminals, soon.
  void resize(uint16_t columns, uint16_t rows);

 private:
  struct Event;
  struct Mailbox;

  // Some input, until all commands have it.
  struct Piece {
    std::shared_ptr<std::string> bytes;
    bool isLast = false;

    // Some of it is being sent, so that nothing can be added.
    bool isBegun = false;
  };

  struct Member {
    ControllerNode* node = nullptr;
    std::shared_ptr<JobState> job;

    // Set when it is told to start.
    SteadyTime until = {};
    bool isStarted = false;
    bool isWriting = false;

    // The number of the piece to be sent next.
    uint64_t piece = 0;
    std::optional<RunAnswer> answer;
  };

  template <typename Call>
  void begin(size_t node, Call call);
  void startNext();
  void pull(size_t node);
  void feed(size_t node);
  void feedAll();
  void over(size_t node, RunAnswer answer);

  std::string operation_;
  std::chrono::nanoseconds time_;
  std::vector<Member> members_;

  // The first member that was not told to start.
  size_t next_ = 0;

  // The members without an answer.
  size_t running_ = 0;

  // The pieces that not every command has, the first of which has number piecesFrom_.
  std::deque<Piece> pieces_;
  uint64_t piecesFrom_ = 0;
  bool inputEnds_ = false;

  // Shared with the calls that put events into it, which may end after this.
  std::shared_ptr<Mailbox> mailbox_;
};

}  // namespace harness::rpc
