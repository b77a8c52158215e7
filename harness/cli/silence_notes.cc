#include "harness/cli/silence_notes.h"

namespace harness {

std::vector<std::string> SilenceNotes::look(const std::vector<Member>& members, Time now) {
  said_.resize(members.size(), false);
  isAnySilent_ = false;
  std::vector<std::string> lines;
  for (size_t i = 0; i < members.size(); ++i) {
    const Member& member = members[i];
    if (!member.isAwaited) continue;
    bool isConnected = member.state.kind == muster::NodeState::Kind::kConnected;
    bool isSilent = !isConnected && now - member.state.since > kSilenceMax;
    isAnySilent_ = isAnySilent_ || isSilent;
    if (isSilent == said_[i] || (said_[i] && !isConnected)) continue;
    said_[i] = isSilent;
    lines.push_back(member.node + ": " + toString(member.state) +
                    (isSilent ? "; the command is waited for" : ""));
  }
  return lines;
}

}  // namespace harness
