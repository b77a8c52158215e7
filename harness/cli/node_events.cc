#include "harness/cli/node_events.h"

#include "harness/cli/history_words.h"
#include "harness/values/failure_text.h"

namespace harness {
namespace {

constexpr size_t kFewNodes = 16;
constexpr std::chrono::seconds kPatience{2};

int64_t nanoseconds(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

}  // namespace

void UpPrinter::print(const UpProgress& progress, Clock::time_point now) {
  if (progress.event && progress.nodes <= kFewNodes) {
    const NodeEvent& event = *progress.event;
    stream_ << event.node << ": " << event.state
            << (event.detail.empty() ? "" : " (" + event.detail + ")") << ", after "
            << durationText(now - begin_) << std::endl;
    lastCount_ = now;
    return;
  }
  if (now - begin_ < kPatience || now - lastCount_ < kPatience) return;
  stream_ << progress.ready << " of " << progress.nodes << " nodes ready after "
          << durationText(now - begin_) << std::endl;
  lastCount_ = now;
}

std::string eventsText(const std::vector<NodeEvent>& events) {
  std::vector<std::vector<std::string>> cells = {{"TIME", "NODE", "STATE", "DETAIL"}};
  for (const NodeEvent& event : events) {
    cells.push_back({utcText(nanoseconds(event.time)), event.node, event.state, event.detail});
  }
  return table(cells);
}

Json eventsJson(const std::vector<NodeEvent>& events) {
  Json list = Json::array();
  for (const NodeEvent& event : events) {
    list.push_back({{"time", utcText(nanoseconds(event.time))},
                    {"node", event.node},
                    {"state", event.state},
                    {"detail", event.detail}});
  }
  return list;
}

}  // namespace harness
