#include "harness/cli/metric_words.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <utility>

#include "harness/metrics/leaks.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

using muster::MetricSample;
using muster::ProcessUsage;

// The columns, whose widths are fixed, since the lines come one after the other. A longer cell
// moves those behind it.
struct Column {
  const char* name;
  int width;
};
constexpr std::array<Column, 12> kColumns = {{{"TIME", 12},
                                              {"NODE", 12},
                                              {"PID", 7},
                                              {"PROCESS", 15},
                                              {"CPU", 5},
                                              {"MEMORY", 9},
                                              {"SWAP", 9},
                                              {"READ/s", 9},
                                              {"WRITTEN/s", 9},
                                              {"RECEIVED/s", 10},
                                              {"SENT/s", 9},
                                              {"FDS", 0}}};
using Cells = std::array<std::string, kColumns.size()>;

std::string lineOf(const Cells& cells) {
  std::string line;
  for (size_t i = 0; i < kColumns.size(); ++i) {
    std::string cell = cells[i].empty() ? "-" : support::printable(cells[i]);
    size_t width = static_cast<size_t>(kColumns[i].width);
    if (cell.size() < width) cell.append(width - cell.size(), ' ');
    line += cell + (i + 1 < kColumns.size() ? "  " : "\n");
  }
  return line;
}

std::string clockText(std::chrono::system_clock::time_point time) {
  auto ms = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
  std::time_t seconds = ms / 1000;
  std::tm parts{};
  char text[32];
  if (::gmtime_r(&seconds, &parts) == nullptr) return "";
  std::snprintf(text, sizeof text, "%02d:%02d:%02d.%03d", parts.tm_hour, parts.tm_min, parts.tm_sec,
                static_cast<int>(ms % 1000));
  return text;
}

std::string percentText(const std::optional<double>& share) {
  if (!share) return "";
  char text[32];
  std::snprintf(text, sizeof text, "%.0f%%", *share * 100);
  return text;
}

std::string bytesTextOf(const std::optional<double>& bytes) {
  return bytes ? metrics::bytesText(*bytes) : "";
}

std::optional<double> difference(const std::optional<uint64_t>& all,
                                 const std::optional<uint64_t>& part) {
  if (!all || !part || *part > *all) return std::nullopt;
  return static_cast<double>(*all - *part);
}

std::string countText(const std::optional<uint64_t>& count) {
  return count ? std::to_string(*count) : "";
}

const ProcessUsage* find(const MetricSample& sample, const ProcessUsage& process) {
  auto found =
      std::find_if(sample.processes.begin(), sample.processes.end(), [&](const ProcessUsage& each) {
        return each.pid == process.pid && each.startTicks == process.startTicks;
      });
  return found == sample.processes.end() ? nullptr : &*found;
}

}  // namespace

std::string MetricLines::head() {
  Cells cells;
  for (size_t i = 0; i < kColumns.size(); ++i) cells[i] = kColumns[i].name;
  return lineOf(cells);
}

std::string MetricLines::next(const MetricSample& sample) {
  std::string text = nodeLine(sample);
  for (const ProcessUsage& process : sample.processes) text += processLine(sample, process);
  before_ = sample;
  return text;
}

std::string MetricLines::nodeLine(const MetricSample& sample) const {
  const muster::NodeUsage& now = sample.node;
  muster::NodeUsage before = before_ ? before_->node : muster::NodeUsage();
  auto time = before_ ? sample.sinceBoot - before_->sinceBoot : std::chrono::nanoseconds(0);
  auto rate = [&](std::optional<uint64_t> muster::NodeUsage::*counter) {
    return bytesTextOf(muster::ratePerSecond(before.*counter, now.*counter, time));
  };
  return lineOf({clockText(sample.at), node_, "", countText(now.processes) + " processes",
                 before_ ? percentText(muster::cpuShare(*before_, sample)) : "",
                 bytesTextOf(difference(now.memoryTotalBytes, now.memoryAvailableBytes)),
                 bytesTextOf(difference(now.swapTotalBytes, now.swapFreeBytes)),
                 rate(&muster::NodeUsage::diskReadBytes),
                 rate(&muster::NodeUsage::diskWrittenBytes),
                 rate(&muster::NodeUsage::networkReceivedBytes),
                 rate(&muster::NodeUsage::networkSentBytes), countText(now.descriptors)});
}

std::string MetricLines::processLine(const MetricSample& sample,
                                     const ProcessUsage& process) const {
  const ProcessUsage* known = before_ ? find(*before_, process) : nullptr;
  ProcessUsage before = known != nullptr ? *known : ProcessUsage();
  auto time = before_ ? sample.sinceBoot - before_->sinceBoot : std::chrono::nanoseconds(0);
  std::optional<double> share;
  if (before.cpu && process.cpu && time.count() > 0) {
    share = std::chrono::duration<double>(*process.cpu - *before.cpu) /
            std::chrono::duration<double>(time);
  }
  std::optional<double> memory;
  if (process.anonymousBytes) memory = static_cast<double>(*process.anonymousBytes);
  return lineOf(
      {clockText(sample.at), node_, std::to_string(process.pid), process.name, percentText(share),
       bytesTextOf(memory), "",
       bytesTextOf(muster::ratePerSecond(before.readBytes, process.readBytes, time)),
       bytesTextOf(muster::ratePerSecond(before.writtenBytes, process.writtenBytes, time)), "", "",
       countText(process.descriptors)});
}

}  // namespace harness
