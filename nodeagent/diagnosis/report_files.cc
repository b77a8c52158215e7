#include "nodeagent/diagnosis/report_files.h"

#include <dirent.h>
#include <stdlib.h>

#include <memory>
#include <utility>

#include "nodeagent/diagnosis/core_file.h"
#include "nodeagent/os/directory.h"
#include "nodeagent/os/read_file.h"
#include "nodeagent/session/deaths.h"

namespace nodeagent::diagnosis {
namespace {

constexpr size_t kReportEntriesMax = 20'000;

void addReport(const std::string& path, int64_t sinceRealtimeNs, std::vector<FoundCrash>* reports) {
  FileTimes times = timesOf(path);
  if (!times.isRegular || times.changedRealtimeNs < sinceRealtimeNs - kStampSlackNs) return;
  FoundCrash report;
  report.source = wire::Crash::Source::REPORT;
  report.path = path;
  // A report that grows is the same one.
  report.key = "report " + path;
  report.pid = atoi(path.substr(path.rfind('.') + 1).c_str());
  auto text = readFile(path.c_str(), Deaths::kTextBytesMax);
  report.text.assign(text.begin(), text.size());
  if (!report.text.empty()) reports->push_back(std::move(report));
}

}  // namespace

std::vector<FoundCrash> findReports(const std::vector<std::string>& prefixes,
                                    int64_t sinceRealtimeNs) {
  std::vector<FoundCrash> reports;
  for (const std::string& prefix : prefixes) {
    size_t slash = prefix.rfind('/');
    std::string directory = prefix.substr(0, slash + 1);
    std::string base = prefix.substr(slash + 1) + ".";
    Directory open(opendir(directory.c_str()));
    for (size_t i = 0; open && i < kReportEntriesMax && reports.size() < kReportsMax; ++i) {
      dirent* entry = readdir(open.get());
      if (entry == nullptr) break;
      std::string name = entry->d_name;
      if (name.starts_with(base)) addReport(directory + name, sinceRealtimeNs, &reports);
    }
  }
  return reports;
}

}  // namespace nodeagent::diagnosis
