#include "harness/metrics/series_text.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "harness/metrics/leaks.h"
#include "harness/values/table_text.h"

namespace harness::metrics {
namespace {

using Json = nlohmann::ordered_json;
using Cells = std::vector<std::string>;
using muster::MetricSample;
using muster::MetricSeries;
using muster::ProcessSeries;
using muster::ProcessUsage;

template <typename Value>
void put(Json& to, const char* key, const std::optional<Value>& value) {
  if (value) to[key] = *value;
}

void put(Json& to, const char* key, const std::optional<std::chrono::nanoseconds>& value) {
  if (value) to[key] = std::chrono::duration<double>(*value).count();
}

Json processJson(const ProcessUsage& usage) {
  Json json = {{"pid", usage.pid}, {"start_ticks", usage.startTicks}, {"name", usage.name}};
  put(json, "cpu_s", usage.cpu);
  put(json, "resident_bytes", usage.residentBytes);
  put(json, "anonymous_bytes", usage.anonymousBytes);
  put(json, "threads", usage.threads);
  put(json, "descriptors", usage.descriptors);
  put(json, "read_bytes", usage.readBytes);
  put(json, "written_bytes", usage.writtenBytes);
  return json;
}

// "2026-11-30T21:42:36.123Z"
std::string timeText(std::chrono::system_clock::time_point time) {
  auto ms = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
  std::time_t seconds = ms / 1000;
  std::tm parts{};
  char text[40];
  char fraction[16];
  if (::gmtime_r(&seconds, &parts) == nullptr ||
      std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts) == 0) {
    return std::to_string(seconds) + " s since 1970";
  }
  std::snprintf(fraction, sizeof fraction, ".%03dZ", static_cast<int>(ms % 1000));
  return std::string(text) + fraction;
}

std::string lineOf(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string percentText(const std::optional<double>& share) {
  if (!share) return "";
  char text[32];
  std::snprintf(text, sizeof text, "%.0f%%", *share * 100);
  return text;
}

// "first-last (peak)" of a number of a process.
std::string spanText(const ProcessSeries& process, std::optional<uint64_t> ProcessUsage::*value,
                     std::string (*text)(double)) {
  std::vector<double> values;
  for (const ProcessSeries::Point& point : process.points) {
    if (const auto& known = point.usage.*value) values.push_back(static_cast<double>(*known));
  }
  if (values.empty()) return "";
  return text(values.front()) + " -> " + text(values.back()) + ", peak " +
         text(*std::max_element(values.begin(), values.end()));
}

std::string countText(double count) {
  return std::to_string(static_cast<long long>(count));
}

Cells nodeCells(const MetricSeries& series) {
  std::string memory;
  std::optional<double> share;
  if (series.samples.size() >= 2) {
    share = muster::cpuShare(series.samples.front(), series.samples.back());
  }
  std::optional<uint64_t> least;
  for (const MetricSample& sample : series.samples) {
    const auto& available = sample.node.memoryAvailableBytes;
    if (available) least = std::min(least.value_or(*available), *available);
  }
  if (least) memory = bytesText(static_cast<double>(*least)) + " available at least";
  return {series.node,        "",     "(node)", std::to_string(series.samples.size()),
          percentText(share), memory, "",       ""};
}

Cells processCells(const std::string& node, const ProcessSeries& process) {
  return {node,
          std::to_string(process.pid),
          process.name,
          std::to_string(process.points.size()),
          percentText(process.cpuShare()),
          spanText(process, &ProcessUsage::anonymousBytes, bytesText),
          spanText(process, &ProcessUsage::descriptors, countText),
          spanText(process, &ProcessUsage::threads, countText)};
}

}  // namespace

Json sampleJson(const std::string& node, const MetricSample& sample) {
  const muster::NodeUsage& usage = sample.node;
  Json json = {{"node", node},
               {"at", timeText(sample.at)},
               {"since_boot_s", std::chrono::duration<double>(sample.sinceBoot).count()}};
  put(json, "processors", usage.processors);
  put(json, "cpu_busy_s", usage.busy);
  put(json, "cpu_idle_s", usage.idle);
  put(json, "load1", usage.load1);
  put(json, "memory_total_bytes", usage.memoryTotalBytes);
  put(json, "memory_available_bytes", usage.memoryAvailableBytes);
  put(json, "swap_total_bytes", usage.swapTotalBytes);
  put(json, "swap_free_bytes", usage.swapFreeBytes);
  put(json, "disk_read_bytes", usage.diskReadBytes);
  put(json, "disk_written_bytes", usage.diskWrittenBytes);
  put(json, "network_received_bytes", usage.networkReceivedBytes);
  put(json, "network_sent_bytes", usage.networkSentBytes);
  put(json, "descriptors", usage.descriptors);
  put(json, "process_count", usage.processes);
  json["processes"] = Json::array();
  for (const ProcessUsage& process : sample.processes) {
    json["processes"].push_back(processJson(process));
  }
  if (sample.processesLeftOut > 0) json["processes_left_out"] = sample.processesLeftOut;
  return json;
}

Json notesJson(const MetricSeries& series) {
  if (series.notes.empty()) return nullptr;
  return {{"node", series.node}, {"notes", series.notes}};
}

std::string jsonLines(const MetricSeries& series) {
  std::string text;
  for (const MetricSample& sample : series.samples) text += lineOf(sampleJson(series.node, sample));
  if (Json notes = notesJson(series); !notes.is_null()) text += lineOf(notes);
  return text;
}

std::string summaryTable(const std::vector<MetricSeries>& all, size_t linesMax) {
  std::vector<Cells> lines = {
      {"NODE", "PID", "PROCESS", "SAMPLES", "CPU", "MEMORY", "DESCRIPTORS", "THREADS"}};
  size_t more = 0;
  auto add = [&](Cells cells) {
    if (lines.size() > linesMax) {
      ++more;
      return;
    }
    lines.push_back(std::move(cells));
  };
  for (const MetricSeries& series : all) {
    add(nodeCells(series));
    for (const ProcessSeries& process : series.processes()) {
      add(processCells(series.node, process));
    }
  }
  std::string text = table(lines);
  if (more > 0) text += "and " + std::to_string(more) + " more lines\n";
  return text;
}

}  // namespace harness::metrics
