#include "harness/cli/converse.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>

#include "harness/cli/command_error.h"
#include "harness/cli/silence_notes.h"

namespace harness {
namespace {

constexpr size_t kReadBytesMax = 256 << 10;
constexpr std::chrono::milliseconds kLookEvery{1000};

// Says what is waited for, if a connection is lost.
class SilenceWatch {
 public:
  SilenceWatch(const rpc::JobGroup& group, const std::vector<ControllerNode*>& nodes,
               const Conversation& conversation)
      : group_(group), nodes_(nodes), conversation_(conversation) {}

  // May be called more often than it looks.
  void look() {
    auto now = std::chrono::steady_clock::now();
    if (now < next_) return;
    next_ = now + kLookEvery;
    std::vector<SilenceNotes::Member> members;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      // A command that fan-out holds back is not waited for: its node may be back by then.
      bool isAwaited = group_.begun(i) && !group_.ended(i);
      members.push_back({nodes_[i]->description().name, nodes_[i]->state(), isAwaited});
    }
    auto lines = notes_.look(members, now);
    if (notes_.isAnySilent()) failIfGone();
    for (const std::string& line : lines) {
      std::cerr << conversation_.speaker << ": " << line << conversation_.lineEnd << std::flush;
    }
  }

 private:
  void failIfGone() const {
    std::string why = conversation_.whyGone ? conversation_.whyGone() : "";
    if (!why.empty()) throw CommandError(kExitUnavailable, why + "; the command ended with it");
  }

  const rpc::JobGroup& group_;
  const std::vector<ControllerNode*>& nodes_;
  const Conversation& conversation_;
  SilenceNotes notes_;
  std::chrono::steady_clock::time_point next_ = {};
};

// Reads once and passes it on. Returns false at the end.
bool passInput(rpc::JobGroup& group, std::string& buffer) {
  ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
  // The descriptor may be non-blocking, because it is shared with others.
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (count < 0) {
    throw CommandError(kExitIo, std::string("read from standard input: ") + std::strerror(errno));
  }
  if (count > 0) {
    group.giveInput(buffer.substr(0, static_cast<size_t>(count)));
    return true;
  }
  group.endInput();
  return false;
}

}  // namespace

void converse(rpc::JobGroup& group, const std::vector<ControllerNode*>& nodes,
              const Conversation& conversation) {
  bool isOpen = conversation.input == PassInput::kYes;
  std::string buffer(isOpen ? kReadBytesMax : 0, '\0');
  SilenceWatch silence(group, nodes, conversation);
  while (!group.ended()) {
    bool reads = isOpen && group.wantsInput();
    // Negative descriptors are not looked at.
    pollfd polled[] = {{reads ? STDIN_FILENO : -1, POLLIN, 0},
                       {group.descriptor(), POLLIN, 0},
                       {conversation.watched, POLLIN, 0}};
    int ready = ::poll(polled, 3, static_cast<int>(kLookEvery.count()));
    silence.look();
    if (ready <= 0) continue;
    while (auto news = group.next()) conversation.take(*news);
    if (polled[2].revents != 0) conversation.act();
    if (polled[0].revents != 0) isOpen = passInput(group, buffer);
  }
}

}  // namespace harness
