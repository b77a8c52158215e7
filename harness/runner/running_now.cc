#include "harness/runner/running_now.h"

#include <algorithm>
#include <cstdio>

#include "schema/support/base/duration.h"
#include "schema/support/base/text.h"

namespace harness::runner {
namespace {

using std::chrono::nanoseconds;

constexpr size_t kLinesShown = 8;
constexpr size_t kLineBytesMax = 200;

// "12.3 s", "9:48", "1:02:03": nobody wants to read more than tenths of a second.
std::string clockTime(nanoseconds time) {
  auto tenths = std::chrono::duration_cast<std::chrono::milliseconds>(time).count() / 100;
  char text[32];
  if (tenths < 600) return support::durationText(tenths * 100'000'000);
  auto seconds = tenths / 10;
  if (seconds < 3600) {
    std::snprintf(text, sizeof text, "%ld:%02ld", seconds / 60, seconds % 60);
  } else {
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", seconds / 3600, seconds / 60 % 60,
                  seconds % 60);
  }
  return text;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string shown(const std::string& text) {
  return support::printable(support::beginningOf(text, kLineBytesMax));
}

std::string stepText(const RunningNow& now) {
  const LiveStep& step = *now.step;
  std::string text = "  last " + step.kind;
  if (!step.node.empty()) text += " on " + shown(step.node);
  text += ": " + shown(step.text);
  return text +
         (step.hasEnded
              ? ", which has ended" + (step.outcome.empty() ? "" : ": " + shown(step.outcome))
              : ", for " + clockTime(now.stepElapsed)) +
         "\n";
}

std::string limitsText(const std::vector<RunningLimit>& limits) {
  std::string text;
  for (const RunningLimit& limit : limits) {
    if (limit.most.count() == 0) continue;
    nanoseconds left = std::max(nanoseconds(0), limit.most - limit.elapsed);
    text += (text.empty() ? "  limits: " : "; ") + limit.name + " " + clockTime(limit.most) +
            ", of which " + clockTime(left) + " are left";
  }
  return text.empty() ? "" : text + "\n";
}

std::string outputText(const std::string& output) {
  std::vector<std::string> lines;
  size_t begin = 0;
  while (begin < output.size()) {
    size_t end = std::min(output.find('\n', begin), output.size());
    lines.push_back(output.substr(begin, end - begin));
    begin = end + 1;
  }
  if (lines.empty()) return "  it has printed nothing\n";
  std::string text = "  it has printed last:\n";
  for (size_t i = lines.size() - std::min(lines.size(), kLinesShown); i < lines.size(); ++i) {
    text += "    " + shown(lines[i]) + "\n";
  }
  return text;
}

}  // namespace

std::string runningText(const RunningNow& now) {
  std::string work = workText(now);
  bool isWork = now.test.empty() && !work.empty();
  std::string text = now.test.empty() ? now.program + ": no test runs" : now.test;
  text += ", for " + clockTime(now.elapsed);
  if (isWork) text = now.program + ": " + work;
  if (now.pid > 0) text += ", process " + std::to_string(now.pid);
  text += now.nodes.empty() ? "" : ", on " + joined(now.nodes);
  text += "\n";
  if (!isWork && !work.empty()) text += "  " + work + "\n";
  if (now.step) text += stepText(now);
  text += limitsText(now.limits);
  return isWork && now.output.empty() ? text : text + outputText(now.output);
}

std::string workText(const RunningNow& now) {
  return now.work.empty() ? "" : shown(now.work) + ", " + clockTime(now.workElapsed);
}

std::string makingText(const run::NodesMaking& making) {
  std::string nodes = std::to_string(making.nodes) + (making.nodes == 1 ? " node" : " nodes");
  std::string text = "making cluster " + making.cluster;
  return making.ready ? text + ": " + std::to_string(*making.ready) + " of " + nodes
                      : text + " of " + nodes;
}

}  // namespace harness::runner
